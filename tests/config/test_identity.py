"""Laws of identities: the same physics has the same id however it is written and however long it runs."""

import json

import pytest
import yaml
from house import TUNE, study_content, write_study
from hypothesis import given
from hypothesis import strategies as st

from gaugeflow.config.canonical import canonical_json, sha256_text
from gaugeflow.config.ensemble import EnsembleSpec, ensemble_id, resolved
from gaugeflow.config.fields import as_tuples
from gaugeflow.config.load import load_study
from gaugeflow.config.spec_file import read_spec, read_spec_text, write_spec
from gaugeflow.errors import ConfigError, FileError

BASE_ID = "u1_2d_b1.0_4x4-"


def ids(folder, **changes):
    return [e.ensemble_id for e in load_study(write_study(folder, study_content(**changes)), "tiny").ensembles]


def test_the_id_of_a_spec_never_changes(tmp_path):
    """A pinned value: a change of the schema that moves it orphans every ensemble that exists."""
    assert ids(tmp_path / "s")[0] == "u1_2d_b1.0_4x4-3fd1b3d208"


SAMPLERS = {
    "hmc": {"integrator": "omf4", "tau": 1.0, "n_steps": 3},
    "heatbath": {"heatbath": 1, "overrelaxation": 4},
    "langevin": {"step": 0.01},
    "mala": {"step": 0.01},
    "exact": {},
}


def test_winding_is_part_of_the_id_where_there_is_some(tmp_path):
    for kind in ("hmc", "heatbath"):
        sampler = {"kind": kind, **SAMPLERS[kind]}
        found = [
            ids(
                tmp_path / f"{kind}{len(winding)}{sum(winding.values())}",
                **{"ensembles.0.sampler": {**sampler, **winding}},
            )[0]
            for winding in ({}, {"winding": 0}, {"winding": 1})
        ]
        assert found[0] == found[1] != found[2]


def test_every_sampler_is_an_ensemble_of_its_own_whose_spec_is_read_back(tmp_path):
    found = set()
    for kind, keys in SAMPLERS.items():
        chosen = ensemble(tmp_path / kind, **{"ensembles.0.sampler": {"kind": kind, **keys}})
        written = write_spec(tmp_path / f"{kind}.json", chosen, None)
        assert read_spec(tmp_path / f"{kind}.json") == written
        assert written.spec.sampler == chosen.spec.sampler
        assert written.spec.sampler.kind == kind
        found.add(chosen.ensemble_id)
    assert len(found) == len(SAMPLERS)


def test_a_spec_of_a_sampler_that_does_not_exist_is_refused(tmp_path):
    chosen = ensemble(tmp_path / "s", **{"ensembles.0.sampler": {"kind": "exact"}})
    text = write_spec(tmp_path / "spec.json", chosen, None).text
    with pytest.raises(FileError, match="exact only for U1, SU2, U2 in 2D with the wilson action, not SU3 in 2D"):
        read_spec_text(text.replace('"group":"U1"', '"group":"SU3"'))


def test_ensembles_of_one_scan_never_share_random_numbers(tmp_path):
    content = study_content(**{"ensembles.0.beta": [1.0, 2.0], "ensembles.0.extents": [[4, 4], [8, 4]]})
    study = load_study(write_study(tmp_path, content), "tiny")
    assert len({e.spec.seed for e in study.ensembles}) == 1
    assert len({resolved(e.spec, 6).seed for e in study.ensembles}) == 4


def test_the_key_of_a_chain_depends_on_its_physics_alone(tmp_path):
    one, other = study_content(), study_content(**{"ensembles.0.chains": 16, "ensembles.0.save_every": 3})
    keys = [
        resolved(load_study(write_study(tmp_path / name, content), "tiny").ensembles[0].spec, 6).seed
        for name, content in (("a", one), ("b", other))
    ]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("text", ["1", "1.0", "1e0", "10.0e-1", "+1"])
def test_a_beta_has_one_id_however_it_is_written(tmp_path, text):
    content = yaml.safe_dump(study_content(**{"ensembles.0.beta": "BETA"})).replace("BETA", text)
    found = load_study(write_study(tmp_path / "s", content), "tiny").ensembles[0].ensemble_id
    assert found == ids(tmp_path / "t")[0]
    assert found.startswith(BASE_ID)


