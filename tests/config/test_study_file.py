"""Laws of study files: what is valid is expanded, what is not is refused with file, key, got and wanted."""

import pytest
from house import STUDIES, study_content, write_study

from gaugeflow.config.load import find_study, load_study
from gaugeflow.errors import ConfigError

FAULTS = {
    "negative beta": ({"ensembles.0.beta": -1.0}, "ensembles[0].beta", "-1.0", "greater than 0"),
    "negative beta in a scan": ({"ensembles.0.beta": [1.0, -2.0]}, "ensembles[0].beta[1]", "-2.0", "greater than 0"),
    "infinite beta": ({"ensembles.0.beta": float("inf")}, "ensembles[0].beta", "inf", "finite"),
    "beta not a number": ({"ensembles.0.beta": float("nan")}, "ensembles[0].beta", "nan", "finite"),
    "beta as text": ({"ensembles.0.beta": "1.0"}, "ensembles[0].beta", "'1.0'", "number"),
    "beta as a word": ({"ensembles.0.beta": True}, "ensembles[0].beta", "True", "number"),
    "empty scan": ({"ensembles.0.beta": []}, "ensembles[0].beta", "[]", "at least 1"),
    "unknown key": ({"ensembles.0.bta": 1.0}, "ensembles[0].bta", "unknown key", "'beta'"),
    "unknown group": ({"ensembles.0.group": "SU9"}, "ensembles[0].group", "'SU9'", "SU3"),
    "one dimension": ({"ensembles.0.extents": [8]}, "ensembles[0].extents", "[8]", "at least 2"),
    "five dimensions": ({"ensembles.0.extents": [2] * 5}, "ensembles[0].extents", "[2, 2, 2, 2, 2]", "at most 4"),
    "extent of one": ({"ensembles.0.extents": [8, 1]}, "extents[1]", "1", "at least 2"),
    "too many sites": ({"ensembles.0.extents": [2**20, 2**20]}, "extents", "1048576", "2^40"),
    "no chains": ({"ensembles.0.chains": 0}, "chains", "0", "at least 1"),
    "half a chain": ({"ensembles.0.chains": 1.0}, "chains", "1.0", "integer"),
    "too many chains": ({"ensembles.0.chains": 2**24 + 1}, "chains", "16777217", "at most 16777216"),
    "seed too wide": ({"ensembles.0.seed": 2**64}, "seed", str(2**64), "less than"),
    "too many trajectories": ({"ensembles.0.thermalisation": 2**32 - 1}, "ensembles[0]", "", "2^32"),
    "unknown start": ({"ensembles.0.start": "warm"}, "start", "'warm'", "mixed"),
    "start without hash": ({"ensembles.0.start": {"file": "a.h5"}}, "start.content_sha256", "nothing", "this key"),
    "path with a space": (
        {"ensembles.0.start": {"file": "a; rm b", "content_sha256": "0" * 64}},
        "start.file",
        "rm",
        "",
    ),
    "label leaves its folder": ({"ensembles.0.label": "../{beta}"}, "label", "'../{beta}'", "letters"),
    "label with unknown field": ({"ensembles.0.label": "{mass}"}, "label", "'{mass}'", "extents"),
    "label that repeats": ({"ensembles.0.label": "all"}, "label", "'all' twice", "once"),
    "tuned to certainty": (
        {"ensembles.0.sampler.n_steps": {"target_acceptance": 1.0, "pilot_trajectories": 5}},
        "n_steps.target_acceptance",
        "1.0",
        "less than 1",
    ),
    "band of one": ({"ensembles.0.acceptance_band": [0.4]}, "acceptance_band", "[0.4]", "at least 2"),
    "band upside down": ({"ensembles.0.acceptance_band": [0.9, 0.4]}, "acceptance_band", "[0.9, 0.4]", "below"),
    "no sampler of this kind": (
        {"ensembles.0.sampler": {"kind": "gibbs"}},
        "ensembles[0].sampler.kind",
        "'gibbs'",
        "'hmc', 'heatbath', 'langevin', 'mala', 'exact'",
    ),
    "sampler without kind": ({"ensembles.0.sampler": {"step": 0.1}}, "sampler.kind", "nothing", "'hmc'"),
    "sampler as a word": ({"ensembles.0.sampler": "hmc"}, "ensembles[0].sampler", "'hmc'", "a mapping"),
    "unknown integrator": ({"ensembles.0.sampler.integrator": "rk4"}, "sampler.integrator", "'rk4'", "force_gradient"),
    "step of nothing": ({"ensembles.0.sampler": {"kind": "mala", "step": 0.0}}, "sampler.step", "0.0", "greater"),
    "step forgotten": ({"ensembles.0.sampler": {"kind": "langevin"}}, "sampler.step", "nothing", "this key"),
    "tau of another sampler": (
        {"ensembles.0.sampler": {"kind": "langevin", "step": 0.1, "tau": 1.0}},
        "sampler.tau",
        "unknown key",
        "'tau'",
    ),
    "no heat bath": (
        {"ensembles.0.sampler": {"kind": "heatbath", "heatbath": 0, "overrelaxation": 1}},
        "sampler.heatbath",
        "0",
        "at least 1",
    ),
    "half an overrelaxation": (
        {"ensembles.0.sampler": {"kind": "heatbath", "heatbath": 1, "overrelaxation": 0.5}},
        "sampler.overrelaxation",
        "0.5",
        "integer",
    ),
    "exact samples of SU(3)": (
        {"ensembles.0.sampler": {"kind": "exact"}, "ensembles.0.group": "SU3"},
        "ensembles[0].sampler.kind",
        "'exact'",
        "U1, SU2, U2 in 2D with the wilson action, not SU3 in 2D",
    ),
    "exact samples in 4D": (
        {"ensembles.0.sampler": {"kind": "exact"}, "ensembles.0.extents": [[4, 4], [4] * 4]},
        "ensembles[0].sampler.kind",
        "'exact'",
        "not U1 in 4D",
    ),
    "winding of SU(2)": (
        {"ensembles.0.sampler.winding": 2, "ensembles.0.group": "SU2"},
        "ensembles[0].sampler.winding",
        "2",
        "U(N) in 2D only, not SU2",
    ),
    "winding in 3D": (
        {
            "ensembles.0.sampler": {"kind": "heatbath", "heatbath": 1, "overrelaxation": 2, "winding": 1},
            "ensembles.0.extents": [4, 4, 4],
        },
        "ensembles[0].sampler.winding",
        "1",
        "not U1 in 3D",
    ),
    "warm-up of a sampler that rejects nothing": (
        {"ensembles.0.sampler": {"kind": "langevin", "step": 0.1}, "ensembles.0.warmup": 3},
        "ensembles[0].warmup",
        "3",
        "sampler langevin has no accept or reject",
    ),
    "grid against ranks": ({"ensembles.0.grid": [1, 2, 1], "ensembles.0.ranks": 4}, "grid", "2 ranks", "4"),
    "grid that does not divide": (
        {"ensembles.0.grid": [1, 3, 1], "ensembles.0.ranks": 3},
        "grid",
        "3 parts along t",
        "divisor of 4",
    ),
    "grid of another dimension": ({"ensembles.0.grid": [1, 1, 1, 1]}, "grid", "[1, 1, 1, 1]", "3 numbers"),
    "ranks that fit nothing": ({"ensembles.0.ranks": 7}, "ranks", "7", "divisors"),
    "loops larger than the lattice": (
        {"measure": {"loops": {"max_r": 5, "max_t": 2}}},
        "measure.loops",
        "5 x 2",
        "4 x 4",
    ),
    "falling flow times": ({"flow": {"times": [0.2, 0.1]}}, "flow.times", "[0.2, 0.1]", "rising"),
    "a charge that does not exist": (
        {"flow": {"times": [0.1], "charges": ["clover", "geometric"]}},
        "flow.charges[1]",
        "'geometric'",
        "'5li'",
    ),
    "a charge twice": ({"flow": {"times": [0.1], "charges": ["5li", "5li"]}}, "flow.charges", "5li", "once"),
    "no charge": ({"flow": {"times": [0.1], "charges": []}}, "flow.charges", "[]", "at least 1"),
    "a trace choice that does not exist": (
        {"flow": {"times": [0.1], "field_strength": "hermitian"}},
        "flow.field_strength",
        "'hermitian'",
        "'with_trace'",
    ),
    "charges of four dimensions in two": (
        {"flow": {"times": [0.1], "charges": ["clover", "improved"]}},
        "flow.charges",
        "improved",
        "4x4",
    ),
    "loops of a charge larger than the lattice": (
        {
            "ensembles.0.extents": [2, 4, 4, 4],
            "ensembles.0.label": "{extents}",
            "ensembles.0.beta": 1.0,
            "measure": {},
            "flow": {"times": [0.1], "charges": ["5li"]},
        },
        "flow.charges",
        "not 3",
        "at most 2 links",
    ),
    "flow grid that misses its end": (
        {"flow": {"times": {"start": 0.0, "stop": 1.0, "step": 0.3}}},
        "flow.times",
        "",
        "multiple",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_file_key_got_and_wanted(fault, tmp_path):
    changes, key, got, wanted = FAULTS[fault]
    folder = write_study(tmp_path / "s", study_content(**changes))
    with pytest.raises(ConfigError) as caught:
        load_study(folder, "tiny")
    message = str(caught.value)
    line = next((line for line in message.splitlines() if key in line), "")
    assert line.startswith(f"{folder}/study.yaml: scales.full"), message
    assert got in line
    assert wanted in line.split("wanted", 1)[1], message
    assert caught.value.exit_code == 2


TEXTS = {
    "a key twice": ("version: 1\nversion: 1\n", "line 2", "'version' stands twice"),
    "no mapping": ("- 1\n", "", "wanted a mapping"),
    "empty": ("", "", "wanted a mapping"),
    "broken": ("version: [1\n", "line 2", "wanted YAML"),
    "python objects": ("a: !!python/object/apply:os.system [ls]\n", "line 1", "constructor"),
    "a list in itself": ("a: &a [*a]\n", "", "contain themselves"),
    "aliases that explode": (
        "a0: &a0 [x,x]\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)),
        "",
        "expand too far",
    ),
    "another version": ("version: 2\ntitle: x\nscales: {}\n", "version", "wanted 1"),
    "no tiny scale": ("version: 1\ntitle: x\nscales: {}\n", "scales.tiny", "add it"),
}


@pytest.mark.parametrize("fault", TEXTS)
def test_a_text_that_is_no_study_is_refused_with_its_place(fault, tmp_path):
    text, place, wanted = TEXTS[fault]
    with pytest.raises(ConfigError) as caught:
        load_study(write_study(tmp_path / "s", text), "tiny")
    assert "study.yaml" in str(caught.value)
    assert place in str(caught.value)
    assert wanted in str(caught.value)


def test_scans_are_multiplied_out_and_labelled(tmp_path):
    study = load_study(write_study(tmp_path / "s"), "full")
    assert [e.label for e in study.ensembles] == ["b1.0_4x4", "b2.5_4x4", "b1.0_6x8", "b2.5_6x8"]
    assert len({e.ensemble_id for e in study.ensembles}) == 4
    assert all(e.configs_total == 15 and e.chunks == 3 for e in study.ensembles)
    assert study.flow().flow_times() == (0.0, 0.1, 0.2, 0.3, 0.4)


def test_words_of_yaml_1_1_are_text_and_its_numbers_are_numbers(tmp_path):
    text = "version: 1\ntitle: no\nscales: 1e3\n"
    with pytest.raises(ConfigError, match=r"scales: got 1000\.0, wanted a mapping"):
        load_study(write_study(tmp_path / "s", text), "tiny")


def test_a_study_is_found_by_name_folder_and_file(tmp_path, monkeypatch):
    folder = write_study(tmp_path / "studies" / "mine")
    monkeypatch.setenv("GAUGEFLOW_STUDIES", str(tmp_path / "studies"))
    monkeypatch.chdir(tmp_path)
    assert {load_study(name, "tiny").name for name in ("mine", folder, folder / "study.yaml", "studies/mine")} == {
        "mine"
    }
    other = folder / "variant.yaml"
    other.write_text((folder / "study.yaml").read_text())
    assert load_study(other, "tiny").name == "variant"


def test_an_unknown_study_is_refused_with_the_known_ones(tmp_path, monkeypatch):
    write_study(tmp_path / "studies" / "mine")
    monkeypatch.setenv("GAUGEFLOW_STUDIES", str(tmp_path / "studies"))
    with pytest.raises(ConfigError, match=r"study 'yours': not found .* known studies: .*mine"):
        find_study("yours")
    with pytest.raises(ConfigError, match="scale: got 'huge', wanted one of full, tiny"):
        load_study("mine", "huge")


@pytest.mark.parametrize("scale", ["full", "tiny"])
@pytest.mark.parametrize("name", STUDIES)
def test_every_study_of_the_repository_is_valid(name, scale):
    study = load_study(name, scale)
    assert study.ensembles
    assert study.name == name
