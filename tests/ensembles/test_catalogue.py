"""Laws of catalogues: they hold what the files hold, and nothing is measured on a file that changed since."""

import hashlib
import shutil

import h5py
import numpy as np
import pytest
from data_files import DATA, reference_values
from foreign import EXTENTS, entry, write_field, write_files_study
from house import run

from gaugeflow.config.ensemble import FileStart
from gaugeflow.config.foreign import ForeignSpec
from gaugeflow.config.load import load_study
from gaugeflow.config.spec_file import foreign_spec, make_spec
from gaugeflow.ensembles.catalogue import file_records, judged, write_catalogue, write_imported
from gaugeflow.ensembles.foreign_links import foreign_configurations
from gaugeflow.ensembles.gauge_checks import components_first, plaquettes
from gaugeflow.ensembles.links import ArrayLinks
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.source import OTHER_CODES, check_start, read_start
from gaugeflow.ensembles.verify import verify_file
from gaugeflow.errors import FileError
from gaugeflow.formats.check import check_file
from gaugeflow.lattice.oracle import OracleLattice


class Stream:
    """Two chains of three configurations in files of another code, in chunks of two, and the study that names them."""

    def __init__(self, folder):
        self.data, self.study = folder / "data", folder / "study"
        self.links = {}
        for c, chain in enumerate("ab"):
            for k in (10, 20, 30):
                name = f"conf_s02t04_b06_{chain}_U{k:06d}"
                self.links[name] = write_field(self.data / name, 100 * c + k)
        write_files_study(self.study, entry(["conf_*"], self.data, configs_per_chunk=2))
        self.ensemble = load_study(self.study, "tiny").ensembles[0]
        self.catalogues = [folder / "configs" / f"{k:04d}.h5" for k in range(2)]
        for chunk, out in enumerate(self.catalogues):
            self.catalogue(chunk, out)

    def catalogue(self, chunk, out):
        found = self.ensemble.foreign.chunk(chunk)
        rows = [[self.judged(name) for name in names] for names in found.names]
        write_catalogue(out, rows, found.trajectories, make_spec(self.ensemble, None), chunk)

    def judged(self, name):
        path = self.data / name
        return judged(path, name, check_file(path, extents=EXTENTS, group="SU3"))

    def measure(self, out, configurations=None, *, stage="measure", study=None):
        line = (stage, configurations or self.catalogues[0], "--study", study or self.study, "--out", out)
        return run("gaugeflow", *line)


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    return Stream(tmp_path_factory.mktemp("stream"))


