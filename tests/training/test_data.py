"""Laws of data: whole chains validate, order follows from seed and epoch, a batch reads its rows and nothing else."""

from collections import Counter

import numpy as np
import pytest
import torch
from foreign import entry, write_files_study
from training.small import LCNN, TRAINING, write_small

from gaugeflow.ensembles.reader import ChunkFile, open_file
from gaugeflow.ensembles.rows import ChunkRows
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.training import data as data_module
from gaugeflow.training.data import Reader, chunk_at, find_data
from gaugeflow.training.order import batches, in_order, micro_batches, shuffled
from gaugeflow.training.split import split_chains


def test_every_chain_is_on_one_side_and_each_ensemble_on_both(tmp_path):
    study = write_small(tmp_path, ensemble={"chains": 5}, **{"training.validation": 0.4})
    data = find_data(study.trainings[0], tmp_path / "data" / "ensembles")
    sides = {side: {row.chain for row in getattr(data, side)} for side in ("training", "validation")}
    assert sides["training"] & sides["validation"] == set()
    assert sides["training"] | sides["validation"] == set(range(5))
    assert (len(data.training), len(data.validation)) == (3 * 6, 2 * 6)
    assert Counter(data.training).most_common(1)[0][1] == 1


def test_the_split_depends_on_the_ensemble_alone_and_keeps_its_share():
    assert split_chains("a", 10, 0.2) == split_chains("a", 10, 0.2)
    for count in (2, 5, 10):
        split = split_chains("a", count, 0.2)
        assert sorted(split.training + split.validation) == list(range(count))
        assert len(split.validation) == max(1, count // 5)
    assert len({split_chains(name, 10, 0.2).validation for name in "abcdef"}) > 3
    often = Counter(c for k in range(400) for c in split_chains(str(k), 10, 0.2).validation)
    assert sum(often.values()) == 800
    assert max(abs(often[c] - 80) for c in range(10)) < 5 * (400 * 0.2 * 0.8) ** 0.5
    with pytest.raises(ConfigError, match="a: got 1 chain, wanted at least 2 chains"):
        split_chains("a", 1, 0.2)


def test_orders_are_permutations_of_their_own_for_every_seed_and_epoch():
    orders = {(seed, epoch): tuple(shuffled(seed, epoch, 50)) for seed in (1, 2**64 - 1) for epoch in range(3)}
    assert all(sorted(order) == list(range(50)) for order in orders.values())
    assert len(set(orders.values())) == 6
    assert orders[1, 2] == tuple(shuffled(1, 2, 50))


def test_batches_hold_every_row_once_and_one_lattice_each():
    extents = [(4, 4)] * 10 + [(6, 8)] * 7
    found = batches(extents, 4, seed=3, epoch=1)
    assert sorted(row for batch in found for row in batch) == list(range(17))
    assert all(len({extents[row] for row in batch}) == 1 for batch in found)
    assert sorted(map(len, found)) == [2, 3, 4, 4, 4]
    assert len(in_order(extents, 4)) == len(found)
    assert micro_batches(found[0], 3) == [found[0][:3], *([found[0][3:]] if found[0][3:] else [])]
    assert batches(extents, 4, seed=3, epoch=2) != found


def test_a_row_is_the_file_s_links_and_only_its_bytes_are_read(tmp_path, monkeypatch):
    study = write_small(tmp_path)
    data = find_data(study.trainings[0], tmp_path / "data" / "ensembles")
    asked, piece = [], ChunkFile.piece

    def counted(file, name, index):
        asked.append((name, index))
        return piece(file, name, index)

    monkeypatch.setattr(ChunkFile, "piece", counted)
    rows = [data.training[k] for k in (1, 7)]
    with Reader(data.chunks) as reader:
        links = reader.links(rows)
        wanted = [("links", (row.configuration, slice(row.chain, row.chain + 1))) for row in rows]
        assert [request for request in asked if request[0] == "links"] == wanted
        reader.links(rows)
        assert len(asked) == 4  # links and checksum of two rows: the second time they are in memory
    for k, row in enumerate(rows):
        with open_file(data.chunks[row.chunk].path) as file:
            stored = file.links(row.configuration)[row.chain]
        assert np.array_equal(links[k].numpy(), np.moveaxis(stored, -3, 0))


def test_a_file_that_is_replaced_meanwhile_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(data_module, "OPEN_FILES", 1)
    study = write_small(tmp_path)
    data = find_data(study.trainings[0], tmp_path / "data" / "ensembles")
    first = next(row for row in data.training if row.chunk == 0)
    second = next(row for row in data.training if row.chunk == 1)
    with Reader(data.chunks, cache_bytes=0) as reader:
        reader.links([first, second])
        data.chunks[0].path.write_bytes(data.chunks[1].path.read_bytes())
        with pytest.raises(FileError, match="was replaced while it was used"):
            reader.links([first])


def test_fewer_configurations_are_the_first_ones_of_every_chain(tmp_path):
    study = write_small(tmp_path, **{"training.configurations": 4})
    data = find_data(study.trainings[0], tmp_path / "data" / "ensembles")
    for side in (data.training, data.validation):
        numbers = {(row.chain, 3 * row.chunk + row.configuration) for row in side}
        assert {number for _, number in numbers} == {0, 1, 2, 3}
    assert study.trainings[0].training_configurations == len(data.training) == 3 * 4


def test_catalogues_are_read_from_the_files_they_list(tmp_path):
    """Rows of another code's files, of two streams; a changed file is found by its checksum."""
    from foreign import write_field

    from gaugeflow.cli.main import main
    from gaugeflow.config.load import load_study

    files = tmp_path / "files"
    fields = {(c, n): write_field(files / f"c{c}.{n}", 10 * c + n) for c in (0, 1) for n in (1, 2)}
    network = {
        "label": "n",
        "network": LCNN,
        "target": {"kind": "charge_density"},
        "train_on": ["files"],
        "training": TRAINING,
    }
    positions = r"c(?P<chain>\d)\.(?P<trajectory>\d)"
    study = write_files_study(tmp_path / "s", entry(["c*"], files, positions=positions), networks=[network])
    loaded = load_study(study, "tiny")
    ensemble = loaded.ensembles[0]
    path = tmp_path / "data" / ensemble.ensemble_id / "configs" / "0000.h5"
    words = ["catalogue", study, "--scale", "tiny", "--ensemble", "files", "--chunk", 0, "--out", path]
    assert main([str(word) for word in words]) == 0
    data = find_data(loaded.trainings[0], tmp_path / "data")
    assert (len(data.training), len(data.validation)) == (2, 2)
    with Reader(data.chunks) as reader:
        for row in (*data.training, *data.validation):
            wanted = torch.from_numpy(fields[row.chain, row.configuration + 1]).movedim(-3, 0)
            assert torch.equal(reader.links([row])[0], wanted)
    with pytest.raises(ConfigError, match="is a catalogue; give the study"):
        chunk_at(path)
    write_field(files / "c0.1", 99)
    with ChunkRows(path, files) as rows, pytest.raises(FileError, match="the file was changed"):
        rows.read(0, 0)
