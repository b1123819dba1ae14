"""`gaugeflow check`, `info` and `convert` on configurations of other codes."""

import json
import re

import h5py
import numpy as np
import pytest
from data_files import DATA, read_links, reference_values
from formats.mutations import KINDS, flip_links
from house import run

from gaugeflow.cli.main import main
from gaugeflow.formats.reading import LinkFile, read_header

BARE = "gaugefields_jl/conf_00000100_4444_test.ildg"
BARE_OPTIONS = ("--extents", "4,4,4,4", "--group", "SU2")
SAME_LINKS = [
    ("milc/lat.sample.l4444", "milc/lat.sample.l4444.scidac", "milc/lat.sample.l4444.ildg"),
    ("milc/lat.sample.l4448", "milc/lat.sample.l4448.scidac", "milc/lat.sample.l4448.foreign"),
]
ROUNDED_APART = ("latqcdtools/nersc.l8t4b3360", "latqcdtools/ildg.l8t4b3360")
"""The same field, written after other operations: links differ by 1e-15."""
SOUND = sorted({*(name for group in SAME_LINKS for name in group), "milc/lat.sample.inst", "pyquda/weak_field.lime"})
SOUND += ["lyncs_io/unity.lime", *ROUNDED_APART]
TOLERANCE = {"float32": 1e-8, "float64": 1e-12}
"""Plaquettes and traces are computed at the precision of the file."""
DEFECTIVE, ODD = "milc/lat.sample.5p7", "milc/lat.sample.l4448.foreign"


def read_configuration(path):
    """Links (t, z, y, x, 4, N, N) by our reader."""
    header = read_header(path)
    with LinkFile(path, header) as file:
        reals = file.part(*(slice(0, extent) for extent in header.shape[:4]))
    return reals[..., 0] + 1j * reals[..., 1]


def checked(capsys, *words):
    """(exit code, entries) of `gaugeflow check --json`."""
    capsys.readouterr()
    code = main(["check", "--json", *map(str, words)])
    return code, json.loads(capsys.readouterr().out)


def test_every_sound_file_passes_and_has_the_published_numbers(capsys):
    code, entries = checked(capsys, *(DATA / name for name in SOUND))
    assert code == 0
    reference = reference_values()
    for name, entry in zip(SOUND, entries, strict=True):
        assert (entry["ok"], entry["problems"]) == (True, [])
        wanted = reference.get(name, {})
        for key, published in (
            ("plaquette", "plaquette"),
            ("plaquette_space", "plaq_ss"),
            ("plaquette_time", "plaq_st"),
            ("link_trace", "link_trace"),
        ):
            if published in wanted:
                assert entry[key] == pytest.approx(wanted[published], abs=TOLERANCE[entry["precision"]])
        if wanted:
            assert entry["unitarity_defect"] == pytest.approx(wanted["max_unitarity_violation"], rel=1, abs=1e-15)
    assert len(reference.keys() & set(SOUND)) == 8


def test_files_that_hold_the_same_links_have_one_checksum(capsys):
    for names in SAME_LINKS:
        _, entries = checked(capsys, *(DATA / name for name in names))
        assert len({entry["checksums"]["links"] for entry in entries}) == 1
    everything = checked(capsys, *(DATA / name for name in (*(names[0] for names in SAME_LINKS), *ROUNDED_APART)))[1]
    assert len({entry["checksums"]["links"] for entry in everything}) == len(everything)


def test_the_same_field_in_two_formats_has_the_same_links_to_rounding():
    first, second = (read_configuration(DATA / name) for name in ROUNDED_APART)
    assert 0 < abs(first - second).max() < 1e-14


def test_the_bad_file_fails_with_both_defects_named(capsys):
    assert main(["check", str(DATA / DEFECTIVE)]) == 3
    out = capsys.readouterr().out
    assert out.startswith("FAILED ")
    assert "milc checksum of the links is" in out
    assert re.search(r"\b192 of 2048 links are off the group", out)


