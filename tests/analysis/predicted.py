"""Networks whose predictions are made up: target, an offset, noise that averages out, and a dependence on the gauge."""

from types import SimpleNamespace

import numpy as np

from gaugeflow.analysis.dataset import EnsembleData
from gaugeflow.analysis.model_data import ModelData, Prediction

SIZES = ((8, 8), (16, 16), (32, 32))


def ensemble(extents, beta, n=20, chains=10):
    rng = np.random.default_rng(int(100 * beta) + extents[0])
    spec = SimpleNamespace(extents=extents, beta=beta, group="SU2", chains=chains)
    size = f"{extents[0]}x{extents[1]}"
    volume = extents[0] * extents[1]
    plaquette = beta / 10 + rng.normal(size=(n, chains)) / volume**0.5
    return EnsembleData(f"b{beta}_{size}", f"b{beta}_{size}", spec, np.arange(n), {"plaquette": plaquette}, {}, 0)


def model(
    label="net",
    seed=1,
    kind="lcnn",
    *,
    offset=0.0,
    noise=0.0,
    gauge=0.0,
    constant=False,
    weights=100,
    configurations=1000,
):
    """A model; `noise` per site, `offset` and `gauge` of the volume average; constant: it predicts 0.25 always."""
    predictions = {}
    for extents in SIZES:
        for beta in (1.0, 4.0):
            data = ensemble(extents, beta)
            rng = np.random.default_rng([seed, extents[0], int(beta)])
            target = data.series("plaquette")
            each = rng.normal(size=(3, *target.shape))
            predicted = target + offset + noise * each[0] / (extents[0] * extents[1]) ** 0.5
            predicted = np.full_like(target, 0.25) if constant else predicted
            numbers = {"target": target, "prediction": predicted + gauge * each[1]}
            predictions[data.label] = Prediction(data, {**numbers, "rotated_prediction": predicted + gauge * each[2]})
    history = {"seconds": np.array([1.0, 2.0]), "validation_loss": np.array([1.0, 0.5])}
    return ModelData(
        label=label,
        seed=seed,
        model_id=f"{label}-{seed}",
        kind=kind,
        target="w1x1",
        weights=weights,
        trained_on=("train",),
        configurations=configurations,
        group="SU2",
        ndim=2,
        network={"kind": kind, "weights": weights},
        steps_per_epoch=10,
        history=history,
        predictions=predictions,
        inputs={},
    )
