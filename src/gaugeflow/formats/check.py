"""Is another code's configuration sound?  Structure, checksums, links on the group, and what the header claims of them.

The links are read once, block by block: checksums of the bytes, plaquettes, trace and distance from the group together.
Only a file that fails is read again, to say how many links are bad and where the first one is.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gaugeflow.conventions import gauge_group
from gaugeflow.errors import FileError
from gaugeflow.formats.header import Header
from gaugeflow.formats.reading import LinkFile, read_header
from gaugeflow.formats.tolerances import TOLERANCES
from gaugeflow.lattice.judge import Judge, Judgement
from gaugeflow.lattice.site_checksums import crc_of_sites

PRINTED = {"ildg": 1e-6, "scidac": 1e-6}
"""Formats whose programs print plaquette and link trace to seven digits, whatever the precision of the links."""

DIRECTIONS = "xyzt"

Watch = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def unwatched(what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    """Progress that nobody sees."""
    return nullcontext(lambda done: None)


@dataclass(frozen=True)
class Verdict:
    """What was found in one file.

    header      None where the file could not be read
    judgement   None where the links could not be read
    checksums   of the links as they are: those of the format and, if wanted, "links", the same in all formats
    warnings    defects that a format allows, or that do not touch the links
    problems    what makes the file unfit for use; empty if it is sound
    """

    path: str
    header: Header | None
    judgement: Judgement | None
    checksums: Mapping[str, tuple[int, ...]]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.problems


def check_file(
    path: Path | str,
    *,
    extents: tuple[int, ...] | None = None,
    group: str | None = None,
    watch: Watch = unwatched,
    links: bool = True,
) -> Verdict:
    """Judge one file; never raises for a bad one. Memory is bounded by a few time slices.

    extents, group   of a file that does not hold them; of another, they are compared with it
    links            whether "links" is wanted among the checksums
    watch            (what, total) -> context of a function that is called with the number of time slices done
    """
    header = None
    try:
        header = read_header(path, extents=extents, group=group)
        judgement, checksums = judge_links(path, header, watch, links=links)
        problems = problems_of(path, header, judgement, checksums)
    except FileError as error:
        message = str(error).removeprefix(f"{path}: ")
        return Verdict(str(path), header, None, {}, header.warnings if header else (), (message,))
    return Verdict(str(path), header, judgement, checksums, header.warnings, problems)


def judge_links(
    path: Path | str, header: Header, watch: Watch = unwatched, *, links: bool = True
) -> tuple[Judgement, dict[str, tuple[int, ...]]]:
    """Judgement and checksums of the links of a file, read once; FileError where they cannot be read."""
    judge = Judge(header.group, header.extents)
    what = f"{Path(path).name}: time slices"
    reader = LinkFile(path, header, crc_of_sites=crc_of_sites, links=links)
    with reader as file, watch(what, header.extents[3]) as advance:
        for (times, zs), values in file.blocks():
            judge.feed(values)
            if zs.stop == header.extents[2]:
                advance(times.stop)
        return judge.result(), dict(file.checksums)


def problems_of(
    path: Path | str, header: Header, judgement: Judgement, checksums: Mapping[str, tuple[int, ...]]
) -> tuple[str, ...]:
    """Everything in which a header and the links behind it do not agree, or the links are off the group."""
    problems = [*_checksum_problems(header, checksums), *_claim_problems(header, judgement)]
    return (*problems, *_group_problems(path, header, judgement))


def checksum_text(values: tuple[int, ...]) -> str:
    """Checksums as the codes print them: hexadecimal, without leading zeros."""
    return " ".join(f"{value:x}" for value in values)


def _checksum_problems(header: Header, found: Mapping[str, tuple[int, ...]]) -> list[str]:
    """The file's checksums against those of its bytes."""
    return [
        f"{name} checksum of the links is {checksum_text(found[name])}, the file says {checksum_text(claimed)}"
        for name, claimed in header.claims.checksums.items()
        if tuple(claimed) != tuple(found[name])
    ]


def _claim_problems(header: Header, judgement: Judgement) -> list[str]:
    allowed = max(TOLERANCES[header.precision].claims, PRINTED.get(header.format, 0.0))
    claims = {"plaquette": header.claims.plaquette, "link_trace": header.claims.link_trace}
    return [
        f"{name.replace('_', ' ')} of the links is {found:.12g}, the file says {claimed:.12g} (allowed: {allowed:g})"
        for name, claimed in claims.items()
        if claimed is not None and not abs((found := getattr(judgement, name)) - claimed) <= allowed
    ]


def _group_problems(path: Path | str, header: Header, judgement: Judgement) -> list[str]:
    """Links off the group: how many, how far, and where the first one is."""
    allowed = TOLERANCES[header.precision].group
    if judgement.unitarity_defect <= allowed and judgement.determinant_defect <= allowed:
        return []
    count, first, unitarity, determinant = 0, None, 0.0, 0.0
    with LinkFile(path, header, crc_of_sites=crc_of_sites, links=False) as file:
        for (times, zs), values in file.blocks():
            u = values[..., 0].astype(np.float64) + 1j * values[..., 1]
            defects = link_defects(u, special=gauge_group(header.group).special)
            bad = ~((defects[0] <= allowed) & (defects[1] <= allowed))
            if first is None and bad.any():
                t, z, y, x, mu = np.argwhere(bad)[0]
                first = f"x y z t = {x} {y} {z + zs.start} {t + times.start}, direction {DIRECTIONS[mu]}"
            count += int(bad.sum())
            unitarity, determinant = (
                float(np.maximum(worst, defect.max()))  # np.maximum passes NaN on
                for worst, defect in zip((unitarity, determinant), defects, strict=True)
            )
    if not count:
        worst = max(judgement.unitarity_defect, judgement.determinant_defect)
        return [f"links are off the group by {worst:.3g}, allowed {allowed:g}"]
    number = "not finite" if math.isnan(unitarity + determinant) else f"unitarity {unitarity:.3g}"
    number += "" if math.isnan(unitarity + determinant) else f", determinant {determinant:.3g}"
    links = 4 * math.prod(header.extents)
    return [f"{count} of {links} links are off the group ({number}; allowed {allowed:g}), the first at {first}"]


@np.errstate(invalid="ignore", over="ignore")  # damaged numbers end as NaN or infinity, which the caller sees
def link_defects(u: np.ndarray, *, special: bool) -> tuple[np.ndarray, np.ndarray]:
    """(largest element of |U^dagger U - 1|, |det U - 1| or, for U(N), ||det U| - 1|) of every link (.., N, N)."""
    gram = np.einsum("...ca,...cb->...ab", u.conj(), u) - np.eye(u.shape[-1])
    determinant = np.linalg.det(u)
    distance = abs(determinant - 1) if special else abs(abs(determinant) - 1)
    return abs(gram).max((-2, -1)), distance
