"""Milliseconds of judging a configuration on one core, beside reading its bytes and computing checksums in C.

python benchmarks/check_speed.py [--group SU3] [--extents 16,16,16,16] [--block 1048576] [--json FILE]

The baseline reads the file, takes zlib.crc32 of all bytes and sums their words with NumPy. "everything" reads the file
block by block, takes CRC-32 of every site's bytes and judges the links: plaquettes, link trace, unitarity, determinant.
The smallest of several repetitions counts; the file lies in the page cache.
"""

import argparse
import json
import math
import os
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gaugeflow.kernels.dispatch import TimeSlices, kernels_for
from gaugeflow.lattice.judge import PRECISIONS, Judge
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.lattice.site_checksums import crc_of_sites
from gaugeflow.rng import Purpose

DTYPES = ("<f8", ">f8", "<f4", ">f4")
BASELINE, EVERYTHING = "read, zlib.crc32 of all, word sums", "everything"


class File:
    """Links of one type in a file, the ways to read them, and what is done with them.

    block    bytes read at a time, rounded to whole sites
    """

    def __init__(self, path: Path, links: np.ndarray, dtype: str, group: str, extents: tuple[int, ...], block: int):
        self.path, self.dtype, self.group, self.extents = path, np.dtype(dtype), group, extents
        self.shape = links.shape[-4:]
        self.site_bytes = math.prod(self.shape) * self.dtype.itemsize
        self.block = max(1, block // self.site_bytes) * self.site_bytes
        self.bytes = np.frombuffer(links.astype(dtype).tobytes(), np.uint8)
        self.bytes.tofile(path)

    def blocks(self):
        """The bytes of the file in turn; a block is overwritten by the next."""
        memory = np.empty(self.block, np.uint8)
        with open(self.path, "rb", buffering=0) as file:
            while count := file.readinto(memory):
                yield memory[:count]

    def sites(self, block: np.ndarray) -> np.ndarray:
        """Bytes as rows of sites."""
        return block.reshape(-1, self.site_bytes)

    def reals(self, block: np.ndarray) -> np.ndarray:
        """Bytes as links."""
        return block.view(self.dtype).reshape(-1, *self.shape)

    def read(self) -> None:
        """Every byte into memory."""
        for _ in self.blocks():
            pass

    def baseline(self) -> None:
        """Reading and checksums in C."""
        crc = total = 0
        for block in self.blocks():
            crc = zlib.crc32(block, crc)
            total += int(block.view(np.uint32).sum(dtype=np.uint64))

    def zlib_of_sites(self) -> None:
        """Reading and zlib.crc32 site by site."""
        for block in self.blocks():
            for site in self.sites(block):
                zlib.crc32(site)

    def judge(self) -> None:
        """Judge links in memory."""
        judge = Judge(self.group, self.extents)
        for start in range(0, len(self.bytes), self.block):
            judge.feed(self.reals(self.bytes[start : start + self.block]))
        judge.result()

    def everything(self) -> None:
        """Read, checksums of sites, judge."""
        judge = Judge(self.group, self.extents)
        for block in self.blocks():
            crc_of_sites(self.sites(block))
            judge.feed(self.reals(block))
        judge.result()


def parts_of_judging(file: File) -> dict[str, Callable[[], object]]:
    """What a judge does with the time slices, each alone."""
    kernels = kernels_for(file.group, len(file.extents), precision=PRECISIONS[file.dtype.itemsize])
    slices, times = TimeSlices(kernels, file.extents), range(file.extents[-1])
    rows = file.bytes.view(file.dtype).reshape(file.extents[-1], -1, math.prod(file.shape))
    return {
        "packing": lambda: [slices.pack(t, 0, rows[t]) for t in times],
        "plaquettes": lambda: [slices.plaquette_sums(t) for t in times],
        "defects and link trace": lambda: [slices.defects(t) for t in times],
    }


def milliseconds(call: Callable[[], object], repetitions: int) -> float:
    """Smallest wall time of a call."""
    best = math.inf
    for _ in range(repetitions):
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return 1e3 * best


def measure(file: File, repetitions: int) -> dict[str, float]:
    """Milliseconds by name."""
    calls = {
        "read": file.read,
        BASELINE: file.baseline,
        "read, zlib.crc32 of every site": file.zlib_of_sites,
        "crc_of_sites": lambda: crc_of_sites(file.sites(file.bytes)),
        **parts_of_judging(file),
        "judge": file.judge,
        EVERYTHING: file.everything,
    }
    first = milliseconds(file.everything, 1)
    return {name: milliseconds(call, repetitions) for name, call in calls.items()} | {"everything, first": first}


def main() -> None:
    """Print a table per type, and how fast everything is beside the baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", default="SU3")
    parser.add_argument("--extents", default="16,16,16,16")
    parser.add_argument("--block", type=int, default=1 << 20, help="bytes read at a time")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the file is written")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    extents = tuple(int(e) for e in options.extents.split(","))
    lattice = PackedLattice(options.group, extents, 1)
    links = lattice.gather(lattice.hot(1, Purpose.START))[0]
    reals = np.stack([links.real, links.imag], -1)
    records = []
    for dtype in DTYPES:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            file = File(Path(folder) / "links", reals, dtype, options.group, extents, options.block)
            times = measure(file, options.repetitions)
        megabytes = len(file.bytes) / 1e6
        print(f"{options.group} {options.extents} {dtype} {megabytes:.1f} MB")
        for name, ms in times.items():
            print(f"  {name:36} {ms:8.2f} ms {1e3 * megabytes / ms:8.0f} MB/s")
        ratio = times[BASELINE] / times[EVERYTHING]
        print(f"  speed of everything beside the baseline: {ratio:.2f}", flush=True)
        records.append({"dtype": dtype, "MB": megabytes, "ms": times, "speed": ratio})
    if options.json:
        record = {"group": options.group, "extents": extents, "block": options.block, "rows": records}
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
