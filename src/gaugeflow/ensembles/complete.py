"""Is there anything left to do?  Series and catalogues that are there already, compared with what would be made.

A chunk of configurations is found by `source.published`.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gaugeflow.config.foreign_files import ForeignFiles
from gaugeflow.config.spec_file import SpecFile
from gaugeflow.ensembles.archived import chunk_sha256
from gaugeflow.ensembles.catalogue import file_records, file_sha256
from gaugeflow.ensembles.reader import open_file
from gaugeflow.ensembles.schema import CATALOGUE
from gaugeflow.ensembles.verify import verify_file
from gaugeflow.errors import FileError

logger = logging.getLogger(__name__)


def series_complete(out: Path, kind: str, configurations: Path, settings: Mapping[str, str], comm: Any) -> bool:
    """Whether `out` is sound and was made from the content of `configurations` with these settings; collective.

    settings  root attributes as `series.write_series` takes them

    The configurations may have been archived since: their links are not needed.
    What is there but damaged or of something else is logged: it will be replaced.
    """
    found = comm.rank == 0 and _complete(out, lambda: _why_other_series(out, kind, configurations, settings))
    return bool(comm.broadcast(found))


def catalogue_complete(out: Path, files: ForeignFiles, spec: SpecFile, chunk: int) -> bool:
    """Whether `out` is the sound catalogue of this chunk and all its files still have the bytes that it lists."""
    return _complete(out, lambda: _why_other_catalogue(out, files, spec, chunk))


def _complete(out: Path, why_other: Any) -> bool:
    if not out.exists():
        return False
    verification = verify_file(out)
    try:
        reason = why_other() if verification.ok else verification.problems[0]
    except FileError as error:
        reason = str(error).removeprefix(f"{out}: ")
    if reason:
        logger.warning("%s: %s; it is made again", out, reason)
    return not reason


def _why_other_series(out: Path, kind: str, configurations: Path, settings: Mapping[str, str]) -> str:
    with open_file(out, kind) as made, open_file(configurations) as source:
        if made.provenance.get("inputs") != {"configurations": chunk_sha256(source)}:
            return "was made from other configurations"
        if (made.spec_text, made.chunk) != (source.spec_text, source.chunk):
            return "is of another ensemble or chunk"
        if any(made.attributes.get(name) != text for name, text in settings.items()):
            return "was made with other settings"
    return ""


def _why_other_catalogue(out: Path, files: ForeignFiles, spec: SpecFile, chunk: int) -> str:
    with open_file(out, CATALOGUE) as file:
        if (file.spec_text, file.chunk) != (spec.text, chunk):
            return "is of another ensemble or chunk"
        records = file_records(file)
        listed = file.dataset("trajectory")
    if [record.name for record in records] != [name for row in files.names for name in row]:
        return "lists other files"
    if not np.array_equal(listed, np.array(files.trajectories, np.int64)):
        return "lists other positions"
    for path, record in zip(files.paths, records, strict=True):
        if file_sha256(path) != (record.size, record.sha256):
            return f"{path} has changed since"
    return ""
