"""MILC's own binary formats, in either byte order; links in ILDG's order, always float32.

Version 5, 96 bytes:

    i32 magic 20103 | i32 x, y, z, t | 64 bytes time stamp | i32 order of the sites, 0 | u32 sum29, sum31

Versions 1 to 4, 28 bytes:

    i32 magic 59354 | i32 x, y, z, t | f32 c1, c2      two couplings of the run

N is not in the header; the size of the file tells it. (MILC code, io_lat: magic numbers and checksums.)
"""

import struct
from collections.abc import Mapping

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.errors import FileError
from gaugeflow.formats.file_bytes import FileBytes
from gaugeflow.formats.header import Claims, Header
from gaugeflow.formats.known import Known, group_from_size, require_extents, require_size

LAYOUTS = {20103: ("milc", "i4i64siII"), 59354: ("milc_v4", "i4i2f")}
"""Magic number -> name of the format, struct of its header."""

MAGIC = {name: magic for magic, (name, _) in LAYOUTS.items()}


def byte_order(start: bytes) -> str | None:
    """ ">" or "<" of a file that starts like this, None if it is none of MILC's."""
    if len(start) < 4:
        return None
    return next((order for order in "<>" if struct.unpack(f"{order}i", start[:4])[0] in LAYOUTS), None)


def matches(start: bytes) -> bool:
    """Whether a file that starts like this is one of MILC's."""
    return byte_order(start) is not None


def read_milc_header(file: FileBytes, known: Known) -> Header:
    """Header of a MILC file.

    Raises    FileError
    """
    order = byte_order(file.read(0, 4))
    name, fields = LAYOUTS[struct.unpack(f"{order}i", file.read(0, 4))[0]]
    layout = struct.Struct(order + fields)
    raw = file.read(0, layout.size)
    if len(raw) < layout.size:
        raise FileError(f"{file.path}: has {len(raw)} bytes, {layout.size - len(raw)} too few for a MILC header")
    _, x, y, z, t, *rest = layout.unpack(raw)
    extents = require_extents(file.path, (x, y, z, t), known)
    payload = file.size - layout.size
    group = group_from_size(file.path, extents, 4, payload, known, usual=3)
    claims, facts = _version_5(file, *rest) if name == "milc" else _version_4(*rest)
    header = Header(name, extents, group, np.dtype(f"{order}f4"), layout.size, gauge_group(group).n, claims, facts)
    require_size(file.path, payload, header.payload_bytes)
    return header


def _version_4(c1: float, c2: float) -> tuple[Claims, dict[str, str]]:
    return Claims(), {"c1": repr(c1), "c2": repr(c2)}


def _version_5(file: FileBytes, stamp: bytes, site_order: int, sum29: int, sum31: int) -> tuple[Claims, dict[str, str]]:
    if site_order != 0:
        raise FileError(
            f"{file.path}: its sites are in order {site_order}, wanted 0 (x fastest); write it again in serial format"
        )
    text = stamp.partition(b"\0")[0].decode("ascii", "backslashreplace").strip()
    return Claims(checksums={"milc": (sum29, sum31)}), {"time_stamp": text}


def header_bytes(header: Header, facts: Mapping[str, str], checksum: tuple[int, int]) -> bytes:
    """The header of a file to be written.

    facts    "time_stamp" of up to 63 characters in version 5; "c1", "c2" in versions 1 to 4
    """
    order = header.dtype.str[0]
    start = (MAGIC[header.format], *header.extents)
    layout = struct.Struct(order + LAYOUTS[MAGIC[header.format]][1])
    if header.format == "milc":
        return layout.pack(*start, facts.get("time_stamp", "").encode("ascii", "replace")[:63], 0, *checksum)
    return layout.pack(*start, float(facts.get("c1", 0)), float(facts.get("c2", 0)))
