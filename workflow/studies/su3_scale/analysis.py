"""4D SU(3) at beta 6.0: plaquette, t0, w0, chi_Q along the flow, V(R) from smeared loops and r0; chain checks."""

from gaugeflow.analysis.observables import chain_checks, labelled, plaquette, polyakov_modulus
from gaugeflow.analysis.potential import static_potential
from gaugeflow.analysis.scales import at_flow_time, scale_table, sqrt_8t0_over_r0, t0, w0

PLATEAU = {"full": (3, 5), "tiny": (2, 3)}
"""T / a over which V_eff(R, T) is averaged; chosen where the smearing levels agree."""

CHARGE_TIME = {"full": 3.0, "tiny": 0.8}
"""t / a^2 at which charge and energy are read off: sqrt(8 t) about 5 a; the volumes are compared there."""


def analyse(data):
    """Estimates `<ensemble>/<observable>`."""
    results = {}
    for ensemble in data:
        time, (first, last) = CHARGE_TIME[data.scale], PLATEAU[data.scale]
        rows = {"plaquette": plaquette(ensemble), "|L|": polyakov_modulus(ensemble)}
        rows |= {"t0": t0(ensemble), "w0": w0(ensemble)}
        energy = time**2 * ensemble.flow_series("energy_clover")
        rows |= {f"t^2E({time:g})": at_flow_time(ensemble, energy, time)}
        charge = ensemble.flow_series("charge_improved")
        rows |= {"chi_Q": at_flow_time(ensemble, charge**2 / ensemble.volume, time)}
        level = ensemble.series("loops_smeared").shape[2] - 1
        potential = static_potential(ensemble, (first, last), level=level)
        rows |= {f"V({r})": value for r, value in potential.values.items()}
        if len(potential.values) > 2:
            rows |= {"r0": potential.r0()}
            rows |= {"sqrt(8t0)/r0": sqrt_8t0_over_r0(rows["t0"], rows["r0"])}
        results |= labelled(ensemble, rows | chain_checks(ensemble))
        results[f"{ensemble.label}/potential"] = potential
        thresholds = sorted({ensemble.settings.t0_threshold, ensemble.settings.w0_threshold})
        results[f"{ensemble.label}/scales"] = scale_table(ensemble, thresholds, ("energy_clover", "energy_plaquette"))
    return results
