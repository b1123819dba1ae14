"""The table of what jobs asked for and used is that of their logs."""

import json
import re

from synthetic import made_study

from gaugeflow.cli.main import main
from gaugeflow.report.builder import build_report
from gaugeflow.report.efficiency import COLUMNS, efficiency_table

END = {"seconds": 600.0, "cpu_seconds": 570.0, "max_rss_mb": 250.0, "mpi_seconds": 60.0, "io_seconds": 6.0}


def write_log(path, asked, *, end=None, seconds=0):
    """One attempt that began at midnight, with its end, or a last line some seconds later."""
    begin = {"event": "begin", "time": "2030-01-01T00:00:00.000+00:00", "host": "secret-node-17", "asked": asked}
    last = {"event": "progress", "done": 1, "total": 2} if end is None else {"event": "end", **END, **end}
    last["time"] = f"2030-01-01T00:{seconds // 60:02d}:{seconds % 60:02d}.000+00:00"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in (begin, last)))


def write_logs(folder, results):
    """Chunk 0: killed after 5 minutes, stopped after 10, done after 5; chunk 1 done after 10; a measurement failed."""
    ensemble = results["ensembles"][0]["ensemble_id"]
    asked = {"runtime": 20, "mem_mb": 2000, "tasks": 2}
    chunk = folder / "generate" / ensemble / "0000"
    write_log(chunk / "1.jsonl", asked, seconds=300)
    write_log(chunk / "2.jsonl", asked, end={"exit_code": 75})
    write_log(chunk / "10.jsonl", asked, end={"exit_code": 0, "seconds": 300.0, "max_rss_mb": 260.0})
    write_log(folder / "generate" / ensemble / "0001" / "1.jsonl", asked, end={"exit_code": 0})
    write_log(folder / "measure" / ensemble / "0123abcd" / "0000" / "1.jsonl", {}, end={"exit_code": 3})


def test_every_row_is_that_of_the_logs(tmp_path):
    results = made_study().results
    write_logs(tmp_path, results)
    table = efficiency_table(results, tmp_path)
    label = results["ensembles"][0]["label"]
    assert table.rows == (
        (label, "generate", "4", "1 stopped, 1 no end", "30 min", "37.5 %", "260", "26 %", "12 %", "1.2 %", "114 %"),
        (label, "measure", "1", "1 failed", "10 min", "–", "250", "–", "10 %", "1 %", "95 %"),
    )
    assert all(len(row) == len(COLUMNS) for row in table.rows)


def test_the_page_shows_the_table_only_where_there_are_logs_and_names_no_host(tmp_path):
    made = made_study()
    write_logs(tmp_path / "logs", made.results)
    build_report([made.results], tmp_path / "with.html", {"small": made.folder}, None, tmp_path / "logs")
    build_report([made.results], tmp_path / "without.html", {"small": made.folder}, None, tmp_path / "nowhere")
    page, without = (tmp_path / "with.html").read_text(), (tmp_path / "without.html").read_text()
    assert re.search(r'generate</td><td class="r">4</td><td class="word">1 stopped, 1 no end</td>', page)
    assert '<a href="#small--efficiency">Jobs</a>' in page
    assert "secret-node" not in page
    assert "2030" not in page
    assert "--efficiency" not in without


def test_the_command_takes_the_folder_of_logs(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("gaugeflow.analysis.results.read_results", lambda path: {})
    monkeypatch.setattr("gaugeflow.report.builder.build_report", lambda *given: seen.append(given[-1]) or [None])
    assert main(["report", "r.json", "--out", "r.html", "--job-logs", str(tmp_path)]) == 0
    assert seen == [tmp_path]
