"""4D SU(3): plaquette and small loops, Polyakov loop, t0 and w0 by the Wilson flow; health of the chains."""

from gaugeflow.analysis.observables import chain_checks, labelled, plaquette, polyakov_modulus, wilson_loop
from gaugeflow.analysis.scales import t0, w0

SCALE_SETTING_BETA = 5.7
"""t0 is read off here only: at larger beta sqrt(8 t0) would exceed half of an 8^4 lattice."""


def analyse(data):
    """Estimates `<ensemble>/<observable>`; t0 / a^2 and w0 / a with the clover and the plaquette energy."""
    results = {}
    for ensemble in data:
        rows = {"plaquette": plaquette(ensemble)}
        rows |= {"W(1x2)": wilson_loop(ensemble, 1, 2), "W(2x2)": wilson_loop(ensemble, 2, 2)}
        rows |= {"|L|": polyakov_modulus(ensemble)}
        if ensemble.flowed and ensemble.spec.beta == SCALE_SETTING_BETA:
            rows |= {"t0_clover": t0(ensemble), "t0_plaquette": t0(ensemble, "energy_plaquette")}
            rows |= {"w0_clover": w0(ensemble)}
        results |= labelled(ensemble, rows | chain_checks(ensemble))
    return results
