"""Command-line options that several stages share, and their checks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.errors import ConfigError

if TYPE_CHECKING:
    from gaugeflow.lattice.communicator import Communicator

Ranks = Annotated[int, typer.Option(help="MPI ranks that this job was started with.", min=1)]
Threads = Annotated[int, typer.Option(help="Threads of each rank.", min=1)]
Oversubscribe = Annotated[
    bool,
    typer.Option(
        "--oversubscribe",
        envvar="GAUGEFLOW_OVERSUBSCRIBE",
        help="Allow more threads than cores: slow, for tests and laptops.",
    ),
]
Grid = Annotated[
    str | None,
    typer.Option(help="Process grid chains,t,z,y,x (2D: chains,t,x); chosen if not given.", metavar="N,N,.."),
]
Device = Annotated[
    str,
    typer.Option(help="cpu: compiled kernels; cuda: one card per rank; auto: cuda where there is a card, else cpu; "
                      "oracle: plain NumPy, slow, for comparisons."),
]  # fmt: skip

Receipt = Annotated[
    Path | None,
    typer.Option(help="Link to write beside --out once that is complete: what the workflow looks at.", metavar="PATH"),
]

FileExtents = Annotated[
    str | None,
    typer.Option("--extents", help="Lattice x,y,z,t of a file that does not say it.", metavar="N,N,N,N"),
]
FileGroup = Annotated[
    str | None, typer.Option("--group", help="Gauge group of a file that does not say it: SU3, U2, ..", metavar="NAME")
]


def parse_extents(text: str | None) -> tuple[int, ...] | None:
    """'8,8,8,16' -> (8, 8, 8, 16); ConfigError otherwise."""
    if text is None:
        return None
    wanted = "four whole numbers of at least 1, x,y,z,t, like 8,8,8,16"
    try:
        extents = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--extents: got {text!r}, wanted {wanted}") from None
    if len(extents) != 4 or min(extents) < 1:
        raise ConfigError(f"--extents: got {text}, wanted {wanted}")
    return extents


def parse_grid(text: str | None) -> tuple[int, ...] | None:
    """'1,2,1,1,1' -> (1, 2, 1, 1, 1); ConfigError otherwise."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--grid: got {text!r}, wanted whole numbers separated by commas, like 1,2,1,1,1") from None


def parse_band(text: str) -> tuple[float, float]:
    """'0.4,1.0' -> (0.4, 1.0); ConfigError otherwise."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--acceptance-band: got {text!r}, wanted two numbers like 0.4,1.0") from None
    if not 0 <= low < high <= 1:
        raise ConfigError(f"--acceptance-band: got {text}, wanted 0 <= low < high <= 1")
    return low, high


def start_ranks(ranks: int, threads: int, oversubscribe: bool) -> "Communicator":
    """The communicator of this job.

    Raises    ConfigError for another number of ranks than was started, or for more threads than cores
    """
    from gaugeflow.lattice.communicator import world
    from gaugeflow.lattice.cores import check_cores

    comm = world(ranks)
    if not oversubscribe:
        check_cores(comm, threads)
    return comm


def start_alone(threads: int, oversubscribe: bool) -> "Communicator":
    """The communicator of a command that never runs on several ranks; ConfigError for more threads than cores."""
    from gaugeflow.lattice.communicator import Serial
    from gaugeflow.lattice.cores import check_cores

    comm = Serial()
    if not oversubscribe:
        check_cores(comm, threads)
    return comm


def require_networks() -> None:
    """Raises ConfigError where PyTorch or safetensors is not installed: they are optional."""
    from importlib.util import find_spec

    for name in ("torch", "safetensors"):
        if find_spec(name) is None:
            raise ConfigError(f"networks: {name} is not installed; pip install 'gaugeflow[nn]'")
