"""Bad input is one clear message and the documented exit code; no output, no temporary, what was there is unchanged."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import h5py
import pytest
from house import run
from production.small import generate, tree, write_small_spec, write_small_study

from gaugeflow.ensembles.series import read_header
from gaugeflow.errors import FileError
from gaugeflow.lattice.communicator import Serial

CONFIG, FILE, PHYSICS = 2, 3, 4

GENERATE = "generate spec.json --chunk 0 --out new/0000.h5"
CONTINUE = "generate spec.json --chunk 1 --out new/0001.h5 --previous"
MEASURE = "measure --study . --out new/0000.h5"
SPEC = "spec . --ensemble e --out new/spec.json"
FLOW = "flow --study . --out new/0000.h5"


@pytest.fixture(scope="module")
def good(gaugeflow, tmp_path_factory):
    """A folder with study.yaml, spec.json, the first two chunks, a measurement of the first and all kinds of damage."""
    folder = tmp_path_factory.mktemp("good")
    spec = write_small_spec(gaugeflow, folder)
    chunk = generate(gaugeflow, spec, folder / "0000.h5")
    generate(gaugeflow, spec, folder / "0001.h5", "--previous", chunk, chunk=1)
    other = write_small_spec(gaugeflow, folder / "other", seed=8)
    generate(gaugeflow, other, folder / "foreign.h5")
    done = gaugeflow("measure", chunk, "--study", folder, "--out", folder / "series.h5")
    assert done.returncode == 0, done.stderr
    damage(folder, chunk.read_bytes())
    edit_specs(folder, json.loads(spec.read_text()))
    return folder


def damage(folder, content):
    """Copies of a chunk, each spoilt in one way, and files of other programs."""
    (folder / "truncated.h5").write_bytes(content[: len(content) // 2])
    (folder / "empty.h5").write_bytes(b"")
    (folder / "text.h5").write_text("not HDF5 at all\n")
    with h5py.File(folder / "0000.h5") as file:
        at = content.index(file["links"][0].tobytes()[:64])
    (folder / "flipped.h5").write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with h5py.File(folder / "program.h5", "w") as file:
        file["links"] = 1.0


def edit_specs(folder, spec):
    """spec.json with an unknown key, a negative beta, another seed than its id says, and cut in half."""
    for name, path, value in (
        ("unknown", ("spec", "speed"), 1),
        ("negative", ("spec", "action", "beta"), -1.0),
        ("edited", ("request", "seed"), 99),
    ):
        content = json.loads(json.dumps(spec))
        place = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / "half.json").write_text(json.dumps(spec)[:100])


CASES = {
    "previous-missing": (f"{CONTINUE} none.h5", FILE, "none.h5: cannot be read"),
    "previous-truncated": (f"{CONTINUE} truncated.h5", FILE, "truncated.h5: damaged"),
    "previous-flipped": (f"{CONTINUE} flipped.h5", FILE, "flipped.h5: "),
    "previous-empty": (f"{CONTINUE} empty.h5", FILE, "empty.h5: empty"),
    "previous-text": (f"{CONTINUE} text.h5", FILE, "text.h5: not an HDF5 file"),
    "previous-of-another-program": (f"{CONTINUE} program.h5", FILE, "program.h5: an HDF5 file of another program"),
    "previous-of-another-kind": (f"{CONTINUE} series.h5", FILE, "series.h5: holds measurements"),
    "previous-of-another-ensemble": (f"{CONTINUE} foreign.h5", FILE, "wanted chunk 0 of u1_2d"),
    "previous-of-another-number": (f"{CONTINUE} 0001.h5", FILE, "got chunk 1"),
    "previous-not-given": ("generate spec.json --chunk 1 --out new/0001.h5", CONFIG, "--previous: chunk 1 needs one"),
    "previous-of-nothing": (f"{GENERATE} --previous 0000.h5", CONFIG, "--previous: chunk 0 starts the chain"),
    "out-is-another-chunk": ("generate spec.json --chunk 0 --out 0001.h5", FILE, "0001.h5: holds chunk 1"),
    "out-is-damaged": ("generate spec.json --chunk 0 --out flipped.h5", FILE, "flipped.h5: "),
    "out-below-a-file": ("generate spec.json --chunk 0 --out text.h5/0000.h5", FILE, "text.h5/0000.h5"),
    "spec-out-below-a-file": (SPEC.replace("new", "text.h5"), FILE, "text.h5/spec.json: cannot be written"),
    "measured-truncated": (f"{MEASURE} truncated.h5", FILE, "truncated.h5: damaged"),
    "measured-flipped": (f"{MEASURE} flipped.h5", FILE, "flipped.h5: "),
    "measured-text": (f"{MEASURE} text.h5", FILE, "text.h5: not an HDF5 file"),
    "measured-series": (f"{MEASURE} series.h5", FILE, "series.h5: holds measurements"),
    "measured-out-below-a-file": ("measure 0000.h5 --study . --out text.h5/m.h5", FILE, "text.h5/m.h5"),
    "flowed-truncated": (f"{FLOW} truncated.h5", FILE, "truncated.h5: damaged"),
    "flowed-flipped": (f"{FLOW} flipped.h5", FILE, "flipped.h5: "),
    "flowed-of-another-program": (f"{FLOW} program.h5", FILE, "program.h5: an HDF5 file of another program"),
    "spec-missing": ("generate none.json --chunk 0 --out new/0000.h5", FILE, "none.json: cannot be read"),
    "spec-unknown-key": (
        "generate unknown.json --chunk 0 --out new/0000.h5",
        FILE,
        "unknown.json: spec: speed: got an unknown key",
    ),
    "spec-negative-beta": ("generate negative.json --chunk 0 --out new/0000.h5", FILE, "action.beta: got -1.0"),
    "spec-edited": ("generate edited.json --chunk 0 --out new/0000.h5", FILE, "the file was edited"),
    "spec-half": ("generate half.json --chunk 0 --out new/0000.h5", FILE, "half.json: not JSON"),
    "grid-not-dividing": (f"{GENERATE} --grid 1,3,1", CONFIG, "process grid [1, 3, 1]"),
    "grid-of-letters": (f"{GENERATE} --grid a,b", CONFIG, "--grid: got 'a,b'"),
    "grid-of-another-dimension": (f"{GENERATE} --grid 1,1,1,1", CONFIG, "wanted 3 positive numbers"),
    "band-upside-down": (f"{GENERATE} --acceptance-band 0.9,0.1", CONFIG, "--acceptance-band: got 0.9,0.1"),
    "threads-above-cores": (f"{GENERATE} --threads 4096", CONFIG, "--threads: 4096 threads"),
    "device-unknown": (f"{GENERATE} --device abacus", CONFIG, "device: got 'abacus'"),
    "ranks-without-launcher": (f"{GENERATE} --ranks 2", CONFIG, "asked for 2 ranks, this world has 1"),
    "scale-unknown": ("measure 0000.h5 --study . --scale huge --out new/m.h5", CONFIG, "huge"),
    "study-missing": ("measure 0000.h5 --study none --out new/m.h5", CONFIG, "none"),
    "ensemble-unknown": ("spec . --ensemble none --out new/spec.json", CONFIG, "none"),
    "nothing-to-tune": ("tune . --ensemble e --out new/tuning.json", CONFIG, "nothing to tune"),
}


def assert_one_message(done, code, text):
    """The exit code, one line that begins with the program's name and holds `text`, and no traceback."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    messages = [line for line in done.stderr.splitlines() if line.startswith("gaugeflow: error: ")]
    assert len(messages) == 1, done.stderr
    assert text in messages[0]
    return messages[0]


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_message_and_leaves_nothing(gaugeflow, good, case):
    line, code, text = CASES[case]
    before = tree(good)
    done = gaugeflow("--quiet", *line.split(), cwd=good)
    message = assert_one_message(done, code, text)
    assert done.stderr.strip() == message
    assert tree(good) == before
    assert not (good / "new").exists() or not os.listdir(good / "new")


