"""Every attempt at a job leaves a log of its own that says how it ended, whatever happens to the disk."""

import json
import multiprocessing
import os
import stat
import time
from pathlib import Path

import pytest
from house import run

from gaugeflow import timing
from gaugeflow.cli import spec as spec_module
from gaugeflow.cli.main import main
from gaugeflow.errors import ConfigError, FileError, PhysicsError, TryAgain
from gaugeflow.jobs import attempts

PROVENANCE = {"gaugeflow": "0", "commit": "0" * 40, "libraries": {}, "python": "3"}


@pytest.fixture
def command(monkeypatch):
    """command(function): main() with a folder for attempts and a command that is `function`."""
    monkeypatch.setenv("GAUGEFLOW_COMMIT", "0" * 40)

    def call(function, folder: Path, *words: str) -> int:
        monkeypatch.setattr(spec_module, "spec", function)
        return main([*words, "--attempts", str(folder), "spec"])

    return call


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (None, 0, ""),
        (SystemExit("no more"), 1, "no more"),
        (ConfigError("beta: got -1\nand more"), 2, "beta: got -1\nand more"),
        (FileError("a.h5: empty"), 3, "a.h5: empty"),
        (PhysicsError("dH is NaN"), 4, "dH is NaN"),
        (TryAgain("told to stop"), 75, "told to stop"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_end_has_its_exit_code_and_reason(command, tmp_path, error, code, reason):
    def fails() -> None:
        if error is not None:
            raise error

    assert command(fails, tmp_path / "log") == code
    (attempt,) = attempts.all_attempts(tmp_path / "log")
    assert (attempt.exit_code, attempt.end["reason"]) == (code, reason)
    assert attempt.begin["argv"] == ["gaugeflow", "--attempts", str(tmp_path / "log"), "spec"]
    assert attempt.end["trajectories"] == 0
    assert "traceback" not in attempt.end


def test_an_unexpected_failure_leaves_its_traceback(command, tmp_path):
    def fails() -> None:
        raise ZeroDivisionError("of no use")

    with pytest.raises(ZeroDivisionError):
        command(fails, tmp_path)
    (attempt,) = attempts.all_attempts(tmp_path)
    assert (attempt.exit_code, attempt.outcome) == (1, "failed")
    assert attempt.end["reason"] == "ZeroDivisionError: of no use"
    assert "in fails" in attempt.end["traceback"]


def test_a_wrong_option_of_a_command_is_an_end_with_a_reason(command, tmp_path, capsys):
    def takes_a_number(chunk: int) -> None:
        raise AssertionError(chunk)

    assert command(takes_a_number, tmp_path) == 2
    (attempt,) = attempts.all_attempts(tmp_path)
    assert attempt.exit_code == 2
    assert "chunk" in attempt.end["reason"].lower()


def test_without_the_option_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(spec_module, "spec", lambda: attempts.record("chunk", chunk=0))
    assert main(["spec"]) == 0
    assert list(tmp_path.iterdir()) == []


TALKING = """
import logging, sys, warnings
from gaugeflow.cli import main, spec

def talks() -> None:
    logging.getLogger("gaugeflow.talking").info("%d \\"words\\"\\nof many", 2)
    logging.getLogger("gaugeflow.talking").debug("too much")
    logging.getLogger("gaugeflow.talking").info("%d", "does not fit")
    warnings.warn("be careful")

spec.spec = talks
sys.exit(main.main(["--attempts", sys.argv[1], "spec"]))
"""


def test_log_lines_and_warnings_are_recorded(tmp_path):
    done = run("python", "-c", TALKING, str(tmp_path))
    assert done.returncode == 0, done.stderr
    first, second = attempts.all_attempts(tmp_path)[0].logs
    assert (first["level"], first["logger"], first["message"]) == ("INFO", "gaugeflow.talking", '2 "words"\nof many')
    assert second["level"] == "WARNING"
    assert "be careful" in second["message"]


@pytest.mark.parametrize("words", [["a 'b' \"c\"", "$(id)", "two\nlines", "\udcff", "ä"]])
def test_every_argument_survives(tmp_path, words):
    attempts.begin(tmp_path, words, {}, PROVENANCE)
    attempts.finish(0, "")
    assert attempts.read(tmp_path / "1.jsonl").begin["argv"] == words
    assert len((tmp_path / "1.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(("umask", "file", "folder"), [(0o077, 0o600, 0o700), (0o022, 0o644, 0o755), (0, 0o664, 0o775)])
def test_the_umask_is_respected_and_nothing_is_writable_for_everybody(tmp_path, umask, file, folder):
    before = os.umask(umask)
    try:
        attempts.begin(tmp_path / "a" / "b", [], {}, PROVENANCE)
    finally:
        os.umask(before)
        attempts.finish(0, "")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a/b/1.jsonl", "a/b", "a")]
    assert modes == [file, folder, folder]


def _begun(folder: Path, barrier) -> None:
    barrier.wait()
    attempts.begin(folder, [str(os.getpid())], {}, PROVENANCE)
    attempts.finish(0, "")


def test_attempts_at_the_same_moment_get_numbers_of_their_own(tmp_path):
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(8)
    processes = [fork.Process(target=_begun, args=(tmp_path, barrier)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    found = attempts.all_attempts(tmp_path)
    assert [attempt.number for attempt in found] == list(range(1, 9))
    assert {attempt.begin["argv"][0] for attempt in found} == {str(process.pid) for process in processes}


def test_a_line_that_was_cut_off_hides_no_other(tmp_path):
    attempts.begin(tmp_path, [], {}, PROVENANCE)
    attempts.record("chunk", chunk=3)
    attempts.finish(0, "")
    whole = (tmp_path / "1.jsonl").read_bytes()
    for cut in (1, 7, len(whole.splitlines()[-1])):
        (tmp_path / "1.jsonl").write_bytes(whole[:-cut] if cut > 1 else whole[:-2] + b"\xff")
        attempt = attempts.read(tmp_path / "1.jsonl")
        assert (attempt.damaged, attempt.outcome, attempt.chunks[0]["chunk"]) == (1, "no end", 3)
    (tmp_path / "1.jsonl").write_bytes(b"")
    assert attempts.read(tmp_path / "1.jsonl").seconds == 0.0
    assert attempts.all_attempts(tmp_path / "nowhere") == []


def test_a_log_that_cannot_be_made_is_told_once_and_the_job_goes_on(command, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert command(lambda: attempts.record("chunk", chunk=0), tmp_path / "file" / "log") == 0
    assert capsys.readouterr().err.count("attempt is not recorded") == 1


def test_on_a_full_disk_the_job_goes_on_and_later_lines_are_whole(tmp_path):
    code = f"""
import resource
from gaugeflow.jobs import attempts
attempts.begin({str(tmp_path)!r}, [], {{}}, {PROVENANCE!r})
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (800, unlimited[1]))
for number in range(9):
    attempts.record("chunk", chunk=number, filling="x" * 300)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
attempts.finish(0, "")
"""
    done = run("python", "-c", code)
    assert (done.returncode, done.stderr.count("the job goes on")) == (0, 1), done.stderr
    attempt = attempts.read(tmp_path / "1.jsonl")
    assert (attempt.damaged, attempt.exit_code) == (1, 0)


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({}, True),
        ({"PMI_RANK": "1"}, False),
        ({"OMPI_COMM_WORLD_RANK": "0", "PMIX_RANK": "0"}, True),
        ({"PMI_RANK": "0", "OMPI_COMM_WORLD_RANK": "3"}, False),
        ({"SLURM_PROCID": "2"}, False),
        ({"SLURM_PROCID": "2", "PMI_RANK": "0"}, True),
    ],
)
def test_the_first_rank_is_known_without_mpi(monkeypatch, environment, first):
    for name in (*attempts.MPI_RANKS, "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert attempts.is_first_rank() is first


def test_asked_resources_are_numbers():
    assert attempts.parse_asked("runtime=30,mem_mb=2000.5,gpus=0") == {"runtime": 30, "mem_mb": 2000.5, "gpus": 0}
    assert attempts.parse_asked(None) == {}
    for wrong in ("runtime", "runtime=soon", "mem_mb=inf", "tasks=nan", "gpus=-1"):
        with pytest.raises(ConfigError, match="NAME=NUMBER"):
            attempts.parse_asked(wrong)


def test_time_inside_counts_once_and_for_the_innermost():
    before = timing.seconds()
    with timing.timed("io"):
        time.sleep(0.02)
        with timing.timed("mpi"), timing.timed("mpi"):
            time.sleep(0.03)
        time.sleep(0.01)
    spent = {name: seconds - before[name] for name, seconds in timing.seconds().items()}
    assert 0.03 <= spent["io"] < 0.055
    assert 0.03 <= spent["mpi"] < 0.055


def test_a_timed_call_costs_microseconds_at_most():
    """Half a microsecond on a quiet machine; a short burst out of many finds one on a busy machine."""
    empty = timing.timed("mpi")(lambda: None)

    def burst(n: int = 500) -> float:
        began = time.perf_counter()
        for _ in range(n):
            empty()
        return (time.perf_counter() - began) / n

    assert min(burst() for _ in range(300)) < 2e-6


def test_lines_are_one_object_each(command, tmp_path):
    assert command(lambda: None, tmp_path, "--asked", "runtime=5") == 0
    lines = [json.loads(line) for line in (tmp_path / "1.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["begin", "end"]
    assert lines[0]["asked"] == {"runtime": 5}
    assert all(line["time"].endswith("+00:00") for line in lines)
