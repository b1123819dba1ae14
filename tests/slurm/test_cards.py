"""Laws of the GPU profile: steps go where the cards are, each rank is given one, and no driver is a clear error.

The cluster's cards are none. CuPy of these jobs says so as it would, and names the cards that SLURM gave.
"""

import os
import re

import pytest
from house import REPOSITORY, study_content, write_study
from slurm.configuration import ACCOUNT, CARDS
from slurm.site import ALONE, write_profile

from gaugeflow.jobs.attempts import all_attempts

pytestmark = pytest.mark.slurm

CUPY = """
import os
import re
class cuda:
    class runtime:
        class CUDARuntimeError(RuntimeError):
            pass
        def getDeviceCount():
            cards = os.environ.get("CUDA_VISIBLE_DEVICES")
            raise cuda.runtime.CUDARuntimeError(f"no CUDA-capable device, cards {cards}")
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
    cards = sorted(text.split("TresPerJob=gres:gpu:")[1][0] for text in shown)
    assert cards == ["1", "2"]
    assert all(f"Account={ACCOUNT} " in text for text in shown)
    assert sorted(text.split(" NumTasks=")[1].split()[0] for text in shown) == ["1", "2"]


def reason(root, beta):
    """Why the only attempt at a chain ended, and how many cards its job had asked for."""
    (folder,) = (root / "logs" / "attempts" / "generate").glob(f"u1_2d_b{beta}_*/0000")
    (attempt,) = all_attempts(folder)
    assert attempt.exit_code == 2
    return attempt.end["reason"], attempt.asked["gpus"]


def test_a_job_of_one_rank_sees_its_card_alone_and_says_that_it_is_none(gone_wrong):
    said, asked = reason(gone_wrong[0], "1.0")
    assert asked == 1
    assert re.search(r"device cuda: CUDA finds no device \(no CUDA-capable device, cards \d\); use --device cpu", said)


def test_ranks_of_a_job_are_not_bound_to_a_card_by_the_launcher_and_say_that_there_is_none(gone_wrong):
    said, asked = reason(gone_wrong[0], "2.0")
    assert asked == 2
    assert "device cuda: CUDA finds no device (no CUDA-capable device, cards None); use --device cpu" in said


def test_without_that_binding_every_rank_sees_the_cards_of_its_job_as_the_readme_says(cluster):
    (launcher,) = re.findall(r"`launcher=(env [^`]*)`", (REPOSITORY / "cluster" / "README.md").read_text())
    step = f"{launcher.replace('pmix', 'pmi2')} -n {CARDS} sh -c 'echo $CUDA_VISIBLE_DEVICES'"
    asked = ("-n", str(CARDS), f"--gpus={CARDS}", "--ntasks-per-gpu=1", "--nodes=1", "-t", "1", "--mem=500")
    result = cluster.run("salloc", "-Q", "-A", ACCOUNT, "-p", "gpu", *asked, "sh", "-c", step, timeout=60)
    assert result.stdout.split() == [",".join(map(str, range(CARDS)))] * CARDS, result.stderr


def test_status_names_the_error_and_nothing_is_left(cluster, gone_wrong):
    root, result, _, _ = gone_wrong
    assert result.returncode not in (0, 75)
    shown = cluster.run("gaugeflow", "status", root)
    assert "device cuda: CUDA finds no device" in " ".join((shown.stdout + shown.stderr).split())
    assert list(root.rglob("*.h5")) == []
    assert [job for job in cluster.jobs() if job["folder"] == str(root)] == []