def test_a_catalogue_is_sound_and_says_what_its_files_hold(stream):
    assert [verify_file(path).problems for path in stream.catalogues] == [(), ()]
    with open_file(stream.catalogues[0]) as file:
        assert (file.kind, file.n, file.shape("plaquette")) == ("catalogue", 2, (2, 2))
        assert file.dataset("trajectory").tolist() == [10, 20]
        records, stored = file_records(file), file.dataset("plaquette")
    assert [record.name[-9:] for record in records] == ["a_U000010", "b_U000010", "a_U000020", "b_U000020"]
    for record, value in zip(records, stored.ravel(), strict=True):
        raw = (stream.data / record.name).read_bytes()
        assert (record.size, record.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
        U = components_first(stream.links[record.name][None])
        assert value == pytest.approx(plaquettes(U)["plaquette"][0], abs=1e-14)
    with open_file(stream.catalogues[1]) as file:
        assert file.dataset("trajectory").tolist() == [30]
        assert file.provenance["inputs"] == {record.name: record.sha256 for record in file_records(file)}


@pytest.fixture(scope="module")
def measured(stream, tmp_path_factory):
    out = tmp_path_factory.mktemp("measured") / "m.h5"
    done = stream.measure(out)
    assert done.returncode == 0, done.stderr
    return out


def test_configurations_of_chains_are_measured_from_their_files(stream, measured):
    assert verify_file(measured).ok
    with open_file(measured) as file, open_file(stream.catalogues[0]) as catalogue:
        assert np.abs(file.dataset("plaquette") - catalogue.dataset("plaquette")).max() < 1e-13
        assert file.provenance["inputs"] == {"configurations": catalogue.content_sha256}
        assert np.array_equal(file.dataset("trajectory"), catalogue.dataset("trajectory"))


DAMAGES = {
    "a bit of a link": "have the checksum",
    "cut short": "",
    "missing": "No such file",
    "another configuration": "have the checksum",
}


def damage(path, what):
    """Spoil a file in one of the ways of DAMAGES."""
    raw = bytearray(path.read_bytes())
    if what == "a bit of a link":
        raw[raw.rindex(b"ildg-binary-data") + 128 + 1000] ^= 1
    elif what == "cut short":
        del raw[-2000:]
    path.write_bytes(raw)
    if what == "missing":
        path.unlink()
    elif what == "another configuration":
        write_field(path, 999)


@pytest.mark.parametrize("what", DAMAGES)
def test_a_file_that_changed_after_it_was_catalogued_is_refused_by_name(stream, tmp_path, what):
    data = shutil.copytree(stream.data, tmp_path / "data")
    lattice, read = OracleLattice("SU3", EXTENTS, 2), []
    with open_file(stream.catalogues[0]) as file:
        records = file_records(file)
    whole = list(foreign_configurations(records, lattice, data, "catalogue"))
    assert np.array_equal(whole[1][1], stream.links[records[3].name])
    damage(data / records[3].name, what)
    with pytest.raises(FileError, match=f"{records[3].name}.*{DAMAGES[what]}"):
        read += foreign_configurations(records, lattice, data, "catalogue")
    assert len(read) == 1  # the configuration before it, which is as it was


@pytest.mark.parametrize("stage", ["measure", "flow"])
def test_stages_write_nothing_of_a_file_that_changed(stream, tmp_path, stage):
    data = shutil.copytree(stream.data, tmp_path / "data")
    study = write_files_study(tmp_path / "study", entry(["conf_*"], data, configs_per_chunk=2))
    damage(data / "conf_s02t04_b06_b_U000020", "another configuration")
    done = stream.measure(tmp_path / "m.h5", stage=stage, study=study)
    assert done.returncode == 3, done.stderr
    assert "conf_s02t04_b06_b_U000020: its links have the checksum" in done.stderr
    assert not (tmp_path / "m.h5").exists()


def test_a_study_without_the_files_is_refused(stream, tmp_path):
    other = write_files_study(tmp_path / "study", entry(["conf_*"], stream.data, configs_per_chunk=1))
    done = stream.measure(tmp_path / "m.h5", study=other)
    assert done.returncode == 2
    assert "give the study that names its files" in done.stderr


def test_files_that_are_not_sound_are_named_and_nothing_is_written(stream, tmp_path):
    data = shutil.copytree(stream.data, tmp_path / "data")
    damage(data / "conf_s02t04_b06_a_U000010", "a bit of a link")
    damage(data / "conf_s02t04_b06_b_U000020", "cut short")
    study = write_files_study(tmp_path / "study", entry(["conf_*"], data, configs_per_chunk=2))
    out = tmp_path / "0000.h5"
    done = run("gaugeflow", "catalogue", study, "--ensemble", "files", "--chunk", "0", "--out", out)
    assert done.returncode == 3
    assert "a_U000010: scidac checksum" in done.stderr
    assert "b_U000020" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("change", ["files", "plaquette"])
def test_an_edited_catalogue_is_refused(stream, tmp_path, change):
    path = shutil.copy(stream.catalogues[0], tmp_path / "0000.h5")
    with h5py.File(path, "r+") as file:
        if change == "files":
            data = bytes(file.attrs["files"]).replace(b"float64", b"float32")
            del file.attrs["files"]
            file.attrs.create("files", data, dtype=h5py.string_dtype("utf-8", len(data)))
        else:
            file["plaquette"][0, 0] += 1e-9
    assert "content differs from content_sha256" in verify_file(path).problems[0]


def test_links_are_not_looked_for_in_a_catalogue(stream):
    with pytest.raises(FileError, match="gaugeflow convert makes one"):
        open_file(stream.catalogues[0], "configurations")


def spec_of_one(name):
    """The spec of one file as an ensemble."""
    content = {"group": "SU3", "extents": EXTENTS, "chains": 1, "files": (name,), "positions": "auto"}
    return foreign_spec(ForeignSpec(**content, configs_per_chunk=1))


class TestImported:
    """A file with its links, as `gaugeflow convert` writes it."""

    name = "conf_s02t04_b06_a_U000010"

    @pytest.fixture(scope="class")
    def imported(self, stream, tmp_path_factory):
        out = tmp_path_factory.mktemp("imported") / "a.h5"
        spec = spec_of_one(self.name)
        write_imported(out, ArrayLinks(stream.links[self.name][None]), stream.judged(self.name), spec, 10)
        return out

    def test_it_is_sound_and_read_as_configurations(self, stream, imported):
        assert verify_file(imported).problems == ()
        with open_file(imported, "configurations") as file:
            assert np.array_equal(file.links(0), stream.links[self.name][None])
            assert file.dataset("trajectory").tolist() == [10]

    def test_it_is_measured_as_its_file_is(self, stream, imported, measured, tmp_path):
        assert stream.measure(tmp_path / "i.h5", imported).returncode == 0
        with open_file(tmp_path / "i.h5") as one, open_file(measured) as all_:
            for name in ("plaquette", "loops", "polyakov"):
                assert np.array_equal(one.dataset(name)[0, 0], all_.dataset(name)[0, 0])

    def test_a_chain_may_start_from_it_and_none_is_branched_from_it(self, imported, tmp_path):
        with open_file(imported) as file:
            start = FileStart(file=str(imported), content_sha256=file.content_sha256)
        assert check_start(start) == 0
        assert read_start(start, (2, *EXTENTS[::-1], 4, 3, 3)).precision == OTHER_CODES  # it is moved to the group
        done = run("gaugeflow", "branch", imported, "--seed", "5")
        assert done.returncode == 2
        assert "start: {file:" in done.stderr

    def test_links_off_the_group_are_found(self, stream, tmp_path):
        links = stream.links[self.name][None].copy()
        links[0, 1, 0, 2, 1, 3] *= 1.001
        spec = spec_of_one(self.name)
        write_imported(tmp_path / "a.h5", ArrayLinks(links), stream.judged(self.name), spec)
        assert "off the group" in verify_file(tmp_path / "a.h5").problems[0]


def test_real_files_of_one_field_have_one_checksum_and_the_published_plaquette():
    records = {}
    for name in ("lat.sample.l4448", "lat.sample.l4448.scidac"):
        file = judged(DATA / "milc" / name, name, check_file(DATA / "milc" / name))
        records[name] = file.record
        wanted = reference_values()[f"milc/{name}"]
        assert file.numbers["plaquette"] == pytest.approx(wanted["plaquette"], abs=1e-6)
    assert {record.links for record in records.values()} == {"1c5a6cb5 5dea327a"}
    assert {record.format for record in records.values()} == {"milc", "scidac"}
