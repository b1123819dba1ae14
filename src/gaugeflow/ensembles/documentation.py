"""The table of measured datasets in docs/file_format.md.

python -m gaugeflow.ensembles.documentation FILE renews it.
"""

import sys
from pathlib import Path

from gaugeflow.ensembles.schema import KINDS
from gaugeflow.errors import FileError

BEGIN, END = "<!-- measurements: begin -->\n", "<!-- measurements: end -->\n"


def measurement_table() -> str:
    """Name, axes, dtype and meaning of everything that may be measured, as a Markdown table."""
    rows = ["| dataset | shape | meaning |", "|---|---|---|"]
    for name, entry in KINDS["measurements"].datasets.items():
        shape = f"({', '.join(entry.axes)}{',' if len(entry.axes) == 1 else ''}) {entry.dtype[1:]}"
        rows.append(f"| `{name}` | {shape} | {entry.description} |")
    return "\n".join(rows) + "\n"


def renewed(text: str, where: str) -> str:
    """`text` with the table between its two marks; FileError if they are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise FileError(
            f"{where}: the marks {BEGIN.strip()} and {END.strip()} are not there; put them around the table"
        )
    return before + begin + measurement_table() + end + after


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text(encoding="utf-8"), str(path)), encoding="utf-8")
