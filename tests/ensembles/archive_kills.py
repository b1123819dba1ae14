"""Move a chunk to an archive and restore it in child processes, each killed once where a seeded plan says.

    python archive_kills.py FOLDER SEED    prints JSON: {"kills": [[command, place, moment], ...], "problems": [...]}

After every kill the links must be whole in one of the two places and every file under its own name sound; the same
command again must end as if nothing had happened: same files, same bytes, same dates.
"""

import json
import sys
from pathlib import Path

import numpy as np
from ensembles import kill_driver
from ensembles.archive_tree import problems, write_tree
from ensembles.example import ENSEMBLE_ID

from gaugeflow.cli.main import main

LONGEST = {"write": 60, "fsync": 10, "rename": 4, "close": 12, "remove": 1}
ROUNDS = 8


def plan(rng: np.random.Generator) -> list[tuple]:
    """Seeded kills, and before them one on either side of every rename, which decide what a file is."""
    planned = [(0, "rename", nth, moment) for nth in (1, 2, 3) for moment in ("before", "after")]
    planned += [
        (0, "write", 1, "inside"),
        (0, "fsync", 1, "after"),
        (0, "close", 2, "after"),
        (0, "remove", 1, "before"),
    ]
    for _ in range(ROUNDS):
        place = str(rng.choice(list(LONGEST)))
        moment = "inside" if place == "write" else str(rng.choice(["before", "after"]))
        planned.append((0, place, int(rng.integers(1, LONGEST[place] + 1)), moment))
    return planned


def state(folder: Path) -> dict:
    """Bytes and date of every file but the record, which has dates in it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def command(*words: object) -> None:
    """gaugeflow archive, which must succeed."""
    if code := main(["--quiet", "archive", *map(str, words)]):
        raise SystemExit(code)


def drive(folder: Path, seed: int) -> dict:
    """Move and restore by turns; the archive's copy is removed before each move, so that it is made again."""
    chunk, far = write_tree(folder), folder / "far"
    place, original = far / ENSEMBLE_ID / "0000.h5", chunk.read_bytes()
    wanted: dict[str, dict] = {}
    kills, found = [], []
    for words in (("--to", far), ("--restore",)):
        command(chunk, *words)
        wanted[words[0]] = state(folder)
    for entry in plan(np.random.default_rng(seed)):
        for words in (("--to", far), ("--restore",)):
            if words[0] == "--to":
                place.unlink()
            killed, _ = kill_driver.attempt(lambda out, _, words=words: command(out, *words), chunk, entry)
            if killed:
                kills.append([words[0], entry[1], entry[3]])
                found += [f"after {kills[-1]}: {text}" for text in problems(chunk, place, original)]
            command(chunk, *words)
            if state(folder) != wanted[words[0]]:
                found.append(f"{words[0]} after {entry} did not end as it does alone")
    told = [event["what"] for event in json.loads(chunk.with_name("0000.h5.archive.json").read_text())["events"]]
    if told != ["moved", "restored"] * (len(told) // 2):
        found.append(f"the record tells {told}")
    return {"kills": kills, "problems": found}


if __name__ == "__main__":
    answer, sys.stdout = sys.stdout, sys.stderr  # the commands' own lines are no JSON
    outcome = drive(Path(sys.argv[1]), int(sys.argv[2]))
    answer.write(json.dumps(outcome))
