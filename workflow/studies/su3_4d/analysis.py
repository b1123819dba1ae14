"""4D SU(3): plaquette and small loops, Polyakov loop, static potential, t0 and w0 along several flows; chain checks."""

from gaugeflow.analysis.observables import chain_checks, labelled, plaquette, polyakov_modulus, wilson_loop
from gaugeflow.analysis.potential import loop_estimates, static_potential
from gaugeflow.analysis.scales import t0, w0

SCALE_SETTING_BETA = 5.7
"""t0 is read off here only: at larger beta sqrt(8 t0) would exceed half of an 8^4 lattice."""


def analyse(data):
    """Estimates `<ensemble>/<observable>`; t0 / a^2 and w0 / a along every flow with the clover energy.

    V(R) is the effective mass at the largest T from loops smeared along space: an upper bound on these short lattices.
    """
    results = {}
    for ensemble in data:
        rows = {"plaquette": plaquette(ensemble)}
        rows |= {"W(1x2)": wilson_loop(ensemble, 1, 2), "W(2x2)": wilson_loop(ensemble, 2, 2)}
        rows |= {"|L|": polyakov_modulus(ensemble)}
        if ensemble.flows and ensemble.spec.beta == SCALE_SETTING_BETA:
            rows |= {"t0_plaquette": t0(ensemble, "energy_plaquette")}
            for kind in ensemble.flows:
                suffix = "" if kind == "wilson" else f"_{kind}"
                along = ensemble.along(kind)
                rows |= {f"t0_clover{suffix}": t0(along), f"w0_clover{suffix}": w0(along)}
        potential = potential_of(ensemble)
        rows |= {f"V({r})": value for r, value in potential.values.items()}
        results |= labelled(ensemble, rows | chain_checks(ensemble))
        results[f"{ensemble.label}/potential"] = potential
    return results


def potential_of(ensemble):
    """V(R) from the last two loops in time of the last smearing level."""
    level, max_t = ensemble.series("loops_smeared").shape[2] - 1, ensemble.series("loops_smeared").shape[4]
    largest = max(r for r, _ in loop_estimates(ensemble, level))
    return static_potential(ensemble, dict.fromkeys(range(1, largest + 1), (max_t - 1, max_t - 1)), level=level)
