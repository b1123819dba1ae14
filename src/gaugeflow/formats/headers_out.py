"""What stands before and behind the links of a file that is written."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from gaugeflow.formats import milc, nersc, openqcd
from gaugeflow.formats.header import Header
from gaugeflow.formats.lime import BEGIN, END, padding, record_bytes, record_header

PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'
ILDG_NAMES = (
    'xmlns="http://www.lqcd.org/ildg" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.lqcd.org/ildg/filefmt.xsd"'
)


def front_and_trailer(
    header: Header,
    facts: Mapping[str, str],
    checksums: Mapping[str, tuple[int, ...]],
    plaquette: float,
    link_trace: float,
) -> tuple[bytes, bytes]:
    """Bytes before the links, of a length that depends on header and facts alone, and bytes behind them.

    checksums    of all links; of missing ones 0 is written
    """
    if header.format == "nersc":
        return nersc.header_text(header, facts, checksums.get("nersc", (0,))[0], plaquette, link_trace), b""
    if header.format in ("milc", "milc_v4"):
        return milc.header_bytes(header, facts, checksums.get("milc", (0, 0))), b""
    if header.format == "openqcd":
        return openqcd.header_bytes(header, plaquette), b""
    front = (
        _ildg_front(header, facts) if header.format == "ildg" else _scidac_front(header, facts, plaquette, link_trace)
    )
    return front, _trailer(header, checksums.get("scidac", (0, 0)))


def _ildg_front(header: Header, facts: Mapping[str, str]) -> bytes:
    x, y, z, t = header.extents
    form = (
        f"{PROLOG}<ildgFormat {ILDG_NAMES}><version>1.0</version><field>{header.group.lower()}gauge</field>"
        f"<precision>{header.dtype.itemsize * 8}</precision>"
        f"<lx>{x}</lx><ly>{y}</ly><lz>{z}</lz><lt>{t}</lt></ildgFormat>"
    )
    lfn = record_bytes("ildg-data-lfn", facts["lfn"].encode()) if "lfn" in facts else b""
    return (
        record_bytes("ildg-format", form.encode(), BEGIN)
        + lfn
        + record_header("ildg-binary-data", header.payload_bytes, 0)
    )


def _scidac_front(header: Header, facts: Mapping[str, str], plaquette: float, link_trace: float) -> bytes:
    letter, n = {4: "F", 8: "D"}[header.dtype.itemsize], header.n
    dims = " ".join(str(extent) for extent in header.extents)
    file = (
        f"{PROLOG}<scidacFile><version>1.1</version><spacetime>4</spacetime><dims>{dims} </dims>"
        "<volfmt>0</volfmt></scidacFile>"
    )
    record = (
        f"{PROLOG}<scidacRecord><version>1.1</version><date>{escape(facts.get('date', ''))}</date>"
        f"<recordtype>0</recordtype><datatype>QDP_{letter}{n}_ColorMatrix</datatype><precision>{letter}</precision>"
        f"<colors>{n}</colors><typesize>{n * n * 2 * header.dtype.itemsize}</typesize>"
        "<datacount>4</datacount></scidacRecord>"
    )
    info = (
        f"{PROLOG}<usqcdInfo><version>1.0</version><plaq>{plaquette:23.15e}</plaq><linktr>{link_trace:23.15e}</linktr>"
        f"<info>{escape(facts.get('info', ''))}</info></usqcdInfo>"
    )
    title = f"{PROLOG}<title>{escape(facts.get('title', 'gauge configuration'))}</title>"
    return (
        record_bytes("scidac-private-file-xml", file.encode() + b"\0", BEGIN)
        + record_bytes("scidac-file-xml", title.encode() + b"\0", END)
        + record_bytes("scidac-private-record-xml", record.encode() + b"\0", BEGIN)
        + record_bytes("scidac-record-xml", info.encode() + b"\0")
        + record_header("scidac-binary-data", header.payload_bytes, 0)
    )


def _trailer(header: Header, sums: tuple[int, int]) -> bytes:
    """The rest of the record with the links, and the checksum."""
    tags = f"<version>1.0</version><suma>{sums[0]:x}</suma><sumb>{sums[1]:x}</sumb>"
    xml = f"{PROLOG}<scidacChecksum>{tags}</scidacChecksum>"
    return bytes(padding(header.payload_bytes)) + record_bytes("scidac-checksum", xml.encode() + b"\0", END)
