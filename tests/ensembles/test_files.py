"""Files appear whole, are the same bytes for the same content, and give back what was put in."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from ensembles.example import ENSEMBLE_ID, configuration, make_spec, random_links, write_example

import gaugeflow
from gaugeflow.ensembles.atomic import atomic_path, temporary_name
from gaugeflow.ensembles.pieces import MIN_CHUNK_BYTES, link_chunks
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.verify import verify_file
from gaugeflow.ensembles.writer import Dataset, write_file
from gaugeflow.errors import FileError

LATTICES = [("U1", (4, 3)), ("SU2", (3, 2, 4)), ("SU3", (2, 3, 2, 4))]


def lattice_name(value):
    return value if isinstance(value, str) else "x".join(map(str, value))


@pytest.mark.parametrize(("group", "extents"), LATTICES, ids=lattice_name)
def test_what_is_written_is_read_and_sound(tmp_path, group, extents):
    rng = np.random.default_rng(3)
    fields = [random_links(rng, group, extents, 2) for _ in range(3)]
    path = tmp_path / "0000.h5"
    spec = make_spec(group, extents)
    digest = write_example(path, spec=spec, configurations=map(configuration, fields))
    with open_file(path, "configurations") as file:
        assert (file.n, file.chunk, file.ensemble_id, file.content_sha256) == (3, 0, ENSEMBLE_ID, digest)
        assert file.spec["spec"] == spec
        for i, links in enumerate(fields):
            assert np.array_equal(file.links(i), links)
        assert file.dataset("history/accepted").dtype == np.uint8
        assert ("plaquette_space" in file.names) == (len(extents) > 2)
    assert verify_file(path).problems == ()


def test_same_content_gives_same_bytes_in_another_process(tmp_path):
    here, there = tmp_path / "here.h5", tmp_path / "elsewhere" / "there.h5"
    write_example(here)
    code = f"from pathlib import Path; from ensembles.example import *; write_example(Path({str(there)!r}))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
    assert here.read_bytes() == there.read_bytes()


def test_content_hash_can_be_recomputed_from_its_description(tmp_path):
    path = tmp_path / "0000.h5"
    digest = write_example(path)
    lines = []
    with h5py.File(path) as file:

        def add(name, item):
            for key, value in item.attrs.items():
                if isinstance(value, bytes):
                    text = ("text", (), bytes(value))
                else:
                    text = (np.asarray(value).dtype.str, (), np.asarray(value).tobytes())
                lines.append(f"attribute {name}@{key} {text[0]} {text[1]} {hashlib.sha256(text[2]).hexdigest()}")
            if isinstance(item, h5py.Dataset):
                content = hashlib.sha256(item[()].tobytes()).hexdigest()
                lines.append(f"dataset {name} {item.dtype.str} {item.shape} {content}")

        add("/", file)
        file.visititems(add)
    lines = [line for line in lines if not line.startswith("attribute /@content_sha256 ")]
    assert hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest() == digest


def test_no_user_no_host_no_date_in_the_file(tmp_path):
    path = tmp_path / "0000.h5"
    write_example(path)
    content = path.read_bytes()
    for secret in (os.uname().nodename, str(tmp_path), os.path.expanduser("~")):
        assert len(secret) < 3 or secret.encode() not in content
    with open_file(path) as file:
        assert set(file.provenance) == {"commit", "gaugeflow", "inputs", "libraries", "python"}
    with h5py.File(path) as file:
        assert file["links"].id.get_create_plist().get_obj_track_times() == 0


def test_hdf5_chunks_are_time_slices_joined_to_a_useful_size():
    assert link_chunks((10, 4, 16, 16, 16, 16, 4, 3, 3)) == (1, 1, 1, 16, 16, 16, 4, 3, 3)
    for shape in [(10, 64, 8, 8, 2, 1, 1), (10, 1, 8, 8, 8, 8, 4, 3, 3), (5, 3, 5, 5, 2, 2, 2), (1, 1, 2, 2, 2, 1, 1)]:
        chunk = link_chunks(shape)
        size = 16 * np.prod(chunk)
        assert chunk[0] == 1
        assert chunk[3:] == shape[3:]
        assert size >= MIN_CHUNK_BYTES or chunk[1:] == shape[1:]


def test_failing_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise KeyError("on purpose")

    with pytest.raises(KeyError):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("n_given", [0, 2, 4])
def test_wrong_number_of_configurations_leaves_nothing(tmp_path, n_given):
    rng = np.random.default_rng(5)
    fields = [configuration(random_links(rng, "SU2", (4, 3), 2)) for _ in range(n_given)]
    with pytest.raises(FileError, match="wanted"):
        write_example(tmp_path / "0000.h5", configurations=iter(fields))
    assert list(tmp_path.iterdir()) == []


def test_failing_source_of_configurations_leaves_nothing(tmp_path):
    def broken():
        yield configuration(random_links(np.random.default_rng(5), "SU2", (4, 3), 2))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_example(tmp_path / "0000.h5", configurations=broken())
    assert list(tmp_path.iterdir()) == []


def test_what_dead_processes_left_is_removed_and_what_live_ones_write_is_kept(tmp_path):
    path = tmp_path / "0000.h5"
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    live = temporary_name(path)
    left = live.with_name(live.name.replace(f"-{os.getpid()}-", f"-{int(dead.stdout)}-"))
    foreign = tmp_path / ".0000.h5.elsewhere-1-00000000.tmp"
    for file in (live, left, foreign):
        file.touch()
    write_example(path)
    assert {p.name for p in tmp_path.iterdir()} == {path.name, live.name, foreign.name}


def _measurements(**changes):
    datasets = {"trajectory": Dataset(np.arange(3)), "plaquette": Dataset(np.zeros((3, 2)))}
    arguments = {
        "attributes": {"settings": "{}"},
        "spec_text": "{}",
        "ensemble_id": "e",
        "chunk": 1,
        "inputs": {"a": "b"},
    }
    return {"datasets": {**datasets, **changes}, **arguments}


def test_series_of_further_observables_follow_the_leading_axes(tmp_path):
    path = tmp_path / "m.h5"
    extra = Dataset(np.ones((3, 2, 5)), units="1", description="five of something")
    write_file(path, "measurements", **_measurements(extra=extra))
    assert verify_file(path).ok
    with open_file(path, "measurements") as file:
        assert file.label("extra") == ("1", "five of something")
        assert file.attributes["settings"] == "{}"
        assert file.provenance["inputs"] == {"a": "b"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plaquette": Dataset(np.zeros((3, 2, 1)))}, "plaquette has shape"),
        ({"charge": Dataset(np.zeros((3, 5)))}, "charge has 5 along chains, other datasets have 2|plaquette has 2"),
        ({"extra": Dataset(np.ones((3, 2)))}, "units and a description"),
        ({"extra": Dataset(np.ones((2, 2)), "1", "x")}, "extra has 2 along n|along n, other datasets have 2"),
    ],
)
def test_a_layout_that_the_table_does_not_know_is_never_written(tmp_path, changes, message):
    with pytest.raises(FileError, match=message):
        write_file(tmp_path / "m.h5", "measurements", **_measurements(**changes))
    assert list(tmp_path.iterdir()) == []


def test_commit_is_that_of_the_repository_or_named_or_unknown(tmp_path):
    def commit_of(python_path, **variables):
        environment = {k: v for k, v in os.environ.items() if k != "GAUGEFLOW_COMMIT"}
        environment |= {"PYTHONPATH": python_path, **variables}
        code = "from gaugeflow.ensembles.provenance import commit; print(commit())"
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
        return done.stdout.strip()

    package = Path(gaugeflow.__file__).parent
    shutil.copytree(package, tmp_path / "lib" / "gaugeflow", ignore=shutil.ignore_patterns("__pycache__"))
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", commit_of(str(package.parent)))
    assert commit_of(str(tmp_path / "lib")) == "unknown"
    assert commit_of(str(tmp_path / "lib"), GAUGEFLOW_COMMIT="abc") == "abc"


def test_reading_needs_no_mpi_no_numba():
    code = (
        "import sys, json, gaugeflow.ensembles.verify, gaugeflow.ensembles.checkpoint;"
        "print(json.dumps([m for m in ('mpi4py', 'numba', 'matplotlib') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
