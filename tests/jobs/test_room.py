"""Work whose files cannot fit, or would be dated by a wrong clock, is refused before it starts."""

import os
import time
from types import SimpleNamespace

import pytest

from gaugeflow.errors import FileError
from gaugeflow.jobs import clock, disk
from gaugeflow.jobs.clock import check_clock
from gaugeflow.jobs.disk import free_bytes, require_free


@pytest.fixture
def shift(monkeypatch):
    """shift(seconds): this machine's clock is wrong."""
    true = time.time
    return lambda seconds: monkeypatch.setattr(clock.time, "time", lambda: true() + seconds)


@pytest.mark.parametrize("seconds", [0, 40, -40])
def test_clocks_that_nearly_agree_are_fine(tmp_path, shift, seconds):
    shift(seconds)
    check_clock(tmp_path / "not" / "there" / "0000.h5")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_clock_apart_by_an_hour_is_refused_with_what_to_do(tmp_path, shift, seconds, monkeypatch, caplog):
    shift(seconds)
    with pytest.raises(FileError) as caught:
        check_clock(tmp_path / "0000.h5")
    for text in (str(tmp_path), "3600 s apart", os.uname().nodename, "Snakemake compares dates", "NTP", "exclude"):
        assert text in str(caught.value)
    assert os.listdir(tmp_path) == []
    monkeypatch.setenv("GAUGEFLOW_ALLOW_CLOCK_SKEW", "1")
    check_clock(tmp_path / "0000.h5")
    assert "3600 s apart" in caplog.text


def test_a_folder_where_nothing_can_be_written_is_one_error(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileError, match=r"0000.h5: writing failed: Read-only file system"):
        check_clock(tmp_path / "0000.h5")


def test_free_space_is_that_of_the_nearest_folder_that_exists(tmp_path, monkeypatch):
    asked = []

    def statvfs(path):
        asked.append(path)
        return SimpleNamespace(f_bavail=3, f_frsize=4096)

    monkeypatch.setattr(disk.os, "statvfs", statvfs)
    assert free_bytes(tmp_path / "not" / "there.h5") == 3 * 4096
    assert asked == [tmp_path]


def test_what_does_not_fit_is_refused_with_what_is_asked_and_free(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "free_bytes", lambda path: 1_999_999)
    require_free(tmp_path / "a.h5", 1_999_999, "chunk 3")
    with pytest.raises(FileError) as caught:
        require_free(tmp_path / "a.h5", 2_000_000, "chunk 3")
    for text in ("chunk 3 needs 2.0 MB", "2.0 MB are free", str(tmp_path), "nothing was started", "another root"):
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2 * 10**18, "2000.0 PB")]
)
def test_sizes_are_written_with_units(count, text):
    assert disk._size(count) == text
