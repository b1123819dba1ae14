"""A file that is not exactly what was written is refused in one sentence; nothing readable changes unseen."""

import h5py
import numpy as np
import pytest
from ensembles.example import write_example

from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.verify import require_sound, verify_file
from gaugeflow.errors import FileError


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "0000.h5"
    write_example(path)
    return path


def refused(path) -> str:
    """The one sentence with which a file is refused, everywhere."""
    result = verify_file(path)
    assert not result.ok
    with pytest.raises(FileError) as caught:
        require_sound(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert "Traceback" not in message
    return message


def test_every_flipped_bit_is_found_or_unreadable_anyway(sound, tmp_path):
    content = sound.read_bytes()
    with open_file(sound) as file:
        digest = file.content_sha256
    rng = np.random.default_rng(20)
    path = tmp_path / "flipped.h5"
    found = 0
    for bit in rng.choice(8 * len(content), size=200, replace=False):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(flipped)
        if verify_file(path).ok:
            with open_file(path) as file:
                assert file.recompute_digest() == digest
        else:
            refused(path)
            found += 1
    assert found > 150  # the rest lies in gaps between HDF5's blocks


def test_every_truncation_and_every_lost_block_is_found(sound, tmp_path):
    content = sound.read_bytes()
    path = tmp_path / "cut.h5"
    for length in np.linspace(0, len(content) - 1, 60).astype(int):
        path.write_bytes(content[:length])
        refused(path)
    for start in range(0, len(content), 512):
        lost = content[:start] + bytes(512) + content[start + 512 :]
        if lost != content:
            path.write_bytes(lost)
            refused(path)


def test_links_are_compared_with_their_checksum_when_read(sound):
    with h5py.File(sound, "r+") as file:
        file["checksum"][1, 0] += 1
    with open_file(sound) as file:
        file.links(0)
        with pytest.raises(FileError, match=r"configuration 1: checksum of chain 0"):
            file.links(1)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"BEGIN_HEADER\n", "not an HDF5 file"), (b"\x89HDF\r\n\x1a\n", "opening failed")],
)
def test_files_that_are_no_hdf5_are_refused(tmp_path, content, message):
    path = tmp_path / "x.h5"
    path.write_bytes(content)
    assert message in refused(path)


def test_missing_files_and_folders_are_refused(tmp_path):
    assert "No such file" in refused(tmp_path / "none.h5")
    assert "directory" in refused(tmp_path)


def test_hdf5_of_others_and_of_other_versions_is_refused(sound, tmp_path):
    foreign = tmp_path / "foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["links"] = np.zeros(3)
    assert "another program" in refused(foreign)
    with h5py.File(sound, "r+") as file:
        file.attrs.modify("version", 2)
    assert "layout version 2, this code reads 1" in refused(sound)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda f: f.attrs.__setitem__("kind", "photographs"), "unknown kind"),
        (lambda f: f.attrs.__delitem__("spec"), "attribute spec is missing"),
        (lambda f: f.attrs.__setitem__("chunk", "first"), "attribute chunk is str, wanted int"),
        (lambda f: f.attrs.__setitem__("spec", "{"), "attribute spec is no JSON"),
        (lambda f: f.attrs.__setitem__("spec", "[]"), "wanted a JSON object"),
        (lambda f: f.attrs.__setitem__("ensemble_id", "other"), "ensemble_id is other, its spec says"),
        (lambda f: f.attrs.__setitem__("remark", "hello"), "content differs from content_sha256"),
        (lambda f: f["plaquette"].attrs.__setitem__("units", "apples"), "content differs from content_sha256"),
        (lambda f: f["plaquette"].__setitem__((0, 0), 0.5), "content differs from content_sha256"),
        (lambda f: f.__delitem__("history/delta_h"), "dataset history/delta_h is missing"),
        (lambda f: f.__setitem__("notes", np.zeros(2)), "dataset notes is not part of"),
        (lambda f: f.move("plaquette", "plaquette_time"), "dataset plaquette is missing"),
    ],
)
def test_edited_files_are_refused(sound, edit, message):
    with h5py.File(sound, "r+") as file:
        edit(file)
    assert message in refused(sound)


def test_absurd_sizes_are_refused_before_memory_is_asked_for(sound):
    with h5py.File(sound, "r+") as file:
        del file["links"]
        file.create_dataset("links", (3, 2, 1 << 20, 1 << 12, 2, 2, 2), "<c16", chunks=(1, 1, 64, 64, 2, 2, 2))
    assert "bytes, the file has" in refused(sound)


def test_a_file_of_another_kind_is_refused(sound):
    with pytest.raises(FileError, match="holds configurations, wanted flow"):
        open_file(sound, "flow")


def test_asking_for_what_is_not_there_is_a_clear_error(sound):
    with open_file(sound) as file:
        with pytest.raises(FileError, match="no dataset loops"):
            file.dataset("loops")
        with pytest.raises(FileError, match="entry 3 of links was asked for, there are 3"):
            file.links(3)
