"""Law: the time that the graph takes for each step does not grow with the number of steps."""

import json

import pytest
from house import REPOSITORY, run

BUILD = """
import json, sys
from dag_building import Case, measure
print(json.dumps(measure(Case(*map(int, sys.argv[1:])))))
"""
GROWTH = 2.5
"""Bound on the time of a step, from the smaller graph to one of eight times as many steps. Quadratic work gives 8."""

STEP_SECONDS = 0.004
"""Bound on the CPU time of one more step; 0.0006 here, 0.0017 with every step's parameters."""


def seconds(ensembles, chunks):
    """CPU time of building a graph, and its number of steps."""
    done = run("python", "-c", BUILD, str(ensembles), str(chunks), PYTHONPATH=str(REPOSITORY / "benchmarks"))
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout.splitlines()[-1])
    return row["cpu_seconds"], row["steps"]


@pytest.mark.parametrize(
    ("small", "large"), [((1, 250), (1, 2000)), ((10, 25), (10, 200))], ids=["one chain", "many ensembles"]
)
def test_a_step_of_a_large_graph_takes_no_longer_than_one_of_a_small_graph(small, large):
    (nothing, few), (some, more), (much, many) = seconds(1, 1), seconds(*small), seconds(*large)
    assert (much - nothing) / (many - few) < STEP_SECONDS
    assert (much - nothing) / many < GROWTH * (some - nothing) / more
