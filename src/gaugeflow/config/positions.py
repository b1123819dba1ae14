"""From names of other codes' files to places in chains: which stream, which trajectory.

A name is matched as a whole. Patterns by name look at the last part of a path; files in different folders are then
different chains. What a regular expression of a study says is matched with the path relative to the ensemble's folder.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gaugeflow.config.fields import MAX_TRAJECTORIES
from gaugeflow.errors import ConfigError

AUTO = "auto"
COLUMNS = ("file", "chain", "trajectory")

_LATTICE = r"\d+x\d+x\d+x\d+nc\d+"

PATTERNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(text)
    for name, text in {
        "simulateqcd": r"[\w.-]*_s\d+t\d+_b\d+(?:_\w+)?_(?P<chain>[A-Za-z])_U(?P<trajectory>\d+)",
        "hirep": rf"(?P<chain>[\w.-]*_{_LATTICE}r\w+?nf\d+b[\w.-]+?)n(?P<trajectory>\d+)",
        "grid": r"(?P<chain>[\w-]*ckpoint_lat[\w-]*)\.(?P<trajectory>\d+)",
        "tmlqcd": r"conf\.(?P<trajectory>\d+)",
        "milc": r"(?P<chain>l\d+f\d+b\w+)\.(?P<trajectory>\d+)",
        "openqcd": rf"(?!.*_{_LATTICE})(?P<chain>[A-Za-z][\w.-]*?)n(?P<trajectory>\d+)",
    }.items()
}
"""Names that codes give their files, in the order in which `auto` tries them; no name of one fits two.

simulateqcd   conf_s064t16_b0687361_a_U000500    the letter is the stream
hirep         run_8x8x8x8nc3rfundnf2b5.6m0.15n100
grid          ckpoint_lat.100
tmlqcd        conf.0100
milc          l3264f211b600m00507a.000100; a single file without a number (lat.sample.l4448) is position 0
openqcd       E5r1n100
"""

UNNUMBERED = (AUTO, "milc")
"""Choices with which a single file needs no number."""


@dataclass(frozen=True)
class Position:
    """Where a file belongs."""

    chain: str
    trajectory: int


def regular_expression(text: str) -> re.Pattern[str]:
    """The expression of a study.

    Raises  ValueError, saying what is wanted, if it is none or has no group `trajectory`
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(
            f"auto, one of {', '.join(sorted(PATTERNS))}, a table, or a regular expression, not {text!r} ({error})"
        ) from error
    if "trajectory" not in pattern.groupindex or set(pattern.groupindex) - {"trajectory", "chain"}:
        raise ValueError(
            f"auto, one of {', '.join(sorted(PATTERNS))}, a table, or a regular expression with the group "
            "(?P<trajectory>..) and perhaps (?P<chain>..)"
        )
    return pattern


def positions_of(names: Sequence[str], choice: str, place: str) -> dict[str, Position]:
    """Position of every name.

    names    paths relative to the ensemble's folder
    choice   auto, a name of PATTERNS, or a regular expression
    place    key path of the entry, for messages

    Raises   ConfigError naming a file that the choice does not place
    """
    if choice == AUTO:
        fitting = [name for name, pattern in PATTERNS.items() if all(_by_name(pattern, file) for file in names)]
        if not fitting and len(names) == 1:
            return {names[0]: Position("", 0)}
        if not fitting:
            lost = _lost(names)
            raise ConfigError(
                f"{place}.positions: got auto, wanted names that all follow one of {', '.join(PATTERNS)}; {lost!r} and "
                f"{len(names) - 1} more do not: give a regular expression with (?P<trajectory>..), or a table"
            )
        choice = fitting[0]
    pattern = PATTERNS.get(choice)
    by_name = pattern is not None
    pattern = pattern or regular_expression(choice)
    if choice in UNNUMBERED and len(names) == 1 and not _by_name(pattern, names[0]):
        return {names[0]: Position("", 0)}
    return {name: _position(pattern, name, by_name, choice, place) for name in names}


def read_table(path: Path, names: Sequence[str], place: str) -> dict[str, Position]:
    """Positions from a CSV table with the columns file, chain, trajectory: one row for each of the names.

    Raises   ConfigError with file and line for anything else
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{place}.positions.table: {path}: cannot be read ({error}); correct it") from error
    if not rows or tuple(rows[0]) != COLUMNS:
        got = ",".join(rows[0]) if rows else "nothing"
        raise ConfigError(f"{path}: got columns {got}, wanted {','.join(COLUMNS)}; correct the first line")
    found: dict[str, Position] = {}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS) or row[0] in found or not row[2].isdecimal():
            raise ConfigError(f"{path}:{line}: got {row}, wanted a file that is new, a chain, a trajectory; correct it")
        found[row[0]] = Position(row[1], _number(row[2], row[0], place))
    missing, surplus = sorted(set(names) - set(found)), sorted(set(found) - set(names))
    if missing or surplus:
        raise ConfigError(
            f"{path}: without a row: {_some(missing)}; with a row but not among `files` of {place}: {_some(surplus)}; "
            "make both agree"
        )
    return found


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "none"


def _by_name(pattern: re.Pattern[str], name: str) -> re.Match[str] | None:
    return pattern.fullmatch(PurePosixPath(name).name)


def _lost(names: Sequence[str]) -> str:
    """A name that follows no pattern, or the first that follows another than the first name."""
    free = [name for name in names if not any(_by_name(pattern, name) for pattern in PATTERNS.values())]
    if free:
        return free[0]
    own = next(pattern for pattern in PATTERNS.values() if _by_name(pattern, names[0]))
    return next(name for name in names if not _by_name(own, name))


def _position(pattern: re.Pattern[str], name: str, by_name: bool, choice: str, place: str) -> Position:
    match = _by_name(pattern, name) if by_name else pattern.fullmatch(name)
    if match is None:
        raise ConfigError(
            f"{place}.positions: got the file {name!r}, wanted names of the form {choice}"
            f"{f' ({pattern.pattern})' if by_name else ''}; correct positions or files"
        )
    folder = str(PurePosixPath(name).parent)
    groups = match.groupdict()
    parts = ["" if folder == "." else folder, groups.get("chain") or ""]
    chain = "/".join(part for part in parts if part) if by_name or "chain" not in groups else parts[1]
    return Position(chain, _number(groups["trajectory"] or "", name, place))


def _number(text: str, name: str, place: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < MAX_TRAJECTORIES):
        raise ConfigError(
            f"{place}.positions: got {text!r} as the trajectory of {name!r}, wanted a number below 2^32; correct it"
        )
    return int(text)
