"""A chain of two chunks in the folders of a workflow, measured, and what must be true of it at every moment."""

from pathlib import Path

import numpy as np
from ensembles.example import ENSEMBLE_ID, configuration, make_history, make_spec, random_links, write_example

from gaugeflow.config.canonical import canonical_json
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.schema import saved_trajectories
from gaugeflow.ensembles.verify import verify_file
from gaugeflow.ensembles.writer import Dataset, write_file

SPEC = make_spec()
SPEC_TEXT = canonical_json({"spec": SPEC, "ensemble_id": ENSEMBLE_ID})
SETTINGS = "measure_0123abcd"


def write_series(ensemble: Path, number: int, content: str, folder: str = SETTINGS) -> Path:
    """Measurements that were made from the chunk with this content."""
    with open_file(ensemble / "configs" / f"{number:04d}.h5") as file:
        datasets = {name: Dataset(file.dataset(name)) for name in ("trajectory", "plaquette")}
    path = ensemble / folder / f"{number:04d}.h5"
    origin = {"spec_text": SPEC_TEXT, "ensemble_id": ENSEMBLE_ID, "chunk": number}
    write_file(path, "measurements", datasets=datasets, attributes={}, inputs={"configurations": content}, **origin)
    return path


def write_tree(root: Path) -> Path:
    """Two chunks of a chain with their measurements; returns the first chunk."""
    ensemble = root / "ensembles" / ENSEMBLE_ID
    content = write_example(ensemble / "configs" / "0000.h5", spec=SPEC)
    write_series(ensemble, 0, content)
    rng, saved = np.random.default_rng(2), saved_trajectories(SPEC, 1)
    fields = [random_links(rng, SPEC["group"], tuple(SPEC["extents"]), SPEC["chains"]) for _ in saved]
    changes = {
        "trajectory": saved,
        "history": make_history(10, 6, SPEC["chains"]),
        "n_thermalisation": 0,
        "chunk": 1,
        "inputs": {"previous": content},
        "configurations": [configuration(links) for links in fields],
    }
    write_series(ensemble, 1, write_example(ensemble / "configs" / "0001.h5", spec=SPEC, **changes))
    return ensemble / "configs" / "0000.h5"


def is_whole(path: Path, original: bytes) -> bool:
    """Whether a file is there with the bytes of the original."""
    return path.exists() and path.read_bytes() == original


def problems(chunk: Path, place: Path, original: bytes) -> list[str]:
    """What is wrong with a chunk that is being archived or restored: nothing, at whatever moment it was stopped."""
    found = []
    if not is_whole(chunk, original) and not is_whole(place, original):
        found.append("the links are nowhere")
    found += [f"{path}: {text}" for path in (chunk, place) if path.exists() for text in verify_file(path).problems]
    return found
