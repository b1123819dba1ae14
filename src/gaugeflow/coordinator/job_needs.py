"""What the jobs of a new run ask for, by the rules' own estimates: jobs of one step, of a chain's chunks, bundles."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gaugeflow.config.foreign import ForeignSpec
from gaugeflow.config.needs import (
    cards,
    catalogue_memory_mb,
    chunk_memory_mb,
    chunk_minutes,
    packed_minutes,
    pilot_minutes,
)
from gaugeflow.config.packing import Member, Packing, member_of
from gaugeflow.config.study import Ensemble, Study

Needs = dict[str, int]
Adjust = Callable[[str, Needs], Needs]
"""(rule, needs of one of its steps) to the needs with what the profile says over them."""


@dataclass(frozen=True)
class JobSettings:
    """Settings of the workflow that decide about jobs; see workflow/config.yaml."""

    job_minutes: int = 0
    bundle: int = 0
    device: str = "cpu"
    cards_per_node: int = 0


def job_needs(study: Study, settings: JobSettings, adjust: Adjust) -> Iterator[tuple[str, Needs]]:
    """(rule that names it, mem_mb, runtime in minutes, tasks, cpus, gpu, nodes) of every kind of job, first attempts.

    Raises    ValueError where ranks fill nodes of cards in part
    """
    members = {ensemble.ensemble_id: member_of(ensemble, [study]) for ensemble in study.ensembles}
    packing = Packing(members, settings.job_minutes, settings.bundle)
    bundles: dict[str, list[Member]] = {}
    for name, member in members.items():
        label = packing.generate(name, 0)
        if packing.side_by_side(label):
            bundles.setdefault(str(label), []).append(member)
        else:
            yield from _chain(study, member, packing, settings, adjust)
        if member.tuned and packing.tune(name) is None:
            needs = {"mem_mb": chunk_memory_mb(member.ensemble, [study]), "runtime": pilot_minutes(member.time)}
            yield "tune", adjust("tune", needs | {"tasks": 1} | (_cards(1, settings)))
    for together in bundles.values():
        yield _rule(together[0].ensemble), _bundle(study, together, settings, adjust)


def _rule(ensemble: Ensemble) -> str:
    return "catalogue" if isinstance(ensemble.spec, ForeignSpec) else "generate"


def _cards(ranks: int, settings: JobSettings) -> Needs:
    return cards(ranks, settings.cards_per_node) if settings.device != "cpu" else {}


def _step(study: Study, ensemble: Ensemble, rule: str, minutes: int, settings: JobSettings) -> Needs:
    """One step: listing files takes neither ranks nor cards."""
    if rule == "catalogue":
        return {"mem_mb": catalogue_memory_mb(ensemble), "runtime": minutes, "tasks": 1}
    needs = {"mem_mb": chunk_memory_mb(ensemble, [study]), "runtime": minutes, "tasks": ensemble.ranks}
    return needs | _cards(ensemble.ranks, settings)


def _chain(
    study: Study, member: Member, packing: Packing, settings: JobSettings, adjust: Adjust
) -> Iterator[tuple[str, Needs]]:
    """Jobs of one ensemble: its blocks of chunks, one step after the other, and every kind of step that is alone."""
    ensemble, made = member.ensemble, _rule(member.ensemble)
    alone = {made, "measure", *(["flow"] if study.flows else [])}
    number = 0
    while number < ensemble.chunks:
        first, last = packing.block(member.name, number)
        number = last + 1
        if last == first:
            continue
        kinds = {made: 1, "measure": 1}
        if packing.flow(member.name, first) is not None:
            kinds["flow"] = member.series - 1
        steps = [
            adjust(rule, _step(study, ensemble, rule, _packed(member, rule, k, k == first), settings))
            for k in range(first, last + 1)
            for rule, count in kinds.items()
            for _ in range(count)
        ]
        alone -= set(kinds)
        yield made, _merged(steps) | {"runtime": sum(step["runtime"] for step in steps)}
    if ensemble.chunks and any(packing.generate(member.name, k) is None for k in (0, ensemble.chunks - 1)):
        alone |= {made, "measure"}
    minutes = chunk_minutes(ensemble, [study])
    for rule in sorted(alone):
        yield rule, adjust(rule, _step(study, ensemble, rule, minutes, settings))


def _packed(member: Member, rule: str, number: int, first: bool) -> int:
    step = "generate" if rule == "catalogue" else rule
    return packed_minutes(member.time, step, number, first and step == "generate")


def _bundle(study: Study, members: Iterable[Member], settings: JobSettings, adjust: Adjust) -> Needs:
    """Steps that wait for nothing of each other run side by side, as many as the setting says; one on a card."""
    lanes = max(1, settings.bundle) if settings.device == "cpu" else 1
    levels: dict[int, list[Needs]] = {}
    for member in members:
        made = _rule(member.ensemble)
        for k in range(member.ensemble.chunks):
            for level, rule, count in ((k, made, 1), (k + 1, "measure", 1), (k + 1, "flow", member.series - 1)):
                minutes = _packed(member, rule, k, k == 0)
                step = adjust(rule, _step(study, member.ensemble, rule, minutes, settings))
                levels.setdefault(level, []).extend([step] * count)
    blocks = []
    for steps in levels.values():
        longest_first = sorted(steps, key=lambda step: (-step["runtime"], -step["mem_mb"]))
        blocks += [longest_first[i : i + lanes] for i in range(0, len(longest_first), lanes)]
    return {
        **_merged([step for block in blocks for step in block]),
        "runtime": sum(block[0]["runtime"] for block in blocks),
        "mem_mb": max(sum(step["mem_mb"] for step in block) for block in blocks),
        "cpus": max(len(block) for block in blocks),
    }


def _merged(steps: Iterable[Mapping[str, int]]) -> Needs:
    """The most that any step asks for."""
    found: Needs = {}
    for step in steps:
        for key, value in step.items():
            found[key] = max(value, found.get(key, value))
    return found
