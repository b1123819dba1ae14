"""Laws of leniency: whatever order, spaces and optional records a code writes is read; traps are not."""

import numpy as np
import pytest
from formats.fields import ODD, random_links, read_file, write_file

from gaugeflow.errors import FileError
from gaugeflow.formats.lime import MOST_RECORDS, record_bytes
from gaugeflow.formats.reading import read_header
from gaugeflow.formats.record_xml import LARGEST_XML
from gaugeflow.formats.writing import Wanted

LINKS = random_links(ODD, "SU3")
DATA = LINKS.astype(">c16").tobytes()
FORM = (
    b'\n<?xml version="1.0"?>\n<ildgFormat xmlns="http://www.lqcd.org/ildg">\n  <version> 1.0 </version>'
    b"<field> su3gauge\n</field><precision>\n64 </precision>"
    b"<lx> 2</lx><ly>3 </ly><lz> 4 </lz><lt>5</lt></ildgFormat>\n\0"
)
SIZES = b"<ildgFormat><lx>2</lx><ly>3</ly><lz>4</lz><lt>5</lt></ildgFormat>"
USQCD = b"<usqcdInfo><version>1.0</version><plaq>5.948e-01</plaq><linktr> -6.5e-02 </linktr><info></info></usqcdInfo>\0"
FILE = b"<scidacFile><spacetime>4</spacetime><dims>2 3 4 5 </dims><volfmt>0</volfmt></scidacFile>"
RECORD = (
    b"<scidacRecord><datatype>QDP_D3_ColorMatrix</datatype><precision>D</precision><colors>3</colors>"
    b"<typesize>144</typesize><datacount>4</datacount></scidacRecord>"
)


def lime(path, *records):
    path.write_bytes(b"".join(record_bytes(name, content) for name, content in records))
    return path


@pytest.fixture
def checksum(tmp_path):
    suma, sumb = write_file(tmp_path / "plain", Wanted("ildg", ODD, "SU3"), LINKS)["links"]
    tags = f"<version>1.0</version><suma>{suma:x}</suma>\n<sumb> {sumb:x} </sumb>"
    return f"\n<scidacChecksum>{tags}</scidacChecksum>".encode()


@pytest.mark.parametrize("turn", range(4))
def test_records_come_in_any_order(tmp_path, checksum, turn):
    records = [
        ("xlf-info", b"plaquette = 0.594800000000\n trajectory nr = 12\n beta = 6.0, kappa = 0.1\n"),
        ("ildg-binary-data", DATA),
        ("scidac-checksum", checksum),
        ("ildg-format", FORM),
    ]
    header, links, sums = read_file(lime(tmp_path / "conf", *records[turn:], *records[:turn]))
    np.testing.assert_array_equal(links, LINKS)
    assert (header.extents, header.group, header.warnings) == (ODD, "SU3", ())
    assert header.claims.plaquette == 0.5948
    assert header.claims.checksums["scidac"] == sums["scidac"]
    assert header.facts["xlf-info trajectory nr"] == "12"


def test_claims_stand_in_the_record_xml_of_usqcd(tmp_path):
    path = lime(tmp_path / "conf", ("scidac-record-xml", USQCD), ("ildg-format", FORM), ("ildg-binary-data", DATA))
    claims = read_header(path).claims
    assert (claims.plaquette, claims.link_trace) == (0.5948, -0.065)


def test_scidac_records_alone_say_extents_precision_and_n(tmp_path):
    records = [("scidac-private-file-xml", FILE), ("scidac-private-record-xml", RECORD), ("scidac-binary-data", DATA)]
    header, links, _ = read_file(lime(tmp_path / "conf", *records))
    assert (header.format, header.extents, header.group) == ("scidac", ODD, "SU3")
    np.testing.assert_array_equal(links, LINKS)
    assert len(header.warnings) == 1
    assert "no scidac-checksum" in header.warnings[0]


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_size_tells_the_precision_where_the_group_is_given(tmp_path, precision):
    links = random_links(ODD, "U2").astype({"float32": ">c8", "float64": ">c16"}[precision])
    path = lime(tmp_path / "conf", ("ildg-format", SIZES), ("ildg-binary-data", links.tobytes()))
    header, read, _ = read_file(path, group="U2")
    assert (header.group, header.precision) == ("U2", precision)
    np.testing.assert_array_equal(read, links)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([("ildg-format", SIZES), ("ildg-binary-data", DATA)], "neither N nor the precision"),
        ([("ildg-format", FORM)], "0 LIME records with links"),
        ([("ildg-format", FORM), ("ildg-binary-data", DATA), ("ildg-binary-data", DATA)], "2 LIME records with links"),
        ([("ildg-format", FORM), ("ildg-binary-data", DATA[:-16])], "16 too few"),
        ([("ildg-format", FORM), ("ildg-binary-data", DATA + bytes(8))], "8 too many"),
        ([("ildg-format", FORM.replace(b"64 ", b"48 ")), ("ildg-binary-data", DATA)], "precision"),
        ([("ildg-format", FORM.replace(b" 2<", b"-2<")), ("ildg-binary-data", DATA)], "extents are"),
        ([("ildg-format", FORM.replace(b" 2<", b"two<")), ("ildg-binary-data", DATA)], "whole number"),
        ([("ildg-format", FORM.replace(b" 2<", b"9999999999<")), ("ildg-binary-data", DATA)], "extents are"),
        ([("ildg-format", FORM.replace(b"su3gauge", b"fermion")), ("ildg-binary-data", DATA)], "field 'fermion'"),
        ([("ildg-format", FORM.replace(b"su3gauge", b"su9gauge")), ("ildg-binary-data", DATA)], "SU9"),
        ([("ildg-format", FORM + b" " * LARGEST_XML), ("ildg-binary-data", DATA)], "at most 1048576"),
        ([("ildg-format", b"<!DOCTYPE a>" + FORM[24:]), ("ildg-binary-data", DATA)], "DTD"),
        (
            [
                ("scidac-private-file-xml", FILE.replace(b"2 3", b"3 2")),
                ("ildg-format", FORM),
                ("ildg-binary-data", DATA),
            ],
            "ildg-format says extents",
        ),
        (
            [
                ("scidac-private-file-xml", FILE.replace(b">0<", b">1<")),
                ("ildg-format", FORM),
                ("ildg-binary-data", DATA),
            ],
            "volfmt",
        ),
        (
            [
                ("scidac-private-record-xml", RECORD.replace(b">4<", b">1<")),
                ("ildg-format", FORM),
                ("ildg-binary-data", DATA),
            ],
            "datacount",
        ),
        ([("x", b"")] * MOST_RECORDS + [("ildg-format", FORM), ("ildg-binary-data", DATA)], "more than 1000"),
    ],
)
def test_traps_are_refused_with_their_names(tmp_path, records, words):
    with pytest.raises(FileError, match=words):
        read_header(lime(tmp_path / "conf", *records))


