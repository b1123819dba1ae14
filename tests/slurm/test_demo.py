"""The demonstration on SLURM, its 4D chains on two ranks of two nodes, gives what it gives on one core."""

import re
from math import prod

import pytest
from slurm import session
from slurm.demo import RANKS, STUDIES, results_without_study_hash

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


@pytest.fixture(scope="module")
def both(cluster):
    """Folders `results` on SLURM and without it."""
    demo = session.demo()
    return demo.on_slurm(), demo.here()


@pytest.mark.parametrize("study", STUDIES)
def test_results_are_the_same_on_slurm_but_for_the_hash_of_the_file_that_names_ranks(both, study):
    there, here = (results_without_study_hash(folder / study / "results.json") for folder in both)
    assert there == here


def test_scoreboards_are_the_same_on_slurm(both):
    there, here = ((folder / "scoreboard.csv").read_bytes() for folder in both)
    assert there == here
    assert here.count(b"\n") > len(STUDIES)


def test_tables_are_the_same_on_slurm_but_for_the_hash_of_the_file_that_names_ranks(both):
    names = [sorted(str(path.relative_to(folder)) for path in (folder / "latex").rglob("*.*")) for folder in both]
    assert names[0] == names[1] != []
    for name in names[0]:
        lines = [
            [line for line in (folder / name).read_text().splitlines() if "study.yaml" not in line] for folder in both
        ]
        assert lines[0] == lines[1], name


def test_ranks_were_on_two_nodes_and_nothing_is_left(cluster, both):
    said = [path.read_text() for path in session.demo().folder.glob("out/logs/generate/su3*/*.log")]
    assert len(said) == 6
    grids = [re.search(r"grid ([0-9x]+), 1 threads on cores", text)[1] for text in said]
    assert [prod(map(int, grid.split("x"))) for grid in grids] == [RANKS["su3_4d"]] * 6
    jobs, failed = session.demo().jobs()
    assert sum("chain_su3_4d" in job and "generate" in job for job in jobs) == 3
    assert failed == 0
    assert cluster.jobs() == []
    cluster.wait_for(lambda: cluster.leftovers() == [], "nothing is left")


def test_steps_of_the_demonstration_share_jobs(cluster, both):
    jobs, _ = session.demo().jobs()
    assert 0 < len(jobs) <= 24  # of 60 steps: flows that take longer than their chunk are alone
