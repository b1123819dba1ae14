"""Facts about this machine for `gaugeflow doctor`, each found without loading a heavy library into this process."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

TIMEOUT_SECONDS = 2.5

IMPORTS = {
    "numba": "import numba; out = {'version': numba.__version__}",
    "h5py": "import h5py; out = {'hdf5': h5py.version.hdf5_version, 'parallel': bool(h5py.get_config().mpi)}",
    "mpi4py": """
import sys, mpi4py
mpi4py.rc.initialize = False
from mpi4py import MPI
maps = [line.split()[-1] for line in open("/proc/self/maps") if "/libmpi" in line]
line = MPI.Get_library_version().splitlines()[0]
out = {
    "library": " ".join(line.split(",")[0].split()),
    "standard": ".".join(map(str, MPI.Get_version())),
    "wheel": bool(maps) and maps[0].startswith(sys.prefix),
}
""",
    "cupy": """
import cupy
runtime = cupy.cuda.runtime
out = {"runtime": runtime.runtimeGetVersion(), "devices": runtime.getDeviceCount()}
""",
}
"""Distribution: a program that imports it and leaves facts in `out`."""

PROGRAMS = {
    "nvidia-smi": ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"),
    "nvcc": ("nvcc", "--version"),
    "srun": ("srun", "--mpi=list"),
}


@dataclass(frozen=True)
class Answer:
    """What a program said: its output, or why there is none ("absent", "no answer in 2.5 s", its last line)."""

    text: str = ""
    fault: str = ""

    @property
    def facts(self) -> Mapping:
        """Output of a program of `IMPORTS`."""
        return json.loads(self.text) if not self.fault else {}


def ask(words: tuple[str, ...]) -> Answer:
    """Run a program for at most TIMEOUT_SECONDS."""
    program = find(words[0])
    if program is None:
        return Answer(fault="absent")
    try:
        done = subprocess.run(
            [program, *words[1:]], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Answer(fault=f"no answer in {TIMEOUT_SECONDS} s")
    except OSError as error:
        return Answer(fault=str(error.strerror))
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return Answer(fault=anonymous(lines[-1]) if lines else f"exit code {done.returncode}")
    return Answer(text=done.stdout + (done.stderr if words[0] == "srun" else ""))


def ask_all() -> dict[str, Answer]:
    """Answers of every program and of every library that is installed, asked at the same time."""
    jobs: dict[str, Future] = {}
    with ThreadPoolExecutor(len(PROGRAMS) + len(IMPORTS)) as pool:
        for name, text in IMPORTS.items():
            if version(name):
                code = f"{text}\nimport json\nprint(json.dumps(out))"
                jobs[name] = pool.submit(ask, (sys.executable, "-c", code))
        for name, words in PROGRAMS.items():
            jobs[name] = pool.submit(ask, words)
        return {name: job.result() for name, job in jobs.items()}


def anonymous(text: str) -> str:
    """Text without the names of this user, this host and the folders above the environment."""
    for private, public in ((sys.prefix, "ENVIRONMENT"), (str(Path.home()), "~"), (platform.node(), "HOST")):
        text = text.replace(private, public) if len(private) > 1 else text
    return text


def find(program: str) -> str | None:
    """Path of a program: of this environment first, else of the search path."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return shutil.which(program, path=path)


def version(distribution: str) -> str | None:
    """Version of an installed distribution; CuPy's wheels carry the CUDA version in their name."""
    names = [distribution]
    if distribution == "cupy":
        names += [f"cupy-cuda{major}x" for major in (13, 12, 11)]
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


# ---- processor and memory


def processor() -> tuple[str, frozenset[str]]:
    """(name, feature flags) of the processor."""
    path = Path("/proc/cpuinfo")
    text = path.read_text() if path.exists() else ""
    name = re.search(r"^model name\s*: (.*)$", text, re.M)
    flags = re.search(r"^(?:flags|Features)\s*: (.*)$", text, re.M)
    return (name[1] if name else platform.machine()), frozenset(flags[1].split() if flags else ())


def vector_bits(flags: frozenset[str]) -> int:
    """Width of the vector registers that kernels use."""
    return 512 if "avx512f" in flags else 256 if "avx2" in flags else 128


def caches() -> dict[str, str]:
    """{"L1d": "32K", "L2": "1024K", ..} of the first core."""
    out = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            out[f"L{level}" + ("d" if kind == "Data" else "")] = size
    return out


def memory() -> dict[str, int]:
    """{"MemTotal": bytes, "MemAvailable": bytes}; empty where the system does not say."""
    path = Path("/proc/meminfo")
    found = re.findall(r"^(MemTotal|MemAvailable):\s*(\d+) kB", path.read_text() if path.exists() else "", re.M)
    return {name: int(size) * 1024 for name, size in found}


# ---- files


def file_system(folder: Path) -> str:
    """Type of the file system of an existing folder: ext4, nfs4, lustre, .."""
    mounts, best = Path("/proc/self/mounts"), ("", "unknown")
    for line in mounts.read_text().splitlines() if mounts.exists() else ():
        place, kind = line.split()[1:3]
        if folder.resolve().is_relative_to(place) and len(place) >= len(best[0]):
            best = place, kind
    return best[1]


def existing(folder: Path) -> Path:
    """The folder, or the nearest path above it that exists."""
    return next((place for place in (folder, *folder.absolute().parents) if place.exists()), Path("/"))


def writable(folder: Path) -> bool:
    """Whether files can be made there, or the folder in the nearest one that exists."""
    place = existing(folder)
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


def has_locks(folder: Path) -> bool:
    """Whether flock works in an existing, writable folder."""
    import fcntl
    import tempfile

    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
