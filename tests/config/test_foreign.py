"""Laws of ensembles of other codes' files: names tell positions, chains are a rectangle, places are no identity."""

import itertools
import json
import re

import pytest
from foreign import entry, write_files_study
from house import run, study_content, write_study

from gaugeflow.config.canonical import canonical_json
from gaugeflow.config.cost import estimate
from gaugeflow.config.load import load_study
from gaugeflow.config.positions import PATTERNS, Position, positions_of
from gaugeflow.config.spec_file import make_spec, read_spec_text
from gaugeflow.errors import ConfigError, FileError

NAMES = {
    "ckpoint_lat.100": ("grid", "ckpoint_lat", 100),
    "ckpoint_lat.1": ("grid", "ckpoint_lat", 1),
    "E5r1n100": ("openqcd", "E5r1", 100),
    "run1n12": ("openqcd", "run1", 12),
    "conf.0100": ("tmlqcd", "", 100),
    "conf_s064t16_b0687361_a_U000500": ("simulateqcd", "a", 500),
    "conf_s064t16_b0687361_m0009_m001_b_U000020": ("simulateqcd", "b", 20),
    "run_8x8x8x8nc3rfundnf2b5.600000m0.150000n100": ("hirep", "run_8x8x8x8nc3rfundnf2b5.600000m0.150000", 100),
    "l3264f211b600m00507m0507m628a.000100": ("milc", "l3264f211b600m00507m0507m628a", 100),
}
"""Names as codes write them: pattern, chain, trajectory."""


