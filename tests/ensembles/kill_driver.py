"""Run the fake chain in child processes and kill each where a plan says, until it is finished.

    python kill_driver.py OUT SEED    prints JSON: {"kills": [[place, moment], ...], "problems": [...]}

A kill is SIGKILL that the child sends to itself inside a call of `write` (half of the bytes are written), or just
before or after `fsync`, `rename`, HDF5's close or the removal of the scratch folder; or that the parent sends at a
random time. Children are forked, so that each starts with its imports done.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
from ensembles import fake_chain

PLACES = {
    "write": (os, "pwrite"),
    "fsync": (os, "fsync"),
    "rename": (os, "replace"),
    "close": (h5py.File, "close"),
    "remove": (shutil, "rmtree"),
}

FINAL_PHASES = (
    [(1, "write", nth, "inside") for nth in (1, 9, 25)]
    + [(1, place, 1, moment) for place in ("close", "fsync", "rename") for moment in ("before", "after")]
    + [(1, "fsync", nth, "after") for nth in (2, 3)]
    + [(2, place, 1, moment) for place in ("rename", "remove") for moment in ("before", "after")]
)
"""Kills while the finished file is written (phase 1) and the scratch folder removed (phase 2)."""


def plan(rng: np.random.Generator) -> list[tuple]:
    """Seeded kills during the chain (phase 0), a third of them at random times."""
    longest = {"write": 120, "fsync": 16, "rename": 5, "close": 5}
    chain = []
    for _ in range(24):
        place = rng.choice(["write", "fsync", "rename", "close", "time", "time"])
        if place == "time":
            chain.append((0, "time", int(rng.integers(3000, 40000)), "microseconds"))
        else:
            moment = "inside" if place == "write" else str(rng.choice(["before", "after"]))
            chain.append((0, str(place), int(rng.integers(1, longest[place] + 1)), moment))
    return chain


class Injection:
    """Counts calls of one place in one phase and kills the process at the nth."""

    def __init__(self, phase: int, place: str, nth: int, moment: str) -> None:
        self.phase, self.left, self.moment = phase, nth, moment
        self.current = 0
        if place in PLACES:
            owner, name = PLACES[place]
            setattr(owner, name, self._wrapped(getattr(owner, name)))

    def _wrapped(self, original):
        def call(*arguments, **named):
            hit = False
            if self.current == self.phase:
                self.left -= 1
                hit = self.left == 0
            if hit and self.moment == "inside":
                descriptor, data, position = arguments
                original(descriptor, data[: len(data) // 2], position)
            if hit and self.moment != "after":
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*arguments, **named)
            if hit:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call


def child(run: Callable, out: Path, entry: tuple | None, pipe: int) -> None:
    """run(out, report) to its end or to the kill; every line in the pipe was true when it was written."""
    injection = Injection(*entry) if entry else None

    def report(event: str, number: int) -> None:
        if event == "phase" and injection:
            injection.current = number
        os.write(pipe, f"{event} {number}\n".encode())

    run(out, report)


def attempt(run: Callable, out: Path, entry: tuple | None) -> tuple[bool, list[list]]:
    """Fork, run, perhaps kill by time; (was it killed, its reports)."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        status = 1
        try:
            child(run, out, entry, writer)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    if entry and entry[1] == "time":
        time.sleep(entry[2] * 1e-6)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(reader) as lines:
        reports = [[line.split()[0], int(line.split()[1])] for line in lines]
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status) != 0:
        raise SystemExit(f"the chain failed after {entry}: see its traceback")
    return os.WIFSIGNALED(status), reports


def main(out: Path, seed: int, run: Callable = fake_chain.run, final: Sequence[tuple] = FINAL_PHASES) -> dict:
    """Go through the plan and the final phases; afterwards run to the end."""
    kills, problems, safe = [], [], -1
    for entry in [*plan(np.random.default_rng(seed)), *final, None]:
        killed, reports = attempt(run, out, entry)
        for event, number in reports:
            if event == "loaded" and number < safe:
                problems.append(f"trajectory {safe} was saved, after {kills[-1]} the chain went on from {number}")
            if event == "computed" and number <= safe:
                problems.append(f"trajectory {number} was saved, after {kills[-1]} it was computed again")
            if event == "saved":
                safe = number
        if killed:
            kills.append([entry[1], entry[3], entry[0]])
    return {"kills": kills, "problems": problems}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
