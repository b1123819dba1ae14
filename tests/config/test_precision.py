"""The precision of a chain is part of its identity, and the default leaves no trace in any."""

import pytest
from house import study_content, write_study

from gaugeflow.config.canonical import canonical_json
from gaugeflow.config.ensemble import resolved
from gaugeflow.config.load import load_study
from gaugeflow.config.settings import FlowSettings
from gaugeflow.errors import ConfigError

FLOAT32 = {"ensembles.0.precision": "float32"}


def first(folder, **changes):
    return load_study(write_study(folder, study_content(**changes)), "tiny").ensembles[0]


def test_the_default_precision_is_in_no_text_and_no_identity(tmp_path):
    plain, said = first(tmp_path / "a"), first(tmp_path / "b", **{"ensembles.0.precision": "float64"})
    assert said.spec.precision == "float64"
    assert canonical_json(plain.spec) == canonical_json(said.spec)
    assert "precision" not in canonical_json(plain.spec)
    assert plain.ensemble_id == said.ensemble_id == "u1_2d_b1.0_4x4-3fd1b3d208"
    assert resolved(plain.spec, 6).seed == resolved(said.spec, 6).seed


def test_a_float32_chain_is_another_chain_with_its_own_random_numbers(tmp_path):
    double, single = first(tmp_path / "a"), first(tmp_path / "b", **FLOAT32)
    assert single.ensemble_id != double.ensemble_id
    assert resolved(single.spec, 6).seed != resolved(double.spec, 6).seed
    assert resolved(single.spec, 6).precision == "float32"
    assert single.spec.model_validate(single.spec.model_dump()) == single.spec


def test_settings_of_a_flow_keep_their_name_without_a_precision():
    plain = FlowSettings(times=(0.0, 0.1))
    assert plain.settings_id == FlowSettings(times=(0.0, 0.1), precision="float64").settings_id == "2d138038"
    assert plain.settings_id != FlowSettings(times=(0.0, 0.1), precision="float32").settings_id


def test_labels_may_name_the_precision(tmp_path):
    assert first(tmp_path, **FLOAT32, **{"ensembles.0.label": "{precision}_b{beta}_{extents}"}).label.startswith(
        "float32_"
    )


def test_an_unknown_precision_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"ensembles\[0\].precision: got 'float16', wanted 'float64' or 'float32'"):
        first(tmp_path, **{"ensembles.0.precision": "float16"})
