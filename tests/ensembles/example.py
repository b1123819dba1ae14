"""Small exact examples for the tests of files: random fields on the group, made with NumPy alone."""

from pathlib import Path

import numpy as np

from gaugeflow.config.canonical import canonical_json
from gaugeflow.ensembles.gauge_checks import components_first, plaquettes
from gaugeflow.ensembles.writer import Configuration, write_configurations

ENSEMBLE_ID = "example-0123456789"


def random_links(rng, group: str, extents: tuple[int, ...], chains: int) -> np.ndarray:
    """Links (chains, t.., x, D, N, N) spread over the group: Q of a QR decomposition, determinant removed for SU(N)."""
    n, ndim = int(group[-1]), len(extents)
    shape = (chains, *extents[::-1], ndim, n, n)
    links, _ = np.linalg.qr(rng.normal(size=shape) + 1j * rng.normal(size=shape))
    if group.startswith("SU"):
        links = links / (np.linalg.det(links) ** (1 / n))[..., None, None]
    return links


def configuration(links: np.ndarray) -> Configuration:
    """Links with their plaquettes."""
    return Configuration(links, plaquettes(components_first(links)))


def make_spec(group="SU2", extents=(4, 3), chains=2, n=3, thermalisation=4, save_every=2) -> dict:
    """The part of a spec that files are compared with."""
    return {
        "group": group,
        "extents": list(extents),
        "chains": chains,
        "thermalisation": thermalisation,
        "save_every": save_every,
        "configs_per_chunk": n,
    }


def make_history(first: int, m: int, chains: int) -> dict[str, np.ndarray]:
    """A history of m trajectories from number `first` on."""
    steps = np.arange(first, first + m)
    return {
        "trajectory": steps,
        "delta_h": np.sin(steps)[:, None] * np.ones(chains),
        "accepted": np.ones((m, chains), dtype=bool),
        "plaquette": np.cos(steps)[:, None] * np.ones(chains),
        "unitarity_defect": np.full(m, 1e-15),
    }


def write_example(path: Path, *, seed=1, spec=None, configurations=None, **changes) -> str:
    """Write a sound chunk 0 of random configurations; `changes` go to write_configurations."""
    spec = spec or make_spec()
    n, save_every, thermalisation = spec["configs_per_chunk"], spec["save_every"], spec["thermalisation"]
    rng = np.random.default_rng(seed)
    if configurations is None:
        fields = (random_links(rng, spec["group"], tuple(spec["extents"]), spec["chains"]) for _ in range(n))
        configurations = (configuration(links) for links in fields)
    arguments = {
        "trajectory": [thermalisation + (j + 1) * save_every - 1 for j in range(n)],
        "history": make_history(0, thermalisation + n * save_every, spec["chains"]),
        "n_thermalisation": thermalisation,
        "spec_text": canonical_json({"spec": spec, "ensemble_id": ENSEMBLE_ID}),
        "ensemble_id": ENSEMBLE_ID,
        "chunk": 0,
        "inputs": {},
    }
    return write_configurations(path, configurations=configurations, **{**arguments, **changes})
