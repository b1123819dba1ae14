"""What jobs of networks are made of and ask for: models by name, their data, files, ranks, memory, minutes."""

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


training_launch, training_mpi = launch_of(training_ranks), mpi_of(training_ranks)
training_tasks = tasks_of(training_ranks)


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
