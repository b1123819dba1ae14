"""Laws of what the preflight asks: the rules' own needs, for steps alone, chains of chunks and bundles."""

import math
from dataclasses import asdict

import pytest
from house import study_content, write_study

from gaugeflow.config.chunk_time import chunk_time
from gaugeflow.config.load import load_study
from gaugeflow.config.needs import chunk_memory_mb, chunk_minutes
from gaugeflow.coordinator.cluster import requests
from gaugeflow.coordinator.job_needs import JobSettings, job_needs
from gaugeflow.coordinator.profile import load_profile


@pytest.fixture
def study(folder):
    """Small ensembles at three couplings, with four chunks each and a flow."""
    changes = {"ensembles.0.beta": [1.0, 1.5, 2.0], "ensembles.0.extents": [[4, 4]], "ensembles.0.chunks": 4}
    write_study(folder / "s", study_content(**changes))
    return load_study("s", "full")


def as_they_are(rule, needs):
    return needs


def needs_of(study, **settings):
    return list(job_needs(study, JobSettings(**settings), as_they_are))


def test_a_step_alone_asks_what_its_rule_asks_flows_included(study):
    found = needs_of(study)
    ensemble = study.ensembles[0]
    wanted = {"mem_mb": chunk_memory_mb(ensemble, [study]), "runtime": chunk_minutes(ensemble, [study]), "tasks": 1}
    assert ("flow", wanted) in found
    assert {rule for rule, _ in found} == {"generate", "measure", "flow"}


def test_a_chains_job_asks_for_all_its_steps_one_after_the_other(study):
    generate = [needs for rule, needs in needs_of(study, job_minutes=240) if rule == "generate"]
    assert len(generate) == 3
    assert all(needs["mem_mb"] == chunk_memory_mb(study.ensembles[0], [study]) for needs in generate)
    time = chunk_time(study.ensembles[0], [study])
    seconds = [time.first + 3 * time.other, 4 * time.measure, 4 * time.flow * (time.flow <= time.other)]
    assert generate[0]["runtime"] == 10 + sum(math.ceil(3 * each / 60) for each in seconds)
    assert all(needs.get("cpus", 1) == 1 for needs in generate)


@pytest.mark.parametrize("bundle", [2, 16])
def test_a_bundle_asks_for_memory_and_cores_of_what_runs_side_by_side(study, bundle):
    (rule, needs), *_ = needs_of(study, bundle=bundle)
    assert rule == "generate"
    assert needs["cpus"] == min(bundle, 3 * 3)  # of three ensembles: generating, measuring, flowing
    assert needs["mem_mb"] == needs["cpus"] * chunk_memory_mb(study.ensembles[0], [study])


def test_config_of_the_command_line_overrides_the_profiles(slurm, study):
    profile = slurm.profile()
    with (profile / "config.yaml").open("a") as file:
        file.write("config: [job_minutes=240, bundle=16]\n")
    loaded = load_profile(str(profile))
    packed = [request for rule, request in requests(study, loaded) if rule == "generate"]
    alone = [
        request for rule, request in requests(study, loaded, {"job_minutes": "0", "bundle": "0"}) if rule == "generate"
    ]
    assert any("--cpus-per-task" in word for request in packed for word in request.extra)
    assert not any("--cpus-per-task" in word for request in alone for word in request.extra)
    assert max(r.memory_mb for r in packed) > max(r.memory_mb for r in alone), [asdict(r) for r in packed]
