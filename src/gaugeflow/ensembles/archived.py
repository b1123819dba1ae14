"""The stand-in of an archived chunk: all of its file but the links, with a proof that it belongs to it.

content_sha256 is the hash of a list of lines, one per dataset and attribute (digest.py). The stand-in holds everything
but the links, and the lines of the links; from both the content_sha256 of the archived file is computed again:

    archived_sha256 = sha256(lines of the stand-in, its kind put back, without its own two attributes, + links_lines)

So histories, plaquettes, spec and provenance are proved to be those of the archived file without its links.
"""

import hashlib
from pathlib import Path

from gaugeflow.ensembles.digest import digest_of_lines
from gaugeflow.ensembles.output import Dataset, created
from gaugeflow.ensembles.reader import ChunkFile, open_file
from gaugeflow.ensembles.schema import ARCHIVED, CATALOGUE, DIGEST, IMPORTED
from gaugeflow.errors import FileError

CONFIGURATIONS = "configurations"
OF_LINKS = ("attribute links@", "dataset links ")
WRITTEN_BY_OUTPUT = ("format", "version", "kind", DIGEST)


def write_stand_in(source: Path, out: Path) -> str:
    """Write the stand-in of a sound chunk of configurations; returns the chunk's content_sha256.

    Raises    FileError if the source is no chunk of configurations, or the disk is full
    """
    with open_file(source, CONFIGURATIONS) as file, created(out, ARCHIVED) as output:
        lines = [line for line in file.content_lines() if line.startswith(OF_LINKS)]
        root = {name: value for name, value in file.attributes.items() if name not in WRITTEN_BY_OUTPUT}
        proof = {"archived_sha256": file.content_sha256, "links_lines": "\n".join(lines)}
        output.attributes({**root, **proof})
        for name in file.names:
            if name != "links":
                output.array(name, Dataset(file.dataset(name), *file.label(name)))
        content = file.content_sha256
    with open_file(out, ARCHIVED) as written:
        if proved_sha256(written) != content:
            raise FileError(f"{source}: the file without its links does not prove its content; it was not archived")
    return content


def proved_sha256(file: ChunkFile) -> str:
    """content_sha256 of the archived file, computed from its stand-in."""
    own = ("attribute /@archived_sha256 ", "attribute /@links_lines ", "attribute /@kind ")
    lines = [line for line in file.content_lines() if not line.startswith(own)]
    kind = f"attribute /@kind text () {hashlib.sha256(CONFIGURATIONS.encode()).hexdigest()}"
    links = [line for line in file.attributes["links_lines"].split("\n") if line.startswith(OF_LINKS)]
    return digest_of_lines([*lines, kind, *links])


def chunk_sha256(file: ChunkFile) -> str:
    """content_sha256 of a chunk of configurations, archived or not, or a catalogue: what was made from it names this.

    Raises    FileError if the file is none of them
    """
    if file.kind == ARCHIVED:
        return file.attributes["archived_sha256"]
    if file.kind not in (CONFIGURATIONS, CATALOGUE, IMPORTED):
        raise FileError(f"{file.name}: holds {file.kind}, wanted {CONFIGURATIONS}")
    return file.content_sha256
