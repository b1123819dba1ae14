"""`gaugeflow doctor`: what this machine offers, what is missing, and what to do about it."""

import json as json_module
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.cli import probes
from gaugeflow.cli.check_study import bytes_text

if TYPE_CHECKING:
    from gaugeflow.cli.probes import Answer

OK, MISSING, WARNING, BROKEN = "ok", "missing", "warning", "broken"
"""States: as wanted; an option that is not there; works with a loss; the package cannot work."""

NEEDED = ("numpy", "numba", "scipy", "h5py", "pydantic", "pyyaml", "pyerrors", "matplotlib", "jinja2", "snakemake")
BROKEN_EXIT, LOG_WIDTH = 3, 160
LITTLE_DISK, LITTLE_MEMORY = 1 << 30, 1 << 30
SLOW_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "fuse.sshfs")


@dataclass(frozen=True)
class Row:
    """One fact: where it belongs, its name, what was found, its state, what to do (empty if nothing)."""

    section: str
    name: str
    found: str
    state: str = OK
    advice: str = ""


def doctor(json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False):
    """Report Python, processor, memory, MPI and launchers, HDF5, CUDA, kernel cache, scheduler and disk.

    Exit code 0 unless something that the package needs is broken, then 3.
    """
    rows = examine()
    broken = [row for row in rows if row.state == BROKEN]
    if json:
        typer.echo(json_module.dumps({"sound": not broken, "rows": [asdict(row) for row in rows]}, indent=1))
    else:
        _print(rows)
    if broken:
        raise typer.Exit(BROKEN_EXIT)


def examine() -> list[Row]:
    """All rows, in the order of the table."""
    answers = probes.ask_all()
    sections = (
        _packages(answers), _processor(), _memory(), _mpi(answers), _hdf5(answers), _accelerators(answers), _cache(),
        _scheduler(answers), _disk(),
    )  # fmt: skip
    return [row for section in sections for row in section]


def _packages(answers: Mapping[str, "Answer"]) -> Iterator[Row]:
    import gaugeflow

    yield Row("python", "python", platform.python_version())
    yield Row("python", "gaugeflow", gaugeflow.__version__)
    for name in NEEDED:
        version = probes.version(name)
        fault = answers[name].fault if name in answers else ""
        if version is None:
            yield Row("python", name, "not installed", BROKEN, "run make setup, or pip install gaugeflow again")
        elif fault:
            yield Row("python", name, f"{version}: {fault}", BROKEN, f"python -c 'import {name}' shows the reason")
        else:
            yield Row("python", name, version)


def _processor() -> Iterator[Row]:
    from gaugeflow.lattice.cores import affinity, cores_text, quota

    name, flags = probes.processor()
    bits, limit, cores = probes.vector_bits(flags), quota(), affinity()
    yield Row("processor", "name", name)
    advice = "" if bits > 128 else "kernels run, at a half or a quarter of the speed per core of wider registers"
    yield Row("processor", "vectors", f"{bits} bits: {bits // 64} doubles", OK if bits > 128 else WARNING, advice)
    text = f"{len(cores)} ({cores_text(cores)})" + ("" if limit is None else f", quota {limit:g}")
    usable = len(cores) if limit is None else max(1, min(len(cores), int(limit)))
    yield Row("processor", "cores allowed", text, OK, f"at most {usable} ranks x threads on this node")
    yield Row("processor", "caches", ", ".join(f"{k} {v}" for k, v in probes.caches().items()) or "unknown")


def _memory() -> Iterator[Row]:
    found = probes.memory()
    total, free = found.get("MemTotal", 0), found.get("MemAvailable", 0)
    low = free < LITTLE_MEMORY
    advice = "gaugeflow check-study prints what an ensemble needs" if low else ""
    yield Row("memory", "available", f"{bytes_text(free)} of {bytes_text(total)}", WARNING if low else OK, advice)


def _mpi(answers: Mapping[str, "Answer"]) -> Iterator[Row]:
    version = probes.version("mpi4py")
    if version is None:
        yield Row("mpi", "mpi4py", "not installed", MISSING, "one rank works; for more: pip install mpi4py mpich")
    elif answers["mpi4py"].fault:
        advice = "load the site's MPI module, or pip install mpich; one rank works without"
        yield Row("mpi", "mpi4py", f"{version}: {answers['mpi4py'].fault}", WARNING, advice)
    else:
        facts = answers["mpi4py"].facts
        whose = "a wheel of this environment" if facts["wheel"] else "the site's"
        yield Row("mpi", "mpi4py", f"{version}, {facts['library']} (MPI {facts['standard']}), {whose}")
    launchers = [name for name in ("mpiexec", "mpirun", "srun") if probes.find(name)]
    if launchers:
        yield Row("mpi", "launchers", ", ".join(launchers))
    else:
        yield Row("mpi", "launchers", "none", MISSING, "one rank works; for more: pip install mpich, or a site module")
    if "srun" in launchers:
        answer = answers["srun"]
        kinds = " ".join(
            word.strip(":,") for word in answer.text.split() if word.strip(":,").startswith(("pmi", "cray"))
        )
        advice = "MPICH and its kin: srun --mpi=pmi2; Open MPI: srun --mpi=pmix; gaugeflow refuses a wrong one"
        yield Row("mpi", "srun kinds", kinds or answer.fault or "none named", OK if kinds else WARNING, advice)


