"""Every rank reads its part of other codes' files: the same bits on every grid, and no rank waits for a failed one."""

import json
import shutil
from pathlib import Path

import pytest
from foreign import EXTENTS, entry, write_field, write_files_study
from house import run

from gaugeflow.config.load import load_study
from gaugeflow.config.spec_file import make_spec
from gaugeflow.ensembles.catalogue import judged, write_catalogue
from gaugeflow.formats.check import check_file

PROGRAM = Path(__file__).with_name("catalogue_ranks.py")
FORMATS = ("ildg", "openqcd", "nersc", "milc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two chains of two configurations, a format each."""
    folder = tmp_path_factory.mktemp("ranks")
    for k, file_format in enumerate(FORMATS):
        precision = "float32" if file_format == "milc" else "float64"
        path = folder / "data" / f"s{k % 2}" / f"conf.{k // 2 + 1}"
        write_field(path, k, file_format=file_format, precision=precision)
    study = write_files_study(folder / "study", entry(["s*/conf.*"], folder / "data"))
    ensemble = load_study(study, "tiny").ensembles[0]
    rows = [
        [judged(folder / "data" / n, n, check_file(folder / "data" / n, extents=EXTENTS, group="SU3")) for n in names]
        for names in ensemble.foreign.names
    ]
    write_catalogue(folder / "0000.h5", rows, ensemble.foreign.trajectories, make_spec(ensemble, None), 0)
    shutil.copytree(folder / "data", folder / "spoilt")
    write_field(folder / "spoilt" / "s1" / "conf.2", 99, file_format="milc", precision="float32")
    return folder


@pytest.fixture(scope="module")
def alone(folder):
    done = run("python", PROGRAM, "1", folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_every_process_grid_reads_the_bits_of_one_rank_and_fails_together(folder, alone, ranks):
    done = run("mpiexec", "-n", str(ranks), "python", PROGRAM, str(ranks), folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["grids"]) == {2: 5, 4: 12}[ranks]
    assert set(found["grids"].values()) == set(alone["grids"].values())
    assert found["raised"] == [2 * len(found["grids"])] * ranks
