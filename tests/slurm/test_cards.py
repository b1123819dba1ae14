"""Laws of the GPU profile: steps go where the cards are, each rank is given one, and no driver is a clear error.

The cluster's cards are none. CuPy of these jobs says so as it would, and names the cards that SLURM gave.
"""

import os

import pytest
from house import study_content, write_study
from slurm.configuration import ACCOUNT
from slurm.site import ALONE, write_profile

from gaugeflow.jobs.attempts import all_attempts

pytestmark = pytest.mark.slurm

CUPY = """
import os
class cuda:
    class runtime:
        class CUDARuntimeError(RuntimeError):
            pass
        def getDeviceCount():
            raise cuda.runtime.CUDARuntimeError(f"no CUDA-capable device, cards {os.environ['CUDA_VISIBLE_DEVICES']}")
"""


@pytest.fixture(scope="module")
def gone_wrong(cluster, tmp_path_factory):
    """A run on cards of chains of one rank and of two: the folder, what submit said, and the cluster's jobs."""
    folder = tmp_path_factory.mktemp("cards")
    (folder / "cupy.py").write_text(CUPY)
    content = study_content(**{"ensembles.0.extents": [4, 4], "ensembles.0.beta": 1.0, "ensembles.0.chunks": 1})
    for scale in content["scales"].values():
        scale["ensembles"].append({**scale["ensembles"][0], "beta": 2.0, "ranks": 2})
    study = write_study(folder / "study", content)
    profile = write_profile(folder / "profile", "slurm-gpu", partition="gpu", settings=ALONE, retries=0)
    line = ("gaugeflow", "submit", study, "--profile", profile, "--scale", "tiny", "--root", folder / "run")
    path = f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    result = cluster.run(*line, "--coordinator", "here", cwd=folder, timeout=120, PYTHONPATH=path)
    jobs = [job for job in cluster.jobs("all") if job["folder"].startswith(str(folder))]
    shown = [cluster.run("scontrol", "-o", "show", "job", job["id"]).stdout for job in jobs]
    return folder / "run", result, jobs, shown


def test_steps_ask_for_their_cards_where_cards_are(gone_wrong):
    _, result, jobs, shown = gone_wrong
    assert len(jobs) == 2, result.stdout + result.stderr
    assert {job["partition"] for job in jobs} == {"gpu"}
    cards = sorted(text.split("gres/gpu=")[1][0] for text in shown)
    assert cards == ["1", "2"]
    assert all(f"Account={ACCOUNT} " in text for text in shown)
    assert sorted(text.split(" NumTasks=")[1].split()[0] for text in shown) == ["1", "2"]


@pytest.mark.parametrize(("beta", "cards"), [("1.0", 1), ("2.0", 2)], ids=["one rank", "two ranks"])
def test_a_job_sees_its_cards_and_says_that_they_are_none(gone_wrong, beta, cards):
    root, result, _, _ = gone_wrong
    (folder,) = (root / "logs" / "attempts" / "generate").glob(f"u1_2d_b{beta}_*/0000")
    (attempt,) = all_attempts(folder)
    assert attempt.exit_code == 2
    assert attempt.asked["gpus"] == cards
    assert attempt.reason.startswith("device cuda: CUDA finds no device (no CUDA-capable device, cards ")
    seen = attempt.reason.split(", cards ")[1].split(")")[0].split(",")
    assert len(set(seen)) == cards
    assert set(seen) <= {"0", "1"}
    assert "use --device cpu" in attempt.reason


def test_status_names_the_error_and_nothing_is_left(cluster, gone_wrong):
    root, result, _, _ = gone_wrong
    assert result.returncode not in (0, 75)
    shown = cluster.run("gaugeflow", "status", root)
    assert "device cuda: CUDA finds no device" in " ".join((shown.stdout + shown.stderr).split())
    assert list(root.rglob("*.h5")) == []
    assert cluster.jobs() == []