def test_the_odd_file_passes_with_a_warning_for_each_defect_and_strict_refuses_it(capsys):
    assert main(["check", str(DATA / ODD)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok", "warning", "warning", "warning"]
    text = "\n".join(lines)
    for defect in ("ildg-format", "checksum", "foreign-file-private-xml"):
        assert defect in text
    assert main(["check", "--strict", str(DATA / ODD)]) == 3
    assert capsys.readouterr().out.startswith("FAILED ")


def test_a_file_without_extents_and_group_needs_both_and_says_so(capsys):
    assert main(["check", str(DATA / BARE)]) == 3
    assert "--extents" in (out := capsys.readouterr().out)
    assert "--group" in out
    code, (entry,) = checked(capsys, DATA / BARE, *BARE_OPTIONS)
    assert (code, entry["group"], entry["extents"]) == (0, "SU2", [4, 4, 4, 4])
    assert entry["plaquette"] == pytest.approx(-0.007853743153861798, abs=1e-12)
    assert main(["check", str(DATA / BARE), "--extents", "4,4,4,5", "--group", "SU2"]) == 3
    assert main(["check", str(DATA / SOUND[0]), "--extents", "4,4,4,6"]) == 3


@pytest.mark.parametrize("words", [("--extents", "4,4,x,4"), ("--extents", "4,4,4"), ("--extents", "0,4,4,4")])
def test_extents_that_are_none_are_an_error_of_the_command_line(words, capsys):
    assert main(["check", str(DATA / BARE), "--group", "SU2", *words]) == 2
    assert "--extents: got" in capsys.readouterr().err


def test_info_shows_what_the_header_says(capsys):
    assert main(["info", str(DATA / "latqcdtools/nersc.l8t4b3360")]) == 0
    out = capsys.readouterr().out
    for text in ("nersc", "8 x 8 x 8 x 4", "b379560a", "0.5038664469", "big"):
        assert text in out
    assert main(["info", str(DATA / BARE)]) == 3


@pytest.mark.parametrize("name", [*SOUND, BARE])
def test_links_survive_the_way_through_every_format(name, tmp_path, capsys):
    """Foreign -> ours -> every format that has the precision and the group -> ours."""
    options = BARE_OPTIONS if name == BARE else ()
    _, (first,) = checked(capsys, DATA / name, *options)
    steps = {"float32": ["nersc", "milc", "scidac", "ildg"], "float64": ["openqcd", "nersc", "scidac", "ildg"]}
    steps = ["nersc", "ildg"] if first["group"] != "SU3" else steps[first["precision"]]
    at = DATA / name
    for step in ["first.h5", *(f"step.{step}" for step in steps), "last.h5"]:
        assert main(["convert", str(at), str(tmp_path / step), *options]) == 0, capsys.readouterr().err
        at, options = tmp_path / step, ()
    _, entries = checked(capsys, *(tmp_path / f"step.{step}" for step in steps))
    assert {entry["checksums"]["links"] for entry in entries} == {first["checksums"]["links"]}
    readable = "milc/lat.sample.l4448" if name == ODD else name
    links = read_links(DATA / readable, **({"extents": (4, 4, 4, 4), "n": 2} if name == BARE else {}))
    for ours in ("first.h5", "last.h5"):
        with h5py.File(tmp_path / ours) as file:
            assert np.array_equal(file["links"][0], links)


def test_float32_links_enter_a_float64_file_on_the_group_or_not_at_all(tmp_path, capsys):
    source, out = str(DATA / "milc/lat.sample.l4448"), tmp_path / "out.openqcd"
    assert main(["convert", source, str(out)]) == 2
    assert "--reunitarise" in capsys.readouterr().err
    assert main(["convert", source, str(out), "--reunitarise"]) == 0
    code, (entry,) = checked(capsys, out)
    assert (code, entry["precision"]) == (0, "float64")
    assert entry["unitarity_defect"] < 1e-14
    assert entry["determinant_defect"] < 1e-14
    assert entry["plaquette"] == pytest.approx(reference_values()["milc/lat.sample.l4448"]["plaquette"], abs=1e-6)


def test_convert_keeps_what_is_there_and_refuses_what_is_unsound(tmp_path, capsys):
    sound, out = str(DATA / "milc/lat.sample.l4444"), tmp_path / "out.ildg"
    out.write_text("precious")
    assert main(["convert", sound, str(out)]) == 3
    assert out.read_text() == "precious"
    cases = {
        (str(DATA / DEFECTIVE), "a.ildg"): (3, "192 of 2048 links"),
        (sound, "a.unknown"): (2, "--to"),
        (sound, "a.ildg", "--to", "tar"): (2, "wanted one of"),
        (sound, "a.ildg", "--byte-order", "little"): (2, "big"),
        (sound, "a.h5", "--precision", "float32"): (2, "other options"),
        (sound, "a.ildg", "--chain", "1"): (2, "--chain"),
        (str(tmp_path / "absent"), "a.ildg"): (3, "absent"),
    }
    for (source, name, *words), (code, text) in cases.items():
        assert main(["convert", source, str(tmp_path / name), *words]) == code, words
        assert text in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["out.ildg"]


MUTATED = (
    "milc/lat.sample.l4444",
    "milc/lat.sample.inst",
    "milc/lat.sample.l4444.ildg",
    "milc/lat.sample.l4444.scidac",
)


@pytest.mark.parametrize("name", [*MUTATED, "nersc", "openqcd"])
def test_check_of_any_bytes_is_a_line_and_a_flip_under_a_checksum_fails(name, tmp_path, capsys):
    """What `check` does beyond reading: judging, comparing and looking for bad links."""
    sound = DATA / name
    if name not in MUTATED:
        sound = tmp_path / f"sound.{name}"
        words = ("--reunitarise",) if name == "openqcd" else ()
        assert main(["convert", str(DATA / MUTATED[0]), str(sound), *words]) == 0
    raw, header, rng = sound.read_bytes(), read_header(sound), np.random.default_rng(11)
    kinds = [KINDS[i % len(KINDS)] for i in range(4 * len(KINDS))]
    paths = [tmp_path / f"{i:03d}" for i in range(len(kinds))]
    for path, kind in zip(paths, kinds, strict=True):
        path.write_bytes(kind(raw, header.offset, header.payload_bytes, rng))
    capsys.readouterr()
    assert main(["check", *map(str, paths)]) == 3
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("warning ")]
    assert [line.split(":")[0].split() for line in lines] == [
        [line.split()[0], str(p)] for p, line in zip(paths, lines, strict=True)
    ]
    assert {line.split()[0] for line in lines} <= {"ok", "FAILED"}
    if header.claims.checksums:
        flipped = [line for line, kind in zip(lines, kinds, strict=True) if kind is flip_links]
        assert all(line.startswith("FAILED") and "checksum of the links is" in line for line in flipped)


@pytest.mark.mpi
@pytest.mark.parametrize("to", ["nersc", "openqcd"])
def test_several_ranks_write_the_bytes_of_one(to, tmp_path):
    source = DATA / "pyquda/weak_field.lime"
    for ranks in (1, 3):
        launcher = ("mpiexec", "-n", str(ranks)) if ranks > 1 else ()
        out = tmp_path / f"{ranks}.{to}"
        done = run(*launcher, "gaugeflow", "convert", source, out, "--ranks", str(ranks))
        assert done.returncode == 0, done.stderr
    assert (tmp_path / f"1.{to}").read_bytes() == (tmp_path / f"3.{to}").read_bytes()
