"""Tiles and fetch distance that suit this machine: a few candidates, the real force kernel timed once per host.

A candidate decides speed and no bits. The first process that needs a lattice beyond the cache times the candidates on
one of that size (under a second) and leaves the answer in the folder of compiled kernels, in a file named after the
processor and the kernels; others read it, or take the default as long as the first one is busy. With GAUGEFLOW_TIMING
set to "off" the default is taken everywhere and nothing is read or written.
"""

import functools
import hashlib
import json
import logging
import os
import pathlib
import platform
import time
from dataclasses import asdict, dataclass

from gaugeflow.errors import ConfigError, FileError
from gaugeflow.kernels import schedule
from gaugeflow.kernels.cache_folder import cache_dir, keep
from gaugeflow.kernels.layout import Layout
from gaugeflow.kernels.memory import aligned_zeros
from gaugeflow.kernels.targets.file_lock import FileLock
from gaugeflow.kernels.traversal import TILE_MATRICES_PER_MIB, l2_bytes

log = logging.getLogger(__name__)

TIMING_VARIABLE = "GAUGEFLOW_TIMING"
BEYOND_CACHE = 16
"""Links and momenta of one batch, in second-level caches, from which on a timing pays."""

TIMED_BYTES = 48 << 20
"""Least size of the links and momenta that candidates are timed on."""

ROUNDS = 5


@dataclass(frozen=True)
class Pace:
    """How far a kernel spreads over blocks and looks ahead.

    tile_matrices   link matrices per MiB of second-level cache, see `traversal.choose_tile`
    far             entries between the two passes of the fetch list, see `schedule`
    """

    tile_matrices: int
    far: int

    @property
    def tile_limit(self) -> int:
        """Link matrices that two slices of a tile column may touch in this machine's second-level cache."""
        return max(1, self.tile_matrices * l2_bytes() // (1 << 20))


CANDIDATES = (Pace(TILE_MATRICES_PER_MIB, 120), Pace(TILE_MATRICES_PER_MIB // 2, 120), Pace(TILE_MATRICES_PER_MIB, 240))
DEFAULT = CANDIDATES[0]


def timing_allowed() -> bool:
    """False where GAUGEFLOW_TIMING is "off"; ConfigError for anything but "on", "off" or nothing."""
    value = os.environ.get(TIMING_VARIABLE, "on")
    if value not in ("on", "off"):
        raise ConfigError(f"{TIMING_VARIABLE}: got {value!r}, wanted on or off")
    return value == "on"


def processor() -> str:
    """Name, family, model and second-level cache of this machine's processor."""
    path, wanted = pathlib.Path("/proc/cpuinfo"), ("model name", "cpu family", "model", "stepping")
    fields = [platform.machine(), platform.processor()]
    if path.exists():
        lines = path.read_text().split("\n\n")[0].splitlines()
        fields = [value.strip() for key, _, value in (line.partition(":") for line in lines) if key.strip() in wanted]
    return " ".join([*fields, f"{l2_bytes() >> 10} KiB"])


def record_path(kernels) -> pathlib.Path:
    """File with the answer for these kernels; their module's name carries group, dimension, width and sources."""
    host = hashlib.sha256(processor().encode()).hexdigest()[:8]
    return cache_dir() / f"pace_{kernels.run.__name__}_{host}.json"


def choose_pace(kernels, ndim: int, sites: int) -> Pace:
    """Pace for lattices of `sites` local sites: timed once per host where they are beyond the cache."""
    fields = 3 * kernels.unit_bytes * ndim * sites // kernels.width
    if fields <= BEYOND_CACHE * l2_bytes() or not timing_allowed():
        return DEFAULT
    path = record_path(kernels)
    if path.exists():
        return read(path)
    lock = FileLock(path.with_suffix(".lock"), timeout=0)
    if not lock.acquire("timing the kernels"):
        log.info("kernels are not timed here: %s meanwhile", DEFAULT)
        return DEFAULT
    try:
        return read(path) if path.exists() else _time_and_keep(kernels, ndim, path)
    finally:
        lock.release()


@functools.cache
def read(path: pathlib.Path) -> Pace:
    """Pace of a record; FileError if it holds none of the candidates."""
    try:
        pace = Pace(**json.loads(path.read_text())["pace"])
    except (ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path}: no record of timed kernels ({error!r}); remove it") from error
    if pace not in CANDIDATES:
        raise FileError(f"{path}: got {pace}, wanted one of {CANDIDATES}; remove it")
    return pace


def _time_and_keep(kernels, ndim, path):
    seconds = time_candidates(kernels, ndim)
    pace = min(CANDIDATES, key=lambda c: seconds[c])
    times = [asdict(c) | {"force_seconds": seconds[c]} for c in CANDIDATES]
    keep(path, json.dumps({"pace": asdict(pace), "processor": processor(), "timed": times}, indent=1).encode())
    log.info("%s is the fastest of %s", pace, times)
    return pace


def timed_extents(kernels, ndim: int) -> tuple[int, ...]:
    """Extents whose links and momenta take at least `TIMED_BYTES`."""
    extents, d = [8] * ndim, 0
    while 3 * kernels.unit_bytes * ndim * functools.reduce(int.__mul__, extents) // kernels.width < TIMED_BYTES:
        extents[d % ndim] *= 2
        d += 1
    return tuple(extents)


def time_candidates(kernels, ndim: int) -> dict[Pace, float]:
    """Least seconds of one force on links beyond the cache; candidates take turns."""
    extents, unit = timed_extents(kernels, ndim), kernels.unit_bytes
    limits = {pace.tile_limit for pace in CANDIDATES}
    layouts = {limit: Layout(extents, kernels.width, tile_limit=limit) for limit in limits}
    calls = {pace: _force(kernels, layouts[pace.tile_limit], pace) for pace in CANDIDATES}
    blocks, slots = next(iter(calls.values()))[1], max(slots for _, _, slots in calls.values())
    links, momenta, room = (aligned_zeros((size * unit // 8,)) for size in (2 * blocks * ndim, blocks * ndim, slots))
    links.fill(0.0)  # pages that were never written share one
    seconds = {pace: [] for pace in CANDIDATES}
    for _ in range(ROUNDS + 1):
        for pace, (call, _, _) in calls.items():
            start = time.thread_time()
            call(links.ctypes.data, room.ctypes.data, momenta.ctypes.data)
            seconds[pace].append(time.thread_time() - start)
    return {pace: min(times[1:]) for pace, times in seconds.items()}


def _force(kernels, layout, pace):
    """(call(links, slots, momenta), blocks, units of slots)."""
    sizes = {"unit_bytes": kernels.unit_bytes, "cache_bytes": l2_bytes()}
    plan = schedule.make_plan(layout, schedule.touched_by_shared_force, shared=True, far=pace.far, **sizes)
    tables = (layout.forward, layout.backward, layout.perm.ctypes.data, layout.add)

    def call(links, slots, momenta):
        kernels.run.kick(0, 1, 0, links, slots, momenta, 0.0, 1.0, layout.blocks, tables, plan.arguments)

    return call, layout.blocks, plan.p0 - plan.q0
