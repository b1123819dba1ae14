"""4D SU(2): plaquette, Creutz ratios from bare and smeared loops, Polyakov loop; health of the chains."""

from gaugeflow.analysis.observables import chain_checks, labelled, plaquette, polyakov_modulus
from gaugeflow.analysis.potential import creutz_ratio, loop_estimates


def analyse(data):
    """Estimates `<ensemble>/<observable>`; chi(2,2) from bare loops and from loops smeared along space."""
    results = {}
    for ensemble in data:
        last = ensemble.series("loops_smeared").shape[2] - 1
        rows = {"plaquette": plaquette(ensemble), "|L|": polyakov_modulus(ensemble)}
        rows |= {"chi(2,2)": creutz_ratio(loop_estimates(ensemble), 2, 2)}
        rows |= {"chi(2,2)_smeared": creutz_ratio(loop_estimates(ensemble, last), 2, 2)}
        results |= labelled(ensemble, rows | chain_checks(ensemble))
    return results
