"""Seconds of `gaugeflow check` beside reading a file's bytes and computing checksums of them in C, for every format.

python benchmarks/check_files.py [--extents 16,16,16,16] [--repetitions 7] [--json FILE]

The baseline reads the file block by block, takes zlib.crc32 of all bytes and sums their words with NumPy; beside it,
reading and the format's own checksums with zlib.crc32 of every site. `check_file` reads header and links and compares
checksums, plaquettes, link trace and every link's distance from the group. One core; the file is in the page cache.
"""

import argparse
import json
import os
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from check_speed import File, milliseconds

from gaugeflow.formats.check import check_file, judge_links
from gaugeflow.formats.reading import LinkFile, read_header
from gaugeflow.formats.writing import LinkWriter, Wanted
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose

CASES = (
    ("ildg", "float64", None),
    ("ildg", "float32", None),
    ("nersc", "float64", "big"),
    ("nersc", "float64", "little"),
    ("nersc", "float32", "big"),
    ("milc", "float32", "little"),
    ("milc", "float32", "big"),
    ("openqcd", "float64", None),
)
"""Format, precision, byte order."""

BLOCK = 1 << 20


def write(path: Path, links: np.ndarray, wanted: Wanted) -> None:
    """A sound file of these links (t, z, y, x, 4, N, N)."""
    with LinkWriter(path, wanted) as writer:
        writer.create()
        writer.write(slice(0, wanted.extents[3]), slice(0, wanted.extents[2]), links)
        judgement, found = judge_links(path, writer.header)
        writer.finish(found, judgement.plaquette, judgement.link_trace)


def checksum_alone(path: Path) -> None:
    """The links through the reader with zlib, nothing judged."""
    with LinkFile(path, read_header(path)) as file:
        for _ in file.blocks():
            pass


def sound(path: Path) -> None:
    """Check a file that is known to be sound."""
    verdict = check_file(path, links=False)  # as `gaugeflow check` does without --json
    if not verdict.ok:
        raise SystemExit(f"{path}: {verdict.problems}")


def main() -> None:
    """Print one line for every case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extents", default="16,16,16,16")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    extents = tuple(int(e) for e in options.extents.split(","))
    lattice = PackedLattice("SU3", extents, 1)
    links = lattice.gather(lattice.hot(1, Purpose.START))[0]
    reals = np.stack([links.real, links.imag], -1)
    rows = []
    print(f"SU3 {options.extents}, milliseconds: baseline, own checksums by zlib, check; and baseline / check")
    for form, precision, order in CASES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "links"
            write(path, links, Wanted(form, extents, "SU3", precision, order))
            dtype = read_header(path).dtype.str
            raw = File(Path(folder) / "raw", reals, dtype, "SU3", extents, BLOCK)
            calls = {"baseline": raw.baseline, "zlib": partial(checksum_alone, path), "check": partial(sound, path)}
            sound(path)
            ms = {name: milliseconds(call, options.repetitions) for name, call in calls.items()}
        ratio = ms["baseline"] / ms["check"]
        rows.append({"format": form, "dtype": dtype, "MB": len(raw.bytes) / 1e6, "ms": ms, "speed": ratio})
        times = "".join(f"{value:9.2f}" for value in ms.values())
        print(f"{form:8} {dtype} {len(raw.bytes) / 1e6:6.1f} MB {times}   {ratio:.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"extents": extents, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
