"""The content hash of a file: everything that can be read from it, in an order of its own.

    content_sha256 = sha256(lines), the lines sorted and joined by newlines, one per dataset and attribute:
        attribute <object>@<name> <dtype> <shape> <sha256 of the bytes>
        dataset <object> <dtype> <shape> <sha256 of the bytes>

Bytes are C-ordered and little-endian; text is UTF-8 with dtype "text"; content_sha256 itself is left out.
"""

import hashlib
from collections.abc import Iterable, Iterator

import h5py
import numpy as np

from gaugeflow.ensembles.pieces import pieces
from gaugeflow.ensembles.schema import DIGEST


class Digest:
    """Collects the lines of one file; datasets may come in any order and in slabs."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def attribute(self, owner: str, name: str, value: object) -> None:
        """Add one attribute of the object `owner` ("/" is the root)."""
        if (owner, name) == ("/", DIGEST):
            return
        if isinstance(value, str):
            dtype, shape, data = "text", (), value.encode()
        else:
            array = little_endian(np.asarray(value))
            dtype, shape, data = array.dtype.str, array.shape, array.tobytes()
        self._lines.append(f"attribute {owner}@{name} {dtype} {shape} {hashlib.sha256(data).hexdigest()}")

    def dataset(self, name: str, dtype: np.dtype, shape: tuple[int, ...], slabs: Iterable[np.ndarray]) -> None:
        """Add one dataset from slabs that follow each other in C order."""
        content = hashlib.sha256()
        for slab in slabs:
            content.update(np.ascontiguousarray(slab))
        self._lines.append(f"dataset {name} {np.dtype(dtype).str} {tuple(shape)} {content.hexdigest()}")

    @property
    def lines(self) -> list[str]:
        """What was added, one line each, sorted."""
        return sorted(self._lines)

    def hexdigest(self) -> str:
        """Hexadecimal SHA-256 over what was added."""
        return digest_of_lines(self._lines)


def digest_of_lines(lines: Iterable[str]) -> str:
    """content_sha256 of the file with these lines."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def little_endian(array: np.ndarray) -> np.ndarray:
    """The same values with little-endian bytes in C order."""
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def attribute_value(raw: object) -> object:
    """An HDF5 attribute as str, int, float or array."""
    if isinstance(raw, bytes):
        return raw.decode()
    return raw.item() if isinstance(raw, np.generic) else raw


def slabs(dataset: h5py.Dataset) -> Iterator[np.ndarray]:
    """The dataset in C order, piece by piece."""
    return (dataset[piece] for piece in pieces(dataset.shape, dataset.dtype.itemsize, dataset.chunks))


def content_lines(file: h5py.File) -> list[str]:
    """The lines of an open file whose hash is its content_sha256, in memory bounded by a piece of a dataset."""
    digest = Digest()

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        for key, raw in item.attrs.items():
            digest.attribute(name, key, attribute_value(raw))
        if isinstance(item, h5py.Dataset):
            digest.dataset(name, item.dtype, item.shape, slabs(item))

    add("/", file)
    file.visititems(add)
    return digest.lines
