"""Laws of bad bytes: 300 seeded mutations of each format are refused in one line or read, in bounded time."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from formats.fields import VARIANTS, random_links, write_file
from formats.mutations import KINDS, LIMIT
from house import REPOSITORY

from gaugeflow.formats.writing import Wanted

COUNT = 300
SMALL = (2, 2, 2, 4)
CHOSEN = {
    "ildg": ("ildg", "float64", "big", None),
    "scidac": ("scidac", "float32", "big", None),
    "nersc": ("nersc", "float64", "little", None),
    "nersc_two_rows": ("nersc", "float32", "big", 2),
    "milc": ("milc", "float32", "little", None),
    "milc_v4": ("milc_v4", "float32", "big", None),
    "openqcd": ("openqcd", "float64", "little", None),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    links = random_links(SMALL, "SU3")
    for name, variant in CHOSEN.items():
        assert variant in VARIANTS
        form, precision, order, stored = variant
        write_file(folder / name, Wanted(form, SMALL, "SU3", precision, order, stored), links)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY / "tests")])}
    environment |= {"OPENBLAS_NUM_THREADS": "1"}  # its threads reserve address space, which the limit counts
    command = [sys.executable, "-m", "formats.mutations", str(folder), str(COUNT)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_mutation_is_refused_in_one_line_or_read(rows):
    outcomes = [row for row in rows if "outcome" in row]
    assert Counter(row["file"] for row in outcomes) == dict.fromkeys(CHOSEN, COUNT)
    assert {row["kind"] for row in outcomes} == {kind.__name__ for kind in KINDS}
    wrong = [row for row in outcomes if row["outcome"] not in ("refused", "read")]
    assert wrong == []


def test_no_mutation_takes_a_second(rows):
    assert max(row["seconds"] for row in rows if "seconds" in row) < 1.0


def test_memory_stays_below_a_gibibyte(rows):
    assert rows[-1]["peak"] < LIMIT / 4


def test_a_flip_inside_the_links_is_always_told(rows):
    told = [row["told"] for row in rows if row.get("kind") == "flip_links"]
    assert len(told) > 25 * len(CHOSEN)
    assert all(told)


def test_what_is_cut_or_appended_to_is_always_refused(rows):
    certain = ("truncate", "rubbish", "many_records", "huge_record")
    accepted = [row for row in rows if row.get("kind") in certain and row["outcome"] == "read" and not row["same"]]
    other = [row for row in accepted if row["kind"] != "huge_record" or row["file"] in ("ildg", "scidac")]
    assert other == []
