"""From time series to numbers, pages and the scoreboard."""


rule analyse:
    input:
        study_sources,
        configs=study_configs,
        measurements=study_measurements,
        flows=study_flows,
        models=study_models,
        predictions=study_predictions,
    output:
        f"{RESULTS}/{{study}}/results.json",
    log:
        f"{LOGS}/analyse/{{study}}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        study=study_entry,
        data=ENSEMBLES,
        trained=MODELS,
        scale=SCALE,
    shell:
        "gaugeflow analyse {params.study:q} {params.data:q} --models {params.trained:q}"
        " --scale {params.scale:q} --out {output:q} > {log:q} 2>&1"


rule report:
    input:
        figures=figure_sources,
        results=all_results,
    output:
        f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    conda:
        "../../environment.yml"
    params:
        studies=study_options,
        benchmarks=BENCHMARKS,
        job_logs=f"{LOGS}/attempts",
    shell:
        "gaugeflow report {input.results:q} {params.studies} --out {output:q} --benchmarks {params.benchmarks:q}"
        " --job-logs {params.job_logs:q} > {log:q} 2>&1"


rule tables:
    input:
        all_results,
    output:
        f"{RESULTS}/latex/numbers.tex",
    log:
        f"{LOGS}/tables.log",
    conda:
        "../../environment.yml"
    shell:
        'gaugeflow tables {input:q} --out "$(dirname {output:q})" > {log:q} 2>&1'


rule validate:
    input:
        all_results,
    output:
        f"{RESULTS}/scoreboard.csv",
    log:
        f"{LOGS}/validate.log",
    conda:
        "../../environment.yml"
    shell:
        "gaugeflow validate {input:q} --out {output:q} > {log:q} 2>&1"
