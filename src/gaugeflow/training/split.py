"""Which chains validate: whole chains, since neighbouring configurations of one chain know each other."""

import hashlib
from dataclasses import dataclass

import numpy as np

from gaugeflow.config.training import validating_chains
from gaugeflow.errors import ConfigError
from gaugeflow.rng import Purpose, Stream


@dataclass(frozen=True)
class Split:
    """Numbers of the chains of one ensemble, each on one side."""

    training: tuple[int, ...]
    validation: tuple[int, ...]


def split_chains(ensemble_id: str, chains: int, share: float) -> Split:
    """Split the chains of an ensemble, the same way in every training: models of several seeds can be compared.

    ensemble_id   keys the choice
    share         of the chains that validate; the nearest number, at least one

    Raises        ConfigError for fewer than two chains
    """
    try:
        count = validating_chains(chains, share)
    except ValueError as error:
        raise ConfigError(f"{ensemble_id}: got {chains} chain, wanted {error}; generate more chains") from error
    key = int(hashlib.sha256(ensemble_id.encode()).hexdigest()[:16], 16)
    drawn = Stream(key, Purpose.VALIDATION).uniform(chain=np.arange(chains))
    order = np.argsort(drawn, kind="stable").tolist()
    return Split(tuple(sorted(order[count:])), tuple(sorted(order[:count])))
