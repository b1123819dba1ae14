"""The models of a study: every network with every seed, the ensembles it is trained and tested on, and its identity."""

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gaugeflow.config.canonical import canonical_json, sha256_text
from gaugeflow.config.ensemble import extents_text
from gaugeflow.config.networks import (
    ChargeDensityTarget,
    CnnNetwork,
    LcnnNetwork,
    ModelEntry,
    ModelFile,
    NetworkEntry,
    WilsonLoopTarget,
)
from gaugeflow.config.study import Ensemble
from gaugeflow.config.training import TrainingSettings, validating_chains
from gaugeflow.errors import ConfigError


@dataclass(frozen=True)
class Training:
    """One model of a study.

    label, seed         of its entry; a trained model from elsewhere has no seed
    model_id            name of its folder under data/models
    network, target, training      what is trained, for what and how; None of a trained model
    train, test         ensembles, in the order of the study
    ranks               of the job that trains
    file                the trained model, if nothing is to be trained
    """

    label: str
    seed: int | None
    model_id: str
    network: LcnnNetwork | CnnNetwork | None
    target: WilsonLoopTarget | ChargeDensityTarget | None
    training: TrainingSettings | None
    train: tuple[Ensemble, ...]
    test: tuple[Ensemble, ...]
    ranks: int
    file: ModelFile | None = None

    @property
    def group(self) -> str:
        """Gauge group of all its ensembles."""
        return (*self.train, *self.test)[0].spec.group

    @property
    def ndim(self) -> int:
        """Their dimension."""
        return (*self.train, *self.test)[0].spec.ndim

    @property
    def training_configurations(self) -> int:
        """Configurations that gradients are computed on in one epoch: chains that do not validate."""
        if self.training is None:
            return 0
        return sum(
            (e.spec.chains - validating_chains(e.spec.chains, self.training.validation)) * used_configurations(e, self)
            for e in self.train
        )

    def identity(self) -> dict:
        """JSON types of everything that decides the weights, for hashes and for the model's file."""
        assert self.network is not None
        assert self.target is not None
        assert self.training is not None
        return {
            "version": 1,
            "group": self.group,
            "ndim": self.ndim,
            "network": self.network.model_dump(mode="json"),
            "target": self.target.model_dump(mode="json"),
            "training": self.training.identity(),
            "seed": self.seed,
            "trained_on": [{"ensemble_id": e.ensemble_id, "chunks": e.chunks} for e in self.train],
        }


def used_configurations(ensemble: Ensemble, training: Training) -> int:
    """Configurations of each chain of an ensemble that a training uses."""
    limit = training.training.configurations if training.training else None
    return ensemble.configs_total if limit is None else min(limit, ensemble.configs_total)


def expand_networks(
    entries: tuple[NetworkEntry | ModelEntry, ...], ensembles: tuple[Ensemble, ...], where: str, *, complete: bool
) -> tuple[Training, ...]:
    """All models of one scale: each entry with each of its seeds.

    ensembles   of that scale
    where       file and key path of the scale, for messages
    complete    False where ensembles of other codes' files were left out, so that labels may lead nowhere

    Raises  ConfigError for labels that are no ensemble's, ensembles that do not go together or with the target, chains
            that cannot be split, or models that are equal
    """
    models: list[Training] = []
    for number, entry in enumerate(entries):
        place = f"{where}.networks[{number}]"
        for model in _models(entry, ensembles, place, complete):
            twin = next((other for other in models if other.model_id == model.model_id), None)
            if twin is not None:
                raise ConfigError(
                    f"{place}: got the model of {twin.label!r} again ({model.model_id}), wanted different ones; "
                    "remove one entry, test_on is a list"
                )
            models.append(model)
    return tuple(models)


