"""A study at one scale, its scans multiplied out: what the workflow runs."""

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gaugeflow.config.charges import DEFAULT_CHARGES, LOOP_EXTENTS
from gaugeflow.config.ensemble import (
    EnsembleSpec,
    RectangleAction,
    WilsonAction,
    ensemble_id,
    extents_text,
    number_text,
)
from gaugeflow.config.fields import NAME_PATTERN
from gaugeflow.config.foreign import ForeignEntry, ForeignSpec, foreign_id
from gaugeflow.config.foreign_files import ForeignFiles, find_files
from gaugeflow.config.samplers import check_sampler
from gaugeflow.config.schema import EnsembleEntry, RectangleChoice, Scale
from gaugeflow.config.settings import AnalysisSettings, FlowSettings, MeasureSettings
from gaugeflow.conventions import GRID_AXES, RECTANGLE_COEFFICIENTS
from gaugeflow.errors import ConfigError
from gaugeflow.observables.registry import check_measure

if TYPE_CHECKING:
    from gaugeflow.config.trainings import Training

CONFIGS = "configs"
"""Folder of the configurations of an ensemble."""


@dataclass(frozen=True)
class Ensemble:
    """One ensemble of a study: the request that defines its chains, and how far and where to run them.

    foreign    files of other codes; `spec` is then a ForeignSpec
    """

    label: str
    spec: EnsembleSpec | ForeignSpec
    ensemble_id: str
    chunks: int
    ranks: int
    grid: tuple[int, ...] | None
    acceptance_band: tuple[float, float]
    foreign: ForeignFiles | None = None

    @property
    def configs_total(self) -> int:
        """Saved configurations per chain."""
        return len(self.foreign.trajectories) if self.foreign else self.chunks * self.spec.configs_per_chunk