@pytest.mark.parametrize(
    "changes",
    [
        {"ensembles.0.chunks": 9},
        {"ensembles.0.ranks": 2},
        {"ensembles.0.ranks": 2, "ensembles.0.grid": [1, 2, 1]},
        {"ensembles.0.label": "x{beta}_{extents}"},
        {"ensembles.0.acceptance_band": [0.0, 1.0]},
        {"measure": {}},
        {"flow": None},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_length_place_and_name_are_not_part_of_the_id(tmp_path, changes):
    assert ids(tmp_path / "s", **changes) == ids(tmp_path / "t")


@pytest.mark.parametrize(
    "changes",
    [
        {"ensembles.0.beta": [1.0000000000000002, 2.5]},
        {"ensembles.0.group": "SU2"},
        {"ensembles.0.chains": 9},
        {"ensembles.0.seed": 8},
        {"ensembles.0.start": "hot"},
        {"ensembles.0.sampler.tau": 1.5},
        {"ensembles.0.sampler.integrator": "leapfrog"},
        {"ensembles.0.sampler.n_steps": 7},
        {"ensembles.0.sampler.n_steps": TUNE},
        {"ensembles.0.thermalisation": 11},
        {"ensembles.0.save_every": 3},
        {"ensembles.0.configs_per_chunk": 6},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_everything_that_defines_the_chain_is_part_of_the_id(tmp_path, changes):
    assert ids(tmp_path / "s", **changes)[0] != ids(tmp_path / "t")[0]


def test_settings_have_ids_of_their_own(tmp_path):
    first = load_study(write_study(tmp_path / "s"), "tiny")
    second = load_study(write_study(tmp_path / "t", study_content(measure={"polyakov": True})), "tiny")
    assert first.measure.settings_id != second.measure.settings_id
    assert first.flow().settings_id == second.flow().settings_id
    assert len(first.flow().settings_id) == 8


@given(
    beta=st.floats(min_value=1e-300, max_value=1e300),
    extents=st.lists(st.integers(2, 64), min_size=2, max_size=4),
    seed=st.integers(0, 2**64 - 1),
)
def test_a_spec_survives_its_json_and_its_id_is_safe_in_paths(beta, extents, seed):
    content = {
        "group": "SU3",
        "extents": extents,
        "action": {"kind": "wilson", "beta": beta},
        "sampler": {"kind": "hmc", "integrator": "omf2", "tau": 1.0, "n_steps": 5},
        "chains": 1,
        "seed": seed,
        "start": "cold",
        "thermalisation": 0,
        "save_every": 1,
        "configs_per_chunk": 1,
    }
    spec = EnsembleSpec.model_validate(as_tuples(content))
    assert EnsembleSpec.model_validate(as_tuples(json.loads(canonical_json(spec)))) == spec
    assert set(ensemble_id(spec)) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


def test_canonical_json_refuses_what_has_no_canonical_form():
    assert canonical_json({"b": 1, "a": [1.0, "µ"]}) == '{"a":[1.0,"\\u00b5"],"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def ensemble(folder, **changes):
    return load_study(write_study(folder, study_content(**changes)), "tiny").ensembles[0]


def test_a_spec_file_is_read_back_as_written(tmp_path):
    chosen = ensemble(tmp_path / "s", **{"ensembles.0.sampler.n_steps": TUNE})
    tuning = {"ensemble_id": chosen.ensemble_id, "n_steps": 9, "acceptance": 0.86}
    written = write_spec(tmp_path / "spec.json", chosen, tuning)
    assert read_spec(tmp_path / "spec.json") == written == read_spec_text(written.text)
    assert written.spec.sampler.n_steps == 9
    assert written.request == chosen.spec
    assert written.tuning == tuning
    assert written.sha256 == sha256_text(written.text)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_tuning_of_another_ensemble_or_none_is_refused(tmp_path):
    tuned = ensemble(tmp_path / "s", **{"ensembles.0.sampler.n_steps": TUNE})
    plain = ensemble(tmp_path / "t")
    for chosen, tuning in [
        (tuned, None),
        (plain, {"ensemble_id": plain.ensemble_id, "n_steps": 6}),
        (tuned, {"ensemble_id": plain.ensemble_id, "n_steps": 6}),
        (tuned, {"ensemble_id": tuned.ensemble_id, "n_steps": 0}),
        (tuned, {"ensemble_id": tuned.ensemble_id}),
    ]:
        with pytest.raises(ConfigError, match="tuning"):
            write_spec(tmp_path / "spec.json", chosen, tuning)
    assert not (tmp_path / "spec.json").exists()


EDITS = {
    "another beta": ('"beta":1.0', '"beta":1.5'),
    "another id": (BASE_ID, "u1_2d_b1.0_4x4-0"),
    "steps that nobody tuned": (
        '"n_steps":6,"tau":1.0},"save_every":2,"seed":1319',
        '"n_steps":7,"tau":1.0},"save_every":2,"seed":1319',
    ),
    "a key too many": ('"tuning":null', '"tuning":null,"host":1'),
    "a list as tuning": ('"tuning":null', '"tuning":[]'),
    "cut short": ('"tuning":null}', '"tuning":nu'),
    "not a number": ('"tuning":null', '"tuning":{"a":NaN}'),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_spec_is_refused(tmp_path, edit):
    text = write_spec(tmp_path / "spec.json", ensemble(tmp_path / "s"), None).text
    old, new = EDITS[edit]
    assert old in text
    (tmp_path / "spec.json").write_text(text.replace(old, new))
    with pytest.raises(FileError, match=r"spec\.json"):
        read_spec(tmp_path / "spec.json")


def test_a_missing_or_binary_spec_is_refused(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        read_spec(tmp_path / "none.json")
    (tmp_path / "spec.json").write_bytes(b"\x89HDF\xff")
    with pytest.raises(FileError, match="not a text file"):
        read_spec(tmp_path / "spec.json")
