"""Laws of writing: what is written is read back bit for bit, whoever writes which part, in every format."""

import re

import numpy as np
import pytest
from formats.fields import (
    GROUPS,
    LINK_TRACE,
    ODD,
    PLAQUETTE,
    VARIANTS,
    extents_of,
    random_links,
    read_file,
    rounded,
    wanted_of,
    write_file,
)

from gaugeflow.errors import ConfigError
from gaugeflow.formats.file_bytes import FileBytes
from gaugeflow.formats.lime import scan_records
from gaugeflow.formats.reading import combine_checksums
from gaugeflow.formats.writing import LinkWriter, Wanted

TELL_N_ALONE = ("milc", "milc_v4", "openqcd", "scidac")


def identity(variant):
    return "-".join(str(part) for part in variant if part is not None)


@pytest.mark.parametrize("variant", VARIANTS, ids=identity)
@pytest.mark.parametrize("group", GROUPS)
def test_links_claims_and_checksums_come_back(tmp_path, variant, group):
    name, precision, _, rows = variant
    if rows == 2 and group in ("U1", "SU4"):
        with pytest.raises(ConfigError, match="rows"):
            wanted_of(variant, group)
        return
    links = random_links(extents_of(name), group)
    wanted = wanted_of(variant, group)
    written = write_file(tmp_path / "conf", wanted, links)
    header, read, checksums = read_file(tmp_path / "conf", group=group if name in TELL_N_ALONE else None)
    assert (header.format, header.extents, header.group, header.precision) == (name, wanted.extents, group, precision)
    assert (header.dtype, header.rows, header.offset) == (
        wanted.header.dtype,
        wanted.header.rows,
        wanted.header.offset,
    )
    exact = rounded(links, precision)
    np.testing.assert_array_equal(read[..., : header.rows, :], exact[..., : header.rows, :])
    np.testing.assert_allclose(read, exact, rtol=0, atol=1e-6 if precision == "float32" else 1e-14)
    assert written == checksums
    assert dict(header.claims.checksums) == {kind: sums for kind, sums in checksums.items() if kind != "links"}
    assert header.warnings == ()
    if name in ("nersc", "scidac"):
        assert (header.claims.plaquette, header.claims.link_trace) == (PLAQUETTE, LINK_TRACE)
    if name == "openqcd":
        assert header.claims.plaquette == pytest.approx(PLAQUETTE, rel=1e-15)


@pytest.mark.parametrize("variant", VARIANTS, ids=identity)
def test_two_writers_give_the_bytes_of_one(tmp_path, variant):
    wanted = wanted_of(variant)
    links = random_links(wanted.extents, "SU3")
    sums = write_file(tmp_path / "one", wanted, links)
    times, zs = links.shape[:2]
    with LinkWriter(tmp_path / "two", wanted) as first, LinkWriter(tmp_path / "two", wanted) as second:
        first.create()
        second.write(slice(2, times), slice(0, 1), links[2:, :1])
        first.write(slice(0, 2), slice(0, zs), links[:2])
        second.write(slice(2, times), slice(1, zs), np.stack([links[2:, 1:].real, links[2:, 1:].imag], axis=-1))
        combined = combine_checksums(first.checksums, second.checksums)
        first.finish(combined, PLAQUETTE, LINK_TRACE)
    assert combined == sums
    assert (tmp_path / "two").read_bytes() == (tmp_path / "one").read_bytes()


@pytest.mark.parametrize("variant", VARIANTS, ids=identity)
def test_a_second_round_trip_writes_the_same_bytes(tmp_path, variant):
    wanted = wanted_of(variant)
    write_file(tmp_path / "one", wanted, random_links(wanted.extents, "SU3"))
    _, links, _ = read_file(tmp_path / "one")
    write_file(tmp_path / "two", wanted, links)
    assert (tmp_path / "two").read_bytes() == (tmp_path / "one").read_bytes()


def test_the_links_checksum_is_that_of_the_field_in_every_format(tmp_path):
    extents = extents_of("openqcd")
    links = random_links(extents, "SU3")
    found = {"float32": set(), "float64": set()}
    for name, precision, order, rows in VARIANTS:
        if rows is None:
            sums = write_file(tmp_path / "conf", Wanted(name, extents, "SU3", precision, order), links)
            found[precision].add(sums["links"])
    assert len(found["float32"]) == len(found["float64"]) == 1