@dataclass(frozen=True)
class Study:
    """A study file at one scale."""

    name: str
    title: str
    scale: str
    folder: Path
    file: Path
    ensembles: tuple[Ensemble, ...]
    measure: MeasureSettings
    flows: tuple[FlowSettings, ...]
    analysis: AnalysisSettings
    trainings: "tuple[Training, ...]" = ()

    @property
    def measure_folder(self) -> str:
        """Folder of the measurements in the folder of each ensemble."""
        return f"measure_{self.measure.settings_id}"

    @property
    def flow_folders(self) -> tuple[str, ...]:
        """Folders of the flows there."""
        return tuple(f"flow_{flow.settings_id}" for flow in self.flows)

    @property
    def stage_folders(self) -> tuple[str, ...]:
        """All folders there with a file per chunk: configurations, measurements, and every flow."""
        return (CONFIGS, self.measure_folder, *self.flow_folders)

    def flow(self, name: str | None = None) -> FlowSettings:
        """The flow of this kind or with this settings_id; None: the only one.

        Raises  ConfigError listing what there is
        """
        found = [flow for flow in self.flows if name in (None, flow.kind, flow.settings_id)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{flow.kind} ({flow.settings_id})" for flow in self.flows) or "none: its flow is null"
        wanted = "name one with --settings" if name is None and found else "correct --settings or the study"
        raise ConfigError(f"{self.file}: flow {name or ''}: scale {self.scale} has {known}; {wanted}")

    def ensemble(self, name: str) -> Ensemble:
        """The ensemble with this id or label.

        Raises  ConfigError listing what there is
        """
        for ensemble in self.ensembles:
            if name in (ensemble.ensemble_id, ensemble.label):
                return ensemble
        known = ", ".join(f"{e.label} ({e.ensemble_id})" for e in self.ensembles)
        raise ConfigError(
            f"{self.file}: no ensemble {name!r} at scale {self.scale}, wanted one of {known}; name an id or a label"
        )

    def training(self, name: str, seed: int | None = None) -> "Training":
        """The model with this id, or with this label and seed; the seed may be left out where there is one.

        Raises  ConfigError listing what there is
        """
        found = [t for t in self.trainings if name == t.model_id or (name == t.label and seed in (None, t.seed))]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{t.label} seed {t.seed} ({t.model_id})" for t in self.trainings) or "none"
        wanted = "one of them with --seed" if found else f"one of {known}"
        raise ConfigError(
            f"{self.file}: model {name!r}: {len(found)} at scale {self.scale}, wanted {wanted}; name an id or a label"
        )

    def folder_of_files(self, ensemble_id: str) -> Path | None:
        """Where the files of an ensemble of other codes' files are; None if the study has none with this id."""
        for ensemble in self.ensembles:
            if ensemble.ensemble_id == ensemble_id and ensemble.foreign is not None:
                return ensemble.foreign.folder
        return None


def expand(scale: Scale, where: str, folder: Path | None = None) -> tuple[Ensemble, ...]:
    """All ensembles of one scale: for every entry the product of its extents and its betas, or its files.

    where   file and key path of the scale, for messages
    folder  of the study, where files of other codes are looked for; None: they are left out

    Raises  ConfigError for labels or ids that occur twice, a grid that does not fit, observables that
            are not defined on a lattice, files that are not there or have no place
    """
    ensembles: list[Ensemble] = []
    for number, entry in enumerate(scale.ensembles):
        place = f"{where}.ensembles[{number}]"
        for ensemble in _resolved(entry, place, folder):
            _check_grid(ensemble, place)
            for flow in scale.flows:
                _check_charges(flow, ensemble, where)
            check_measure(scale.measure, ensemble.spec, f"{where}.measure")
            _check_new(ensemble, ensembles, place)
            ensembles.append(ensemble)
    return tuple(ensembles)


def _resolved(entry: EnsembleEntry | ForeignEntry, place: str, folder: Path | None) -> Iterator[Ensemble]:
    if isinstance(entry, EnsembleEntry):
        for extents, beta in itertools.product(entry.extents, entry.beta):
            yield _resolve(entry, extents, beta, place)
    elif folder is not None:
        yield _of_files(entry, place, folder)


def _of_files(entry: ForeignEntry, place: str, folder: Path) -> Ensemble:
    """The ensemble of files of an entry, found on this machine."""
    if math.prod(entry.extents) >= 2**40:
        raise ConfigError(f"{place}.extents: got {list(entry.extents)}, wanted fewer than 2^40 sites; correct it")
    found = find_files(entry, folder, place)
    shared = ("group", "extents", "files", "positions", "configs_per_chunk", "beta", "action")
    spec = ForeignSpec(chains=len(found.chains), **{name: getattr(entry, name) for name in shared})
    values = {"group": spec.group, "ndim": str(spec.ndim), "extents": extents_text(spec.extents)}
    label = _label(entry.label, values, place)
    return Ensemble(label, spec, foreign_id(spec), found.chunks, entry.ranks, entry.grid, (0.0, 1.0), found)


def _label(template: str, values: dict[str, str], place: str) -> str:
    """A label with its fields filled in."""
    label = re.sub(r"\{([^{}]*)\}", lambda match: values[match[1]], template)
    if not re.fullmatch(NAME_PATTERN, label):
        raise ConfigError(f"{place}.label: got {label!r}, wanted text of the form {NAME_PATTERN}; correct it")
    return label


def _resolve(entry: EnsembleEntry, extents: tuple[int, ...], beta: float, place: str) -> Ensemble:
    if math.prod(extents) >= 2**40:
        raise ConfigError(
            f"{place}.extents: got {list(extents)}, wanted fewer than 2^40 sites in all; choose a smaller lattice"
        )
    shared = ("group", "sampler", "chains", "seed", "start", "thermalisation", "warmup", "save_every", "precision")
    action = _action(entry.action, beta)
    _check_sampler(entry, len(extents), action.kind, place)
    spec = EnsembleSpec(
        extents=extents,
        action=action,
        configs_per_chunk=entry.configs_per_chunk,
        **{name: getattr(entry, name) for name in shared},
    )
    values = {
        "group": spec.group,
        "ndim": str(spec.ndim),
        "action": action_name(spec.action),
        "beta": number_text(beta),
        "extents": extents_text(extents),
        "seed": str(spec.seed),
        "precision": spec.precision,
    }
    label = _label(entry.label, values, place)
    low, high = entry.acceptance_band
    return Ensemble(label, spec, ensemble_id(spec), entry.chunks, entry.ranks, entry.grid, (low, high))


def _check_sampler(entry: EnsembleEntry, ndim: int, action: str, place: str) -> None:
    try:
        check_sampler(entry.sampler, entry.group, ndim, action)
    except ValueError as error:
        key, _, wanted = str(error).partition(": ")
        got = getattr(entry.sampler, key)
        raise ConfigError(f"{place}.sampler.{key}: got {got!r}, wanted {wanted}; choose another sampler") from error


def _action(choice: str | RectangleChoice, beta: float) -> WilsonAction | RectangleAction:
    """The action of a spec, which holds numbers, from an entry, which may hold a name."""
    if choice == "wilson":
        return WilsonAction(kind="wilson", beta=beta)
    c1 = choice.c1 if isinstance(choice, RectangleChoice) else RECTANGLE_COEFFICIENTS[choice]
    return RectangleAction(kind="rectangle", beta=beta, c1=c1)


def action_name(action: WilsonAction | RectangleAction) -> str:
    """wilson, the name of a rectangle coefficient that has one, or c1 and the number: "c1-0.2"."""
    if isinstance(action, WilsonAction):
        return "wilson"
    names = {c1: name for name, c1 in RECTANGLE_COEFFICIENTS.items()}
    return names.get(action.c1, f"c1{number_text(action.c1)}")


def _check_new(ensemble: Ensemble, others: list[Ensemble], place: str) -> None:
    for other in others:
        if ensemble.ensemble_id == other.ensemble_id:
            what = f"ensemble {ensemble.ensemble_id} stands twice ({other.label} and {ensemble.label}): the same chain"
            raise ConfigError(f"{place}: {what}; remove one, or give it another seed")
        if ensemble.label == other.label:
            raise ConfigError(
                f"{place}.label: got {ensemble.label!r} twice, wanted labels that occur once; "
                "put what differs ({action}, {beta}, {extents}, {group}, {seed}, {precision}) into the label"
            )


def _check_charges(flow: FlowSettings, ensemble: Ensemble, where: str) -> None:
    charges = flow.charges
    if charges == DEFAULT_CHARGES:
        return
    extents = ensemble.spec.extents
    if len(extents) != 4:
        raise ConfigError(
            f"{where}.flow.charges: got {list(charges)}, wanted {list(DEFAULT_CHARGES)} on {extents_text(extents)}; "
            "the others are defined in four dimensions: leave the key out"
        )
    longest = max(LOOP_EXTENTS[name] for name in charges)
    if longest > min(extents):
        raise ConfigError(
            f"{where}.flow.charges: got {list(charges)}, wanted definitions with loops of at most {min(extents)} links "
            f"on {extents_text(extents)}, not {longest}; larger loops wind around the lattice"
        )


def _check_grid(ensemble: Ensemble, place: str) -> None:
    sizes = (ensemble.spec.chains, *reversed(ensemble.spec.extents))
    axes = GRID_AXES[ensemble.spec.ndim]
    if ensemble.grid is None:
        if not divides_somehow(ensemble.ranks, sizes):
            raise ConfigError(
                f"{place}.ranks: got {ensemble.ranks}, wanted a number that can be written as a product of divisors of "
                f"{', '.join(f'{a} {s}' for a, s in zip(axes, sizes, strict=True))}; choose another number of ranks"
            )
        return
    if len(ensemble.grid) != len(sizes):
        raise ConfigError(
            f"{place}.grid: got {list(ensemble.grid)}, wanted {len(sizes)} numbers for {', '.join(axes)}; correct it"
        )
    if math.prod(ensemble.grid) != ensemble.ranks:
        got = f"{list(ensemble.grid)} = {math.prod(ensemble.grid)} ranks"
        raise ConfigError(f"{place}.grid: got {got}, wanted a product of {ensemble.ranks}; make grid and ranks agree")
    for axis, size, parts in zip(axes, sizes, ensemble.grid, strict=True):
        if size % parts:
            fits = ", ".join(str(n) for n in range(1, min(size, 64) + 1) if size % n == 0)
            raise ConfigError(
                f"{place}.grid: got {parts} parts along {axis}, wanted a divisor of {size} ({fits}); correct it"
            )


def divides_somehow(ranks: int, sizes: tuple[int, ...]) -> bool:
    """Whether `ranks` is a product of one divisor of each size, so that some process grid exists."""
    if not sizes:
        return ranks == 1
    parts = (n for n in range(1, ranks + 1) if ranks % n == 0 and sizes[0] % n == 0)
    return any(divides_somehow(ranks // n, sizes[1:]) for n in parts)
