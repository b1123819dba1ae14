"""One run of Snakemake over every tiny study and its twin, at low priority beside whatever tests come before."""

import csv
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import yaml
from house import REPOSITORY, STUDIES, run, surroundings, words

WRONG = 1.1
TWIN_ENSEMBLES = 2
"""One row far off is enough to say that the study sees the coupling; every ensemble costs five jobs."""
NICE = 10

_running: list["Running"] = []


def write_twin(study, folder):
    """Copy a study: few ensembles, every beta 10 % too large, the same labels, a quarter of the statistics or less."""
    shutil.copytree(REPOSITORY / "workflow" / "studies" / study, folder, ignore=shutil.ignore_patterns("__pycache__"))
    content = yaml.safe_load((folder / "study.yaml").read_text())
    tiny = content["scales"]["tiny"]
    entries = exchanged([entry for entry in tiny["ensembles"] if "files" in entry], study)
    for entry in [entry for entry in tiny["ensembles"] if "files" not in entry]:
        extents = entry["extents"] if isinstance(entry["extents"][0], list) else [entry["extents"]]
        betas = entry["beta"] if isinstance(entry["beta"], list) else [entry["beta"]]
        for size, beta in itertools.product(extents, betas):
            label = entry.get("label", "b{beta}_{extents}")
            label = label.replace("{beta}", str(float(beta))).replace("{extents}", "x".join(map(str, size)))
            short = {"thermalisation": 40, "configs_per_chunk": 20, "chunks": 1}
            if "warmup" in entry:
                short["warmup"] = min(entry["warmup"], short["thermalisation"])
            entries.append({**entry, **short, "extents": size, "beta": round(WRONG * beta, 6), "label": label})
    tiny.pop("networks", None)  # they are functions of links, whatever beta
    tiny["ensembles"] = entries[:TWIN_ENSEMBLES] + [e for e in entries[TWIN_ENSEMBLES:] if is_langevin(e)]
    content["scales"]["full"] = tiny
    (folder / "study.yaml").write_text(yaml.safe_dump(content))


def is_langevin(entry):
    """Whether an analysis extrapolates in the step of this ensemble and another."""
    return entry.get("sampler", {}).get("kind") == "langevin"


def exchanged(entries, study):
    """Entries of files, each with the files of the next one of its group and lattice."""
    out = []
    for entry in entries:
        alike = [e for e in entries if (e["group"], e["extents"]) == (entry["group"], entry["extents"])]
        other = alike[(alike.index(entry) + 1) % len(alike)]
        folder = REPOSITORY / "workflow" / "studies" / study / other.get("folder", ".")
        out.append({**other, "label": entry["label"], "folder": str(folder.resolve())})
    return out


class Running:
    """Snakemake under way in a folder of its own."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="gaugeflow_pipeline_"))
        for study in STUDIES:
            write_twin(study, self.folder / f"{study}_twin")
        self.output, self.seconds = "", 0.0
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        line = words("nice", "-n", str(NICE), "snakemake", *options_of(self.folder))
        self.process = subprocess.Popen(line, cwd=self.folder, env=surroundings(), start_new_session=True, **pipes)
        self.reader = threading.Thread(target=self._read, args=(time.monotonic(),))
        self.reader.start()

    def _read(self, began):
        self.output, _ = self.process.communicate()
        self.seconds = time.monotonic() - began


def options_of(folder, *options):
    """Arguments of Snakemake for all studies and twins."""
    twins = [str(folder / f"{study}_twin") for study in STUDIES]
    settings = ("root=out", "scale=tiny", f"studies=[{','.join([*STUDIES, *twins])}]")
    return ("-s", REPOSITORY / "Snakefile", "--cores", "2", *options, "--config", *settings)


class Pipeline:
    """A finished run: where it is, what Snakemake said, how long it took, and the scoreboard."""

    def __init__(self, running):
        running.reader.join()
        self.folder, self.output, self.seconds = running.folder, running.output, running.seconds
        assert running.process.returncode == 0, self.output[-6000:]
        with (self.folder / "out" / "results" / "scoreboard.csv").open(newline="") as stream:
            self.rows = list(csv.DictReader(stream))

    def snakemake(self, *options):
        """The same line again, with options."""
        return run("snakemake", *options_of(self.folder, *options), cwd=self.folder)

    def failed(self, study):
        """Rows of a study that did not pass."""
        return [row for row in self.rows if row["study"] == study and row["passed"].lower() != "true"]


def begin():
    """Start the run."""
    if not _running:
        _running.append(Running())


def under_way():
    """Whether somebody started the run."""
    return bool(_running)


def finished():
    """The run when it has ended, started now if nobody did before."""
    begin()
    return Pipeline(_running[0])


def end():
    """Leave nothing behind: no process, no folder."""
    for running in _running:
        if running.process.poll() is None:
            os.killpg(running.process.pid, signal.SIGTERM)
        running.reader.join()
        shutil.rmtree(running.folder, ignore_errors=True)
