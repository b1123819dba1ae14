"""Ensembles made of other codes' files: what a study says of them, and what is their identity.

The identity is lattice, group, the texts that name the files and their places in chains; the folder where they lie, and
how many there are, are not part of it.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from gaugeflow.config.canonical import canonical_json, sha256_text
from gaugeflow.config.ensemble import extents_text
from gaugeflow.config.fields import MAX_SITES, Chains, FrozenModel, Group, OnLattice, Positive, PositiveInt
from gaugeflow.config.positions import AUTO, PATTERNS, regular_expression

NDIM = 4
"""The formats of other codes are of four dimensions."""

_FIRST = "A-Za-z0-9._+=,@"
_GLOB = r"*?\[\]!"
FILE_NAME = rf"^[{_FIRST}][{_FIRST}-]*(?:/[{_FIRST}][{_FIRST}-]*)*$"
"""Names of files relative to the folder: what may stand in a path and in a shell line."""
FILE_TEXT = rf"^[{_FIRST}{_GLOB}][{_FIRST}{_GLOB}-]*(?:/[{_FIRST}{_GLOB}][{_FIRST}{_GLOB}-]*)*$"
FOLDER = rf"^[{_FIRST}/][{_FIRST}/-]*$"


def _inside(text: str) -> str:
    if ".." in text.split("/"):
        raise ValueError("a name or glob inside `folder`, without '..'; let folder say where the files are")
    return text


def _known_pattern(text: str) -> str:
    if text != AUTO and text not in PATTERNS:
        regular_expression(text)
    return text


class PositionTable(FrozenModel):
    """A table with the columns file, chain, trajectory, as CSV."""

    table: Annotated[str, Field(pattern=FOLDER, description="path relative to the study's folder")]


def _positions_kind(value: object) -> str:
    return "<table>" if isinstance(value, dict | PositionTable) else "<pattern>"


Positions = Annotated[
    Annotated[str, AfterValidator(_known_pattern), Tag("<pattern>")] | Annotated[PositionTable, Tag("<table>")],
    Discriminator(_positions_kind),
    Field(
        description=f"places of the files in chains: auto, {', '.join(PATTERNS)}, a regular expression of whole names "
        "with (?P<trajectory>..) and perhaps (?P<chain>..), or {table: FILE.csv} (columns file,chain,trajectory)"
    ),
]
Files = Annotated[
    tuple[Annotated[str, Field(pattern=FILE_TEXT, max_length=500), AfterValidator(_inside)], ...],
    Field(min_length=1, description="names and globs relative to `folder`"),
]
ForeignExtents = Annotated[
    tuple[Annotated[int, Field(ge=2, lt=MAX_SITES)], ...],
    Field(min_length=NDIM, max_length=NDIM, description="lattice extents in sites, (x, y, z, t)"),
]
ActionText = Annotated[str, Field(pattern=r"^[ -~]+$", max_length=100, description="which action, for tables only")]
Beta = Annotated[Positive | None, Field(description="coupling, for tables only")]
ConfigsPerChunk = Annotated[PositiveInt, Field(description="configurations per chunk, each of all chains")]


class ForeignSpec(FrozenModel, OnLattice):
    """Everything that defines an ensemble of files, and nothing else: no folder, no length, no ranks, no name."""

    version: Literal[1] = 1
    kind: Literal["foreign"] = "foreign"
    group: Group
    extents: ForeignExtents
    chains: Chains
    files: Files
    positions: Positions
    configs_per_chunk: ConfigsPerChunk
    beta: Beta = None
    action: ActionText | None = None

    @model_validator(mode="after")
    def _sites_are_countable(self) -> "ForeignSpec":
        if self.sites >= MAX_SITES:
            raise ValueError("extents: fewer than 2^40 sites in all")
        return self


def foreign_id(spec: ForeignSpec) -> str:
    """Identity of an ensemble of files: a readable prefix and ten hexadecimal digits of the hash of its spec."""
    prefix = f"{spec.group.lower()}_{spec.ndim}d_foreign_{extents_text(spec.extents)}"
    return f"{prefix}-{sha256_text(canonical_json(spec))[:10]}"


LABEL_FIELDS = ("group", "ndim", "extents")
DEFAULT_LABEL = "{group}_{extents}"


class ForeignEntry(FrozenModel):
    """An entry of `ensembles` that takes files of other codes as they are; it is told from a chain by `files`."""

    label: Annotated[
        str, Field(max_length=80, description="name in tables; {group}, {ndim}, {extents} are filled in")
    ] = DEFAULT_LABEL
    group: Group
    extents: ForeignExtents
    files: Files
    folder: Annotated[
        str,
        Field(pattern=FOLDER, description="where they are, relative to the study's folder or absolute"),
    ] = "."
    positions: Positions = AUTO
    configs_per_chunk: ConfigsPerChunk = 10
    beta: Beta = None
    action: ActionText | None = None
    ranks: Annotated[PositiveInt, Field(description="MPI ranks; not part of the identity")] = 1
    grid: Annotated[
        tuple[PositiveInt, ...] | None,
        Field(description="ranks along (chains, t, z, y, x); null: chosen automatically"),
    ] = None

    @model_validator(mode="after")
    def _label_is_safe(self) -> "ForeignEntry":
        check_label(self.label, LABEL_FIELDS)
        return self


def check_label(template: str, fields: tuple[str, ...]) -> None:
    """ValueError unless a label has letters, digits, '.', '_', '-' and these fields in braces."""
    unknown = [name for name in re.findall(r"\{([^{}]*)\}", template) if name not in fields]
    if unknown:
        raise ValueError(f"label: fields in braces out of {', '.join(fields)}, not {unknown[0]!r}")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", re.sub(r"\{[^{}]*\}", "x", template)):
        raise ValueError("label: letters, digits, '.', '_', '-' and {fields} only")
