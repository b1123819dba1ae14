"""What jobs of networks ask for: memory and minutes, from counts of weights, steps and sites."""

import math

from gaugeflow.config.cost import BYTES_PER_NUMBER, links_bytes
from gaugeflow.config.needs import START_MINUTES, TIME_MARGIN
from gaugeflow.config.networks import CnnNetwork, LcnnLayer, LcnnNetwork
from gaugeflow.config.study import Ensemble
from gaugeflow.config.trainings import Training
from gaugeflow.conventions import gauge_group

PROGRAM_MB = 800  # a process with PyTorch before any field, with room
ROWS_MB = 1100  # configurations that stay in memory while a model is trained
COPIES = 12  # of a layer's fields that live at a time, gradients among them
STEP_SECONDS = 5e-3  # of a step whatever it computes
FLOP_PER_SECOND = 1e9  # of the plain PyTorch form on one core; the kernels reach a hundred times more


def weights(network: LcnnNetwork | CnnNetwork, ndim: int, n: int) -> list[int]:
    """Weights of every layer, without the head."""
    if isinstance(network, CnnNetwork):
        widths = [2 * ndim * n * n, *(layer.channels for layer in network.layers)]
        return [
            layer.channels * (before * layer.kernel_size**ndim + 1)
            for before, layer in zip(widths, network.layers, strict=False)
        ]
    planes = ndim * (ndim - 1) // 2
    widths = [
        planes * network.inputs.plaquettes + ndim * network.inputs.polyakov,
        *(layer.channels for layer in network.layers),
    ]
    return [
        layer.channels * (2 * before + 1) * (2 * before * paths(layer, ndim) + 1)
        for before, layer in zip(widths, network.layers, strict=False)
    ]


def paths(layer: LcnnLayer, ndim: int) -> int:
    """Transport paths of a layer, the site itself among them."""
    return 1 + ndim * (layer.kernel_size - 1) * (1 + layer.symmetric)


def _flop(training: Training) -> float:
    """Of one site forward: a weight mixes N^2 complex numbers, or one real one."""
    if training.network is None:
        return 0.0
    n = gauge_group(training.group).n
    each = 2.0 if isinstance(training.network, CnnNetwork) else 4.0 * n * n
    return each * sum(weights(training.network, training.ndim, n))


def training_minutes(training: Training, attempt: int = 1) -> int:
    """Minutes of a training: three times the estimate, on top of ten; a job that was stopped goes on where it stood."""
    if training.training is None:
        return attempt * START_MINUTES
    settings, rows = training.training, training.training_configurations
    volume = max(math.prod(ensemble.spec.extents) for ensemble in training.train)
    steps = settings.epochs * math.ceil(rows / settings.batch)
    computed = 3 * settings.epochs * rows * volume * _flop(training) / FLOP_PER_SECOND / training.ranks
    return math.ceil(attempt * (START_MINUTES + TIME_MARGIN * (steps * STEP_SECONDS + computed) / 60))


def training_memory_mb(training: Training, attempt: int = 1) -> int:
    """MB of all ranks of a training together."""
    if training.training is None:
        return attempt * PROGRAM_MB
    batch = training.training.micro_batch or training.training.batch
    widest = max(_field_bytes(training, ensemble) for ensemble in training.train)
    return int(attempt * training.ranks * (PROGRAM_MB + ROWS_MB + COPIES * batch * widest / 1e6))


def prediction_minutes(training: Training, attempt: int = 1) -> int:
    """Minutes of a model's predictions on all its ensembles, in two gauges."""
    sites = sum(e.configs_total * e.spec.chains * math.prod(e.spec.extents) for e in training.test)
    return math.ceil(attempt * (START_MINUTES + TIME_MARGIN * 2 * sites * _flop(training) / FLOP_PER_SECOND / 60))


def prediction_memory_mb(training: Training, batch: int, attempt: int = 1) -> int:
    """MB of a model's predictions, `batch` configurations at a time."""
    widest = max(_field_bytes(training, ensemble) for ensemble in training.test)
    return int(attempt * (PROGRAM_MB + COPIES * batch * widest / 1e6))


def _field_bytes(training: Training, ensemble: Ensemble) -> float:
    """Of one configuration's links and the widest layer's channels, transported."""
    spec, network = ensemble.spec, training.network
    links = links_bytes(spec) / spec.chains
    if network is None:
        return links
    n = gauge_group(spec.group).n
    if isinstance(network, CnnNetwork):
        numbers = max(layer.channels for layer in network.layers) / 2
    else:
        numbers = max(layer.channels * paths(layer, spec.ndim) for layer in network.layers) * n * n
    return links + BYTES_PER_NUMBER * numbers * math.prod(spec.extents)
