"""Figures of 2D U(2) beside the standard ones: plaquette and susceptibility against beta, Wilson loops against area."""

from gaugeflow.report.result_figures import against_beta, area_law


def figures(results):
    """Name -> (Figure, caption)."""
    return {
        "plaquette": (against_beta(results, "plaquette", "plaquette"), "Plaquette; green: exact on this lattice"),
        "susceptibility": (
            against_beta(results, "chi_Q", r"$\chi_Q = \langle Q^2\rangle / V$"),
            "Topological susceptibility; green: exact on this lattice",
        ),
        "area_law": (
            area_law(results, {"W(1)": 1, "W(2)": 2, "W(4)": 4}),
            "Wilson loops against area; green: exact on this lattice",
        ),
    }
