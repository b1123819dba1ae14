"""Laws of reading: other codes' files give what their origins publish, the same links where they hold one field."""

import numpy as np
import pytest
from data_files import DATA, read_links
from formats.fields import read_file

from gaugeflow.errors import FileError
from gaugeflow.formats.reading import is_hdf5, read_header

MILC = "milc/lat.sample."
L4, L8 = (4, 4, 4, 4), (4, 4, 4, 8)
A, B, C = (0x37AFFB9C, 0x2FC07BBF), (0x1C5A6CB5, 0x5DEA327A), (0x10D0EA1A, 0xA6A1B3B8)

FILES = {
    f"{MILC}l4444": ("milc", L4, "<f4", {"milc": (0x2352C05, 0xD137321D)}),
    f"{MILC}l4444.scidac": ("scidac", L4, ">f4", {"scidac": A}),
    f"{MILC}l4444.ildg": ("ildg", L4, ">f4", {"scidac": A}),
    f"{MILC}l4448": ("milc", L8, ">f4", {"milc": (0x13F3B413, 0x161F7DDE)}),
    f"{MILC}l4448.scidac": ("scidac", L8, ">f4", {"scidac": B}),
    f"{MILC}l4448.foreign": ("ildg", L8, ">f4", {}),
    f"{MILC}inst": ("milc_v4", L4, "<f4", {}),
    f"{MILC}5p7": ("milc", L8, "<f4", {"milc": (0x2E218AB1, 0x2D188E6B)}),
    "latqcdtools/ildg.l8t4b3360": ("ildg", (8, 8, 8, 4), ">f8", {"scidac": C}),
    "latqcdtools/nersc.l8t4b3360": ("nersc", (8, 8, 8, 4), ">f8", {"nersc": (0xB379560A,)}),
    "pyquda/weak_field.lime": ("ildg", L8, ">f8", {"scidac": (0xA2C41090, 0x11193C39)}),
    "lyncs_io/unity.lime": ("ildg", L4, ">f8", {"scidac": (0x35B49A1B, 0xB49A1B35)}),
}
"""File -> format, extents, type of a number, checksums of its header as published (of 5p7: as its header says)."""

SAME_FIELD = [
    [f"{MILC}l4444", f"{MILC}l4444.scidac", f"{MILC}l4444.ildg"],
    [f"{MILC}l4448", f"{MILC}l4448.scidac", f"{MILC}l4448.foreign"],
]
BARE = "gaugefields_jl/conf_00000100_4444_test.ildg"


@pytest.mark.parametrize("name", FILES)
def test_headers_say_what_is_published(name):
    form, extents, dtype, checksums = FILES[name]
    header = read_header(DATA / name)
    assert (header.format, header.extents, header.dtype.str, header.group) == (form, extents, dtype, "SU3")
    assert dict(header.claims.checksums) == checksums
    assert (DATA / name).stat().st_size >= header.offset + header.payload_bytes


@pytest.mark.parametrize("name", FILES)
def test_links_agree_with_headers_and_with_an_independent_reader(name):
    header, links, checksums = read_file(DATA / name)
    np.testing.assert_array_equal(links, read_oracle(name))
    sound = not name.endswith("5p7")
    for kind, value in header.claims.checksums.items():
        assert (checksums[kind] == value) == sound


def read_oracle(name):
    if name.endswith("foreign"):
        return read_links(f"{MILC}l4448.scidac")[0]
    return read_links(name)[0]


@pytest.mark.parametrize("names", SAME_FIELD, ids=["l4444", "l4448"])
def test_files_of_one_field_have_the_same_links_and_the_same_links_checksum(names):
    _, first, sums = read_file(DATA / names[0])
    for name in names[1:]:
        _, links, other = read_file(DATA / name)
        np.testing.assert_array_equal(links, first)
        assert other["links"] == sums["links"] == (A if "l4444" in name else B)


def test_nersc_and_ildg_files_of_one_field_agree_to_rounding():
    """Their last bits differ, as an oracle sees them too."""
    _, nersc, _ = read_file(DATA / "latqcdtools/nersc.l8t4b3360")
    _, ildg, _ = read_file(DATA / "latqcdtools/ildg.l8t4b3360")
    np.testing.assert_allclose(nersc, ildg, rtol=0, atol=1e-14)


def test_claims_are_normalised_to_one():
    nersc = read_header(DATA / "latqcdtools/nersc.l8t4b3360").claims
    assert (nersc.plaquette, nersc.link_trace) == (0.5038664469, 0.005406083858)
    assert read_header(DATA / "lyncs_io/unity.lime").claims.plaquette == 1.0


def test_sound_files_have_no_warnings():
    for name in FILES:
        if not name.endswith("foreign"):
            assert read_header(DATA / name).warnings == (), name


def test_the_odd_file_has_one_warning_per_defect():
    warnings = read_header(DATA / f"{MILC}l4448.foreign").warnings
    assert len(warnings) == 3
    for warning, words in zip(warnings, ("malformed", "no scidac-checksum", "foreign-file-private-xml"), strict=True):
        assert words in warning


def test_a_file_with_links_alone_needs_extents_and_group():
    for known in ({}, {"extents": L4}, {"group": "SU2"}):
        with pytest.raises(FileError, match=r"--extents x,y,z,t and --group"):
            read_header(DATA / BARE, **known)
    header, links, _ = read_file(DATA / BARE, extents=L4, group="SU2")
    assert (header.dtype.str, header.rows) == (">f8", 2)
    np.testing.assert_array_equal(links, read_links(BARE, extents=L4, n=2)[0])
    defect = np.abs(links @ links.conj().swapaxes(-1, -2) - np.eye(2)).max()
    assert defect < 1e-12


@pytest.mark.parametrize("name", FILES)
def test_what_contradicts_the_file_is_refused(name):
    extents = FILES[name][1]
    assert read_header(DATA / name, extents=extents, group="SU3").extents == extents
    with pytest.raises(FileError, match="as given"):
        read_header(DATA / name, extents=(*extents[:3], extents[3] + 1))
    with pytest.raises(FileError, match="as given"):
        read_header(DATA / name, group="SU2")


def test_the_group_of_a_file_that_tells_n_alone_may_be_given():
    assert read_header(DATA / f"{MILC}l4444", group="U3").group == "U3"
    with pytest.raises(FileError, match="got links of SU3, wanted U3"):
        read_header(DATA / f"{MILC}l4444.ildg", group="U3")


def test_other_files_are_refused_in_one_line(tmp_path):
    (tmp_path / "text").write_text("beta = 6.0\n" * 10)
    (tmp_path / "empty").touch()
    (tmp_path / "chunk.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert is_hdf5(tmp_path / "chunk.h5")
    assert not is_hdf5(tmp_path / "text")
    for name in ("text", "empty", "chunk.h5", "missing", "."):
        with pytest.raises(FileError) as caught:
            read_header(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert str(tmp_path / name) in str(caught.value)
