"""MB/s of writing, checking and reading a chunk of configurations, beside what disk and hashes give for the same bytes.

python benchmarks/io_rates.py [--group SU3] [--extents 16,16,16,16] [--configurations 4] [--folder .]

Every rate is bytes of links / seconds in one process; page caches are warm. "write" holds the writing, the fsync and
the reading back that every file gets; its parts are listed under it.
"""

import hashlib
import os
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import store

from gaugeflow.config.canonical import canonical_json
from gaugeflow.ensembles.gauge_checks import components_first, plaquettes
from gaugeflow.ensembles.reader import StoredLinks, open_file
from gaugeflow.ensembles.verify import verify_file
from gaugeflow.ensembles.writer import Configuration, write_configurations
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.rng import Purpose


def seconds(call: Callable[[], object], repetitions: int) -> float:
    """Smallest wall time of a call."""
    best = float("inf")
    for _ in range(repetitions):
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return best


def write_chunk(path: Path, links: np.ndarray, values: dict, n: int, group: str, extents: list[int]) -> None:
    """A sound chunk of n equal configurations of one chain with plaquettes `values`."""
    spec = {"group": group, "extents": extents, "chains": 1, "thermalisation": 0, "save_every": 1}
    history = {"trajectory": np.arange(n), "unitarity_defect": np.zeros(n)}
    history |= {name: np.zeros((n, 1)) for name in ("delta_h", "plaquette")}
    write_configurations(
        path,
        configurations=(Configuration(links, values) for _ in range(n)),
        trajectory=range(n),
        history={**history, "accepted": np.ones((n, 1), bool)},
        n_thermalisation=0,
        spec_text=canonical_json({"spec": {**spec, "configs_per_chunk": n}, "ensemble_id": "io"}),
        ensemble_id="io",
        chunk=0,
        inputs={},
    )


def raw_write(path: Path, data: memoryview) -> None:
    """The bytes in one file, written as dd would and flushed to the disk."""
    with open(path, "wb", buffering=0) as file:
        for start in range(0, len(data), 1 << 22):
            file.write(data[start : start + (1 << 22)])
        os.fsync(file.fileno())
    path.unlink()


def read_links(path: Path) -> None:
    """All links, checksums compared, slab by slab."""
    with open_file(path, "configurations") as file:
        for i in range(file.n):
            for _ in StoredLinks(file, i).slabs():
                pass


def check_deeply(path: Path) -> None:
    """What `gaugeflow check` and every stage do before a file is used."""
    result = verify_file(path)
    if not result.ok:
        raise SystemExit(f"{path}: {result.problems}")


def content_hash(path: Path) -> None:
    """Read everything and hash it: the reading back of every written file."""
    with open_file(path) as file:
        file.recompute_digest()


PARTS_OF_WRITE = ("read back and hash", "raw write and fsync", "sha256", "crc32")


def measure(group: str, extents: list[int], n: int, folder: Path, repetitions: int = 3) -> dict[str, float]:
    """MB/s by name, and "MB" of links."""
    links = PackedLattice(group, extents, 1)
    field = links.hot(1, Purpose.START)
    canonical = links.gather(field)
    values = plaquettes(components_first(canonical))
    data = memoryview(np.ascontiguousarray(canonical)).cast("B")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path, raw = Path(name) / "chunk.h5", Path(name) / "raw"
        times = {
            "write": seconds(lambda: write_chunk(path, canonical, values, n, group, extents), repetitions),
            "read back and hash": seconds(lambda: content_hash(path), repetitions),
            "raw write and fsync": seconds(lambda: [raw_write(raw, data) for _ in range(n)], repetitions),
            "sha256": seconds(lambda: [hashlib.sha256(data) for _ in range(n)], repetitions),
            "crc32": seconds(lambda: [zlib.crc32(data) for _ in range(n)], repetitions),
            "check": seconds(lambda: check_deeply(path), repetitions),
            "read": seconds(lambda: read_links(path), repetitions),
            "unpack": seconds(lambda: [links.gather(field) for _ in range(n)], repetitions),
            "pack": seconds(lambda: [links.scatter(canonical) for _ in range(n)], repetitions),
        }
    megabytes = n * len(data) / 1e6
    return {"MB": megabytes, **{name: megabytes / t for name, t in times.items()}}


def main() -> None:
    """Print the rates and the shares of a written chunk's time."""
    parser = store.parser(__doc__)
    parser.add_argument("--group", default="SU3")
    parser.add_argument("--extents", default="16,16,16,16")
    parser.add_argument("--configurations", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=Path("."), help="where the files are written")
    options = parser.parse_args()
    extents, repetitions = ([4, 4, 4, 4], 1) if options.quick else ([int(e) for e in options.extents.split(",")], 3)
    rates = measure(options.group, extents, options.configurations, options.folder, repetitions)
    print(f"{options.group} {extents} x {options.configurations} configurations, {rates['MB']:.0f} MB")
    rows = []
    for name, rate in rates.items():
        if name == "MB":
            continue
        share = f"{100 * rates['write'] / rate:.0f} %" if name in PARTS_OF_WRITE else ""
        rows.append({"what": name, "MB/s": rate, "part of the time of write": share})
        print(f"  {name:22} {rate:8.0f} MB/s   {share}")
    store.write(options.out, "io_rates", {"group": options.group, "extents": extents, "rows": rows})


if __name__ == "__main__":
    main()
