"""Run `gaugeflow train` in forked children and kill each at a seeded moment, then to its end.

    python kill_train.py FOLDER OUT SEED KILLS    prints {"kills": [[place, moment, phase], ..], "problems": [..]}

FOLDER has the study and data/ensembles. Kills are as in ensembles.kill_driver: around fsync and rename, and at
random times; phase 0 is the training, 1 the publication, 2 the removal of the scratch folder.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from ensembles.kill_driver import attempt

from gaugeflow.cli.main import main
from gaugeflow.training import loop, publication
from gaugeflow.training.checkpoint import Progress

FINAL = [
    (1, "fsync", 1, "before"),
    (1, "rename", 1, "after"),  # the history is there, the model is not
    (1, "rename", 2, "before"),
    (1, "rename", 2, "after"),
    (2, "rename", 1, "after"),
    (2, "remove", 1, "before"),
]
LARGEST_SKIP = {"fsync": 5, "rename": 3}


def plan(seed: int, kills: int) -> list[tuple]:
    """Kills of the training, then of its end."""
    rng, entries = np.random.default_rng(seed), []
    for place in rng.permutation(["fsync", "rename", "time"] * kills)[:kills]:
        if place == "time":
            entries.append((0, "time", int(rng.integers(5000, 60000)), "microseconds"))
        else:
            nth = int(rng.integers(1, LARGEST_SKIP[place] + 1))
            entries.append((0, str(place), nth, str(rng.choice(["before", "after"]))))
    return [*entries, *FINAL]


def words(folder: Path, out: Path) -> list[str]:
    """The command, every step saved."""
    options = {"--scale": "tiny", "--model": "small", "--data": folder / "data" / "ensembles", "--out": out}
    line = ["--quiet", "train", folder / "study", "--checkpoint-seconds", "0"]
    return [str(word) for word in (*line, *(word for pair in options.items() for word in pair))]


def number(run) -> int:
    """Steps that are done."""
    return run.position.epoch * run.steps_per_epoch + run.position.batch


def observed(folder: Path, out: Path, report) -> None:
    """The real command, with every step, every saved state and every phase reported."""
    report("phase", 2 if out.exists() else 0)
    step, save, begin = (getattr(loop.TrainingRun, name) for name in ("_step", "_save", "_begin"))
    publish, finish = publication.write_history, Progress.finish

    def counted_step(run, *arguments):
        report("computed", number(run) + 1)
        step(run, *arguments)

    def counted_save(run, *arguments):
        save(run, *arguments)
        report("saved", number(run))

    def counted_begin(run, *arguments):
        begin(run, *arguments)
        report("loaded", number(run))

    def publishing(*arguments, **named):
        report("phase", 1)
        return publish(*arguments, **named)

    def finishing(progress):
        report("phase", 2)
        finish(progress)

    loop.TrainingRun._step, loop.TrainingRun._save = counted_step, counted_save
    loop.TrainingRun._begin = counted_begin
    publication.write_history, Progress.finish = publishing, finishing
    if code := main(words(folder, out)):
        raise SystemExit(code)


def drive(folder: Path, out: Path, seed: int, kills: int) -> dict:
    """Go through the plan, afterwards run to the end."""
    done, problems, safe = [], [], -1
    for entry in [*plan(seed, kills), None]:
        killed, reports = attempt(lambda out, report: observed(folder, out, report), out, entry)
        for event, count in reports:
            if (event == "loaded" and count < safe) or (event == "computed" and count <= safe):
                problems.append(f"step {safe} was saved, after {done[-1:]} {event} {count}")
            safe = count if event == "saved" else safe
        if killed:
            done.append([entry[1], entry[3], entry[0]])
    return {"kills": done, "problems": problems}


if __name__ == "__main__":
    answer, sys.stdout = sys.stdout, sys.stderr  # the command's own line is no JSON
    where = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        main(words(where, Path(scratch) / "warm" / "model.safetensors"))  # everything is loaded once, for all children
    answer.write(json.dumps(drive(where, Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