def _hdf5(answers: Mapping[str, "Answer"]) -> Iterator[Row]:
    if "h5py" not in answers or answers["h5py"].fault:
        return  # said among the packages
    facts = answers["h5py"].facts
    if facts["parallel"]:
        yield Row("hdf5", "HDF5", f"{facts['hdf5']}, parallel")
    else:
        advice = "rank 0 writes, which is the same bits; h5py built with the site's parallel HDF5 writes collectively"
        yield Row("hdf5", "HDF5", f"{facts['hdf5']}, serial", OK, advice)


def _accelerators(answers: Mapping[str, "Answer"]) -> Iterator[Row]:
    cards = answers["nvidia-smi"]
    for number, line in enumerate(cards.text.splitlines() if not cards.fault else ()):
        yield Row("cuda", f"device {number}", ", driver ".join(line.rsplit(", ", 1)))
    if cards.fault == "absent":
        yield Row("cuda", "devices", "no driver (nvidia-smi is absent)", MISSING, "--device cpu works")
    elif cards.fault:
        yield Row("cuda", "devices", f"nvidia-smi: {cards.fault}", WARNING, "ask for a node or a job with a GPU")
    version = probes.version("cupy")
    if version is None:
        yield Row("cuda", "CuPy", "not installed", MISSING, "for --device cuda: pip install cupy-cuda12x (or 13x)")
    elif answers["cupy"].fault:
        yield Row("cuda", "CuPy", f"{version}: {answers['cupy'].fault}", WARNING, "--device cuda will not work here")
    else:
        facts = answers["cupy"].facts
        yield Row("cuda", "CuPy", f"{version}, runtime {facts['runtime']}, {facts['devices']} device(s)")
    compiler = answers["nvcc"]
    if compiler.fault:
        advice = "only a test of the CUDA source needs it"
        yield Row("cuda", "nvcc", compiler.fault, MISSING, advice)
    else:
        yield Row("cuda", "nvcc", compiler.text.partition("release ")[2].partition(",")[0] or "present")
    torch = probes.version("torch")
    advice = "" if torch else "nothing needs it yet"
    yield Row("cuda", "PyTorch", torch or "not installed", OK if torch else MISSING, advice)


def _cache() -> Iterator[Row]:
    import os

    from gaugeflow.kernels.cache_folder import VARIABLE, chosen_folder, kernel_files, sources_hash

    folder = chosen_folder()
    where = f"${VARIABLE}" if os.environ.get(VARIABLE) else "~/.cache/gaugeflow"
    if not probes.writable(folder):
        yield Row("kernel cache", "folder", f"{where} is not writable", BROKEN, f"set {VARIABLE} to a folder that is")
        return
    place = probes.existing(folder)
    kind, locks = probes.file_system(place), probes.has_locks(place)
    slow = kind in SLOW_FILE_SYSTEMS
    advice = f"many ranks load kernels from here: set {VARIABLE} to a faster file system" if slow else ""
    if not locks:
        advice = f"no file locks: every process compiles on its own; set {VARIABLE} to another file system"
    state = WARNING if slow or not locks else OK
    yield Row("kernel cache", "folder", f"{where}, {kind}, {'locks' if locks else 'no locks'}", state, advice)
    files = kernel_files(folder) if folder.is_dir() else {}
    current = {path: size for path, size in files.items() if path.parent.name.endswith(sources_hash())}
    groups = {path.parent.name for path in current if not path.parent.name.startswith("schedule")}
    advice = "" if current else "gaugeflow precompile STUDY fills it; else the first job does, in less than a minute"
    text = f"{len(groups)} configurations, {len(current)} kernels, {bytes_text(sum(current.values()))}"
    yield Row("kernel cache", "content", text, OK, advice)
    old = sum(files.values()) - sum(current.values())
    if old:
        yield Row("kernel cache", "of other versions", bytes_text(old), OK, "may be removed")


def _scheduler(answers: Mapping[str, "Answer"]) -> Iterator[Row]:
    found = [name for name in ("sbatch", "srun", "squeue") if probes.find(name)]
    if found:
        yield Row("scheduler", "SLURM", ", ".join(found), OK, "see cluster/README.md")
    else:
        yield Row("scheduler", "SLURM", "none", MISSING, "Snakemake runs jobs on this machine")


def _disk() -> Iterator[Row]:
    import shutil

    for name, folder in (("working folder", Path(".")), ("kernel cache", _cache_place())):
        free = shutil.disk_usage(folder).free
        low = free < LITTLE_DISK
        advice = "gaugeflow check-study prints what a study writes" if low else ""
        yield Row("disk", name, f"{bytes_text(free)} free", WARNING if low else OK, advice)


def _cache_place() -> Path:
    from gaugeflow.kernels.cache_folder import chosen_folder

    return probes.existing(chosen_folder())


def _print(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("", "", "found", "state", "what to do", title="what this machine offers", title_justify="left")
    section = ""
    for row in rows:
        if section and row.section != section:
            table.add_section()
        first = row.section if row.section != section else ""
        section = row.section
        table.add_row(first, row.name, Text(row.found), row.state, Text(row.advice))
    console = Console()
    Console(width=None if console.is_terminal else LOG_WIDTH).print(table)
