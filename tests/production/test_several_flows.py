"""A study with several flows: every file is made by the one that it names, and the analysis sees them one at a time."""

import re

import pytest
from house import run, study_content, write_study

from gaugeflow.analysis.loading import load_study_data
from gaugeflow.analysis.scales import t0
from gaugeflow.cli.main import main
from gaugeflow.config.load import load_study
from gaugeflow.errors import ConfigError

TIMES = {"start": 0.0, "stop": 0.4, "step": 0.1}
FLOWS = [{"kind": "wilson", "times": TIMES, "step": 0.1}, {"kind": "zeuthen", "times": TIMES, "step": 0.1}]
SMALL = {
    "ensembles.0.group": "SU2",
    "ensembles.0.extents": [4, 4],
    "ensembles.0.beta": 2.0,
    "ensembles.0.chains": 4,
    "ensembles.0.thermalisation": 2,
    "ensembles.0.warmup": 0,
    "ensembles.0.save_every": 1,
    "ensembles.0.configs_per_chunk": 8,
    "ensembles.0.chunks": 1,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder of a study with two flows, its files)."""
    folder = tmp_path_factory.mktemp("flows")
    write_study(folder / "two", study_content(**SMALL, flow=FLOWS))
    study = load_study(str(folder / "two"), "tiny")
    [ensemble] = study.ensembles
    name = ["--study", str(folder / "two"), "--scale", "tiny"]
    spec, configs, measured = (str(folder / file) for file in ("spec.json", "configs.h5", "measured.h5"))
    lines = [
        ["spec", str(folder / "two"), "--scale", "tiny", "--ensemble", ensemble.ensemble_id, "--out", spec],
        ["generate", spec, "--chunk", "0", "--out", configs],
        ["measure", configs, *name, "--out", measured],
    ]
    flowed = []
    for flow in study.flows:
        flowed.append(str(folder / f"{flow.kind}.h5"))
        lines.append(["flow", configs, *name, "--settings", flow.settings_id, "--out", flowed[-1]])
    for line in lines:
        assert main(line) == 0, line
    return study, [configs, measured, *flowed]


def test_each_flow_has_data_of_its_own(made):
    study, files = made
    [ensemble] = load_study_data(study, files)
    assert list(ensemble.flows) == ["wilson", "zeuthen"]
    wilson, zeuthen = (ensemble.along(kind).flow_series("energy_clover") for kind in ensemble.flows)
    assert (wilson[:, :, 0] == zeuthen[:, :, 0]).all(), "at time 0 no flow has done anything"
    assert abs(wilson[:, :, -1] - zeuthen[:, :, -1]).min() > 0
    assert (ensemble.flow_series("energy_clover") == wilson).all(), "without a name it is the first"


def test_all_flows_share_the_bins(made):
    study, files = made
    [ensemble] = load_study_data(study, files)
    assert ensemble.along("zeuthen").bin_size == ensemble.bin_size
    assert t0(ensemble.along("zeuthen"), threshold=0.01).value != t0(ensemble, threshold=0.01).value


def test_the_order_of_files_does_not_matter(made):
    study, files = made
    [one], [two] = load_study_data(study, files), load_study_data(study, files[::-1])
    assert one.inputs == two.inputs
    assert {name for name in one.inputs if name.startswith("flow")} == {"flow_wilson/0000.h5", "flow_zeuthen/0000.h5"}


def test_a_missing_flow_is_named(made):
    study, files = made
    with pytest.raises(ConfigError, match="flow files of chunks"):
        load_study_data(study, files[:-1])


def test_which_flow_has_to_be_said(made, tmp_path, capsys):
    study, files = made
    line = ["flow", files[0], "--study", str(study.file), "--scale", "tiny", "--out", str(tmp_path / "x.h5")]
    assert main(line) == 2
    told = capsys.readouterr().err
    assert "wilson" in told
    assert "--settings" in told
    assert main([*line, "--settings", "symanzik"]) == 2
    assert "zeuthen" in capsys.readouterr().err


def test_two_flows_of_one_kind_are_refused(tmp_path):
    write_study(tmp_path / "twice", study_content(**SMALL, flow=[FLOWS[0], FLOWS[0]]))
    with pytest.raises(ConfigError, match="different kinds"):
        load_study(str(tmp_path / "twice"), "tiny")


def test_the_workflow_makes_every_flow(made, tmp_path):
    study, _ = made
    settings = (f"root={tmp_path}", "scale=tiny", f"studies=[{study.file}]")
    result = run("snakemake", "-s", "Snakefile", "-n", "--config", *settings)
    assert result.returncode == 0, result.stderr
    assert re.search(r"^flow +2$", result.stdout + result.stderr, re.M), result.stdout + result.stderr
