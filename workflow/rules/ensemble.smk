"""From a study to configurations. Restart state lives in <output>.partial/ and is not an output: it survives a stop."""


rule tune:
    output:
        f"{ENSEMBLES}/{{ensemble}}/tuning.json",
    log:
        f"{LOGS}/tune/{{ensemble}}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory_mb,
        runtime=runtime_minutes,
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
    conda:
        "../../environment.yml"
    resources:
        mem_mb=catalogue_mb,
        runtime=runtime_minutes,
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
    conda:
        "../../environment.yml"
    threads: ranks
    resources:
        mpi=mpi_launcher,
        tasks=ranks,
        mem_mb=memory_mb,
        runtime=runtime_minutes,
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
