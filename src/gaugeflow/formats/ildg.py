"""ILDG and SciDAC configurations: which LIME records hold what, in the dialects of QIO, tmLQCD, SIMULATeQCD and Grid.

    ildg-format                XML: field su3gauge, precision 32 | 64, lx ly lz lt
    ildg-binary-data           links[t, z, y, x, mu = x y z t, row, column, re im], x fastest of the sites, big-endian
    ildg-data-lfn              logical name
    scidac-private-file-xml    XML: dims x y z t, volfmt 0 (one file)
    scidac-private-record-xml  XML: precision F | D, colors N, datacount 4 (matrices of a site)
    scidac-record-xml          of the user; USQCD's has plaq (Re tr U_p / N) and linktr (Re tr U / N)
    scidac-binary-data         as ildg-binary-data
    scidac-checksum            XML: suma, sumb in hexadecimal digits
    xlf-info                   lines `key = value` of tmLQCD, among them plaquette (Re tr U_p / N)

Records come in any order and all but the links may be missing. (ILDG file format 1.2; QIO manual.)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.errors import FileError
from gaugeflow.formats.file_bytes import FileBytes
from gaugeflow.formats.header import Claims, Header
from gaugeflow.formats.known import (
    Known,
    finite_number,
    group_from_size,
    hexadecimal,
    matrix_size,
    require_extents,
    require_group,
    require_size,
    whole_number,
)
from gaugeflow.formats.lime import SIGNATURE, Record, scan_records
from gaugeflow.formats.record_xml import LARGEST_XML, plain, read_leaves

LINKS = {"ildg-binary-data": "ildg", "scidac-binary-data": "scidac"}
XML = ("ildg-format", "scidac-private-file-xml", "scidac-private-record-xml", "scidac-checksum", "scidac-record-xml")
TEXT = ("ildg-data-lfn", "xlf-info", "scidac-file-xml")
KNOWN_TYPES = frozenset({*LINKS, *XML, *TEXT, "ildg-data-LFN", "grid-format", "FieldNormMetaData", "lyncs-io-info"})
FACT_LENGTH = 400


@dataclass
class _Found:
    """What the records say, gathered record by record."""

    file: FileBytes
    tags: dict[str, Mapping[str, str]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def tag(self, record: str, name: str) -> str:
        """Text of an element, "" where there is none."""
        return self.tags.get(record, {}).get(name, "")

    def number(self, record: str, name: str) -> int | None:
        """Whole number of an element, None where there is no such element.

        Raises    FileError for anything else
        """
        text = self.tag(record, name)
        if not text:
            return None
        number = whole_number(text)
        if number is None:
            raise FileError(f"{self.file.path}: record {record} has {text[:40]!r} in <{name}>, wanted a whole number")
        return number


def matches(start: bytes) -> bool:
    """Whether a file that starts like this is in LIME."""
    return start[:4] == SIGNATURE


def read_ildg_header(file: FileBytes, known: Known) -> Header:
    """Header of a LIME file with the links of one configuration.

    Raises    FileError
    """
    records = scan_records(file)
    links = _only_links(file, records)
    found = _Found(file)
    for record in records:
        _read_record(found, record)
    extents, itemsize = _extents(found, known), _itemsize(found)
    group, itemsize = _group(found, known, extents, itemsize, links.length)
    n = gauge_group(group).n
    claims = _claims(found)
    _warn(found, records)
    found.facts["records"] = ", ".join(record.type for record in records)[:FACT_LENGTH]
    header = Header(
        LINKS[links.type],
        extents,
        group,
        np.dtype(f">f{itemsize}"),
        links.offset,
        n,
        claims,
        found.facts,
        tuple(found.warnings),
    )
    require_size(file.path, links.length, header.payload_bytes)
    return header


def _only_links(file: FileBytes, records: tuple[Record, ...]) -> Record:
    links = [record for record in records if record.type in LINKS]
    if len(links) == 1:
        return links[0]
    types = ", ".join(sorted({record.type for record in records}))[:FACT_LENGTH]
    raise FileError(
        f"{file.path}: got {len(links)} LIME records with links, wanted one ({' or '.join(LINKS)}); it holds {types}"
    )


def _read_record(found: _Found, record: Record) -> None:
    """Read a record that is XML or text; a second one of its type is left alone."""
    name = "ildg-data-lfn" if record.type == "ildg-data-LFN" else record.type
    if name not in XML and name not in TEXT:
        return
    if record.length > LARGEST_XML:
        raise FileError(f"{found.file.path}: record {name} has {record.length} bytes, wanted at most {LARGEST_XML}")
    if name in found.tags or name in found.facts:
        return
    raw = found.file.read(record.offset, record.length)
    if name == "xlf-info":
        found.tags[name] = dict(_assignments(raw))
        found.facts |= {
            f"xlf-info {key}"[:80]: value[:FACT_LENGTH] for key, value in list(found.tags[name].items())[:50]
        }
    elif name in TEXT:
        found.facts[name] = plain(raw).decode("utf-8", "replace")[:FACT_LENGTH]
    else:
        found.tags[name], well_formed = read_leaves(found.file.path, name, raw)
        if not well_formed and name != "scidac-record-xml":
            found.warnings.append(f"the XML of record {name} is malformed; its tags were read as plain text")


def _assignments(raw: bytes) -> list[tuple[str, str]]:
    """(key, value) of all `key = value`, which newlines and commas separate."""
    parts = re.split(r"[\n,]", plain(raw).decode("utf-8", "replace"))
    return [(key.strip(), value.strip()) for key, mark, value in (part.partition("=") for part in parts) if mark]


def _extents(found: _Found, known: Known) -> tuple[int, int, int, int]:
    """Extents of ildg-format and SciDAC's file record, which must agree."""
    sizes = [found.number("ildg-format", f"l{axis}") for axis in "xyzt"]
    given = [size for size in sizes if size is not None]
    if given and len(given) < 4:
        raise FileError(f"{found.file.path}: record ildg-format lacks some of lx, ly, lz, lt")
    dims = [whole_number(word) for word in found.tag("scidac-private-file-xml", "dims").split(maxsplit=8)]
    if None in dims:
        raise FileError(f"{found.file.path}: record scidac-private-file-xml: <dims> are not whole numbers")
    if given and dims and given != dims:
        raise FileError(f"{found.file.path}: ildg-format says extents {given}, scidac-private-file-xml {dims}")
    if found.number("scidac-private-file-xml", "volfmt") not in (None, 0):
        raise FileError(f"{found.file.path}: is one part of a configuration (volfmt is not 0); wanted a single file")
    _require_known(found, known, bool(given or dims))
    return require_extents(found.file.path, given or dims or None, known)