@pytest.mark.parametrize(
    ("key", "value"), [("beta", -1.0), ("speed", 3), ("extents", [[4, 0]]), ("sampler.n_steps", 0), ("start", "warm")]
)
def test_a_bad_study_starts_nothing(gaugeflow, tmp_path, key, value):
    write_small_study(tmp_path, **{key: value})
    done = gaugeflow("spec", ".", "--ensemble", "e", "--out", "spec.json", cwd=tmp_path)
    assert_one_message(done, CONFIG, "got" if key != "speed" else "speed")
    assert set(tree(tmp_path)) == {"study.yaml"}


@pytest.mark.parametrize("asked", [1, 4])
@pytest.mark.mpi
def test_a_world_of_another_size_than_asked_for_is_refused(good, asked):
    before = tree(good)
    line = f"mpiexec -n 2 gaugeflow --quiet {GENERATE} --ranks {asked}"
    assert_one_message(run(*line.split(), cwd=good), CONFIG, f"asked for {asked} ranks, this world has 2")
    assert tree(good) == before


@pytest.mark.parametrize(
    ("stage", "limit"),
    [(stage, limit) for stage in ("generate", "measure", "flow") for limit in (1000, 5000)] + [("generate", 8500)],
)
def test_a_full_disk_leaves_no_output(gaugeflow, good, tmp_path, stage, limit):
    for name in ("spec.json", "study.yaml", "0000.h5"):
        shutil.copy(good / name, tmp_path)
    words = ["0000.h5", "--study", "."]
    if stage == "generate":
        words = ["spec.json", "--chunk", "0", "--checkpoint-seconds", "0"]
    done = gaugeflow("--quiet", stage, *words, "--out", "new/0000.h5", cwd=tmp_path, file_size=limit)
    message = assert_one_message(done, FILE, "no room to write it")
    assert "run the same command again" in message
    left = {path for path in tree(tmp_path) if path.startswith("new/")}
    assert not any(path.endswith(".tmp") for path in left)
    started = stage == "generate" and limit > 5000  # a state fits, and stays
    assert ("new/0000.h5.partial/state.h5" in left) == started == bool(left)
    assert "new/0000.h5" not in left
    again = gaugeflow(stage, *words, "--out", "new/0000.h5", cwd=tmp_path)
    assert again.returncode == 0, again.stderr


