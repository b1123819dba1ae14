r"""LaTeX: a booktabs table per study and one macro per number, with where they come from as comments.

    \input{numbers}            \gfSuThreeFourDBFivePointSevenEightxEightxEightxEightPlaquette  ->  0.54915(25)
    \input{su3_4d}             needs \usepackage{booktabs,longtable}

Names of macros have letters only: words and letters stay, digits and signs are spelled out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from gaugeflow.analysis.partial import error_when_complete, mark, short_notes
from gaugeflow.analysis.scoreboard import judge
from gaugeflow.errors import ConfigError
from gaugeflow.report.tables import table_rows

PREFIX = "gf"

STAR = r"\ensuremath{^{*}}"
"""Mark of a preliminary number, of which configurations are missing."""

_HEAD = " & error when complete (estimate)"

SPELLED = {
    "0": "Zero", "1": "One", "2": "Two", "3": "Three", "4": "Four", "5": "Five", "6": "Six", "7": "Seven", "8": "Eight",
    "9": "Nine", ".": "Point", "|": "Bar", "<": "Less", ">": "Greater", "+": "Plus", "=": "Equals", "^": "Hat",
    "*": "Star", ",": "And", "'": "Prime", "(": "Of", "[": "At",
}  # fmt: skip
"""Characters of names as macros spell them; a minus sign is Minus, everything else only separates words."""

ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
}  # fmt: skip


def escaped(text: str) -> str:
    """Text that LaTeX sets as it stands; characters beyond ASCII are left to its UTF-8 input."""
    return "".join(ESCAPED.get(character, character) for character in text)


def number(text: str) -> str:
    r"""A formatted estimate for text and formulas: 1.0(2)e-07 -> \ensuremath{1.0(2) \times 10^{-7}}; nan -> --."""
    if text == "nan":
        return "--"
    match = re.fullmatch(r"(.*)e([+-]\d+)", text)
    body = rf"{match[1]} \times 10^{{{int(match[2])}}}" if match else text
    return rf"\ensuremath{{{body}}}"


def macro_name(*parts: str) -> str:
    r"""Letters that spell the parts of a name: ("su3_4d", "W(4)") -> \gfSuThreeFourDWOfFour."""
    words = []
    for part in parts:
        text = re.sub(r"(?<=[A-Za-z0-9)])-(?=[A-Za-z0-9(])|(?<=[(\[])-", " minus ", part)
        text = "".join(f" {SPELLED[c]} " if c in SPELLED else c if c.isascii() and c.isalpha() else " " for c in text)
        words += text.split()
    return "\\" + PREFIX + "".join(word[0].upper() + word[1:] for word in words)


def table_file(results: dict[str, Any]) -> str:
    """A longtable of all estimates of a study: value with error, tau_int, N, and the pull if there is a reference.

    Of partial results the caption says what is missing, preliminary numbers have a star, and one more column has the
    error that is expected when nothing is missing.
    """
    partial = bool(results.get("partial"))
    pulls = {row.name: row.pull for row in judge(results)}
    lines = [
        *provenance_comment(results),
        rf"\begin{{longtable}}{{llrrrr{'r' if partial else ''}}}",
        rf"\caption{{{escaped(results['title'])} ({escaped(results['scale'])} scale){_preliminary(results)}}}\\",
        r"\toprule",
        rf"ensemble & observable & value & $\tau_\mathrm{{int}}$ & $N$ & pull{_HEAD if partial else ''} \\",
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
    ]
    for row, name in zip(table_rows(results), results["estimates"], strict=True):
        tau = "--" if row["tau_int"] is None else rf"\ensuremath{{{row['tau_int']:.2f}}}"
        pull = pulls.get(name, math.nan)
        cells = [
            escaped(row["ensemble"]), escaped(row["name"]), _marked(results, name), tau, str(row["n"]),
            rf"\ensuremath{{{pull:+.2f}}}" if math.isfinite(pull) else "--",
        ]  # fmt: skip
        if partial:
            expected = error_when_complete(results, name)
            cells.append("--" if expected is None else number(f"{expected:.2g}"))
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\end{longtable}"]) + "\n"


def macros_file(all_results: Iterable[dict[str, Any]]) -> str:
    r"""\newcommand for every estimate of all studies, and for chi^2, its degrees of freedom and p-value of every fit.

    Raises ConfigError where two names are spelled alike
    """
    owners: dict[str, str] = {}
    lines: list[str] = []
    for results in all_results:
        lines += provenance_comment(results)
        for name, value in _numbers(results):
            macro = macro_name(results["study"], name)
            owner = f"{results['study']}: {name}"
            if macro in owners:
                raise ConfigError(
                    f"{owners[macro]} and {owner} have the same LaTeX macro {macro}; rename one in analysis.py"
                )
            owners[macro] = owner
            lines.append(rf"\newcommand{{{macro}}}{{{value}}} % {name}")
    return "\n".join(lines) + "\n"


def provenance_comment(results: dict[str, Any]) -> list[str]:
    """Comment lines: code, study, and per ensemble its id and the checksums of spec and input files."""
    made = results["provenance"]
    lines = [
        f"% study {results['study']}, {results['scale']} scale",
        f"% gaugeflow {made['gaugeflow']}, commit {made['commit']}",
        *(f"% {name}: sha256 {digest}" for name, digest in sorted(made["study_sha256"].items())),
    ]
    for entry in results["ensembles"]:
        source = entry["source"]
        lines.append(f"% {entry['label']} = {entry['ensemble_id']}")
        lines.append(f"%   spec sha256 {source['spec_sha256']}, inputs sha256 {source['inputs_sha256']}")
    return [*lines, *(f"% PARTIAL: {text}" for text in short_notes(results))]


def _marked(results: dict[str, Any], name: str) -> str:
    """The number, with a star if it is preliminary."""
    return number(results["estimates"][name]["text"]) + (STAR if mark(results, name) else "")


def _preliminary(results: dict[str, Any]) -> str:
    """The end of the caption of partial results."""
    found = short_notes(results)
    return f". Partial: {escaped(', '.join(found))}; {STAR} will change" if found else ""


def _numbers(results: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for name in results["estimates"]:
        yield name, _marked(results, name)
    for name, detail in results.get("details", {}).items():
        if detail["kind"] == "fit" and detail["chi2"] is not None:
            yield f"{name}/chi squared", number(f"{detail['chi2']:.2f}")
            yield f"{name}/degrees of freedom", str(detail["dof"])
            if detail["p_value"] is not None:
                yield f"{name}/p value", number(f"{detail['p_value']:.2g}")
