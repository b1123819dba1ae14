"""Files of the MILC code in tests/data/milc: one configuration and the tables of its flow program."""

import re
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "milc"
HEADER_BYTES, MAGIC = 96, 20103


def read_links(name: str) -> np.ndarray:
    """Canonical links (1, t, z, y, x, mu, a, b) of a version 5 file of SU(3): float32 numbers as they stand in it."""
    content = (DATA / name).read_bytes()
    order = next(o for o in "<>" if np.frombuffer(content[:4], f"{o}i4")[0] == MAGIC)
    extents = np.frombuffer(content[4:20], f"{order}i4")
    numbers = np.frombuffer(content[HEADER_BYTES:], f"{order}f4").astype(float)
    return numbers.view(complex).reshape(1, *extents[::-1], 4, 3, 3)


def flow_table(name: str) -> list[tuple[float, ...]]:
    """(t, E of planes with t, E of the others, Q) and the last digits' units of the three, line by line."""
    rows = []
    for line in (DATA / name).read_text().splitlines():
        if found := re.match(r"WFLOW (\S+) (\S+) (\S+) (\S+)", line):
            rows.append((*map(float, found.groups()), *(unit(text) for text in found.groups()[1:])))
    return rows


def unit(text: str) -> float:
    """One unit of the last of the six significant digits that %g prints; it drops zeros at the end."""
    return 10.0 ** (np.floor(np.log10(abs(float(text)))) - 5)
