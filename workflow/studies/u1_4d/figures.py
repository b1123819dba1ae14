"""Figure of 4D U(1) beside the standard ones: plaquette against beta."""

from gaugeflow.report.result_figures import against_beta


def figures(results):
    """Name -> (Figure, caption)."""
    return {
        "plaquette": (
            against_beta(results, "plaquette", "plaquette"),
            "Plaquette; green: reference on a lattice of this size",
        )
    }
