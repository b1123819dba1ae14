"""The one cluster of a test session, and the demonstration that runs on it beside the tests."""

import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from slurm.cluster import Cluster
from slurm.demo import Demo

INSTALL = Path(__file__).with_name("install.sh")
MISSING = 77
SOON = 40.0
"""Seconds in which install.sh ends unless the packages come slowly."""

DISKS = (60, 60)
"""MB of the small file systems that the tests fill."""

_installing: list[subprocess.Popen] = []
_clusters: list[Cluster] = []
_demos: list[Demo] = []


def begin(with_demo: bool) -> None:
    """Start to install SLURM; where it is there, start the cluster, and the demonstration if a test asks for it."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    _installing.append(subprocess.Popen(["sh", INSTALL], start_new_session=True, **pipes))
    with suppress(subprocess.TimeoutExpired):
        if _installing[0].wait(SOON) == 0 and with_demo:
            demo()


def cluster() -> Cluster:
    """The running cluster; skips with the reason where there can be none."""
    require_installed()
    if not _clusters:
        _clusters.append(Cluster(disks=DISKS))
    return _clusters[0]


def require_installed() -> None:
    """Wait until SLURM is installed; skips with the reason where it cannot be."""
    if not _installing:
        begin(False)
    code, out, errors = _installed()
    if code == MISSING:
        pytest.skip(f"no SLURM: {out.strip().splitlines()[-1]}")
    assert code == 0, errors


def demo() -> Demo:
    """The demonstration on the cluster, begun now if nobody did before."""
    if not _demos:
        _demos.append(Demo(cluster()))
    return _demos[0]


def end() -> None:
    """Stop everything; an installation is waited for, half a package would be worse than none."""
    for started in [*_demos, *_clusters]:
        started.stop()
    if _installing:
        _installed()


@cache
def _installed() -> tuple[int, str, str]:
    out, errors = _installing[0].communicate(timeout=900)
    return _installing[0].returncode, out, errors
