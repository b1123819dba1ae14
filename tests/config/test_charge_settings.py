"""What is measured along a flow is part of its settings; the defaults leave no trace."""

import pytest

from gaugeflow.config.canonical import canonical_json
from gaugeflow.config.settings import FlowSettings

TIMES = (0.0, 0.1)
CHOICES = ({"charges": ("5li",)}, {"field_strength": "with_trace"}, {"time_slices": True})


def test_defaults_leave_no_trace_in_text_and_name():
    said = FlowSettings(times=TIMES, charges=("clover",), field_strength="traceless", time_slices=False)
    assert said.settings_id == FlowSettings(times=TIMES).settings_id == "2d138038"
    assert canonical_json(said) == '{"step":0.02,"times":[0.0,0.1]}'


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_other_choice_has_its_own_name_and_survives_the_text(choice):
    settings = FlowSettings(times=TIMES, **choice)
    assert len({settings.settings_id, *(FlowSettings(times=TIMES, **other).settings_id for other in CHOICES)}) == 3
    assert settings.settings_id != FlowSettings(times=TIMES).settings_id
    assert FlowSettings.model_validate(settings.model_dump()) == settings


def test_the_order_of_charges_does_not_matter():
    one, other = (FlowSettings(times=TIMES, charges=c) for c in (("plaquette", "clover"), ("clover", "plaquette")))
    assert one.charges == ("clover", "plaquette")
    assert one.settings_id == other.settings_id
