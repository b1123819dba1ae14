"""One coordinator at a time on a root."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gaugeflow.ensembles.lock import locked


@contextmanager
def Lease(folder: Path, *, what: str) -> Iterator[None]:
    """Hold the folder's lock."""
    descriptor = locked(folder)
    try:
        yield
    finally:
        os.close(descriptor)
