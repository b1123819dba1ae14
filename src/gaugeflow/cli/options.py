"""Command-line options that several stages share, and their checks."""

import os
from typing import Annotated

import typer

from gaugeflow.errors import ConfigError

Ranks = Annotated[int, typer.Option(help="MPI ranks that this job was started with.", min=1)]
Threads = Annotated[int, typer.Option(help="Threads of each rank.", min=1)]
Grid = Annotated[
    str | None,
    typer.Option(help="Process grid chains,t,z,y,x (2D: chains,t,x); chosen if not given.", metavar="N,N,.."),
]
Device = Annotated[
    str,
    typer.Option(help="cpu: compiled kernels; cuda: one card per rank; auto: cuda where there is a card, else cpu; "
                      "oracle: plain NumPy, slow, for comparisons."),
]  # fmt: skip


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


def check_threads(threads: int, ranks: int) -> None:
    """ConfigError if one node's cores would be oversubscribed by threads."""
    cores = len(os.sched_getaffinity(0))
    if threads > 1 and threads * ranks > cores * max(1, int(os.environ.get("SLURM_JOB_NUM_NODES", "1"))):
        raise ConfigError(
            f"--threads: {threads} threads x {ranks} ranks on {cores} cores; use --threads {max(1, cores // ranks)}"
        )