def test_ambiguous_ieee32_is_resolved_by_its_checksum_or_else_by_its_numbers(tmp_path):
    links = random_links(ODD, "SU3")
    for order in ("big", "little"):
        write_file(tmp_path / "conf", Wanted("nersc", ODD, "SU3", "float32", order), links)
        raw = (tmp_path / "conf").read_bytes()
        ambiguous = re.sub(rb"IEEE32(BIG|LITTLE)", b"IEEE32", raw)
        (tmp_path / "conf").write_bytes(ambiguous)
        header, read, _ = read_file(tmp_path / "conf")
        assert header.warnings == ()
        np.testing.assert_array_equal(read, rounded(links, "float32"))
        (tmp_path / "conf").write_bytes(re.sub(rb"CHECKSUM = \w+", b"CHECKSUM = 1", ambiguous))
        header, read, _ = read_file(tmp_path / "conf")
        assert "byte order" in header.warnings[0]
        np.testing.assert_array_equal(read, rounded(links, "float32"))


def test_records_and_facts_are_those_of_each_dialect(tmp_path):
    links = random_links(ODD, "SU3")
    write_file(tmp_path / "ildg", Wanted("ildg", ODD, "SU3", facts={"lfn": "lfn://here/conf.1"}), links)
    write_file(tmp_path / "scidac", Wanted("scidac", ODD, "SU3", facts={"title": "a < b", "date": "today"}), links)
    types = {}
    for name in ("ildg", "scidac"):
        with FileBytes(tmp_path / name) as file:
            types[name] = [record.type for record in scan_records(file)]
    assert types["ildg"] == ["ildg-format", "ildg-data-lfn", "ildg-binary-data", "scidac-checksum"]
    private = ["scidac-private-file-xml", "scidac-file-xml", "scidac-private-record-xml", "scidac-record-xml"]
    assert types["scidac"] == [*private, "scidac-binary-data", "scidac-checksum"]
    assert read_file(tmp_path / "ildg")[0].facts["ildg-data-lfn"] == "lfn://here/conf.1"
    assert read_file(tmp_path / "scidac")[0].facts["date"] == "today"
    write_file(tmp_path / "nersc", Wanted("nersc", ODD, "SU3", facts={"ENSEMBLE_ID": "e 1"}), links)
    assert read_file(tmp_path / "nersc")[0].facts["ENSEMBLE_ID"] == "e 1"
    write_file(tmp_path / "milc", Wanted("milc", ODD, "SU3", "float32", facts={"time_stamp": "now"}), links)
    assert read_file(tmp_path / "milc")[0].facts["time_stamp"] == "now"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("qcdsf", ODD, "SU3"), "format 'qcdsf'"),
        (("openqcd", ODD, "SU3"), "even"),
        (("openqcd", (2, 2, 2, 2), "SU3", "float32"), "precision"),
        (("milc", ODD, "SU3", "float64"), "precision"),
        (("ildg", ODD, "SU3", "float64", "little"), "byte order"),
        (("nersc", ODD, "SU2", "float64", None, 1), "rows"),
        (("nersc", (2, 2, 2), "SU3"), "extents"),
        (("nersc", (2, 2, 2, 0), "SU3"), "extents"),
        (("nersc", ODD, "SU9"), "SU9"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(arguments, words):
    with pytest.raises(ConfigError, match=words):
        Wanted(*arguments)


def test_header_lines_cannot_be_smuggled_in():
    with pytest.raises(ConfigError, match="one line"):
        Wanted("nersc", ODD, "SU3", facts={"ENSEMBLE_ID": "a\nCHECKSUM = 0"})


def test_wrong_shapes_and_double_writing_are_refused(tmp_path):
    links = random_links(ODD, "SU3")
    with LinkWriter(tmp_path / "conf", Wanted("ildg", ODD, "SU3")) as writer:
        writer.create()
        with pytest.raises(ValueError, match="shape"):
            writer.write(slice(0, 1), slice(0, 4), links)
        writer.write(slice(0, 1), slice(0, 4), links[:1])
        with pytest.raises(ValueError, match="twice"):
            writer.write(slice(0, 1), slice(3, 4), links[:1, 3:4])
