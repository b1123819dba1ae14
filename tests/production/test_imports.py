"""What a command must not import: login nodes have no compiler and no MPI, and every import delays every job."""

import subprocess
import sys

import pytest
from house import REPOSITORY
from production.small import write_small_spec, write_small_study

PLOTS = {"matplotlib", "pyerrors", "snakemake", "scipy.stats", "jinja2", "torch"}
COMPILED = {"numba", "llvmlite", "mpi4py", "h5py"}

IMPORTED = """
import sys
from gaugeflow.cli.main import main
code = main(sys.argv[1:])
print(*sorted(sys.modules), sep="\\n", file=sys.stderr)
sys.exit(code)
"""


def imported(*words, cwd=REPOSITORY) -> set[str]:
    """Modules that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *map(str, words)], capture_output=True, text=True, cwd=cwd, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_generation_imports_no_plots_no_statistics_and_no_mpi(gaugeflow, tmp_path):
    spec = write_small_spec(gaugeflow, tmp_path)
    found = imported("generate", spec, "--chunk", "0", "--out", tmp_path / "0000.h5")
    assert not found & (PLOTS | {"mpi4py", "gaugeflow.analysis", "gaugeflow.report"})
    found = imported("measure", tmp_path / "0000.h5", "--study", tmp_path, "--out", tmp_path / "m.h5")
    assert not found & (PLOTS | {"mpi4py", "gaugeflow.analysis", "gaugeflow.report"})


@pytest.mark.parametrize("command", ["check-study", "spec", "--help"])
def test_commands_of_a_login_node_import_no_compiler_and_no_mpi(tmp_path, command):
    study = write_small_study(tmp_path)
    words = {
        "check-study": ["check-study", study],
        "spec": ["spec", study, "--ensemble", "e", "--out", tmp_path / "spec.json"],
        "--help": ["--help"],
    }
    assert not imported(*words[command]) & (PLOTS | COMPILED)
