"""From the name of a device to the device of a rank."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gaugeflow.errors import ConfigError
from gaugeflow.kernels.dispatch import CpuDevice, cuda, cuda_device, gpu_width

DEVICES = ("cpu", "cuda", "oracle", "auto")

logger = logging.getLogger(__name__)


def resolve(name: str) -> str:
    """ "auto" -> "cuda" where there is a card, else "cpu", and a line in the log that says which and why.

    Raises    ConfigError for an unknown name, and for "cuda" where there is no card
    """
    if name not in DEVICES:
        raise ConfigError(f"device: got {name!r}, wanted one of {', '.join(DEVICES)}")
    if name == "cuda" and not cuda.count_devices():
        raise ConfigError(f"device cuda: {cuda.why_not()}; use --device cpu, or auto to take what there is")
    if name == "auto":
        name, reason = ("cuda", "a card is there") if cuda.count_devices() else ("cpu", cuda.why_not())
        logger.info("device auto: %s (%s)", name, reason)
    return name


@dataclass(frozen=True)
class Maker:
    """How a device of a rank is made.

    make     (kernels, layout, batches, chain table, pace) -> device
    width    lanes of a register, None for this machine's
    timed    whether tiles and fetch distance are timed on this host
    """

    make: Callable
    width: int | None = None
    timed: bool = False


def device_maker(device, comm, threads: int, precision: str) -> Maker:
    """Maker of this rank's device: "cpu", "cuda", or a function as in `Maker.make` for a card's layout.

    Raises    ConfigError if ranks of one node outnumber its cards
    """
    if callable(device):
        return Maker(device, gpu_width(precision))
    if device == "cpu":
        return Maker(partial(CpuDevice, threads=threads), timed=True)
    if device != "cuda":
        raise ConfigError(f"device: got {device!r}, wanted cpu or cuda")
    ranks, cards = comm.on_node(comm.rank), cuda.count_devices()
    if cards < len(ranks):
        raise ConfigError(
            f"device cuda: {len(ranks)} ranks on a node with {cards} cards; start one rank per card"
            + ("" if cards else f" ({cuda.why_not()})")
        )
    direct = comm.reads_device_memory()
    if comm.size > 1:
        logger.info("halos: MPI %s", "reads the card's memory" if direct else "is given pinned host memory")
    return Maker(partial(cuda_device, index=ranks.index(comm.rank), direct=direct), gpu_width(precision))
