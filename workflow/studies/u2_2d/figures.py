"""Figures of 2D U(2) beside the standard ones: plaquette and susceptibility against beta, Wilson loops against area."""

from gaugeflow.report.result_figures import loops_and_topology


def figures(results):
    """Name -> (Figure, caption)."""
    return loops_and_topology(results)
