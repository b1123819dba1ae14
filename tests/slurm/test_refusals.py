"""What a cluster refuses and what a wrong launcher does: clear errors, nothing lost, nothing left."""

import re

import pytest
from house import write_study
from slurm.configuration import ACCOUNT, CARDS
from slurm.site import write_profile

pytestmark = pytest.mark.slurm

WORLD = "import os, mpi4py.MPI as m; print(m.COMM_WORLD.rank, m.COMM_WORLD.size, os.uname().nodename)"
CARD = 'echo "$SLURM_PROCID $CUDA_VISIBLE_DEVICES"'


def test_ranks_of_a_job_are_on_nodes_of_their_own(cluster):
    line = ("srun", "-A", ACCOUNT, "-n", "2", "--mpi=pmi2", "python", "-c", WORLD)
    found = sorted(cluster.run(*line).stdout.split("\n")[:2])
    assert [line.split()[:2] for line in found] == [["0", "2"], ["1", "2"]]
    assert len({line.split()[2] for line in found}) == 2


def test_a_launcher_that_starts_worlds_of_one_is_refused_with_exit_code_2(cluster, tmp_path):
    (tmp_path / "spec.json").write_text("{}")
    study = write_study(tmp_path / "study")
    specs = cluster.run("gaugeflow", "check-study", study, cwd=tmp_path)
    ensemble = re.search(r"u1_2d_b1\.0\S*", specs.stdout)[0]
    cluster.run("gaugeflow", "spec", study, "--ensemble", ensemble, "--out", "spec.json", cwd=tmp_path)
    generate = ("gaugeflow", "generate", "spec.json", "--chunk", "0", "--ranks", "2", "--out", "0000.h5")
    result = cluster.run("srun", "-A", ACCOUNT, "-n", "2", "--mpi=none", *generate, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert "world" in result.stderr
    assert not (tmp_path / "0000.h5").exists()


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"slurm_account": "wrong"}, "Invalid account or account/partition combination specified"),
        ({"partition": "wrong"}, "slurm_partition: got 'wrong'"),
        ({"mem_mb": 90_000}, "Requested node configuration is not available"),
    ],
    ids=["account", "partition", "memory"],
)
def test_what_the_scheduler_refuses_is_told_before_anything_starts(cluster, tmp_path, resources, message):
    profile = write_profile(tmp_path / "profile", **resources)
    study = write_study(tmp_path / "study")
    line = ("gaugeflow", "submit", study, "--profile", profile, "--scale", "tiny", "--root", tmp_path / "run")
    result = cluster.run(*line, "--coordinator", "here", cwd=tmp_path)
    assert result.returncode == 2, result.stdout + result.stderr
    assert message in " ".join(result.stderr.split())
    assert cluster.jobs() == []
    assert list((tmp_path / "run").rglob("*.h5")) == []


def test_every_rank_sees_a_card_of_its_own(cluster):
    line = ("srun", "-A", ACCOUNT, "-p", "gpu", "-n", str(CARDS), "--gpus-per-task=1", "sh", "-c", CARD)
    assert sorted(cluster.run(*line).stdout.splitlines()) == [f"{number} {number}" for number in range(CARDS)]
