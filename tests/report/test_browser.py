"""The page of a real study in a real browser: tables and pictures are there, nothing is fetched, nothing complains."""

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from report.browser import INSTALL, MISSING, Browser
from synthetic import made_study

from gaugeflow.analysis.curves import Curve, Series, Table, curve_json, table_json
from gaugeflow.analysis.loading import load_study_data
from gaugeflow.analysis.potential import static_potential
from gaugeflow.report.builder import build_report
from gaugeflow.report.page import TOPICS

SPOILERS = {
    "a script that throws": ("<script>undefinedName.call();</script>", "ReferenceError: undefinedName"),
    "a line on the console": ("<script>console.error('spoiled');</script>", "console: spoiled"),
    "a picture that is no picture": ('<img src="data:image/png;base64,AAAA" alt="lost">', "images: 'lost' is empty"),
    "a picture that is not there": ('<img src="lost.png" alt="lost">', "lost.png"),
    "a foreign address": ('<script src="http://127.0.0.1:9/x.js"></script>', "asks for http://127.0.0.1:9/x.js"),
    "a table without rows": ("<table><caption>bare</caption><tbody></tbody></table>", "tables: 'bare' is empty"),
    "an empty drawing": ('<svg width="0" height="0"></svg>', "drawings: 'svg' is empty"),
    "a link to nowhere": ('<a href="#nowhere">x</a>', "#nowhere leads nowhere"),
    "something too wide": ('<div style="width: 5000px">x</div>', "pixels too wide"),
}


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Report of a good study with a curve and a table of its own, and of its failing twin."""
    folder = tmp_path_factory.mktemp("page")
    good, twin = made_study(), made_study(1.1)
    points = Series("loops", [1, 2, 3], [0.1, 0.3, float("nan")], [0.01, 0.02, 0.03])
    series = (points, Series("fit", [1, 3], [0.1, 1], line=True))
    curve = Curve("potential of b2.0", "R / a", "a V(R)", series, yscale="log", guides=((0.2, "level"),))
    table = Table("Scales", ("ensemble", "t0 / a²"), (("b2.0", 1.5), ("b1.0", float("nan"))))
    ensemble = next(iter(load_study_data(good.study, good.files)))
    details = {f"{ensemble.label}/potential": static_potential(ensemble, (1, 1)).as_json()}
    own = {
        "details": details,
        "curves": {"potential/b2.0": curve_json("c", curve)},
        "tables": {"scales": table_json("t", table)},
    }
    results = [{**good.results, **own}, {**twin.results, "study": "twin"}]
    build_report(results, folder / "report.html", {"small": good.folder, "twin": twin.folder})
    return folder / "report.html"


def test_the_page_shows_its_tables_and_pictures_and_the_console_is_silent(browser, page):
    seen = browser.look(page)
    assert seen.faults == []
    figures = len(list((page.parent / "figures").rglob("*.svg")))
    assert len(seen.page["images"]) == figures > 15
    assert min(natural for _, natural, *_ in seen.page["images"]) > 200
    captions = [caption for caption, *_ in seen.page["tables"]]
    for start in (
        "Overview",
        "Ensembles of small",
        "Results of small",
        "All results of twin",
        "Scales",
        "Static potentials",
    ):
        assert any(caption.startswith(start) for caption in captions), start
    rows = {caption: rows for caption, rows, *_ in seen.page["tables"]}
    assert rows["Results of small against references"] == len(made_study().results["references"])
    assert set(TOPICS.values()) | {"Overview", "Tables", "All results", "Provenance"} <= set(seen.page["headings"])


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_a_spoiled_page_does_not_pass(browser, page, tmp_path, spoiler):
    addition, complaint = SPOILERS[spoiler]
    spoiled = tmp_path / "spoiled.html"
    spoiled.write_text(page.read_text().replace("</main>", f"{addition}</main>"))
    faults = browser.look(spoiled).faults
    assert any(complaint in fault for fault in faults), faults


def alive(group):
    """States of the processes of a group that run; those that ended and wait for their parent do not."""
    states = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
            state, _, process_group, *_ = path.read_text().rpartition(")")[2].split()
            states += [state] if int(process_group) == group and state != "Z" else []
    return states


def test_where_no_browser_can_be_installed_the_reason_is_the_last_line():
    done = subprocess.run(["/bin/sh", str(INSTALL)], env={"PATH": "/nowhere"}, capture_output=True, text=True)
    assert done.returncode == MISSING
    assert done.stdout.splitlines()[-1] == "there is no Chromium or Chrome, and no apt-get to install one"


@pytest.mark.parametrize("failing", [False, True])
def test_no_process_of_the_browser_is_left(failing):
    with suppress(ZeroDivisionError), Browser() as running:
        group = running.group
        assert len(alive(group)) > 1
        _ = 1 / (not failing)
    until = time.monotonic() + 10
    while alive(group) and time.monotonic() < until:
        time.sleep(0.05)
    assert alive(group) == []
