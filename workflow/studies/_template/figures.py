"""Figures of this study beside the standard ones."""

from gaugeflow.report.result_figures import against_beta


def figures(results):
    """Name -> (Figure or None, caption)."""
    return {"plaquette": (against_beta(results, "plaquette", "plaquette"), "Plaquette; green: reference")}