def test_bytes_behind_the_last_record_are_counted(tmp_path):
    path = lime(tmp_path / "conf", ("ildg-format", FORM), ("ildg-binary-data", DATA))
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(FileError, match="got 1 bytes behind"):
        read_header(path)


def nersc(path, changes=(), drop=(), datatype="4D_SU3_GAUGE_3x3", payload=DATA):
    """A NERSC file as other codes write it, with keys changed or left out."""
    entries = {
        "DATATYPE": datatype,
        **{f"DIMENSION_{i}": e for i, e in enumerate(ODD, 1)},
        "FLOATING_POINT": "IEEE64BIG",
    }
    lines = [f"{key}={value}  " for key, value in {**entries, **dict(changes)}.items() if key not in drop]
    path.write_bytes("\n".join(["BEGIN_HEADER", *lines, "END_HEADER\n"]).encode() + payload)
    return path


def test_optional_keys_of_nersc_are_warnings(tmp_path):
    header, links, _ = read_file(nersc(tmp_path / "conf"))
    np.testing.assert_array_equal(links, LINKS)
    assert len(header.warnings) == 3
    for warning, key in zip(header.warnings, ("PLAQUETTE", "LINK_TRACE", "CHECKSUM"), strict=True):
        assert key in warning


def test_sun_of_other_n_is_read_by_name_or_by_size(tmp_path):
    links = random_links(ODD, "SU4")
    payload = links.astype(">c16").tobytes()
    for datatype in ("4D_SU4_GAUGE_4x4", "4D_SUN_GAUGE_4x4", "4D_SUN_GAUGE", "4D_SUN_GAUGE_NxN", "4D_SU4_GAUGE"):
        header, read, _ = read_file(nersc(tmp_path / "conf", datatype=datatype, payload=payload))
        assert (header.group, header.rows) == ("SU4", 4)
        np.testing.assert_array_equal(read, links)


@pytest.mark.parametrize(
    ("changes", "drop", "words"),
    [
        ({"DIMENSION_1": 0}, (), "extents are"),
        ({"DIMENSION_1": "2.0"}, (), "whole numbers"),
        ({"DIMENSION_1": 10**12}, (), "extents are"),
        ({}, ("DIMENSION_4",), "whole numbers"),
        ({"DIMENSION_4": 6}, (), "too few"),
        ({"DIMENSION_4": 4}, (), "too many"),
        ({"FLOATING_POINT": "IEEE16"}, (), "FLOATING_POINT"),
        ({"DATATYPE": "4D_SU3_GAUGE_2x2"}, (), "contradicts"),
        ({"DATATYPE": "4D_SU3_QUARK"}, (), "DATATYPE"),
        ({"DATATYPE": "4D_SU3_GAUGE"}, (), "too many"),
    ],
)
def test_headers_of_nersc_that_cannot_be_are_refused(tmp_path, changes, drop, words):
    with pytest.raises(FileError, match=words):
        read_header(nersc(tmp_path / "conf", changes, drop))


def test_sites_of_milc_in_another_order_are_refused(tmp_path):
    write_file(tmp_path / "conf", Wanted("milc", ODD, "SU3", "float32"), LINKS)
    raw = bytearray((tmp_path / "conf").read_bytes())
    raw[84] = 1
    (tmp_path / "conf").write_bytes(raw)
    with pytest.raises(FileError, match="order 1"):
        read_header(tmp_path / "conf")