def _require_known(found: _Found, known: Known, said: bool) -> None:
    """A file with the links alone needs extents and group, which are asked for together."""
    if not said and (known.extents is None or known.group is None):
        raise FileError(f"{found.file.path}: holds links but no extents and no N; give --extents x,y,z,t and --group")


def _itemsize(found: _Found) -> int | None:
    """Bytes of a real number, from ildg-format or SciDAC's record, which must agree; None where neither says."""
    bits = found.number("ildg-format", "precision")
    letter = found.tag("scidac-private-record-xml", "precision")
    sizes = {32: 4, 64: 8, None: None}, {"F": 4, "D": 8, "": None}
    if bits not in sizes[0] or letter not in sizes[1]:
        raise FileError(f"{found.file.path}: precision {bits or letter[:40]!r}, wanted 32 or 64 (SciDAC: F or D)")
    itemsize, scidac = sizes[0][bits], sizes[1][letter]
    if None not in (itemsize, scidac) and itemsize != scidac:
        raise FileError(f"{found.file.path}: precision {bits} in ildg-format, {letter} in scidac-private-record-xml")
    return itemsize or scidac


def _group(found: _Found, known: Known, extents: tuple[int, ...], itemsize: int | None, length: int) -> tuple[str, int]:
    """(group, bytes of a real number): as the records say, or what fits the length of the links."""
    path, text = found.file.path, found.tag("ildg-format", "field")
    said: str | int | None = found.number("scidac-private-record-xml", "colors")
    if text:
        match = re.fullmatch(r"(s?u)\(?(\d)\)?_?gauge", text.strip().lower())
        if match is None:
            raise FileError(f"{path}: field {text[:40]!r} in ildg-format, wanted su3gauge or the like")
        field_group = f"{match[1].upper()}{match[2]}"
        if said is not None and said != int(match[2]):
            raise FileError(f"{path}: field {text} in ildg-format, but {said} colors in scidac-private-record-xml")
        said = field_group
    if found.number("scidac-private-record-xml", "datacount") not in (None, 4):
        raise FileError(f"{path}: holds no gauge field: datacount is not 4 in scidac-private-record-xml")
    group = None if said is None else require_group(path, said, known)
    if group is None and itemsize is not None:
        group = group_from_size(path, extents, itemsize, length, known)
    group = group or known.group
    if group is None:
        raise FileError(f"{path}: says neither N nor the precision; give --group")
    sizes = (itemsize,) if itemsize is not None else (4, 8)
    fitting = [size for size in sizes if matrix_size(extents, size, length) == gauge_group(group).n]
    return group, (fitting or sizes)[-1]


def _claims(found: _Found) -> Claims:
    plaquette = _claim(found, "scidac-record-xml", "plaq")
    if plaquette is None:
        plaquette = _claim(found, "xlf-info", "plaquette")
    sums = [found.tag("scidac-checksum", name) for name in ("suma", "sumb")]
    values = [hexadecimal(text) for text in sums]
    if "scidac-checksum" in found.tags and None in values:
        found.warnings.append("record scidac-checksum has no two hexadecimal numbers; there is nothing to compare with")
    checksums = {} if None in values else {"scidac": tuple(values)}
    date = found.tag("scidac-private-record-xml", "date")
    if date:
        found.facts["date"] = date[:FACT_LENGTH]
    return Claims(plaquette, _claim(found, "scidac-record-xml", "linktr"), checksums)


def _claim(found: _Found, record: str, name: str) -> float | None:
    text = found.tag(record, name)
    value = finite_number(text)
    if text and value is None:
        found.warnings.append(f"record {record}: {name} is {text[:40]!r}, which is no number")
    return value


def _warn(found: _Found, records: tuple[Record, ...]) -> None:
    if "scidac-checksum" not in found.tags:
        found.warnings.append("has no scidac-checksum record: damage in the links cannot be told from its header")
    types = [record.type for record in records]
    repeated = sorted({name for name in types if types.count(name) > 1 and name in (*XML, *TEXT)})
    if repeated:
        found.warnings.append(f"has several records of type {', '.join(repeated)}; the first of each is used")
    foreign = sorted(set(types) - KNOWN_TYPES)
    if foreign:
        found.warnings.append(f"has record types that gaugeflow does not know: {', '.join(foreign)[:FACT_LENGTH]}")
    if not any(name in found.tags for name in ("ildg-format", "scidac-private-file-xml")):
        found.warnings.append("has no ildg-format record: extents and group are those given")
