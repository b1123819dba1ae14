"""The profile of the private cluster: the shipped one with a site's values in it, and studies with ranks over nodes."""

import re
import shutil
from pathlib import Path
from typing import Any

import yaml
from house import REPOSITORY
from slurm.configuration import ACCOUNT

PLACEHOLDER = "CHANGE_"
PMI, WORD = re.compile(r"--mpi=\S+"), "--mpi=pmi2"
"""What launchers of the shipped profiles say, and what this environment's MPICH needs."""

STAGES = ("generate", "measure", "flow")

ALONE = ("bundle=0", "job_minutes=0")
"""Every step is a job of its own: nodes have one core."""

TOGETHER = ("bundle=1", "job_minutes=60")
"""All steps of a small ensemble, or of a chain of several ranks, follow each other in one job."""

SITE = {
    "jobs": 8,  # two cores do the work of all nodes
    "local-cores": 1,
    "latency-wait": 5,
    "slurm-status-command": "squeue",  # there is no accounting
    "slurm-init-seconds-before-status-checks": 2,
}


def write_profile(
    folder: Path, shipped: str = "slurm", *, partition: str = "cpu", settings: tuple[str, ...] = ALONE,
    retries: int = 3, **resources: Any,
) -> Path:  # fmt: skip
    """Write a site's profile into a folder and return the folder.

    partition   of the rules for which the shipped profile names no other; those compute on nodes without cards
    settings    KEY=VALUE of the workflow, over the shipped profile's
    resources   of all rules, over the shipped profile's
    """
    content = yaml.safe_load((REPOSITORY / "cluster" / shipped / "config.yaml").read_text()) | SITE
    content["config"] = [*(PMI.sub(WORD, entry) for entry in content["config"]), *settings]
    content["retries"] = retries
    content["set-threads"] = dict.fromkeys(content["set-threads"], 1)
    for places in content.get("set-resources", {}).values():
        places["slurm_partition"] = "cpu"
    defaults = content["default-resources"]
    defaults |= {"slurm_account": ACCOUNT, "slurm_partition": partition, "runtime": 5, "mem_mb": 500, **resources}
    spread = content.setdefault("set-resources", {})
    for rule in STAGES:
        spread[rule] = spread.get(rule, {}) | {name: defaults[name] for name in ("mem_mb", "runtime")}
    text = yaml.safe_dump(content)
    assert PLACEHOLDER not in text, f"a value of cluster/{shipped}/config.yaml is not filled in"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(text)
    return folder


def copy_study(name: str, folder: Path, ranks: int) -> Path:
    """Copy a study, every ensemble of the tiny scale with another number of ranks; return the copy's folder."""
    copy = folder / name
    shutil.copytree(REPOSITORY / "workflow" / "studies" / name, copy, ignore=shutil.ignore_patterns("__pycache__"))
    content = yaml.safe_load((copy / "study.yaml").read_text())
    for entry in content["scales"]["tiny"]["ensembles"]:
        entry["ranks"] = ranks
    (copy / "study.yaml").write_text(yaml.safe_dump(content))
    return copy
