"""2D U(2): plaquette, Wilson loops by area, topological susceptibility of the determinant; health of the chains."""

from gaugeflow.analysis.observables import chain_checks, labelled, mean_charge, plaquette_and_loops, susceptibility


def analyse(data):
    """Estimates `<ensemble>/<observable>`; chi_Q = <Q^2> / V."""
    results = {}
    for ensemble in data:
        rows = plaquette_and_loops(ensemble) | {"chi_Q": susceptibility(ensemble), "Q": mean_charge(ensemble)}
        results |= labelled(ensemble, rows | chain_checks(ensemble))
    return results
