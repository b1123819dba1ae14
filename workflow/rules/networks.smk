"""Networks: a job that trains each model, and one that predicts all ensembles it is tested on."""


rule train:
    input:
        configurations=training_data,
    output:
        f"{MODELS}/{{model}}/model.done",
    log:
        f"{LOGS}/train/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{model}}.tsv"
    conda:
        "../../environment.yml"
    threads: training_ranks
    resources:
        mpi=training_mpi,
        tasks=training_tasks,
        gpu=training_cards,
        mem_mb=training_mb,
        runtime=training_runtime,
    params:
        attempts=attempts_of("train"),
        launch=training_launch,
        study=training_study,
        scale=SCALE,
        data=ENSEMBLES,
        ranks=training_ranks,
        device=DEVICE,
        out=weights_file,
    shell:
        "{params.launch} gaugeflow {params.attempts} train {params.study:q} --scale {params.scale:q}"
        " --model {wildcards.model:q} --data {params.data:q} --ranks {params.ranks} --device {params.device}"
        " --out {params.out:q} --receipt {output:q} > {log:q} 2>&1"


rule predict:
    input:
        model=weights_receipt,
        configurations=predicted_chunks,
    output:
        f"{MODELS}/{{model}}/predict.done",
    log:
        f"{LOGS}/predict/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/predict/{{model}}.tsv"
    conda:
        "../../environment.yml"
    resources:
        gpu=card_for_tuning,
        mem_mb=prediction_mb,
        runtime=prediction_runtime,
    params:
        attempts=attempts_of("predict"),
        weights=weights_file,
        sha256=weights_hash,
        files=predicted_files,
        study=training_study,
        scale=SCALE,
        batch=PREDICTED_TOGETHER,
        device=DEVICE,
        out=predictions_folder,
    shell:
        "gaugeflow {params.attempts} predict {params.weights:q} {params.files:q} {params.sha256} --study {params.study:q}"
        " --scale {params.scale:q} --batch {params.batch} --device {params.device} --out {params.out:q}"
        " --receipt {output:q} > {log:q} 2>&1"
