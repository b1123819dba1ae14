"""4D U(1): plaquette and small loops, Polyakov loop; health of the chains."""

from gaugeflow.analysis.observables import chain_checks, labelled, plaquette, polyakov_modulus, wilson_loop


def analyse(data):
    """Estimates `<ensemble>/<observable>`."""
    results = {}
    for ensemble in data:
        rows = {"plaquette": plaquette(ensemble), "|L|": polyakov_modulus(ensemble)}
        rows |= {"W(1x2)": wilson_loop(ensemble, 1, 2), "W(2x2)": wilson_loop(ensemble, 2, 2)}
        results |= labelled(ensemble, rows | chain_checks(ensemble))
    return results
