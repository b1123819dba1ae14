"""2D U(1): plaquette, Wilson loops by area, topological susceptibility; health of the chains."""

from gaugeflow.analysis.observables import chain_checks, labelled, mean_charge, plaquette, susceptibility, wilson_loop

LOOPS = {"W(1)": (1, 1), "W(2)": (1, 2), "W(4)": (2, 2)}


def analyse(data):
    """Estimates `<ensemble>/<observable>`; chi_Q = <Q^2> / V."""
    results = {}
    for ensemble in data:
        rows = {"plaquette": plaquette(ensemble)}
        rows |= {name: wilson_loop(ensemble, *extents) for name, extents in LOOPS.items()}
        rows |= {"chi_Q": susceptibility(ensemble), "Q": mean_charge(ensemble)}
        results |= labelled(ensemble, rows | chain_checks(ensemble))
    return results
