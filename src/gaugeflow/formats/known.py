"""Extents and group of a file: as it says them, as its size tells them, and as the caller knows them."""

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gaugeflow.conventions import GAUGE_GROUPS, LARGEST_N, gauge_group
from gaugeflow.errors import ConfigError, FileError
from gaugeflow.formats.header import stored_site_bytes

LARGEST_EXTENT = 2**31 - 1
"""All formats have 32-bit integers for extents, or text of any length."""


@dataclass(frozen=True)
class Known:
    """Extents (x, y, z, t) and the name of the group as the caller gives them, None where not given.

    Raises    ConfigError for extents that are not four positive numbers, or an unknown group
    """

    extents: tuple[int, ...] | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        if self.extents is not None:
            require_four(self.extents)
        if self.group is not None:
            gauge_group(self.group)


def require_four(extents: Sequence[int]) -> None:
    """Raises    ConfigError unless there are four extents between 1 and 2^31 - 1"""
    if len(extents) != 4 or not all(isinstance(e, int) and 1 <= e <= LARGEST_EXTENT for e in extents):
        raise ConfigError(f"extents: got {tuple(extents)}, wanted four positive numbers x, y, z, t")


def group_of_size(n: int) -> str:
    """The group that a file is taken for when it tells N alone."""
    return "U1" if n == 1 else f"SU{n}"


def require_extents(path: os.PathLike | str, found: Sequence[int] | None, known: Known) -> tuple[int, int, int, int]:
    """Extents that the file says or else the caller knows.

    found    (x, y, z, t) in the file, None if it has none

    Raises    FileError for absurd ones, none at all, or others than the caller gives
    """
    if found is None:
        if known.extents is None:
            raise FileError(f"{path}: does not say its extents; give --extents x,y,z,t")
        return tuple(known.extents)
    found = tuple(found)
    if len(found) != 4 or not all(1 <= extent <= LARGEST_EXTENT for extent in found):
        raise FileError(f"{path}: its extents are {_short(found)}, wanted four between 1 and {LARGEST_EXTENT}")
    if known.extents not in (None, found):
        raise FileError(f"{path}: got extents {found} in the file, wanted {tuple(known.extents)} as given")
    return found


def require_group(path: os.PathLike | str, found: str | int, known: Known) -> str:
    """The group of a file that says its name, or N alone.

    Raises    FileError for one that gaugeflow does not have, or another than the caller gives
    """
    name = group_of_size(found) if isinstance(found, int) else found
    if name not in GAUGE_GROUPS:
        raise FileError(f"{path}: holds links of {_short(name)}, wanted one of {', '.join(GAUGE_GROUPS)}")
    if known.group is None:
        return name
    if known.group != name and not (isinstance(found, int) and gauge_group(known.group).n == found):
        raise FileError(f"{path}: got links of {name}, wanted {known.group} as given")
    return known.group


def matrix_size(extents: Sequence[int], itemsize: int, payload: int) -> int | None:
    """N from the size of full matrices, None if no N fits.

    itemsize    bytes of one real number
    payload     bytes of all links
    """
    for n in range(1, LARGEST_N + 1):
        if math.prod(extents) * stored_site_bytes(n, n, itemsize) == payload:
            return n
    return None


def group_from_size(
    path: os.PathLike | str,
    extents: Sequence[int],
    itemsize: int,
    payload: int,
    known: Known,
    *,
    usual: int | None = None,
) -> str:
    """The group of a file whose header does not tell N, from the size of its full matrices.

    usual    N of the code that has the format: another one, as a damaged header makes it, the caller has to know

    Raises    FileError if no N fits, or another than the caller gives
    """
    n = matrix_size(extents, itemsize, payload)
    if n is None:
        expected = gauge_group(known.group or "SU3").n
        require_size(path, payload, math.prod(extents) * stored_site_bytes(expected, expected, itemsize))
    if known.group is None and usual not in (None, n):
        raise FileError(
            f"{path}: its size fits {group_of_size(n)} on {tuple(extents)}, wanted {group_of_size(usual)}, "
            "which the code of this format has: its header is damaged, or give --group"
        )
    return require_group(path, n, known)


def require_size(path: os.PathLike | str, payload: int, wanted: int) -> None:
    """Raises    FileError where the bytes of the links are too few or too many, naming how many"""
    if payload != wanted:
        difference = f"{wanted - payload} too few" if payload < wanted else f"{payload - wanted} too many"
        raise FileError(
            f"{path}: its links have {payload} bytes, wanted {wanted} for these extents, N and precision: "
            f"{difference}; the file is cut, has something behind its links, or its header is wrong"
        )


def whole_number(text: str) -> int | None:
    """The number that a text of few digits says, None for anything else."""
    return int(text) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text, re.ASCII) else None


def hexadecimal(text: str) -> int | None:
    """The 32-bit number that a text says in hexadecimal digits, None for anything else."""
    match = re.fullmatch(r"\s*(?:0[xX])?([0-9a-fA-F]{1,8})\s*", text)
    return int(match[1], 16) if match else None


def finite_number(text: str) -> float | None:
    """The finite number that a text says, None for anything else."""
    if len(text) > 80:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}.."
