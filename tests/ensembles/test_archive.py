"""Laws of archives: nothing is lost, nothing that others need goes away, and whoever reads sees the same as before."""

import errno
import itertools
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ensembles.archive_tree import SETTINGS, problems, write_series, write_tree
from ensembles.example import ENSEMBLE_ID, write_example

from gaugeflow.cli.main import main
from gaugeflow.ensembles import archive
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.verify import verify_file
from gaugeflow.errors import FileError

KEPT = ("0000.h5", "0000.h5.archive.json", "0001.h5")


@pytest.fixture
def chunk(tmp_path):
    """First of two chunks of a measured chain."""
    return write_tree(tmp_path)


def run(*words) -> int:
    return main(["archive", *map(str, words)])


def tree(folder):
    """Every file below a folder with its bytes and its date."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def record(chunk):
    return json.loads(chunk.with_name("0000.h5.archive.json").read_text())


def test_what_is_moved_and_restored_is_the_same_file_and_the_record_tells_both(chunk, tmp_path, capsys):
    os.utime(chunk, ns=(10**18 + 1, 10**18 + 7))
    original, place = chunk.read_bytes(), tmp_path / "far" / ENSEMBLE_ID / "0000.h5"
    assert run(chunk, "--to", tmp_path / "far") == 0
    assert place.read_bytes() == original
    assert chunk.stat().st_size < len(original)
    assert chunk.stat().st_mtime_ns == 10**18 + 7
    assert main(["check", str(chunk), str(chunk.with_name("0001.h5")), str(place)]) == 0
    assert run(chunk, "--to", tmp_path / "far") == 0
    assert "is archived already" in capsys.readouterr().out
    assert run(chunk, "--restore") == 0
    assert chunk.read_bytes() == place.read_bytes() == original
    assert chunk.stat().st_mtime_ns == 10**18 + 7
    assert run(chunk, "--restore") == 0
    assert "its links are here" in capsys.readouterr().out
    assert run(chunk, "--to", tmp_path / "far") == 0
    told = record(chunk)
    assert [event["what"] for event in told["events"]] == ["moved", "restored", "moved"]
    for event in told["events"]:
        assert event["bytes"] == len(original)
        assert event["place"] == str(place)
        assert event["file_sha256"] == archive.file_sha256(place)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["when"])
    assert sorted(os.listdir(chunk.parent)) == list(KEPT)


def test_info_tells_where_the_links_are(chunk, tmp_path, capsys):
    assert run(chunk, "--to", tmp_path / "far") == 0
    capsys.readouterr()
    assert main(["info", str(chunk)]) == 0
    told = "".join(capsys.readouterr().out.split())
    assert f"moved to {tmp_path / 'far' / ENSEMBLE_ID / '0000.h5'}".replace(" ", "") in re.sub("[│┃|]", "", told)
    assert "archived_sha256" in told


def test_the_stand_in_tells_everything_but_the_links(chunk, tmp_path):
    assert run(chunk, "--to", tmp_path / "far") == 0
    with open_file(chunk) as here, open_file(tmp_path / "far" / ENSEMBLE_ID / "0000.h5") as there:
        assert set(there.names) - set(here.names) == {"links"}
        for name in here.names:
            assert here.dataset(name).tobytes() == there.dataset(name).tobytes()
            assert here.label(name) == there.label(name)
        assert (here.spec_text, here.provenance, here.chunk) == (there.spec_text, there.provenance, there.chunk)
        assert here.attributes["archived_sha256"] == there.content_sha256


@pytest.mark.parametrize("change", ["history", "proof"])
def test_a_stand_in_with_another_history_is_found_out_although_its_own_hash_is_right(chunk, tmp_path, change):
    """Written by the very writer, from a chunk whose history differs in one bit: only the proof can tell."""
    assert run(chunk, "--to", tmp_path / "far") == 0
    from gaugeflow.ensembles.archived import write_stand_in
    from gaugeflow.ensembles.output import Dataset
    from gaugeflow.ensembles.writer import write_arrays

    with open_file(chunk) as file:
        datasets = {name: Dataset(file.dataset(name)) for name in file.names}
        attributes = {k: v for k, v in file.attributes.items() if k not in ("format", "version", "kind")}
    del attributes["content_sha256"]
    if change == "history":
        history = datasets["history/plaquette"].data.copy()
        history.view("i8")[0, 0] ^= 1
        datasets["history/plaquette"] = Dataset(history)
    else:
        attributes["links_lines"] = attributes["links_lines"].replace("a", "b")
    write_arrays(chunk, "archived_configurations", datasets=datasets, attributes=attributes)
    assert verify_file(chunk).problems == ("what is here does not belong to the archived file that it names",)
    with pytest.raises(FileError, match="links are in an archive"):
        write_stand_in(chunk, tmp_path / "again")


@pytest.mark.parametrize("command", ["measure", "flow", "generate"])
def test_who_needs_the_links_is_told_how_to_bring_them_back(chunk, tmp_path, capsys, command):
    assert run(chunk, "--to", tmp_path / "far") == 0
    capsys.readouterr()
    if command == "generate":
        from gaugeflow.ensembles.source import read_previous

        with pytest.raises(FileError, match="gaugeflow archive --restore brings them back"):
            read_previous(chunk, None, 1)
        return
    study = "su2_2d" if command == "measure" else "su3_scale"
    assert main([command, str(chunk), "--study", study, "--out", str(tmp_path / "x")]) == 3
    assert "gaugeflow archive --restore brings them back" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def spoil_measurement(chunk):
    (chunk.parents[1] / SETTINGS / "0000.h5").write_bytes(b"no")


def remove_measurement(chunk):
    shutil.rmtree(chunk.parents[1] / SETTINGS)


def half_flowed(chunk):
    (chunk.parents[1] / "flow_0123abcd").mkdir()


def measured_from_another(chunk):
    write_series(chunk.parents[1], 0, "0" * 64)


def remove_next(chunk):
    chunk.with_name("0001.h5").unlink()


def unfinished_next(chunk):
    remove_next(chunk)
    chunk.with_name("0001.h5.partial").mkdir()


def damaged_next(chunk):
    chunk.with_name("0001.h5").write_bytes(b"no")


def foreign_next(chunk):
    write_example(chunk.with_name("0001.h5"), seed=5)


def branched(chunk, *, finished=False):
    with open_file(chunk) as file:
        start = {"file": "x", "content_sha256": file.content_sha256}
    other = chunk.parents[2] / "branch"
    other.mkdir()
    (other / "spec.json").write_text(json.dumps({"spec": {"start": start}}))
    if finished:
        write_example(other / "configs" / "0000.h5", inputs={"start": start["content_sha256"]})


def branched_and_finished(chunk):
    branched(chunk, finished=True)


def unreadable_spec(chunk):
    branched(chunk)
    (chunk.parents[2] / "branch" / "spec.json").write_text("{")


def damaged(chunk):
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)


@pytest.mark.parametrize(
    ("fault", "options", "message"),
    [
        (spoil_measurement, (), r"measure_0123abcd/0000\.h5 is not sound"),
        (remove_measurement, (), "there are no measurements of it"),
        (half_flowed, (), r"flow_0123abcd/0000\.h5 is missing: make it first"),
        (measured_from_another, (), "was not made from it: make it first"),
        (remove_next, (), "it is the last chunk of its chain"),
        (unfinished_next, ("--final",), "chunk 1 is unfinished and continues it"),
        (damaged_next, ("--final",), r"0001\.h5 is not sound"),
        (foreign_next, ("--final",), r"0001\.h5 was not made from it"),
        (branched, (), "ensemble branch starts from it and has no chunk yet"),
        (branched_and_finished, ("--delete",), "ensemble branch starts from it and could not be made again"),
        (unreadable_spec, (), "what that ensemble starts from is not known"),
        (damaged, (), "damaged"),
    ],
)
def test_what_others_need_is_not_archived(chunk, tmp_path, capsys, fault, options, message):
    fault(chunk)
    before = tree(tmp_path)
    where = () if "--delete" in options else ("--to", tmp_path / "far")
    assert run(chunk, *where, *options) == 3
    assert re.search(message, capsys.readouterr().err)
    assert tree(tmp_path) == before


def test_what_was_needed_may_go_once_it_was_used(chunk, tmp_path):
    branched_and_finished(chunk)
    last = chunk.with_name("0001.h5")
    assert run(chunk, last, "--to", tmp_path / "far", "--final", "--dry-run") == 0
    assert not (tmp_path / "far").exists()
    assert run(chunk, last, "--to", tmp_path / "far", "--final") == 0
    assert main(["check", *map(str, chunk.parent.glob("*.h5"))]) == 0


def test_one_chunk_that_is_needed_keeps_all_of_a_command(chunk, tmp_path, capsys):
    before = tree(tmp_path)
    assert run(chunk, chunk.with_name("0001.h5"), "--to", tmp_path / "far") == 3
    assert "0001.h5: it is the last chunk" in capsys.readouterr().err
    assert tree(tmp_path) == before


def test_a_study_keeps_what_it_measures(tmp_path, capsys):
    from gaugeflow.ensembles.needs import Held, Wanted, needs

    chunk = write_tree(tmp_path)
    wanted = Wanted({ENSEMBLE_ID: frozenset({"flow_89abcdef"})}, {Held(chunk).content_sha256: "branch"})
    found = list(needs(Held(chunk), wanted, final=False, forever=False))
    assert len(found) == 2
    assert found[0] == "ensemble branch of a study starts from it"
    assert found[1].endswith("flow_89abcdef/0000.h5 is missing: make it first")


def another_chunk(chunk, far):
    write_example(far / ENSEMBLE_ID / "0000.h5", seed=9)


def a_foreign_file(chunk, far):
    (far / ENSEMBLE_ID).mkdir(parents=True)
    (far / ENSEMBLE_ID / "0000.h5").write_text("hello")


def the_chunk_itself(chunk, far):
    (far / ENSEMBLE_ID).mkdir(parents=True)
    (far / ENSEMBLE_ID / "0000.h5").hardlink_to(chunk)


def a_file_for_a_folder(chunk, far):
    far.write_text("hello")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (another_chunk, "holds another chunk already"),
        (a_foreign_file, "not an HDF5 file"),
        (the_chunk_itself, "is the chunk itself"),
        (a_file_for_a_folder, "is no folder"),
    ],
)
def test_a_wrong_target_is_refused_and_left_as_it_is(chunk, tmp_path, capsys, fault, message):
    fault(chunk, tmp_path / "far")
    before = tree(tmp_path)
    assert run(chunk, "--to", tmp_path / "far") == 3
    assert message in capsys.readouterr().err
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "words",
    [(), ("--delete", "--restore"), ("--delete", "--to", "x"), ("--delete", "--from", "x"), ("FILE", "--delete")],
    ids=" ".join,
)
def test_a_command_line_that_does_not_say_what_to_do_is_refused(chunk, tmp_path, words):
    before = tree(tmp_path)
    assert run(chunk, *[chunk if word == "FILE" else word for word in words]) == 2
    assert tree(tmp_path) == before


def test_links_and_other_kinds_are_refused(chunk, tmp_path, capsys):
    link = tmp_path / "0000.h5"
    link.symlink_to(chunk)
    assert run(link, "--delete") == 3
    assert run(chunk.parents[1] / SETTINGS / "0000.h5", "--delete") == 3
    err = capsys.readouterr().err
    assert "is a link to" in err
    assert "holds measurements, wanted configurations" in err


def test_deleted_links_come_back_from_an_equal_file_only(chunk, tmp_path, capsys):
    kept, other = tmp_path / "kept.h5", tmp_path / "other.h5"
    shutil.copy(chunk, kept)
    write_example(other, seed=9)
    assert run(chunk, "--delete") == 0
    stand_in = chunk.read_bytes()
    assert run(chunk, "--restore") == 3
    assert run(chunk, "--restore", "--from", other) == 3
    err = capsys.readouterr().err
    assert "its links were deleted on" in err
    assert "give the other file" in err
    assert chunk.read_bytes() == stand_in
    assert run(chunk, "--restore", "--from", kept) == 0
    assert chunk.read_bytes() == kept.read_bytes()


def test_an_archived_file_that_was_damaged_does_not_take_the_place_of_the_stand_in(chunk, tmp_path):
    assert run(chunk, "--to", tmp_path / "far") == 0
    stand_in = chunk.read_bytes()
    damaged(tmp_path / "far" / ENSEMBLE_ID / "0000.h5")
    assert run(chunk, "--restore") == 3
    assert chunk.read_bytes() == stand_in


@pytest.mark.parametrize("limit", [1, 2000, 12_000])
@pytest.mark.parametrize("restoring", [False, True], ids=["moving", "restoring"])
def test_a_full_disk_leaves_everything_as_it_was(chunk, tmp_path, capsys, limit, restoring):
    if restoring:
        assert run(chunk, "--to", tmp_path / "far") == 0
    before = tree(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        code = run(chunk, "--restore") if restoring else run(chunk, "--to", tmp_path / "far")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == 3
    assert "no room" in capsys.readouterr().err
    after = tree(tmp_path)
    assert after == before


@pytest.mark.parametrize("seed", [1])
def test_a_kill_at_any_moment_loses_nothing_and_the_same_command_goes_on(tmp_path, seed):
    driver = Path(__file__).with_name("archive_kills.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    line = [sys.executable, str(driver), str(tmp_path), str(seed)]
    done = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["problems"] == []
    for command in ("--to", "--restore"):
        kills = [(place, moment) for word, place, moment in outcome["kills"] if word == command]
        assert len(kills) >= 10
        assert {place for place, _ in kills} >= {"write", "fsync", "rename", "close", "remove"}
        assert {("rename", "before"), ("rename", "after")} <= set(kills)


@pytest.mark.parametrize("call", ["fsync", "replace", "pwrite"])
@pytest.mark.parametrize("words", ["--to", "--restore"])
def test_a_disk_that_fails_at_any_call_loses_nothing(chunk, tmp_path, capsys, monkeypatch, call, words):
    """The nth call fails, for every n that there is: one clear error, the links whole, the same command goes on."""
    original, place, real = chunk.read_bytes(), tmp_path / "far" / ENSEMBLE_ID / "0000.h5", getattr(os, call)
    line = (chunk, "--to", tmp_path / "far") if words == "--to" else (chunk, "--restore")
    failed = 0
    for nth in range(1, 200, 7 if call == "pwrite" else 1):
        run(chunk, *(("--restore",) if words == "--to" else ("--to", tmp_path / "far")))
        if words == "--to":
            place.unlink(missing_ok=True)
        left = itertools.count(nth, -1)

        def failing(*arguments, left=left, **named):
            if next(left) == 1:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing)
            code = run(*line)
        assert problems(chunk, place, original) == []
        left_over = {path.name for path in chunk.parent.rglob("*")} - {"lock", "owner", "0000.h5.archiving", *KEPT}
        assert left_over == set()  # a lease of nobody does no harm
        if code == 0:
            break
        assert code == 3
        assert "Input/output error" in capsys.readouterr().err
        failed += 1
        assert run(*line) == 0
    assert failed >= 1
    assert next(left) > 0, "no call was left to fail"


def test_two_commands_do_not_archive_one_chunk_at_once(chunk, tmp_path, capsys):
    folder = chunk.with_name("0000.h5.archiving")
    from gaugeflow.jobs.lease import Lease

    with Lease(folder):
        assert run(chunk, "--delete") == 2
    assert "another process works on this chunk" in capsys.readouterr().err
    assert run(chunk, "--delete") == 0
    assert not folder.exists()


def test_a_copy_that_reads_back_differently_is_not_believed(chunk, tmp_path, monkeypatch):
    pwrite, before = os.pwrite, tree(tmp_path)
    monkeypatch.setattr(archive.os, "pwrite", lambda d, data, at: pwrite(d, bytes(data)[:-1] + b"\x00", at))
    assert run(chunk, "--to", tmp_path / "far") == 3
    assert tree(tmp_path) == before
