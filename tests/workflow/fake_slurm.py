"""Programs that stand for SLURM's: sbatch notes how it was called and runs nothing, the others know of nobody."""

import os
import re
import shlex
import sys
from pathlib import Path

SBATCH = """#!{python}
import json, os, sys
folder = {folder!r}
number = 1
while True:
    try:
        handle = os.open(f"{{folder}}/{{number}}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        break
    except FileExistsError:
        number += 1
with os.fdopen(handle, "w") as stream:
    json.dump(sys.argv[1:], stream)
sys.exit("refused: a test")
"""
"""Refuses every job after noting it: Snakemake goes on with those that do not wait for it."""


def install(folder: Path) -> dict[str, str]:
    """Write the programs below a folder; environment variables under which they are found first."""
    calls, programs = folder / "calls", folder / "bin"
    calls.mkdir(parents=True)
    programs.mkdir()
    texts = {name: "#!/bin/sh\nexit 0\n" for name in ("squeue", "sacct", "scancel", "sacctmgr", "scontrol", "sinfo", "srun")}
    texts["sbatch"] = SBATCH.format(python=sys.executable, folder=str(calls))
    for name, text in texts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return {"PATH": f"{programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def options(call: list[str]) -> dict[str, str]:
    """Options of one call, long and short, the wrapped command left out."""
    found, i = {}, 0
    while i < len(call):
        name, sign, value = call[i].partition("=")
        if not sign and i + 1 < len(call) and not call[i + 1].startswith("-"):
            value, i = call[i + 1], i + 1
        found[name.lstrip("-")] = value
        i += 1
    return found


def steps(call: list[str]) -> list[str]:
    """Steps that a job is to run: rule:wildcards."""
    command = next(word for word in reversed(call) if "--target-jobs" in word)
    words = shlex.split(command)
    first = words.index("--target-jobs") + 1
    last = next(i for i in range(first, len(words)) if words[i].startswith("--"))
    return [word for word in words[first:last] if re.match(r"\w+:", word)]
