"""Files of weights (safetensors) judged without PyTorch: what is in them, and whether weights are those of the hash.

A file is 8 bytes (length of the header, little-endian), the header (JSON: name -> dtype, shape, data_offsets; our text
under __metadata__), then the numbers.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaugeflow.ensembles.verify import Verification
from gaugeflow.errors import FileError

KEY = "gaugeflow"
"""Name of the only entry of the metadata: several would be written in any order."""

FORMAT, VERSION, MODEL, STATE = "gaugeflow", 1, "model", "training state"
HASH = "weights_sha256"
LONGEST_HEADER = 1 << 26


@dataclass(frozen=True)
class WeightsFile:
    """Content of the header: tensors as (name, dtype, shape, first byte, end), and the JSON text of ours."""

    tensors: tuple[tuple[str, str, tuple[int, ...], int, int], ...]
    text: dict[str, Any]


def tensor_line(name: str, dtype: str, shape: Iterable[int], data: bytes) -> str:
    """The line of a tensor in the text whose SHA-256 is weights_sha256; dtype as safetensors calls it: F32, F64."""
    return f"{name} {dtype} {tuple(shape)} {hashlib.sha256(data).hexdigest()}"


def hash_of_lines(lines: Iterable[str]) -> str:
    """weights_sha256."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def is_weights(path: os.PathLike | str) -> bool:
    """Whether a file begins like safetensors.

    Raises    FileError if it cannot be read
    """
    try:
        with open(path, "rb") as stream:
            start, size = stream.read(10), os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    length = int.from_bytes(start[:8], "little")
    return len(start) == 10 and 2 <= length <= min(LONGEST_HEADER, size - 8) and start[8:] == b'{"'


def read_weights_header(path: Path | str) -> WeightsFile:
    """What a file of weights says of itself.

    Raises    FileError if it is damaged, or of another program, version or kind
    """
    if not is_weights(path):
        raise FileError(f"{path}: damaged, or no safetensors file; wanted weights written by gaugeflow train")
    with open(path, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = stream.read(length)
    try:
        content = json.loads(header)
        text = json.loads(content.pop("__metadata__")[KEY])
        tensors = tuple(
            (name, str(t["dtype"]), tuple(map(int, t["shape"])), *(8 + length + int(k) for k in t["data_offsets"]))
            for name, t in sorted(content.items())
        )
        found = (text["format"], text["version"])
        known = text["kind"] in (MODEL, STATE) and isinstance(text[HASH], str)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path}: weights of another program, or damaged ({error})") from error
    if found != (FORMAT, VERSION) or not known:
        raise FileError(f"{path}: got format, version and kind {(*found, text['kind'])}, wanted {(FORMAT, VERSION)}")
    return WeightsFile(tensors, text)


def verify_weights(path: Path | str) -> Verification:
    """Judge one file of weights; never raises for a bad one."""
    try:
        found = read_weights_header(path)
        lines = []
        with open(path, "rb") as stream:
            for name, dtype, shape, first, end in found.tensors:
                stream.seek(first)
                lines.append(tensor_line(name, dtype, shape, stream.read(end - first)))
    except (FileError, OSError) as error:
        return Verification(str(path), (str(error).removeprefix(f"{path}: "),), {})
    keys = ("kind", "model_id", HASH)
    summary = {key: found.text[key] for key in keys if key in found.text} | {"tensors": len(found.tensors)}
    differs = hash_of_lines(lines) != found.text[HASH]
    problem = "its weights are not those of weights_sha256: damaged or edited; make it again"
    return Verification(str(path), (problem,) if differs else (), summary)
