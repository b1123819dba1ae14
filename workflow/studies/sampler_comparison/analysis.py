"""Samplers side by side: the same observables from every sampler, tau_int and what an independent measurement costs."""

from gaugeflow.analysis.efficiency import sampler_table
from gaugeflow.analysis.observables import chain_checks, labelled, plaquette, susceptibility, wilson_loop
from gaugeflow.stats.estimate import derive


def analyse(data):
    """Estimates `<ensemble>/<observable>`, and the table of samplers."""
    results, tabulated = {}, {"plaquette": {}, "W(4)": {}, "Q^2": {}}
    for ensemble in data:
        rows = {"plaquette": plaquette(ensemble), "W(4)": wilson_loop(ensemble, 2, 2)}
        tabulated["plaquette"][ensemble.label] = rows["plaquette"]
        tabulated["W(4)"][ensemble.label] = rows["W(4)"]
        if ensemble.spec.group == "U1":
            rows |= {"chi_Q": susceptibility(ensemble)}
            tabulated["Q^2"][ensemble.label] = rows["chi_Q"]
        results |= labelled(ensemble, rows | chain_checks(ensemble))
    results |= langevin_without_step(data)
    results["samplers"] = sampler_table({ensemble.label: ensemble for ensemble in data}, tabulated)
    return results


def langevin_without_step(data):
    """<label of the finer step>/plaquette(0): the linear extrapolation of two Langevin ensembles to step 0."""
    steps = sorted((e for e in data if e.spec.sampler.kind == "langevin"), key=lambda e: e.spec.sampler.step)
    fine, coarse = steps
    a, b = fine.spec.sampler.step, coarse.spec.sampler.step
    value = derive(lambda f, c: (b * f - a * c) / (b - a), plaquette(fine), plaquette(coarse))
    return labelled(fine, {"plaquette(0)": value})
