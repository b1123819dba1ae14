"""Looks of all figures: one set of colours, sizes and deterministic SVG output. Figures are made without pyplot."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

BLUE, ORANGE, GREEN, RED, GREY = "#2b6cb0", "#dd6b20", "#2f855a", "#c53030", "#718096"
"""Blue is measured, orange the second series, green the exact value, red a failure, grey a guide."""

COLOURS = (BLUE, ORANGE, GREEN, "#805ad5", "#b7791f", "#319795")

SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4a5568",
    "axes.linewidth": 0.8,
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 5),
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.color": "#4a5568",
    "ytick.color": "#4a5568",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "gaugeflow",
    "svg.fonttype": "path",
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Matplotlib settings of this project, inside the block only."""
    with matplotlib.rc_context(SETTINGS):
        yield


def panels(count: int, width: float = 3.8, height: float = 2.6, columns: int = 3):
    """Figure with `count` axes in rows of `columns`; unused places are left empty. Returns (figure, axes)."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    margins(figure, rows, columns)
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def margins(
    figure: Figure,
    rows: int,
    columns: int,
    left: float = 0.68,
    right: float = 0.12,
    top: float = 0.27,
    bottom: float = 0.45,
) -> None:
    """Fixed room in inches around each of rows x columns axes; measuring all texts instead would double the time."""
    width, height = figure.get_size_inches()
    inner_width = (width - columns * (left + right)) / columns
    inner_height = (height - rows * (top + bottom)) / rows
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        top=1 - top / height,
        bottom=bottom / height,
        wspace=(left + right) / inner_width,
        hspace=(top + bottom) / inner_height,
    )


def plain_numbers(direction: Axis) -> None:
    """Plain numbers at 1, 2 and 5 of each decade of a short logarithmic axis, at decades of a long one."""
    if direction.get_scale() != "log":
        return
    low, high = direction.get_view_interval()
    if high / low < 50:
        direction.set_minor_locator(LogLocator(subs=(2, 5)))
        direction.set_major_formatter(FormatStrFormatter("%g"))
        direction.set_minor_formatter(FormatStrFormatter("%g"))
    else:
        direction.set_minor_formatter(NullFormatter())


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG; equal figures give equal bytes (no date, fixed ids)."""
    stream = io.BytesIO()
    with figure_style():
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def data_uri(svg: bytes) -> str:
    """SVG bytes for the src of an <img>, so that a page needs no other file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
