"""Configurations of other codes in tests/data, read for tests: no checks, complex128, links[1, t, z, y, x, mu, a, b].

Paths are relative to tests/data, or absolute. Each folder there has the licence of its origin; what was computed on the
files with plain NumPy is in reference_values.json.
"""

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

DATA = Path(__file__).with_name("data")
MILC_VERSIONS = {20103: 96, 59354: 28}
"""Magic number -> bytes of the header: version 5, and the older ones."""


def reference_values() -> dict[str, dict]:
    """File name in tests/data -> its numbers."""
    return json.loads((DATA / "reference_values.json").read_text())


def read_links(name: str, **known) -> np.ndarray:
    """Links of a file of tests/data, its format told by its name."""
    path = DATA / name
    if path.name.startswith("nersc"):
        return read_nersc(path)
    if path.suffix in (".ildg", ".scidac", ".lime") or path.name.startswith("ildg"):
        return read_lime(path, **known)
    return read_milc(path)


def read_milc(path: str | Path) -> np.ndarray:
    """MILC's own format, versions 5 and before, in either byte order: float32, x fastest, all directions of a site."""
    raw = (DATA / path).read_bytes()
    order, header = next(
        (order, MILC_VERSIONS[magic])
        for order in "<>"
        if (magic := struct.unpack(f"{order}i", raw[:4])[0]) in MILC_VERSIONS
    )
    extents = struct.unpack(f"{order}4i", raw[4:20])
    return _canonical(np.frombuffer(raw, f"{order}c8", offset=header), extents, 3)


def read_nersc(path: str | Path) -> np.ndarray:
    """NERSC archive with full matrices in big-endian doubles (4D_SU3_GAUGE_3x3, IEEE64BIG)."""
    raw = (DATA / path).read_bytes()
    end = raw.index(b"END_HEADER\n") + len(b"END_HEADER\n")
    header = dict(re.findall(r"(\w+)\s*=\s*(\S+)", raw[:end].decode()))
    assert (header["DATATYPE"], header["FLOATING_POINT"]) == ("4D_SU3_GAUGE_3x3", "IEEE64BIG"), header
    extents = [int(header[f"DIMENSION_{k}"]) for k in (1, 2, 3, 4)]
    return _canonical(np.frombuffer(raw, ">c16", offset=end), extents, 3)


def read_lime(path: str | Path, *, extents=None, n=3, bits=64) -> np.ndarray:
    """ILDG and SciDAC files.

    extents (x, y, z, t), n, bits   of a file that does not say them itself
    """
    records = dict(lime_records(path))
    if form := records.get("ildg-format"):
        extents = [int(_tag(form, f"l{axis}")) for axis in "xyzt"]
        bits = int(_tag(form, "precision"))
    elif form := records.get("scidac-private-file-xml"):
        extents = [int(size) for size in _tag(form, "dims").split()]
        bits = {"F": 32, "D": 64}[_tag(records["scidac-private-record-xml"], "precision")]
    payload = records.get("ildg-binary-data") or records["scidac-binary-data"]
    return _canonical(np.frombuffer(payload, {32: ">c8", 64: ">c16"}[bits]), extents, n)


def lime_records(path: str | Path) -> Iterator[tuple[str, bytes]]:
    """(type, payload) of every record."""
    raw, at = (DATA / path).read_bytes(), 0
    while at < len(raw):
        magic, _, _, length = struct.unpack(">IHHQ", raw[at : at + 16])
        assert magic == 0x456789AB, (path, at)
        yield raw[at + 16 : at + 144].rstrip(b"\0").decode(), raw[at + 144 : at + 144 + length]
        at += 144 + -(-length // 8) * 8


def _tag(text: bytes, name: str) -> str:
    return re.search(rf"<{name}>\s*(.*?)\s*</{name}>", text.decode())[1]


def _canonical(numbers, extents, n):
    return numbers.reshape(1, *reversed(extents), 4, n, n).astype(np.complex128)