def files(folder, *names):
    """Empty files: a study is judged by names alone."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def load(tmp_path, names, wanted=("*",), **changes):
    """The ensemble of a study over files of these names."""
    data = files(tmp_path / "data", *names)
    study = write_files_study(tmp_path / "study", entry(list(wanted), data, **changes))
    return load_study(study, "tiny").ensembles[0]


@pytest.mark.parametrize(("name", "wanted"), NAMES.items(), ids=[wanted[0] for wanted in NAMES.values()])
def test_a_name_follows_one_pattern_only_and_tells_chain_and_trajectory(name, wanted):
    pattern, chain, trajectory = wanted
    assert [key for key, expression in PATTERNS.items() if expression.fullmatch(name)] == [pattern]
    for choice in ("auto", pattern):
        assert positions_of([name], choice, "e") == {name: Position(chain, trajectory)}


@pytest.mark.parametrize("name", ["lat.sample.l4448", "nersc.l8t4b3360", "weak_field.lime", "conf_00000100_4444.ildg"])
def test_a_single_file_without_a_number_is_position_0(name):
    assert positions_of([name], "auto", "e") == {name: Position("", 0)}
    with pytest.raises(ConfigError, match=f"auto, wanted names that all follow one of .*; '{re.escape(name)}'"):
        positions_of([name, "conf.0001"], "auto", "e")


def test_names_of_two_patterns_are_not_mixed():
    with pytest.raises(ConfigError, match="'E5r1n100' and 1 more do not"):
        positions_of(["conf.0001", "E5r1n100"], "auto", "e")


def test_configurations_are_in_the_order_of_their_numbers_and_cut_into_chunks(tmp_path):
    ensemble = load(tmp_path, [f"conf.{k}" for k in (8, 9, 10, 100, 11)], configs_per_chunk=2)
    assert ensemble.foreign.trajectories == (8, 9, 10, 11, 100)
    assert ensemble.chunks == 3
    assert ensemble.configs_total == 5
    chunks = [ensemble.foreign.chunk(k) for k in range(3)]
    assert [chunk.names for chunk in chunks] == [
        (("conf.8",), ("conf.9",)),
        (("conf.10",), ("conf.11",)),
        (("conf.100",),),
    ]
    with pytest.raises(ConfigError, match="chunk 3: wanted one of 0 to 2"):
        ensemble.foreign.chunk(3)


def test_streams_and_folders_are_chains(tmp_path):
    names = [f"conf_s064t16_b0687361_{c}_U{k:06d}" for c, k in itertools.product("ab", (10, 20, 30))]
    streams = load(tmp_path / "1", names).foreign
    assert streams.chains == ("a", "b")
    assert streams.names[1] == (names[1], names[4])
    folders = load(tmp_path / "2", [f"{r}/conf.{k:04d}" for r in (2, 10) for k in (1, 2)], ["*/conf.*"]).foreign
    assert folders.chains == ("2", "10")
    assert folders.names == (("2/conf.0001", "10/conf.0001"), ("2/conf.0002", "10/conf.0002"))


def test_an_expression_or_a_table_tells_positions(tmp_path):
    names = ["s1/a-07.lime", "s1/a-08.lime", "s0/b-07.lime", "s0/b-08.lime"]
    text = r"s(?P<chain>\d)/\w-(?P<trajectory>\d+)\.lime"
    found = load(tmp_path / "1", names, ["s*/*"], positions=text).foreign
    assert (found.chains, found.trajectories) == (("0", "1"), (7, 8))
    study = tmp_path / "2" / "study"
    study.mkdir(parents=True)
    (study / "p.csv").write_text("file,chain,trajectory\n" + "".join(f"{n},x,{k}\n" for k, n in enumerate(names)))
    found = load(tmp_path / "2", names, ["s*/*"], positions={"table": "p.csv"}).foreign
    assert (found.chains, found.trajectories) == (("x",), (0, 1, 2, 3))
    assert found.names[2] == ("s0/b-07.lime",)
    assert found.table == study / "p.csv"


def test_chains_of_other_trajectories_are_refused_with_what_is_missing(tmp_path):
    names = [f"conf_s064t16_b0687361_{c}_U{k:06d}" for c, k in (("a", 1), ("a", 2), ("a", 3), ("b", 1))]
    with pytest.raises(
        ConfigError, match=r"chain 'b' has no trajectory 2, 3, .* each stream \(a, b\) an ensemble of its"
    ):
        load(tmp_path, names)


FAULTS = {
    "nothing found": ({"files": ["conf.9*"]}, "files: got 'conf.9*', wanted files in"),
    "no such folder": ({"folder": "nowhere"}, "folder: got 'nowhere', wanted a folder"),
    "named twice": ({"files": ["conf.*", "conf.0001"]}, "'conf.0001' is named twice, by 'conf.*' and by 'conf.0001'"),
    "glob outside": ({"files": ["../conf.*"]}, "wanted a name or glob inside `folder`"),
    "absolute glob": ({"files": ["/etc/*"]}, "files[0]: got '/etc/*', wanted text of the form"),
    "shell in a glob": ({"files": ["conf.*; rm x"]}, "files[0]: got 'conf.*; rm x', wanted text of the form"),
    "option in a glob": ({"files": ["-rf*"]}, "files[0]: got '-rf*', wanted text of the form"),
    "shell in a folder": ({"folder": "$(x)"}, "folder: got '$(x)', wanted text of the form"),
    "no files": ({"files": []}, "files: got [], wanted a list of at least 1"),
    "three dimensions": ({"extents": [4, 4, 4]}, "extents: got [4, 4, 4], wanted a list of at least 4"),
    "no group": ({"group": None}, "group: got None, wanted"),
    "unknown pattern": ({"positions": "chroma"}, "positions: got 'chroma', wanted auto, one of grid, hirep"),
    "broken expression": ({"positions": "(?P<trajectory>"}, "positions: got '(?P<trajectory>', wanted"),
    "expression of other names": (
        {"positions": r"x(?P<trajectory>\d+)"},
        "positions: got the file 'conf.0001', wanted",
    ),
    "another pattern": ({"positions": "openqcd"}, "got the file 'conf.0001', wanted names of the form openqcd"),
    "table that is not there": ({"positions": {"table": "t.csv"}}, "t.csv: cannot be read"),
    "keys of a chain": ({"seed": 1, "sampler": {"kind": "exact"}}, "seed: got an unknown key"),
    "grid against ranks": ({"ranks": 4, "grid": [1, 1, 1, 1, 2]}, "grid: got [1, 1, 1, 1, 2] = 2 ranks"),
    "ranks that fit nothing": ({"ranks": 7}, "ranks: got 7"),
    "label": ({"label": "{beta}"}, "label: got '{beta}', wanted fields in braces out of group, ndim, extents"),
    "action on two lines": ({"action": "a\nb"}, "action: got 'a\\nb', wanted text of the form"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_before_any_work(tmp_path, fault):
    changes, message = FAULTS[fault]
    data = files(tmp_path / "data", "conf.0001", "conf.0002")
    study = write_files_study(tmp_path / "study", {**entry(["*"], data), **changes})
    with pytest.raises(ConfigError) as error:
        load_study(study, "tiny")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["conf.10", "conf.010"], "'conf.010' and 'conf.10' are both trajectory 10"),
        (["conf.1", "conf.2 (copy)"], "finds 'conf.2 (copy)', wanted names of letters"),
        (["conf.99999999999"], "wanted a number below 2^32"),
    ],
)
def test_names_that_cannot_be_told_apart_or_quoted_are_refused(tmp_path, names, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(tmp_path, names)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,trajectory\n", "got columns file,trajectory, wanted file,chain,trajectory"),
        ("file,chain,trajectory\nconf.1,,1\n", "without a row: conf.2"),
        ("file,chain,trajectory\nconf.1,,1\nconf.2,,2\nconf.3,,3\n", "not among `files` of"),
        ("file,chain,trajectory\nconf.1,,1\nconf.1,,2\n", "t.csv:3: got ['conf.1', '', '2']"),
        ("file,chain,trajectory\nconf.1,,one\nconf.2,,2\n", "t.csv:2: got ['conf.1', '', 'one']"),
    ],
)
def test_a_table_has_one_row_for_every_file(tmp_path, table, message):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "t.csv").write_text(table)
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(tmp_path, ["conf.1", "conf.2"], positions={"table": "t.csv"})


def test_the_identity_does_not_depend_on_the_folder_or_on_more_files(tmp_path):
    here = load(tmp_path / "here", ["conf.1", "conf.2"])
    there = load(tmp_path / "there", ["conf.1", "conf.2", "conf.3"], ranks=2)
    assert here.ensemble_id == there.ensemble_id
    assert re.fullmatch(r"su3_4d_foreign_2x4x2x4-[0-9a-f]{10}", here.ensemble_id)
    others = [
        {"wanted": ["conf.*"]},
        {"positions": "tmlqcd"},
        {"configs_per_chunk": 3},
        {"beta": 6.0},
        {"group": "SU2"},
    ]
    ids = {load(tmp_path / str(k), ["conf.1", "conf.2"], **other).ensemble_id for k, other in enumerate(others)}
    assert len(ids | {here.ensemble_id}) == len(others) + 1


def test_its_spec_file_is_read_back_and_an_edited_one_is_refused(tmp_path):
    spec = make_spec(load(tmp_path, ["conf.1"], beta=5.7, action="Wilson"), None)
    assert read_spec_text(spec.text) == spec
    assert spec.spec == spec.request
    content = json.loads(spec.text)
    for where in ("spec", "request"):
        edited = {**content, where: {**content[where], "beta": 5.8}}
        with pytest.raises(FileError):
            read_spec_text(canonical_json(edited))


def test_files_take_no_disk_and_the_memory_of_measuring(tmp_path):
    cost = estimate(load(tmp_path, ["conf.1"]))
    assert cost.disk == 0
    assert 180e6 < cost.memory < 190e6


def test_files_of_the_other_scale_may_be_elsewhere(tmp_path):
    files(tmp_path / "data", "conf.1")
    content = study_content()
    content["scales"]["tiny"] = {"ensembles": [entry(["conf.*"], tmp_path / "data")], "measure": {}}
    content["scales"]["full"] = {"ensembles": [entry(["conf.*"], tmp_path / "far")], "measure": {}}
    study = write_study(tmp_path / "t", content)
    assert len(load_study(study, "tiny").ensembles) == 1
    with pytest.raises(ConfigError, match="far"):
        load_study(study, "full")


def test_what_has_a_sampler_only_refuses_files(tmp_path):
    study = write_files_study(tmp_path / "s", entry(["conf.*"], files(tmp_path / "data", "conf.1")))
    shown = run("gaugeflow", "check-study", study)
    assert shown.returncode == 0, shown.stderr
    assert "files: 1 file in " in shown.stdout
    spec = tmp_path / "spec.json"
    assert run("gaugeflow", "spec", study, "--ensemble", "files", "--out", spec).returncode == 0
    for line, message in (
        (("tune", study, "--ensemble", "files", "--out", tmp_path / "t.json"), "no sampler to tune"),
        (("generate", spec, "--chunk", "0", "--out", tmp_path / "0.h5"), "gaugeflow catalogue reads them"),
    ):
        done = run("gaugeflow", *line)
        assert done.returncode == 2
        assert message in done.stderr