@contextmanager
def closed_folder(folder):
    """A folder in which nothing can be made; for root, who may write everywhere, a read-only mount, else a skip."""
    folder.mkdir(mode=0o555)
    if os.geteuid():
        yield folder
        return
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=4k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("root may write everywhere and cannot mount here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_an_output_folder_that_cannot_be_written_is_refused(gaugeflow, good, tmp_path):
    with closed_folder(tmp_path / "closed") as closed:
        for line in (GENERATE, f"{MEASURE} 0000.h5", SPEC):
            done = gaugeflow("--quiet", *line.replace("new/", f"{closed}/").split(), cwd=good)
            assert_one_message(done, FILE, str(closed))
            assert not os.listdir(closed)


def test_an_output_that_cannot_be_written_is_noticed_before_anything_is_computed(good, tmp_path):
    with closed_folder(tmp_path / "closed") as closed, pytest.raises(FileError, match="writing failed"):
        read_header(good / "0000.h5", closed / "0000.h5", Serial())


def test_a_kernel_cache_that_cannot_be_written_is_refused(good):
    before = tree(good)
    line = f"gaugeflow --quiet {GENERATE}".split()
    done = run(*line, cwd=good, GAUGEFLOW_CACHE_DIR=str(good / "text.h5" / "cache"))
    assert_one_message(done, FILE, "GAUGEFLOW_CACHE_DIR")
    assert tree(good) == before


def progress_of(gaugeflow, folder, **changes) -> Path:
    """A folder with a chain that stopped on a full disk, its state saved; returns the scratch folder."""
    write_small_spec(gaugeflow, folder, **changes)
    words = ("--quiet", *GENERATE.split(), "--checkpoint-seconds", "0")
    done = gaugeflow(*words, cwd=folder, file_size=8500)
    assert done.returncode == FILE, done.stderr
    assert (folder / "new" / "0000.h5.partial" / "state.h5").exists()
    return folder / "new" / "0000.h5.partial"


def test_damaged_progress_is_refused_and_kept(gaugeflow, tmp_path):
    scratch = progress_of(gaugeflow, tmp_path)
    state = scratch / "state.h5"
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 4
    state.write_bytes(content)
    before = tree(scratch)
    done = gaugeflow("--quiet", *GENERATE.split(), cwd=tmp_path)
    assert_one_message(done, FILE, f"delete {Path('new') / scratch.name} to start the chunk again")
    kept = before.keys() - {"lock", "owner"}
    assert kept == tree(scratch).keys() - {"lock", "owner"}
    assert {name: tree(scratch)[name] for name in kept} == {name: before[name] for name in kept}


def test_progress_of_another_spec_is_refused(gaugeflow, tmp_path):
    progress_of(gaugeflow, tmp_path)
    write_small_spec(gaugeflow, tmp_path, seed=5)
    done = gaugeflow("--quiet", *GENERATE.split(), cwd=tmp_path)
    assert_one_message(done, FILE, "progress of another chunk")
