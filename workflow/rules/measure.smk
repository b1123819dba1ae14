"""From configurations to time series. The settings are part of the path: other settings never overwrite these."""


rule measure:
    input:
        configurations=f"{ENSEMBLES}/{{ensemble}}/configs/{{chunk}}.done",
    output:
        f"{ENSEMBLES}/{{ensemble}}/measure_{{settings}}/{{chunk}}.done",
    log:
        f"{LOGS}/measure/{{ensemble}}/{{settings}}/{{chunk}}.log",
    benchmark:
        f"{BENCHMARKS}/measure/{{ensemble}}/{{settings}}/{{chunk}}.tsv"
    group:
        group_of_measure
    conda:
        "../../environment.yml"
    threads: ranks
    resources:
        mpi=mpi,
        tasks=tasks,
        nodes=nodes,
        gpu=gpu,
        tasks_per_gpu=tasks_per_gpu,
        lanes=lanes_of_measure,
        mem_mb=memory_mb,
        runtime=minutes_of_measure,
    params:
        launch=launch,
        configurations=configurations,
        study=study_that_measures,
        scale=SCALE,
        ranks=ranks,
        device=DEVICE,
        out=written,
    shell:
        "{params.launch} gaugeflow measure {params.configurations:q} --study {params.study:q} --scale {params.scale:q}"
        " --ranks {params.ranks} --device {params.device} --out {params.out:q} --receipt {output:q} > {log:q} 2>&1"


rule flow:
    input:
        configurations=f"{ENSEMBLES}/{{ensemble}}/configs/{{chunk}}.done",
    output:
        f"{ENSEMBLES}/{{ensemble}}/flow_{{settings}}/{{chunk}}.done",
    log:
        f"{LOGS}/flow/{{ensemble}}/{{settings}}/{{chunk}}.log",
    benchmark:
        f"{BENCHMARKS}/flow/{{ensemble}}/{{settings}}/{{chunk}}.tsv"
    group:
        group_of_flow
    conda:
        "../../environment.yml"
    threads: ranks
    resources:
        mpi=mpi,
        tasks=tasks,
        nodes=nodes,
        gpu=gpu,
        tasks_per_gpu=tasks_per_gpu,
        lanes=lanes_of_flow,
        mem_mb=memory_mb,
        runtime=minutes_of_flow,
    params:
        launch=launch,
        configurations=configurations,
        study=study_that_flows,
        scale=SCALE,
        ranks=ranks,
        device=DEVICE,
        out=written,
    shell:
        "{params.launch} gaugeflow flow {params.configurations:q} --study {params.study:q} --scale {params.scale:q}"
        " --settings {wildcards.settings:q}"
        " --ranks {params.ranks} --device {params.device} --out {params.out:q} --receipt {output:q} > {log:q} 2>&1"
