"""From a study to configurations. Restart state lives in <output>.partial/ and is not an output: it survives a stop."""


rule tune:
    output:
        f"{ENSEMBLES}/{{ensemble}}/tuning.json",
    log:
        f"{LOGS}/tune/{{ensemble}}.log",
    group:
        group_of_tune
    conda:
        "../../environment.yml"
    resources:
        gpu=card_for_tuning,
        lanes=lanes_of_tune,
        mem_mb=memory_mb,
        runtime=minutes_of_tune,
    params:
        study=study_file,
        scale=SCALE,
        device=DEVICE,
    shell:
        "gaugeflow tune {params.study:q} --ensemble {wildcards.ensemble:q} --scale {params.scale:q}"
        " --device {params.device} --out {output:q} > {log:q} 2>&1"


rule spec:
    input:
        tuning=tuning_file,
        start=start_file,
    output:
        f"{ENSEMBLES}/{{ensemble}}/spec.json",
    log:
        f"{LOGS}/spec/{{ensemble}}.log",
    conda:
        "../../environment.yml"
    params:
        study=study_file,
        scale=SCALE,
        tuning=tuning_option,
    shell:
        "gaugeflow spec {params.study:q} --ensemble {wildcards.ensemble:q} --scale {params.scale:q} {params.tuning}"
        " --out {output:q} > {log:q} 2>&1"


rule catalogue:
    input:
        spec=f"{ENSEMBLES}/{{ensemble}}/spec.json",
        files=foreign_files,
        table=position_table,
    output:
        f"{ENSEMBLES}/{{ensemble}}/configs/{{chunk}}.done",
    log:
        f"{LOGS}/catalogue/{{ensemble}}/{{chunk}}.log",
    benchmark:
        f"{BENCHMARKS}/catalogue/{{ensemble}}/{{chunk}}.tsv"
    wildcard_constraints:
        ensemble=FOREIGN,
    group:
        group_of_generate
    conda:
        "../../environment.yml"
    resources:
        lanes=lanes_of_generate,
        mem_mb=catalogue_mb,
        runtime=minutes_of_generate,
    params:
        study=study_file,
        scale=SCALE,
        chunk=chunk_number,
        out=written,
    shell:
        "gaugeflow catalogue {params.study:q} --ensemble {wildcards.ensemble:q} --scale {params.scale:q}"
        " --chunk {params.chunk} --out {params.out:q} --receipt {output:q} > {log:q} 2>&1"


rule generate:
    input:
        spec=f"{ENSEMBLES}/{{ensemble}}/spec.json",
        previous=previous_chunk,
    output:
        f"{ENSEMBLES}/{{ensemble}}/configs/{{chunk}}.done",
    log:
        f"{LOGS}/generate/{{ensemble}}/{{chunk}}.log",
    benchmark:
        f"{BENCHMARKS}/generate/{{ensemble}}/{{chunk}}.tsv"
    wildcard_constraints:
        ensemble=GENERATED,
    group:
        group_of_generate
    conda:
        "../../environment.yml"
    threads: ranks
    resources:
        mpi=mpi,
        tasks=tasks,
        nodes=nodes,
        gpu=gpu,
        tasks_per_gpu=tasks_per_gpu,
        lanes=lanes_of_generate,
        mem_mb=memory_mb,
        runtime=minutes_of_generate,
    params:
        launch=launch,
        chunk=chunk_number,
        previous=previous_option,
        ranks=ranks,
        grid=grid_option,
        acceptance_band=acceptance_band,
        device=DEVICE,
        out=written,
    shell:
        "{params.launch} gaugeflow generate {input.spec:q} --chunk {params.chunk} {params.previous}"
        " --ranks {params.ranks} {params.grid} --acceptance-band {params.acceptance_band:q}"
        " --device {params.device} --out {params.out:q} --receipt {output:q} > {log:q} 2>&1"
