"""Helpers of the tests of configuration, architecture and workflow: a study that is valid, and ways to run commands."""

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
STUDIES = sorted(path.parent.name for path in (REPOSITORY / "workflow" / "studies").glob("[!_]*/study.yaml"))

SCALE: dict[str, Any] = {
    "ensembles": [
        {
            "label": "b{beta}_{extents}",
            "group": "U1",
            "extents": [[4, 4], [6, 8]],
            "beta": [1.0, 2.5],
            "chains": 8,
            "seed": 7,
            "start": "mixed",
            "sampler": {"kind": "hmc", "integrator": "omf2", "tau": 1.0, "n_steps": 6},
            "thermalisation": 10,
            "save_every": 2,
            "configs_per_chunk": 5,
            "chunks": 3,
            "acceptance_band": [0.4, 1.0],
        }
    ],
    "measure": {"loops": {"max_r": 2, "max_t": 2}, "polyakov": True},
    "flow": {"times": {"start": 0.0, "stop": 0.4, "step": 0.1}, "step": 0.05},
}
TUNE = {"target_acceptance": 0.85, "pilot_trajectories": 20}


def study_content(**changes: Any) -> dict[str, Any]:
    """A valid study; keys with dots change it: {"ensembles.0.beta": -1} in both scales."""
    scale = copy.deepcopy(SCALE)
    for key, value in changes.items():
        *path, last = key.split(".")
        target: Any = scale
        for part in path:
            target = target[int(part) if part.isdigit() else part]
        target[last] = value
    return {"version": 1, "title": "a study", "scales": {"full": scale, "tiny": copy.deepcopy(scale)}}


def write_study(folder: Path, content: dict[str, Any] | str | None = None) -> Path:
    """Write study.yaml into a folder and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else yaml.safe_dump(content or study_content())
    (folder / "study.yaml").write_text(text)
    return folder


def words(*command: str | Path) -> list[str]:
    """A command line of this environment."""
    program = BIN / command[0]
    return [str(program) if program.exists() else str(command[0]), *map(str, command[1:])]


def surroundings(**more: str) -> dict[str, str]:
    """Environment variables of a command: programs of this environment first, worlds larger than this machine."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "NO_COLOR": "1", "GAUGEFLOW_OVERSUBSCRIBE": "1", **more}


def run(*command: str | Path, cwd: Path = REPOSITORY, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment and return its output as text; worlds may be larger than this machine."""
    return subprocess.run(
        words(*command), cwd=cwd, env=surroundings(**environment), capture_output=True, text=True, timeout=900
    )
