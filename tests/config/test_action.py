"""The action of an ensemble: names are numbers, numbers are identities, and what was named before keeps its name."""

import pytest
from house import study_content, write_study

from gaugeflow.assembly import make_action
from gaugeflow.config.canonical import canonical_json
from gaugeflow.config.cost import estimate
from gaugeflow.config.ensemble import resolved
from gaugeflow.config.load import load_study
from gaugeflow.config.settings import FlowSettings
from gaugeflow.config.spec_file import read_spec, write_spec
from gaugeflow.conventions import RECTANGLE_COEFFICIENTS
from gaugeflow.errors import ConfigError


def first(folder, action=None, **changes):
    content = study_content(**({} if action is None else {"ensembles.0.action": action}), **changes)
    return load_study(write_study(folder, content), "tiny").ensembles[0]


def test_the_wilson_action_is_in_an_identity_as_it_always_was(tmp_path):
    plain, said = first(tmp_path / "a"), first(tmp_path / "b", "wilson")
    assert plain.ensemble_id == said.ensemble_id == "u1_2d_b1.0_4x4-3fd1b3d208"
    assert '"action":{"beta":1.0,"kind":"wilson"}' in canonical_json(plain.spec)


@pytest.mark.parametrize("name", RECTANGLE_COEFFICIENTS)
def test_a_name_is_recorded_as_its_number(tmp_path, name):
    c1 = RECTANGLE_COEFFICIENTS[name]
    named, given = first(tmp_path / "a", name), first(tmp_path / "b", {"c1": c1})
    assert named.ensemble_id == given.ensemble_id != first(tmp_path / "c").ensemble_id
    assert resolved(named.spec, 6).seed != resolved(first(tmp_path / "c").spec, 6).seed
    written = write_spec(tmp_path / "spec.json", named, None)
    assert read_spec(tmp_path / "spec.json") == written
    assert f'"action":{{"beta":1.0,"c1":{c1!r},"kind":"rectangle"}}' in written.text
    action = make_action(written.spec)
    assert (action.beta, action.c1) == (1.0, c1)
    assert action.c0 + 8 * action.c1 == pytest.approx(1)


def test_labels_may_name_the_action(tmp_path):
    label = {"ensembles.0.label": "{action}_b{beta}_{extents}"}
    for action, name in (("wilson", "wilson"), ("dbw2", "dbw2"), ({"c1": -0.331}, "iwasaki"), ({"c1": -0.2}, "c1-0.2")):
        assert first(tmp_path / name, action, **label).label == f"{name}_b1.0_4x4"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("luescher", r"action: got 'luescher', wanted 'wilson', 'symanzik', 'iwasaki' or 'dbw2'"),
        ({"c1": 0}, r"action\.c1: got 0, wanted a number other than 0, which is action: wilson"),
        ({"c1": "x"}, r"action\.c1: got 'x', wanted a number"),
        ({"c0": 1.0}, r"action\.c1: got nothing, wanted this key"),
    ],
    ids=str,
)
def test_other_actions_are_refused(tmp_path, action, message):
    with pytest.raises(ConfigError, match=message):
        first(tmp_path, action)


def test_rectangles_cost_time_and_memory(tmp_path):
    plain, improved = (estimate(first(tmp_path / str(a), a)) for a in ("wilson", "iwasaki"))
    assert improved.generate_seconds > 2 * plain.generate_seconds
    assert improved.memory > plain.memory
    assert improved.disk == plain.disk


FLOW = {"times": (0.0, 0.1)}


def test_settings_of_a_flow_keep_their_name_at_the_defaults():
    plain = FlowSettings(**FLOW)
    assert plain.settings_id == FlowSettings(**FLOW, kind="wilson", adaptive=None).settings_id == "2d138038"
    others = ({"kind": "symanzik"}, {"kind": "zeuthen"}, {"adaptive": {}}, {"adaptive": {"tolerance": 1e-6}})
    assert len({FlowSettings(**FLOW, **other).settings_id for other in others} | {plain.settings_id}) == 5


def test_tolerance_and_norm_are_recorded():
    settings = FlowSettings(**FLOW, adaptive={"tolerance": 1e-6}, kind="zeuthen")
    assert settings.scheme == (0.02, "zeuthen", 1e-6)
    assert '"adaptive":{"norm":"frobenius/N^2","tolerance":1e-06},"kind":"zeuthen"' in canonical_json(settings)
    assert FlowSettings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flow.kind": "luescher"}, r"flow\.kind: got 'luescher', wanted 'wilson', 'symanzik' or 'zeuthen'"),
        ({"flow.adaptive": {"tolerance": 0.0}}, r"flow\.adaptive\.tolerance: got 0\.0, wanted a number greater than 0"),
        ({"flow.adaptive": {"norm": "max"}}, r"flow\.adaptive\.norm: got 'max'"),
        ({"flow.adaptive": {}, "flow.precision": "float32"}, r"flow\.adaptive: .*at least 1e-06 in float32"),
    ],
    ids=str,
)
def test_other_flows_are_refused(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        first(tmp_path, **changes)


def test_flows_cost_time_and_memory(tmp_path):
    def cost(name, **changes):
        big = {"ensembles.0.extents": [16, 16], "ensembles.0.beta": 1.0, **changes}
        study = load_study(write_study(tmp_path / name, study_content(**big)), "tiny")
        return estimate(study.ensembles[0], study.flows)

    wilson, zeuthen = cost("wilson"), cost("zeuthen", **{"flow.kind": "zeuthen", "flow.adaptive": {}})
    assert zeuthen.flow_seconds > 2 * wilson.flow_seconds
    assert zeuthen.memory > wilson.memory
    assert zeuthen.generate_seconds == wilson.generate_seconds
