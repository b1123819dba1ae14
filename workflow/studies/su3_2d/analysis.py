"""2D SU(3): plaquette and Wilson loops by area; health of the chains."""

from gaugeflow.analysis.observables import chain_checks, labelled, plaquette, wilson_loop

LOOPS = {"W(1)": (1, 1), "W(2)": (1, 2), "W(4)": (2, 2)}


def analyse(data):
    """Estimates `<ensemble>/<observable>`."""
    results = {}
    for ensemble in data:
        rows = {"plaquette": plaquette(ensemble)}
        rows |= {name: wilson_loop(ensemble, *extents) for name, extents in LOOPS.items()}
        results |= labelled(ensemble, rows | chain_checks(ensemble))
    return results
