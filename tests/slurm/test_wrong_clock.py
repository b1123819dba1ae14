"""A clock that is an hour ahead on the nodes that compute: refused, nothing lost."""

import json
from pathlib import Path

import pytest
import yaml
from slurm.chain import CHAIN, COMMIT, content_hash, uninterrupted, write_chain
from slurm.site import write_profile

pytestmark = pytest.mark.slurm

FASTER = CHAIN["save_every"] // 20
AHEAD = {"FAKETIME": "+1h", "NO_FAKE_STAT": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
"""The dates of files stay those of the file server."""


@pytest.fixture(scope="module")
def ahead(cluster):
    """Variables of a program whose clock is an hour ahead."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("no libfaketime, which apt-get was to install")
    return {"LD_PRELOAD": str(found[0]), **AHEAD}


@pytest.fixture
def study(tmp_path):
    """A short chunk on two ranks."""
    folder = write_chain(tmp_path / "study", 1)
    content = yaml.safe_load((folder / "study.yaml").read_text())
    content["scales"]["tiny"]["ensembles"][0]["save_every"] = FASTER
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return folder


def test_a_step_on_nodes_with_a_wrong_clock_fails_with_the_reason_and_is_done_elsewhere(
    cluster, ahead, study, tmp_path
):
    root, profile = tmp_path / "run", write_profile(tmp_path / "profile", retries=0)
    variables = " ".join(f"{name}={value}" for name, value in ahead.items())
    right = (profile / "config.yaml").read_text()
    assert "launcher=srun" in right
    (profile / "config.yaml").write_text(right.replace("launcher=srun", f"launcher=env {variables} srun"))
    line = ("gaugeflow", "submit", study, "--profile", profile, "--scale", "tiny", "--root", root)
    result = cluster.run(*line, "--coordinator", "here", "--", "--until", "generate", cwd=tmp_path, **COMMIT)
    assert result.returncode != 0, result.stdout + result.stderr
    assert list(root.rglob("*.h5")) == []
    status = cluster.run("gaugeflow", "status", root, "--json", cwd=tmp_path)
    told = json.dumps(json.loads(status.stdout))
    assert "3600 s apart" in told, status.stdout + status.stderr

    (profile / "config.yaml").write_text(right)
    resumed = cluster.run("gaugeflow", "resume", root, "--coordinator", "here", cwd=tmp_path, **COMMIT)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    (chunk,) = root.rglob("configs/0000.h5")
    assert [content_hash(chunk)] == uninterrupted(study, tmp_path / "alone", 1)
