"""Laws of the estimates: linear where the need is linear, and right where it was measured."""

import itertools

import pytest
from house import study_content, write_study

from gaugeflow.config.cost import BASE_MEMORY, FORCES_PER_STEP, estimate, links_bytes, update_ns
from gaugeflow.config.load import load_study


def cost(folder, **changes):
    study = load_study(write_study(folder, study_content(**{"ensembles.0.beta": 1.0, **changes})), "tiny")
    return estimate(study.ensembles[0], study.flows), study.ensembles[0].spec


def test_memory_and_disk_are_linear_in_volume_and_chains(tmp_path):
    small, spec = cost(tmp_path / "a", **{"ensembles.0.extents": [8, 8]})
    for name, changes in {"volume": {"ensembles.0.extents": [16, 8]}, "chains": {"ensembles.0.chains": 16}}.items():
        large, _ = cost(tmp_path / name, **{"ensembles.0.extents": [8, 8], **changes})
        assert large.disk == 2 * small.disk
        assert large.memory - BASE_MEMORY == pytest.approx(2 * (small.memory - BASE_MEMORY))
        assert large.generate_seconds == pytest.approx(2 * small.generate_seconds)
        assert large.flow_seconds == pytest.approx(2 * small.flow_seconds)
    assert links_bytes(spec) == 8 * 64 * 2 * 16


def test_16_to_the_4_su3_stays_below_400_mb(tmp_path):
    changes = {"ensembles.0.group": "SU3", "ensembles.0.extents": [16] * 4, "ensembles.0.chains": 1}
    needs, spec = cost(tmp_path / "s", **changes)
    assert links_bytes(spec) == 37_748_736
    assert 0.28e9 < needs.memory < 0.4e9


def test_disk_is_what_the_configurations_occupy(tmp_path):
    needs, spec = cost(tmp_path / "s", **{"ensembles.0.chunks": 3, "ensembles.0.configs_per_chunk": 5})
    assert needs.disk == 15 * links_bytes(spec)


def test_no_flow_costs_nothing_and_tuning_something(tmp_path):
    plain, _ = cost(tmp_path / "a", flow=None)
    steps = {"target_acceptance": 0.8, "pilot_trajectories": 100}
    tuned, _ = cost(tmp_path / "b", flow=None, **{"ensembles.0.sampler.n_steps": steps})
    assert plain.flow_seconds == 0
    assert tuned.generate_seconds > plain.generate_seconds


def test_charges_along_the_flow_cost_what_was_measured(tmp_path):
    four = {"ensembles.0.extents": [4, 4, 4, 4], "measure": {}}
    flow = {"times": [0.1, 0.2], "step": 0.02}
    plain, _ = cost(tmp_path / "a", flow=flow, **four)
    more, _ = cost(tmp_path / "b", flow={**flow, "charges": ["clover", "5li"]}, **four)
    steps = 10 + 2 * 0.7
    assert more.flow_seconds / plain.flow_seconds == pytest.approx((steps + 2 * 9.2) / steps)
    assert more.generate_seconds == plain.generate_seconds


def test_time_grows_with_the_group_and_is_the_measured_one_where_it_was_measured(tmp_path):
    groups = ("U1", "SU2", "U2", "SU3", "U3", "SU4", "U4", "SU5", "U8")
    needs = [cost(tmp_path / group, **{"ensembles.0.group": group}) for group in groups]
    for small, large in itertools.pairwise(needs):
        assert large[0].generate_seconds > small[0].generate_seconds
    per_site = {group: update_ns(spec) for group, (_, spec) in zip(groups, needs, strict=True)}
    assert (per_site["U1"], per_site["SU2"], per_site["SU3"]) == (12.0, 23.5, 75.0)  # 2D: one plane, two directions
    assert per_site["SU4"] == pytest.approx(per_site["SU3"] * (4 / 3) ** 4)
    assert links_bytes(needs[-1][1]) == 64 * links_bytes(needs[0][1])


def test_every_sampler_costs_what_its_forces_or_sweeps_cost(tmp_path):
    def seconds(name, **sampler):
        changes = {"ensembles.0.sampler": sampler, "ensembles.0.group": "SU3", "ensembles.0.extents": [8, 8]}
        return cost(tmp_path / name, **changes)[0].generate_seconds

    hmc = {"kind": "hmc", "tau": 1.0, "n_steps": 4}
    times = {name: seconds(name, integrator=name, **hmc) for name in FORCES_PER_STEP}
    assert times["leapfrog"] < times["omf2"] < times["force_gradient"] < times["omf4"]
    langevin, mala = (seconds(kind, kind=kind, step=0.1) for kind in ("langevin", "mala"))
    assert langevin < mala < times["leapfrog"]
    sweeps = [seconds(f"h{k}", kind="heatbath", heatbath=1, overrelaxation=k) for k in (0, 4, 8)]
    assert sweeps[2] - sweeps[1] == pytest.approx(sweeps[1] - sweeps[0])
    assert sweeps[0] > langevin


def test_shifted_forces_need_memory_for_the_shifted_links(tmp_path):
    sampler = {"kind": "hmc", "tau": 1.0, "n_steps": 4}
    needs = [
        cost(tmp_path / name, **{"ensembles.0.sampler": {**sampler, "integrator": name}})
        for name in ("omf4", "force_gradient")
    ]
    assert needs[1][0].memory - needs[0][0].memory == pytest.approx(1.5 * links_bytes(needs[0][1]))
