"""What this study computes."""

from gaugeflow.analysis.observables import chain_checks, labelled, plaquette


def analyse(data):
    """Estimates `<ensemble>/<observable>`."""
    results = {}
    for ensemble in data:
        results |= labelled(ensemble, {"plaquette": plaquette(ensemble)} | chain_checks(ensemble))
    return results
