"""The files of a foreign ensemble as they are on this machine: found, placed in chains, cut into chunks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gaugeflow.config.fields import MAX_CHAINS
from gaugeflow.config.foreign import FILE_NAME, ForeignEntry, PositionTable
from gaugeflow.config.positions import Position, positions_of, read_table
from gaugeflow.errors import ConfigError

SHOWN = 5


@dataclass(frozen=True)
class ForeignFiles:
    """Files (configuration, chain) of an ensemble, a rectangle.

    folder        where the names start
    trajectories  number of each configuration, rising
    chains        names of the streams
    names         names[configuration][chain], relative to the folder
    per_chunk     configurations in a chunk; the last one may have fewer
    table         the table of positions, if there is one
    """

    folder: Path
    trajectories: tuple[int, ...]
    chains: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    per_chunk: int
    table: Path | None = None

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-len(self.trajectories) // self.per_chunk)

    def chunk(self, number: int) -> "ForeignFiles":
        """The configurations of one chunk.

        Raises  ConfigError if there is no such chunk
        """
        if not 0 <= number < self.chunks:
            raise ConfigError(
                f"chunk {number}: wanted one of 0 to {self.chunks - 1}: {len(self.trajectories)} configurations were "
                f"found in {self.folder}"
            )
        own = slice(number * self.per_chunk, (number + 1) * self.per_chunk)
        return ForeignFiles(
            self.folder, self.trajectories[own], self.chains, self.names[own], self.per_chunk, self.table
        )

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files, configuration by configuration."""
        return tuple(self.folder / name for row in self.names for name in row)


def find_files(entry: ForeignEntry, study_folder: Path, place: str) -> ForeignFiles:
    """The files that an entry names.

    study_folder  where relative paths start
    place         key path of the entry, for messages

    Raises        ConfigError for what is not there, is named twice, has no place or shares it, or for chains that have
                  different trajectory numbers
    """
    folder = study_folder / entry.folder
    if not folder.is_dir():
        raise ConfigError(f"{place}.folder: got {entry.folder!r}, wanted a folder, not {folder}; correct it")
    names = _names(entry, folder, place)
    table = study_folder / entry.positions.table if isinstance(entry.positions, PositionTable) else None
    if isinstance(entry.positions, str):
        positions = positions_of(names, entry.positions, place)
    else:
        assert table is not None
        positions = read_table(table, names, place)
    chains, trajectories, rows = _rectangle(positions, place)
    if len(chains) > MAX_CHAINS:
        raise ConfigError(f"{place}.files: got {len(chains)} chains, wanted at most {MAX_CHAINS}; name fewer files")
    return ForeignFiles(folder, trajectories, chains, rows, entry.configs_per_chunk, table)


def _names(entry: ForeignEntry, folder: Path, place: str) -> list[str]:
    """Names of all files, relative to the folder, each once."""
    named_by: dict[str, str] = {}
    for text in entry.files:
        where = f"{place}.files"
        found = sorted(path.relative_to(folder).as_posix() for path in folder.glob(text) if path.is_file())
        found = [name for name in found if not any(part.startswith(".") for part in name.split("/"))]
        if not found:
            raise ConfigError(f"{where}: got {text!r}, wanted files in {folder}, there are none; correct it or folder")
        for name in found:
            if not re.fullmatch(FILE_NAME, name):
                raise ConfigError(
                    f"{where}: {text!r} finds {name!r}, wanted names of letters, digits and ._+=,@- only; rename it"
                )
            if name in named_by:
                raise ConfigError(
                    f"{where}: {name!r} is named twice, by {named_by[name]!r} and by {text!r}; name each file once"
                )
            named_by[name] = text
    return sorted(named_by)


def _rectangle(
    positions: dict[str, Position], place: str
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[tuple[str, ...], ...]]:
    """Chains, trajectories and names[configuration][chain]."""
    at: dict[tuple[str, int], str] = {}
    for name, position in positions.items():
        key = (position.chain, position.trajectory)
        if key in at:
            raise ConfigError(
                f"{place}.positions: {at[key]!r} and {name!r} are both trajectory {key[1]}"
                f"{f' of chain {key[0]!r}' if key[0] else ''}; correct positions or files"
            )
        at[key] = name
    chains = _sorted_chains({chain for chain, _ in at})
    trajectories = tuple(sorted({trajectory for _, trajectory in at}))
    for chain in chains:
        missing = [trajectory for trajectory in trajectories if (chain, trajectory) not in at]
        if missing:
            raise ConfigError(
                f"{place}.files: chain {chain!r} has no trajectory {_some(missing)}, which other chains have; chains "
                f"of one ensemble have the same trajectories: make each stream ({_some(chains)}) an ensemble of its own"
            )
    return chains, trajectories, tuple(tuple(at[chain, number] for chain in chains) for number in trajectories)


def _sorted_chains(names: set[str]) -> tuple[str, ...]:
    numbers = all(name.isdecimal() for name in names)
    return tuple(sorted(names, key=lambda name: (int(name) if numbers else 0, name)))


def _some(values: Sequence[object]) -> str:
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(str(value) or "''" for value in values[:SHOWN]) + more
