"""L-CNN and CNN by target and lattice: MSE over seeds, ratios, volume, gauge; loops of the data; figures of merit."""

from gaugeflow.analysis.equivariance_report import accuracy_per_weight, learning_curves, networks_of, report_table
from gaugeflow.analysis.observables import plaquette_and_loops
from gaugeflow.analysis.regression import (
    against_volume,
    fragility,
    gauge_spread,
    in_another_gauge,
    log_volume_ratio,
    over,
    over_mean_predictor,
    predicted_against_true,
    size_name,
    squared_errors,
)


def analyse(data):
    """`<ensemble>/<loop>` of the data, `<network>/<lattice>/<number>` of networks; figures and the report's table."""
    results = {}
    for ensemble in data:
        results |= {f"{ensemble.label}/{name}": value for name, value in plaquette_and_loops(ensemble).items()}
    if not data.models:
        return results
    networks = networks_of(data.models)
    for models in networks:
        results |= {f"{models[0].label}/{name}": value for name, value in numbers(models, networks).items()}
    for key, group in by_target(networks).items():
        smallest = group[0][0].lattices()[0]
        results[f"mse_against_volume/{key}"] = against_volume(key, group)
        title = f"{key}, {size_name(smallest)}"
        results[f"predicted_against_true/{key}"] = predicted_against_true(title, group, smallest)
        results[f"in_another_gauge/{key}"] = in_another_gauge(title, group, smallest)
    results |= learning_curves(data.models)
    results["accuracy_per_weight"] = accuracy_per_weight(data.models)
    results["equivariance_report"] = report_table(data.models)
    return results


def numbers(models, networks):
    """Estimates of one network, on every lattice and between the smallest and a large one."""
    found = squared_errors(models)
    lattices = models[0].lattices()
    smallest = lattices[0]
    small = size_name(smallest)
    found[f"{small}/over_mean"] = over_mean_predictor(models, smallest)
    found[f"{small}/gauge_spread"] = gauge_spread(models, smallest)
    found[f"{small}/spread_over_error"] = fragility(models, smallest)
    large = next((extents for extents in lattices if extents == (32, 32)), lattices[-1])
    if large != smallest:
        found[f"log10_{size_name(large)}_over_{small}"] = log_volume_ratio(models, smallest, large)
    for baseline in networks:
        if plain_twin(models[0], baseline[0]):
            found[f"{small}/over_cnn"] = over(models, baseline, smallest)
    return found


def plain_twin(model, other):
    """Whether the other is the CNN for the same target that was trained on the same configurations."""
    keys = ("target", "group", "ndim", "trained_on", "configurations")
    return model.kind == "lcnn" and other.kind == "cnn" and all(getattr(model, k) == getattr(other, k) for k in keys)


def by_target(networks):
    """'w1x2 SU2 2D' -> networks for it."""
    found = {}
    for models in networks:
        first = models[0]
        found.setdefault(f"{first.target}_{first.group}_{first.ndim}D", []).append(models)
    return found
