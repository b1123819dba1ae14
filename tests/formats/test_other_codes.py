"""Law of writing: other projects' readers, with their own checks of checksum and plaquette, find the links we wrote."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from formats import other_codes
from formats.fields import random_links, rounded
from house import REPOSITORY

from gaugeflow.ensembles.gauge_checks import components_first, plaquettes
from gaugeflow.formats.writing import LinkWriter, Wanted

EXTENTS = (4, 4, 4, 6)

FILES = {
    "nersc64big": (Wanted("nersc", EXTENTS, "SU3"), ["pyquda_io NERSC", "latqcdtools NERSC"]),
    "nersc64little": (Wanted("nersc", EXTENTS, "SU3", byte_order="little"), ["pyquda_io NERSC"]),
    "nersc64rows": (Wanted("nersc", EXTENTS, "SU3", rows=2), ["pyquda_io NERSC", "latqcdtools NERSC"]),
    "nersc32big": (Wanted("nersc", EXTENTS, "SU3", "float32"), ["latqcdtools NERSC"]),
    "milc_little": (Wanted("milc", EXTENTS, "SU3", "float32"), ["pyquda_io MILC"]),
    "milc_big": (Wanted("milc", EXTENTS, "SU3", "float32", "big"), ["pyquda_io MILC"]),
    "ildg64": (Wanted("ildg", EXTENTS, "SU3"), ["pyquda_io ILDG", "lyncs_io LIME", "latqcdtools LIME"]),
    "ildg32": (Wanted("ildg", EXTENTS, "SU3", "float32"), ["pyquda_io ILDG", "lyncs_io LIME"]),
    "scidac64": (Wanted("scidac", EXTENTS, "SU3"), ["latqcdtools LIME"]),
    "scidac32": (Wanted("scidac", EXTENTS, "SU3", "float32"), ["latqcdtools LIME"]),
    "openqcd": (Wanted("openqcd", EXTENTS, "SU3"), ["pyquda_io openQCD"]),
}
CASES = [(name, reader) for name, (_, readers) in FILES.items() for reader in readers]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    code, last = other_codes.install()
    if code == other_codes.MISSING:
        pytest.skip(f"no readers of other codes: {' '.join(last)}")
    assert code == 0, last
    folder = tmp_path_factory.mktemp("written")
    links = random_links(EXTENTS, "SU3")
    tasks = []
    for name, (wanted, readers) in FILES.items():
        exact = rounded(links, wanted.precision)
        write_with_true_claims(folder / name, wanted, exact)
        np.save(folder / f"{name}.npy", exact)
        tasks += [[reader, str(folder / name), EXTENTS, str(folder / f"{name}.npy")] for reader in readers]
    flipped = bytearray((folder / "milc_big").read_bytes())
    flipped[-1] ^= 1
    (folder / "flipped").write_bytes(flipped)
    tasks.append(["pyquda_io MILC", str(folder / "flipped"), EXTENTS, str(folder / "milc_big.npy")])
    (folder / "tasks.json").write_text(json.dumps(tasks))
    return read_all(folder)


def read_all(folder):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY / "tests")])}
    command = [sys.executable, "-m", "formats.other_codes", str(folder / "tasks.json")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line.partition("RESULT ")[2] for line in done.stdout.splitlines() if "RESULT " in line]
    return {(path.rpartition("/")[2], reader): error for reader, path, error in map(json.loads, lines)}


def write_with_true_claims(path, wanted, links):
    plaquette = plaquettes(components_first(links[None]))["plaquette"][0]
    trace = np.einsum("...ii->...", links).real.mean() / 3
    with LinkWriter(path, wanted) as writer:
        writer.create()
        writer.write(slice(0, links.shape[0]), slice(0, links.shape[1]), links)
        writer.finish(writer.checksums, plaquette, trace)


@pytest.mark.parametrize(("name", "reader"), CASES)
def test_another_projects_reader_finds_the_links_that_we_wrote(results, name, reader):
    wanted = FILES[name][0]
    error = results[name, reader]
    assert isinstance(error, float), error
    assert error < (2e-6 if wanted.precision == "float32" else 1e-14)  # some bring float32 back onto the group


def test_another_projects_reader_refuses_a_flipped_bit(results):
    assert "AssertionError" in str(results["flipped", "pyquda_io MILC"])
