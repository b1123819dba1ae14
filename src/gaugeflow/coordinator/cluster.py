"""Would the scheduler take the jobs of a study?  Asked before anything is submitted, explained where it says no."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from gaugeflow.config.study import Study
from gaugeflow.coordinator.job_needs import JobSettings, job_needs
from gaugeflow.coordinator.profile import Profile
from gaugeflow.errors import ConfigError
from gaugeflow.jobs import scheduler
from gaugeflow.jobs.scheduler import Partition, Request

ANALYSE_NEEDS = {"mem_mb": 2000, "runtime": 30, "tasks": 1}  # as its rule says
OPTIONS = {"gres": "--gres", "nodes": "--nodes", "constraint": "--constraint", "clusters": "--clusters"}

ADVICE = (
    (("account",), "slurm_account: correct it; what you may use: sacctmgr show associations user=$USER format=account"),
    (("partition",), "slurm_partition: correct it, or ask the site for access"),
    (("time limit", "timelimit"), "runtime: longer than the partition allows; make chunks shorter (configs_per_chunk), "
                                  "use more ranks, or another partition"),
    (("memory", "node configuration", "cpu count"), "more memory, tasks or GPUs than the nodes have; use another "
                                                    "partition, another number of ranks or a smaller lattice"),
    (("qos",), "qos: correct it, or ask for less"),
)  # fmt: skip
"""What stands in the scheduler's message, and what to do."""


def check_cluster(study: Study, profile: Profile, settings: Mapping[str, str] | None = None) -> None:
    """Ask the scheduler whether it would take the study's jobs.

    settings  of the submission, over the profile's

    Raises    ConfigError with the scheduler's words, FileError if it does not answer
    """
    there = scheduler.partitions()
    asked = tuple(dict.fromkeys(requests(study, profile, settings)))
    for _, request in asked:
        _check_partitions(request, there, profile)
    for rule, request in asked:
        for account in _alternatives(request.account) or [""]:
            if said := scheduler.check_request(replace(request, account=account)):
                raise ConfigError(_refusal(rule, replace(request, account=account), said, profile, there))


def requests(
    study: Study, profile: Profile, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Request]]:
    """(rule, what its largest jobs ask for), for every rule that runs as a job: by memory, by ranks and by time."""
    found: dict[str, list[Request]] = {}
    try:
        for rule, needs in job_needs(
            study, _job_settings(profile.settings | dict(settings or {})), partial(_over, profile)
        ):
            found.setdefault(rule, []).append(_request(profile, rule, needs))
    except ValueError as error:
        raise ConfigError(
            f"cards_per_node: {error}; correct --config cards_per_node or the ensembles' ranks"
        ) from error
    for rule, made in found.items():
        yield from ((rule, request) for request in _largest(made))
    yield "analyse", _request(profile, "analyse", _over(profile, "analyse", ANALYSE_NEEDS))


def _job_settings(settings: Mapping[str, str]) -> JobSettings:
    return JobSettings(
        job_minutes=_number(settings.get("job_minutes")) or 0,
        bundle=_number(settings.get("bundle")) or 0,
        device=settings.get("device", "cpu"),
        cards_per_node=_number(settings.get("cards_per_node")) or 0,
    )


def _over(profile: Profile, rule: str, needs: dict[str, int]) -> dict[str, int]:
    """Needs of one step, with what the profile's set-resources says over them."""
    chosen = profile.chosen(rule)
    return needs | {key: number for key in needs if (number := _number(chosen.get(key))) is not None}


def _largest(found: list[Request]) -> list[Request]:
    keys = (lambda r: r.memory_mb, lambda r: r.tasks, lambda r: r.runtime)
    return list(dict.fromkeys(max(found, key=key) for key in keys)) if found else []


def _request(profile: Profile, rule: str, needs: dict[str, int]) -> Request:
    """Needs of a job, and under them what the profile says where the rule says nothing."""
    values = profile.resources(rule) | needs
    extra = [f"{option}={values[key]}" for key, option in OPTIONS.items() if values.get(key)]
    if needs.get("cpus", 1) > 1:
        extra.append(f"--cpus-per-task={needs['cpus']}")
    return Request(
        account=_text(values.get("slurm_account")),
        partition=_text(values.get("slurm_partition")),
        qos=_text(values.get("qos")),
        memory_mb=_number(values.get("mem_mb")) or 0,
        tasks=_number(values.get("tasks")) or 1,
        runtime=_number(values.get("runtime")) or 0,
        gpus=_number(values.get("gpu")) or 0,
        extra=(*extra, *_words(_text(values.get("slurm_extra")), profile)),
    )


def _check_partitions(request: Request, there: tuple[Partition, ...], profile: Profile) -> None:
    known = {partition.name for partition in there}
    for name in _alternatives(request.partition):
        if name not in known:
            raise ConfigError(
                f"{profile.file}: slurm_partition: got {name!r}, wanted one of this cluster's: {_described(there)}"
            )


def _refusal(rule: str, request: Request, said: str, profile: Profile, there: tuple[Partition, ...]) -> str:
    words = said.lower()
    advice = next((text for marks, text in ADVICE if any(mark in words for mark in marks)), "correct the profile")
    mine = [partition for partition in there if partition.name in _alternatives(request.partition)] or there
    return (
        f"the scheduler would refuse the jobs of rule {rule} (sbatch {' '.join(request.words())}): {said}. "
        f"{advice}. Profile: {profile.file}; partitions: {_described(tuple(mine))}; nothing was submitted"
    )


def _described(there: tuple[Partition, ...]) -> str:
    return ", ".join(
        f"{p.name} ({p.available}, at most {p.time_limit}, nodes of {p.cores} cores and {p.memory_mb} MB)"
        for p in there
    )


def _alternatives(text: str) -> list[str]:
    return [part for part in re.split(r"[,\s]+", text) if part]


def _text(value: Any) -> str:
    """A resource as text; Snakemake's profiles quote text twice."""
    text = "" if value is None else str(value)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _number(value: Any) -> int | None:
    """A whole number; None for what Snakemake has yet to evaluate."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdigit() else None


def _words(text: str, profile: Profile) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"{profile.file}: slurm_extra: got {text!r} ({error}); correct its quotes") from error
