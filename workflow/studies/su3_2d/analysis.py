"""2D SU(3): plaquette and Wilson loops by area; health of the chains."""

from gaugeflow.analysis.observables import chain_checks, labelled, plaquette_and_loops


def analyse(data):
    """Estimates `<ensemble>/<observable>`."""
    results = {}
    for ensemble in data:
        results |= labelled(ensemble, plaquette_and_loops(ensemble) | chain_checks(ensemble))
    return results
