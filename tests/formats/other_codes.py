"""Other projects' readers: fetched once by install.sh into the user's cache folder, run in a process of their own.

As a program, `python -m formats.other_codes FILE.json`: reads each file of a list of [reader, path, extents, links.npy]
with that reader, whose own checks of checksums and plaquettes are on, and compares the links.
"""

import hashlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np

INSTALL = Path(__file__).with_name("install.sh")
MISSING = 77


def folder():
    """Where the readers are kept, one folder for every version of the script."""
    versions = INSTALL.read_bytes() + sys.version.encode()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return cache / "gaugeflow-tests" / f"other-codes-{hashlib.sha256(versions).hexdigest()[:12]}"


def install():
    """Fetch the readers; (exit code, last line of output)."""
    folder().parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PYTHON"] = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
    command = ["sh", str(INSTALL), str(folder())]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()[-1:]


def pyquda(name):
    """A reader of pyquda_io for one process; links come as [mu, t, z, y, x, a, b]."""

    def read(path, extents):
        import pyquda_io
        from pyquda_comm import initGrid

        initGrid("default", [1, 1, 1, 1], list(extents), False)
        found, links = getattr(pyquda_io, name)(path)
        assert tuple(found) == tuple(extents)
        return links.transpose(1, 2, 3, 4, 0, 5, 6)

    return read


def lyncs(path, extents):
    """lyncs_io's LIME reader; the package as a whole fails to import with current NumPy, so its parts are."""
    if "lyncs_io" not in sys.modules:
        package = types.ModuleType("lyncs_io")
        package.__path__, package.__version__ = [str(folder() / "readers" / "lyncs_io")], "0.2.3"
        sys.modules["lyncs_io"] = package
    from lyncs_io import lime

    return np.asarray(lime.load(path))


def latqcdtools(name):
    """A reader of latqcdtools, for cubes; a wrong link trace, plaquette or SciDAC checksum ends it."""

    def read(path, extents):
        from latqcdtools.interfaces import confReader

        reader = getattr(confReader, name)(extents[0], extents[3], 1)
        reader.readConf(path)
        out = np.empty((*reversed(extents), 4, 3, 3), complex)
        for t, z, y, x, mu in np.ndindex(out.shape[:5]):
            out[t, z, y, x, mu] = reader.gauge.getLink(x, y, z, t, mu)
        return out

    return read


READERS = {
    "pyquda_io NERSC": pyquda("readNERSCGauge"),
    "pyquda_io ILDG": pyquda("readILDGGauge"),
    "pyquda_io MILC": pyquda("readMILCGauge"),
    "pyquda_io openQCD": pyquda("readOpenQCDGauge"),
    "lyncs_io LIME": lyncs,
    "latqcdtools NERSC": latqcdtools("NERSCReader"),
    "latqcdtools LIME": latqcdtools("ILDGReader"),
}


def main(tasks):
    sys.path.insert(0, str(folder() / "readers"))
    for reader, path, extents, links in json.loads(Path(tasks).read_text()):
        try:
            found = np.asarray(READERS[reader](path, tuple(extents)))
            error = float(np.abs(found - np.load(links)).max())
        except Exception as failure:  # noqa: BLE001 - the test shows it
            error = repr(failure)
        print("RESULT", json.dumps([reader, path, error]))


if __name__ == "__main__":
    main(sys.argv[1])
