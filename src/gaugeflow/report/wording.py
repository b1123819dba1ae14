"""How the page says things: samplers, actions, starts, numbers with their units."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

SAMPLERS = {
    "hmc": "HMC",
    "heatbath": "heat bath",
    "langevin": "Langevin",
    "mala": "MALA",
    "exact": "exact sampler",
}


def sampler_text(sampler: dict[str, Any]) -> str:
    """{"kind": "hmc", "integrator": "omf2", "tau": 1.0, "n_steps": 10} -> "HMC omf2, τ = 1.0, 10 steps"; n × sweeps."""
    if sampler["kind"] == "files":
        return f"files: {' and '.join(sampler['formats'])}"
    rest = {name: value for name, value in sampler.items() if name != "kind" and value not in (None, 0, False)}
    head = SAMPLERS.get(sampler["kind"], sampler["kind"])
    if integrator := rest.pop("integrator", None):
        head += f" {integrator}"
    words = {"tau": "τ = {}", "n_steps": "{} steps", "step": "ε = {}"}
    if sweeps := rest.pop("heatbath", None):
        head = f"{sweeps} × {head}"
    sweeps = [f"{rest.pop(name)} × {name}" for name in ("overrelaxation", "winding") if name in rest]
    return ", ".join([head, *(words.get(name, name + " {}").format(value) for name, value in rest.items()), *sweeps])


def unbroken(text: str) -> str:
    """The text with line breaks at its commas only: "HMC omf2, τ = 1.0" breaks into "HMC omf2," and "τ = 1.0"."""
    return ", ".join(part.replace(" ", "\u00a0") for part in text.split(", "))


def action_text(action: dict[str, Any] | str | None) -> str:
    """{"kind": "rectangle", "beta": 2.6, "c1": -0.331} -> "rectangle, c1 = -0.331"; beta has its own column.

    A text is what a study says of other codes' files.
    """
    if action is None:
        return "Wilson"
    if isinstance(action, str):
        return action
    others = [f"{name} = {value}" for name, value in action.items() if name not in ("kind", "beta")]
    return ", ".join([action["kind"].capitalize() if not others else action["kind"], *others])


def group_text(entry: dict[str, Any]) -> str:
    """Group, action and precision of an ensemble: "SU3, Wilson, float32"; of other codes' files what the study says."""
    action = entry.get("action")
    known = action is not None or entry["sampler"]["kind"] != "files"
    words = [entry["group"], *([action_text(action)] if known else [])]
    return ", ".join([*words, *(["float32"] if entry.get("precision") == "float32" else [])])


def start_text(start: str | dict[str, Any] | None) -> str:
    """cold, hot, mixed, or which configuration of which file; a dash where nothing was started."""
    if start is None:
        return "–"
    if isinstance(start, str):
        return start
    number = start.get("configuration")
    which = "last configuration" if number is None else f"configuration {number}"
    return f"{which} of {start['file']} ({start['content_sha256'][:12]})"


def bins_text(bins: dict[str, Any]) -> str:
    """Bins of an ensemble: "14 configurations; slowest: charge^2, τ_int 0.54", or that the study gives their size."""
    tau = bins["tau_int"].get(bins["decided_by"])
    asked = bins["decided_by"] if tau is None else f"slowest: {bins['decided_by']}, τ_int {number_text(tau)}"
    return f"{bins['bin_size']} configurations; {asked}"


def number_text(value: float | None) -> str:
    """Three figures, or a dash."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.3g}"


def count_text(value: float | None) -> str:
    """A whole number with thousands separated, or a dash."""
    return "–" if value is None or not math.isfinite(value) else f"{value:,.0f}".replace(",", "\u202f")


def time_text(seconds: float | None) -> str:
    """Seconds in the unit that suits them: "3.2 ms", "45 µs", "2.1 h"."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    for limit, scale, unit in ((1e-6, 1e-9, "ns"), (1e-3, 1e-6, "µs"), (1.0, 1e-3, "ms"), (300, 1.0, "s")):
        if seconds < limit:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.3g} min"


def word_columns(rows: Sequence[Sequence[str]]) -> set[int]:
    """Columns of a table in which some cell has letters; 9.9e-11, 5.1 / 4 and a dash are numbers."""
    numbers = re.compile(r"(?<=[\d)])e[-+]\d+")
    return {i for row in rows for i, cell in enumerate(row) if re.search(r"[^\W\d_]", numbers.sub("", str(cell)))}


def ratio_text(top: float | None, bottom: float | None) -> str:
    """top / bottom to two decimals, or a dash."""
    return f"{top / bottom:.2f}" if top and bottom else "–"
