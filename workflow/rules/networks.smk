"""Networks: a job that trains each model, and one that predicts all ensembles it is tested on."""

from gaugeflow.config.training_needs import (
    prediction_memory_mb,
    prediction_minutes,
    training_memory_mb,
    training_minutes,
)

PREDICTED_TOGETHER = 4


def training_owner(wildcards):
    if wildcards.model not in TRAININGS:
        raise WorkflowError(f"no study of this run has a model {wildcards.model}")
    return TRAININGS[wildcards.model]


def training_of(wildcards):
    return training_owner(wildcards)[1]


def training_study(wildcards):
    return str(training_owner(wildcards)[0].file)


def training_data(wildcards):
    return [path for ensemble in training_of(wildcards).train for path in chunk_receipts(ensemble)]


def training_ranks(wildcards):
    return training_of(wildcards).ranks


def training_launch(wildcards):
    number = training_ranks(wildcards)
    return f"{config['launcher']} -n {number}" if number > 1 else ""


def training_mpi(wildcards):
    return config["launcher"] if training_ranks(wildcards) > 1 else None


def training_tasks(wildcards):
    number = training_ranks(wildcards)
    return number if number > 1 else None


def training_cards(wildcards):
    return cards(training_ranks(wildcards), config["cards_per_node"]).get("gpu") if DEVICE != "cpu" else None


def training_mb(wildcards, attempt):
    return training_memory_mb(training_of(wildcards), attempt)


def training_runtime(wildcards, attempt):
    return training_minutes(training_of(wildcards), attempt)


def weights_file(wildcards):
    """A trained model's weights: those of this workflow, or a file that a study names."""
    training = training_of(wildcards)
    return training.file.file if training.file else f"{MODELS}/{wildcards.model}/model.safetensors"


def weights_receipt(wildcards):
    training = training_of(wildcards)
    return training.file.file if training.file else f"{MODELS}/{wildcards.model}/model.done"


def weights_hash(wildcards):
    training = training_of(wildcards)
    return f"--sha256 {training.file.sha256}" if training.file else ""


def predicted_chunks(wildcards):
    return [path for ensemble in training_of(wildcards).test for path in chunk_receipts(ensemble)]


def predicted_files(wildcards, input):
    return [data_file(str(path)) for path in input.configurations]


def predictions_folder(wildcards):
    return f"{MODELS}/{wildcards.model}/predict"


def prediction_mb(wildcards, attempt):
    return prediction_memory_mb(training_of(wildcards), PREDICTED_TOGETHER, attempt)


def prediction_runtime(wildcards, attempt):
    return prediction_minutes(training_of(wildcards), attempt)


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
