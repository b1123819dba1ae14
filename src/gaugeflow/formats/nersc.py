"""NERSC archive format: a header of text, then the links in ILDG's order.

    BEGIN_HEADER
    DATATYPE = 4D_SU3_GAUGE | 4D_SU3_GAUGE_3x3       two rows of every matrix, or all; 4D_SU<N>_GAUGE[_<N>x<N>]
    DIMENSION_1 = x, _2 = y, _3 = z, _4 = t
    CHECKSUM = sum of the links as 32-bit words, mod 2^32, hexadecimal
    LINK_TRACE = Re tr U / N
    PLAQUETTE = Re tr U_p / N
    FLOATING_POINT = IEEE32BIG | IEEE64BIG | IEEE32LITTLE | IEEE64LITTLE | IEEE32
    END_HEADER

The third row is the complex conjugate of the cross product of the first two. IEEE32 does not tell the byte order: the
one whose checksum fits is taken. (G. Kilcup et al., the QCD archive; qcdarchive.nersc.gov.)
"""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.errors import FileError
from gaugeflow.formats.checksums import nersc_sum
from gaugeflow.formats.file_bytes import FileBytes
from gaugeflow.formats.header import Claims, Header
from gaugeflow.formats.known import (
    Known,
    finite_number,
    group_from_size,
    hexadecimal,
    require_extents,
    require_group,
    require_size,
    whole_number,
)

SIGNATURE = b"BEGIN_HEADER"
LAST_LINE = b"END_HEADER"
LARGEST_HEADER = 1 << 16
READ_BYTES = 1 << 20
FACT_LENGTH = 400
DATATYPE = re.compile(r"4D_(S?U)(\d|N)_GAUGE(?:_(\d|N)X(\d|N))?")
FLOATING_POINT = re.compile(r"IEEE(32|64)(BIG|LITTLE|SMALL)?")
LARGEST_LINK = 1.5
"""No real number of a link is larger, by much; in the wrong byte order most are."""


def matches(start: bytes) -> bool:
    """Whether a file that starts like this is in the NERSC format."""
    return start.startswith(SIGNATURE)


def read_nersc_header(file: FileBytes, known: Known) -> Header:
    """Header of a NERSC file.

    Raises    FileError
    """
    entries, offset = _entries(file)
    sizes = [whole_number(entries.get(f"DIMENSION_{axis}", "")) for axis in (1, 2, 3, 4)]
    if None in sizes:
        raise FileError(f"{file.path}: wanted DIMENSION_1 to DIMENSION_4 as whole numbers in the NERSC header")
    extents = require_extents(file.path, sizes, known)
    floating = FLOATING_POINT.fullmatch(entries.get("FLOATING_POINT", "").upper())
    if floating is None:
        raise FileError(
            f"{file.path}: FLOATING_POINT is {entries.get('FLOATING_POINT')!r}, "
            "wanted IEEE32 or IEEE64 with BIG or LITTLE"
        )
    itemsize, payload = int(floating[1]) // 8, file.size - offset
    group, rows = _group_and_rows(file, entries, extents, itemsize, payload, known)
    warnings: list[str] = []
    claims = _claims(entries, warnings)
    facts = {key: value[:FACT_LENGTH] for key, value in entries.items()}
    order = {"BIG": ">", "LITTLE": "<", "SMALL": "<", None: ">"}[floating[2]]
    header = Header(
        "nersc", extents, group, np.dtype(f"{order}f{itemsize}"), offset, rows, claims, facts, tuple(warnings)
    )
    require_size(file.path, payload, header.payload_bytes)
    return header if floating[2] else _in_byte_order(file, header)


def _entries(file: FileBytes) -> tuple[dict[str, str], int]:
    """(keys of the header with their texts, first byte behind it)."""
    raw = file.read(0, LARGEST_HEADER)
    end = re.search(rb"\n" + LAST_LINE + rb"[ \t\r]*\n", raw)
    if end is None:
        raise FileError(
            f"{file.path}: BEGIN_HEADER without END_HEADER in the first {LARGEST_HEADER} bytes; the NERSC header is cut"
        )
    entries: dict[str, str] = {}
    for line in raw[: end.start()].decode("latin-1").split("\n")[1:]:
        key, mark, value = (part.strip() for part in line.partition("="))
        if mark and entries.setdefault(key, value) != value:
            raise FileError(f"{file.path}: the NERSC header says {key[:40]!r} twice, and not the same")
    return entries, end.end()


def _group_and_rows(
    file: FileBytes, entries: Mapping[str, str], extents: tuple[int, ...], itemsize: int, payload: int, known: Known
) -> tuple[str, int]:
    text = entries.get("DATATYPE", "")
    match = DATATYPE.fullmatch(text.upper())
    if match is None or match[3] != match[4]:
        raise FileError(f"{file.path}: DATATYPE is {text[:60]!r}, wanted 4D_SU3_GAUGE, 4D_SU3_GAUGE_3x3 or the like")
    sizes = {size for size in (match[2], match[3]) if size not in (None, "N")}
    if len(sizes) > 1:
        raise FileError(f"{file.path}: DATATYPE {text} contradicts itself")
    if not sizes:
        return (group := group_from_size(file.path, extents, itemsize, payload, known)), gauge_group(group).n
    group = require_group(file.path, f"{match[1]}{sizes.pop()}", known)
    return group, 2 if match[3] is None and group == "SU3" else gauge_group(group).n


