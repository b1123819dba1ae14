"""More threads than cores are refused, on one node and on ranks that a launcher has bound."""

import os
import sys

import pytest
from house import run

from gaugeflow.errors import ConfigError
from gaugeflow.lattice.communicator import Serial
from gaugeflow.lattice.cores import affinity, check_cores, cores_text, excess, quota

ALL = frozenset(range(8))
PAIRS = [frozenset({2 * k, 2 * k + 1}) for k in range(4)]
LAUNCH = """
import os
os.sched_setaffinity(0, {cores})
from gaugeflow.cli.options import start_ranks
start_ranks({ranks}, {threads}, False)
"""


@pytest.mark.parametrize(
    ("threads", "own", "ranks", "limit", "said"),
    [
        (1, ALL, [ALL], None, None),
        (8, ALL, [ALL], None, None),
        (9, ALL, [ALL], None, "use --threads 8"),
        (2, ALL, [ALL] * 4, None, None),
        (
            3,
            ALL,
            [ALL] * 4,
            None,
            "3 threads x 4 ranks on this node = 12, wanted at most 8 (cores 0-7); use --threads 2",
        ),
        (1, ALL, [ALL] * 9, None, "use --threads 1 on at most 8 ranks per node"),
        (2, PAIRS[0], PAIRS, None, None),
        (4, PAIRS[0], [PAIRS[0], ALL], None, "4 threads on a rank bound to 2 core(s) (0-1)"),
        (2, frozenset({0}), [frozenset({0}), frozenset({1})], None, "= 4, wanted at most 2 (cores 0-1)"),
        (1, frozenset({0}), [frozenset({0})] * 2, None, "= 2, wanted at most 1"),
        (4, ALL, [ALL], 2.5, "wanted at most 2 (cores 0-7, a quota of 2.5 cores)"),
        (1, ALL, [ALL], 0.5, None),
    ],
)
def test_threads_fit_the_cores_of_a_node_and_of_every_rank(threads, own, ranks, limit, said):
    message = excess(threads, own, ranks, limit)
    assert message is None if said is None else said in message


def test_a_refusal_names_cores_ranks_threads_and_the_override():
    cores = len(affinity())
    with pytest.raises(ConfigError, match=r"4096 threads x 1 ranks .* wanted at most .* --oversubscribe") as caught:
        check_cores(Serial(), 4096)
    assert f"use --threads {min(cores, int(quota() or cores)) or 1}" in str(caught.value)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "800000 100000", "job/cpu.max": "200000 100000", "job/step/cpu.max": "max 100000"}, 2.0),
        ({"job/step/cpu.cfs_quota_us": "-1", "job/step/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_the_tightest_quota_of_all_levels_counts(tmp_path, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    groups = tmp_path / "groups"
    groups.write_text("0::/job/step\n")
    assert quota(groups, tmp_path) == cores


def test_quotas_of_the_first_version_are_read(tmp_path):
    (tmp_path / "cpu" / "box").mkdir(parents=True)
    (tmp_path / "cpu" / "box" / "cpu.cfs_quota_us").write_text("300000")
    (tmp_path / "cpu" / "box" / "cpu.cfs_period_us").write_text("100000")
    groups = tmp_path / "groups"
    groups.write_text("5:memory:/box\n1:cpu:/box\n0::/\n")
    assert quota(groups, tmp_path) == 3.0


def test_sets_of_cores_are_short_text():
    assert cores_text({5, 0, 1, 2, 7}) == "0-2,5,7"
    assert cores_text({3}) == "3"


@pytest.mark.mpi
@pytest.mark.parametrize(("ranks", "threads", "code"), [(2, 1, 2), (1, 2, 2), (1, 1, 0)])
def test_ranks_of_one_core_are_counted_together(ranks, threads, code):
    first = min(os.sched_getaffinity(0))
    text = LAUNCH.format(cores={first}, ranks=ranks, threads=threads)
    program = f"import sys\nfrom gaugeflow.errors import ConfigError\ntry:\n    exec({text!r})\n"
    program += "except ConfigError as error:\n    sys.stderr.write(str(error) + chr(10))\n    sys.exit(error.exit_code)"
    done = run(*(["mpiexec", "-n", str(ranks)] if ranks > 1 else []), sys.executable, "-c", program)
    assert done.returncode == code, done.stderr
    if code:
        assert f"{threads} threads x {ranks} ranks on this node = 2, wanted at most 1 (cores {first})" in done.stderr


@pytest.mark.mpi
def test_a_world_larger_than_the_node_is_refused_in_one_message_and_allowed_on_demand(tmp_path):
    cores = len(os.sched_getaffinity(0))
    line = ("mpiexec", "-n", str(cores + 1), "gaugeflow", "measure", tmp_path / "none.h5", "--study", "u1_2d")
    line = (*line, "--out", tmp_path / "m.h5", "--ranks", str(cores + 1))
    refused = run(*line, GAUGEFLOW_OVERSUBSCRIBE="0")
    assert refused.returncode == 2
    assert refused.stderr.count("--threads: 1 threads x") == 1
    for allowed in (run(*line, "--oversubscribe", GAUGEFLOW_OVERSUBSCRIBE="0"), run(*line)):
        assert allowed.returncode == 3, allowed.stderr  # goes on to the file that is not there
