"""Laws of the layers: who may import what, checked by import-linter and by looking at what a command really loads."""

import ast
import sys

import pytest
from house import REPOSITORY, STUDIES, run, write_study

HEAVY = ("numba", "mpi4py", "torch", "cupy", "h5py", "matplotlib", "pyerrors", "scipy")

STUDIES_MAY_IMPORT = (
    "gaugeflow.analysis",
    "gaugeflow.stats",
    "gaugeflow.report",
    "numpy",
    "scipy",
    "math",
    "collections",
)


def test_layers_hold():
    result = run("lint-imports", "--no-cache")
    assert result.returncode == 0, result.stdout[-4000:]


def loaded_by(code: str, *names: str) -> list[str]:
    """Which of the named modules a fresh interpreter has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint('LOADED', *[name for name in {names!r} if name in sys.modules])"
    result = run(sys.executable, "-c", script)
    assert result.returncode == 0, result.stderr
    return result.stdout.split("LOADED")[-1].split()


def test_help_loads_nothing_heavy():
    call = "from gaugeflow.cli.main import main\nassert main(['--help']) == 0"
    assert loaded_by(call, *HEAVY, "numpy", "pydantic", "yaml") == []


@pytest.mark.parametrize("scale", ["full", "tiny"])
def test_check_study_runs_without_mpi_compiler_and_networks(tmp_path, scale):
    folder = write_study(tmp_path / "s")
    call = (
        f"from gaugeflow.cli.main import main\nassert main(['check-study', {str(folder)!r}, '--scale', {scale!r}]) == 0"
    )
    assert loaded_by(call, *HEAVY) == []


@pytest.mark.parametrize("module", ["reader", "schema", "verify"])
def test_files_are_read_without_mpi_and_compiler(module):
    assert loaded_by(f"import gaugeflow.ensembles.{module}", "numba", "mpi4py", "torch", "matplotlib") == []


@pytest.mark.parametrize("package", ["config", "stats", "analysis", "report"])
def test_analysis_runs_without_mpi_and_compiler(package):
    folder = REPOSITORY / "src" / "gaugeflow" / package
    modules = [f"gaugeflow.{package}.{path.stem}" for path in sorted(folder.glob("[!_]*.py"))]
    code = "\n".join(f"import {module}" for module in modules)
    assert loaded_by(code, "mpi4py", "torch", "cupy", "snakemake", "gaugeflow.kernels", "gaugeflow.lattice") == []


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_imports_only_what_studies_may(study):
    for path in sorted((REPOSITORY / "workflow" / "studies" / study).glob("*.py")):
        for name in imported(path):
            assert name.startswith(STUDIES_MAY_IMPORT), f"{path}: imports {name}, may import {STUDIES_MAY_IMPORT}"


def imported(path) -> list[str]:
    """Absolute names of everything that a file imports."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or ".")
    return names