def _claims(entries: Mapping[str, str], warnings: list[str]) -> Claims:
    numbers = {}
    for key in ("PLAQUETTE", "LINK_TRACE"):
        numbers[key] = finite_number(entries.get(key, ""))
        if numbers[key] is None:
            warnings.append(f"the NERSC header has no number {key}")
    checksum = hexadecimal(entries.get("CHECKSUM", ""))
    if checksum is None:
        warnings.append("the NERSC header has no CHECKSUM: damage in the links cannot be told from it")
    checksums = {} if checksum is None else {"nersc": (checksum,)}
    return Claims(numbers["PLAQUETTE"], numbers["LINK_TRACE"], checksums)


def _in_byte_order(file: FileBytes, big: Header) -> Header:
    """The header with the byte order that its checksum tells, or else the size of the numbers."""
    orders = {"big": big.dtype, "little": big.dtype.newbyteorder("<")}
    sums = dict.fromkeys(orders, 0)
    for block in _blocks(file, big):
        for name in orders:
            words = block.view(">u4" if name == "big" else "<u4")
            sums[name] = (sums[name] + nersc_sum(words)) % 2**32
    claimed = big.claims.checksums.get("nersc", (None,))[0]
    fitting = [name for name in orders if sums[name] == claimed]
    warnings = big.warnings
    if not fitting:
        first = next(_blocks(file, big))
        with np.errstate(all="ignore"):
            plausible = {name: np.mean(np.abs(first.view(dtype)) < LARGEST_LINK) for name, dtype in orders.items()}
        fitting = [max(plausible, key=plausible.__getitem__)]
        warnings = (
            *warnings,
            f"FLOATING_POINT does not tell the byte order and no checksum fits: taken for {fitting[0]}-endian, "
            "in which more of its numbers can be links",
        )
    facts = {**big.facts, "byte order": f"{fitting[0]}, as the checksum or the numbers tell"}
    return Header(
        big.format, big.extents, big.group, orders[fitting[0]], big.offset, big.rows, big.claims, facts, warnings
    )


def _blocks(file: FileBytes, header: Header) -> Iterator[np.ndarray]:
    """The links as bytes, in blocks of whole numbers that share one buffer."""
    buffer = np.empty(READ_BYTES, np.uint8)
    for start in range(0, header.payload_bytes, READ_BYTES):
        block = buffer[: min(READ_BYTES, header.payload_bytes - start)]
        file.read_into(header.offset + start, memoryview(block))
        yield block


def third_row(rows: np.ndarray) -> np.ndarray:
    """SU(3) matrices (.., 3, 3, 2) of reals from their first two rows (.., 2, 3, 2), in the same byte order.

    c = conj(a x b), in float64 with every product and sum rounded by itself, so that its bits do not depend on where
    and in which blocks it is computed; then rounded to the stored precision.
    """
    out = np.empty((*rows.shape[:-3], 3, 3, 2), rows.dtype)
    out[..., :2, :, :] = rows
    with np.errstate(all="ignore"):  # damaged numbers end as NaN, which the judge of the links names
        wide = rows.astype(np.float64)
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            (aj, ak), (bj, bk) = (wide[..., 0, j, :], wide[..., 0, k, :]), (wide[..., 1, j, :], wide[..., 1, k, :])
            real = (aj[..., 0] * bk[..., 0] - aj[..., 1] * bk[..., 1]) - (
                ak[..., 0] * bj[..., 0] - ak[..., 1] * bj[..., 1]
            )
            imag = (aj[..., 0] * bk[..., 1] + aj[..., 1] * bk[..., 0]) - (
                ak[..., 0] * bj[..., 1] + ak[..., 1] * bj[..., 0]
            )
            out[..., 2, i, 0], out[..., 2, i, 1] = real, -imag
    return out


def header_text(header: Header, facts: Mapping[str, str], checksum: int, plaquette: float, link_trace: float) -> bytes:
    """The header of a file to be written; its length depends on neither checksum, plaquette nor link trace.

    facts    further keys of capital letters, digits and _, with texts of one line, such as ENSEMBLE_ID
    """
    n = header.n
    full = header.rows == n
    bits, order = header.dtype.itemsize * 8, "BIG" if header.dtype.str[0] == ">" else "LITTLE"
    own = {
        "HDR_VERSION": "1.0",
        "DATATYPE": f"4D_{header.group}_GAUGE" + (f"_{n}x{n}" if full else ""),
        "STORAGE_FORMAT": "1.0",
        **{f"DIMENSION_{axis}": str(extent) for axis, extent in enumerate(header.extents, 1)},
        "LINK_TRACE": f"{link_trace:23.15e}",
        "PLAQUETTE": f"{plaquette:23.15e}",
        **{f"BOUNDARY_{axis}": "PERIODIC" for axis in (1, 2, 3, 4)},
        "CHECKSUM": f"{checksum:08x}",
        "FLOATING_POINT": f"IEEE{bits}{order}",
    }
    more = {key: value for key, value in facts.items() if key not in own and re.fullmatch(r"[A-Z][A-Z0-9_]*", key)}
    lines = [f"{key} = {value}" for key, value in {**own, **more}.items()]
    return ("\n".join(["BEGIN_HEADER", *lines, "END_HEADER"]) + "\n").encode("ascii")