def _models(
    entry: NetworkEntry | ModelEntry, ensembles: tuple[Ensemble, ...], place: str, complete: bool
) -> Iterator[Training]:
    test = _found(entry.test_on, ensembles, f"{place}.test_on", complete)
    if isinstance(entry, ModelEntry):
        if test:
            _check_alike(test, place)
            group, ndim = test[0].spec.group.lower(), test[0].spec.ndim
            model_id = f"file_{group}_{ndim}d-{sha256_text(entry.model.sha256)[:10]}"
            yield Training(entry.label, None, model_id, None, None, None, (), test, entry.ranks, entry.model)
        return
    train = _found(entry.train_on, ensembles, f"{place}.train_on", complete)
    if not train:
        return  # only where ensembles were left out
    both = [e.label for e in train if e in test]
    if both:
        raise ConfigError(
            f"{place}.test_on: got {both[0]!r}, which is in train_on, wanted ensembles that were not trained on; "
            "add one with another seed"
        )
    _check_alike((*train, *test), place)
    _check_target(entry, (*train, *test), place)
    _check_split(entry, train, place)
    if entry.ranks > entry.training.micro_batches:
        raise ConfigError(
            f"{place}.ranks: got {entry.ranks}, wanted at most {entry.training.micro_batches}, the micro-batches of a "
            "batch; choose fewer ranks or a smaller training.micro_batch"
        )
    for seed in entry.training.seeds:
        untitled = Training(
            entry.label, seed, "", entry.network, entry.target, entry.training, train, test, entry.ranks
        )
        yield _named(untitled)


def _named(training: Training) -> Training:
    assert training.network is not None
    assert training.target is not None
    kind, target = training.network.kind, training.target.name
    digits = sha256_text(canonical_json(training.identity()))[:10]
    return replace(training, model_id=f"{kind}_{training.group.lower()}_{training.ndim}d_{target}-{digits}")


def _found(
    patterns: tuple[str, ...], ensembles: tuple[Ensemble, ...], place: str, complete: bool
) -> tuple[Ensemble, ...]:
    """Ensembles whose labels match, each once, in the order of the study."""
    chosen = set()
    for pattern in patterns:
        matches = {e.label for e in ensembles if e.label == pattern or fnmatch.fnmatchcase(e.label, pattern)}
        if not matches and complete:
            known = ", ".join(e.label for e in ensembles)
            raise ConfigError(f"{place}: got {pattern!r}, wanted the label of an ensemble or a glob: {known}")
        chosen |= matches
    return tuple(e for e in ensembles if e.label in chosen)


def _check_alike(ensembles: tuple[Ensemble, ...], place: str) -> None:
    first = ensembles[0]
    for other in ensembles[1:]:
        if (other.spec.group, other.spec.ndim) != (first.spec.group, first.spec.ndim):
            raise ConfigError(
                f"{place}: got {first.label!r} ({first.spec.group}, {first.spec.ndim}D) and {other.label!r} "
                f"({other.spec.group}, {other.spec.ndim}D), wanted one group and dimension for train_on and test_on; "
                "make an entry for each"
            )


def _check_target(entry: NetworkEntry, ensembles: tuple[Ensemble, ...], place: str) -> None:
    if isinstance(entry.target, ChargeDensityTarget):
        if ensembles[0].spec.ndim != 4:
            raise ConfigError(
                f"{place}.target.kind: got charge_density, wanted wilson_loop in {ensembles[0].spec.ndim} dimensions; "
                "the charge density is defined in four"
            )
        return
    longest = max(entry.target.r, entry.target.t)
    for ensemble in ensembles:
        smallest = min(ensemble.spec.extents)
        if longest > smallest:
            raise ConfigError(
                f"{place}.target: got {entry.target.r} x {entry.target.t}, wanted at most {smallest} x {smallest} on "
                f"{extents_text(ensemble.spec.extents)} ({ensemble.label}); larger loops wind around the lattice"
            )


def _check_split(entry: NetworkEntry, train: tuple[Ensemble, ...], place: str) -> None:
    for ensemble in train:
        try:
            validating_chains(ensemble.spec.chains, entry.training.validation)
        except ValueError as error:
            raise ConfigError(
                f"{place}.train_on: got {ensemble.label!r} with {ensemble.spec.chains} chain, wanted {error}; "
                "generate more chains"
            ) from error
