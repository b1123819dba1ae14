"""Laws of studies over other codes' files, end to end: one rule makes a chunk, numbers are those of the files.

One run of Snakemake serves all tests of this file: one configuration in two formats, and a stream of several files.
"""

import csv
import hashlib
import json
import re

import pytest
import yaml
from data_files import DATA, reference_values
from foreign import entry, write_field, write_files_study
from house import REPOSITORY, run, study_content

from gaugeflow.ensembles.verify import verify_file

pytestmark = pytest.mark.slow

MILC = {"group": "SU3", "extents": [4, 4, 4, 8], "folder": str(DATA / "milc")}
STREAM = 9

ANALYSIS = """
from gaugeflow.analysis.observables import chain_checks, labelled, plaquette, wilson_loop
from gaugeflow.stats.estimate import derive


def analyse(data):
    found = {}
    for ensemble in data:
        own = {"plaquette": plaquette(ensemble), "W(1,2)": wilson_loop(ensemble, 1, 2), **chain_checks(ensemble)}
        own["E"] = ensemble.estimate(ensemble.flow_series("energy_clover")[:, :, 0])
        own["E / plaquette"] = derive(lambda e, p: e / p, own["E"], own["plaquette"])
        found |= labelled(ensemble, own)
    return found
"""


def snakemake(folder, *options):
    line = ("snakemake", "-s", REPOSITORY / "Snakefile", "--cores", "2", *options)
    return run(*line, "--config", "root=out", "scale=tiny", f"studies=[{folder / 'study'}]", cwd=folder)


def write_study(folder):
    wanted = reference_values()["milc/lat.sample.l4448"]
    for k in range(STREAM):
        write_field(folder / "stream" / f"conf.{10 * k + 10:04d}", k)
    single = [
        {"label": "milc", "files": ["lat.sample.l4448"], **MILC},
        {"label": "scidac", "files": ["lat.sample.l4448.scidac"], **MILC},
    ]
    stream = entry(["conf.*"], "../stream", label="stream", configs_per_chunk=5, beta=5.7, action="none")
    study = write_files_study(folder / "study", *single, stream)
    (study / "analysis.py").write_text(ANALYSIS)
    rows = [
        ("milc/plaquette", wanted["plaquette"], 1e-6),
        ("milc/E", wanted["E_clover_density"], 1e-6),
        ("scidac/E", wanted["E_clover_density"], 1e-6),
        ("scidac/plaquette", wanted["plaquette"] + 2e-6, 1e-6),
        ("stream/plaquette", 0.0, 0.1),
    ]
    text = "name,value,error,max_error,kind,source\n" + "".join(f"{n},{v},0,{m},computed,numpy\n" for n, v, m in rows)
    for name in ("reference.csv", "reference_tiny.csv"):
        (study / name).write_text(text)
    return study


class Finished:
    """A finished run."""

    def __init__(self, folder):
        self.folder = folder
        write_study(folder)
        self.result = snakemake(folder)
        assert self.result.returncode == 0, self.result.stdout[-3000:] + self.result.stderr[-3000:]
        self.results = json.loads((folder / "out" / "results" / "study" / "results.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return Finished(tmp_path_factory.mktemp("foreign"))


def test_chunks_of_files_are_catalogued_and_those_of_chains_generated(tmp_path):
    content = study_content()
    write_field(tmp_path / "stream" / "conf.1", 1)
    for scale in content["scales"].values():
        scale["ensembles"].append(entry(["conf.*"], tmp_path / "stream"))
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.yaml").write_text(yaml.safe_dump(content))
    planned = snakemake(tmp_path, "-n", "-p")
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", planned.stdout.split("Job stats:")[-1], flags=re.MULTILINE))
    assert (jobs["catalogue"], jobs["generate"], jobs["measure"], jobs["spec"]) == ("1", "12", "13", "5")
    line = next(line for line in planned.stdout.splitlines() if " catalogue " in line and "--chunk" in line)
    assert re.search(r"--ensemble su3_4d_foreign_2x4x2x4-\w+ --scale tiny --chunk 0 --out out/data/\S+/0000.h5", line)
    assert re.search(r"rule catalogue:\n    input: .*stream/conf\.1\n", planned.stdout)


def test_a_catalogue_and_its_series_are_sound(finished):
    files = sorted((finished.folder / "out" / "data").rglob("*.h5"))
    assert len(files) == 3 * 4
    assert [path for path in files if not verify_file(path).ok] == []


def test_numbers_of_given_configurations_have_no_error_and_are_judged_by_their_distance(finished):
    with (finished.folder / "out" / "results" / "scoreboard.csv").open(newline="") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    passed = {name for name, row in rows.items() if row["passed"] == "true"}
    assert passed == {"milc/plaquette", "milc/E", "scidac/E", "stream/plaquette"}
    assert (rows["scidac/plaquette"]["error"], rows["scidac/plaquette"]["pull"]) == ("0", "")
    single, stream = (finished.results["estimates"][f"{label}/E / plaquette"] for label in ("milc", "stream"))
    assert (single["error"], single["n"], single["tau_int"]) == (0.0, 1, None)
    assert stream["error"] > 0
    assert stream["n"] == STREAM


def test_the_same_field_in_two_formats_gives_the_same_numbers(finished):
    names = ("plaquette", "W(1,2)", "E")
    milc, scidac = (
        [finished.results["estimates"][f"{label}/{name}"]["value"] for name in names] for label in ("milc", "scidac")
    )
    assert milc == scidac


def test_results_name_every_file_with_its_checksum(finished):
    entries = {entry["label"]: entry for entry in finished.results["ensembles"]}
    paths = [finished.folder / "stream" / f"conf.{10 * k + 10:04d}" for k in range(STREAM)]
    listed = {file["name"]: file["sha256"] for file in entries["stream"]["files"]}
    assert listed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert entries["milc"]["files"][0]["format"] == "milc"
    assert (entries["stream"]["beta"], entries["stream"]["sampler"]["formats"]) == (5.7, ["ildg"])
    assert entries["milc"]["beta"] is None
    source = finished.results["estimates"]["stream/E"]["source"]
    assert source["inputs_sha256"] == entries["stream"]["source"]["inputs_sha256"]


def test_the_page_shows_the_files(finished):
    page = (finished.folder / "out" / "results" / "report.html").read_text()
    table = page.split("<caption>Files of other codes</caption>")[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + 2 + STREAM
    raw = (DATA / "milc" / "lat.sample.l4448").read_bytes()
    assert hashlib.sha256(raw).hexdigest()[:12] in table
    assert "files: ildg" in page.replace("\u00a0", " ")


def test_another_file_makes_the_last_chunk_anew_and_leaves_the_first_alone(finished):
    assert "Nothing to be done" in snakemake(finished.folder, "-n").stdout
    path = finished.folder / "stream" / "conf.0100"
    write_field(path, 77)
    try:
        planned = snakemake(finished.folder, "-n").stdout
        files = sorted((finished.folder / "out" / "data").rglob("*.h5"))
        options = ("--scale", "tiny", "--out", finished.folder / "again.json")
        early = run("gaugeflow", "analyse", finished.folder / "study", *files, *options)
    finally:
        path.unlink()
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", planned.split("Job stats:")[-1], flags=re.MULTILINE))
    assert (jobs["catalogue"], jobs["measure"], jobs["flow"]) == ("1", "1", "1")
    assert early.returncode == 3
    assert "list 9 files, the study finds 10" in early.stderr
