"""`gaugeflow check` and `gaugeflow info` on sound and unsound files."""

import json

import pytest
from ensembles.example import write_example

from gaugeflow.cli.main import main


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "0000.h5", tmp_path / "foreign.h5"]
    write_example(paths[0])
    paths[1].write_text("hello")
    return list(map(str, paths))


def test_check_prints_one_line_per_file_and_fails_if_one_fails(files, capsys):
    assert main(["check", files[0]]) == 0
    assert capsys.readouterr().out.startswith(
        f"ok      {files[0]}: configurations, chunk 0, 3 configurations x 2 chains"
    )
    assert main(["check", *files]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok", "FAILED"]
    assert "foreign.h5: got a file of 5 bytes" in lines[1]


def test_check_prints_json(files, capsys):
    assert main(["check", "--json", *files]) == 3
    good, bad = json.loads(capsys.readouterr().out)
    assert (good["ok"], good["problems"], good["configurations"]) == (True, [], 3)
    assert (bad["file"], bad["ok"], len(bad["problems"])) == (files[1], False, 1)


def test_check_misses_a_missing_chunk(tmp_path, capsys):
    for k in (0, 2):
        write_example(tmp_path / f"{k:04d}.h5")
    assert main(["check", str(tmp_path / "0000.h5")]) == 3
    assert "0001.h5 missing between other chunks" in capsys.readouterr().out


def test_info_shows_identity_provenance_and_datasets(files, capsys):
    assert main(["info", files[0]]) == 0
    out = capsys.readouterr().out
    for text in ("example-0123456789", "provenance.libraries.numpy", "spec.spec.save_every", "U[configuration, chain"):
        assert text in out


def test_info_of_a_file_of_no_known_format_is_one_error(files, capsys):
    assert main(["info", files[1]]) == 3
    err = capsys.readouterr().err
    assert err.startswith(f"gaugeflow: error: {files[1]}: got a file of 5 bytes that begins with b'hello', wanted ")
    assert err.count("\n") == 1
