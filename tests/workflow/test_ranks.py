"""Law: no file depends on the number of ranks; a tuned ensemble runs from its request to its time series."""

import h5py
import pytest
from house import REPOSITORY, TUNE, run, study_content, write_study

pytestmark = [pytest.mark.slow, pytest.mark.mpi]


def content_hashes(folder, ranks):
    """Hash of the content of every file that a tuned ensemble on `ranks` ranks leaves, by its path."""
    small = {"extents": [4, 4], "beta": 1.0, "ranks": ranks, "chunks": 2, "acceptance_band": [0.0, 1.0]}
    changes = {f"ensembles.0.{key}": value for key, value in small.items()}
    write_study(folder / "s", study_content(**changes, **{"ensembles.0.sampler.n_steps": TUNE}))
    settings = ("root=out", "scale=tiny", f"studies=[{folder / 's'}]")
    line = ("snakemake", "-s", REPOSITORY / "Snakefile", "--cores", "2", "--until", "measure", "flow")
    result = run(*line, "--config", *settings, cwd=folder)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    files = sorted((folder / "out" / "data").rglob("*.h5"))
    assert list((folder / "out" / "data").rglob("tuning.json"))
    hashes = {}
    for path in files:
        with h5py.File(path) as file:
            hashes[str(path.relative_to(folder))] = file.attrs["content_sha256"]
    return hashes


def test_files_are_the_same_for_one_and_two_ranks(tmp_path):
    one, two = content_hashes(tmp_path / "one", 1), content_hashes(tmp_path / "two", 2)
    assert len(one) == 6
    assert one == two
