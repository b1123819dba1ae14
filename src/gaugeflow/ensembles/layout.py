"""Does a file hold what its kind's table asks for?  Pure comparison of names, dtypes and shapes; no HDF5 here."""

from gaugeflow.ensembles.schema import KINDS, Entry, Kind


def layout_problems(kind: str, datasets: dict[str, tuple[str, tuple[int, ...]]], attributes: dict) -> list[str]:
    """Everything in which a file differs from the layout of `kind`, one sentence each; empty if nothing.

    datasets    name -> (dtype string, shape) of every dataset of the file
    attributes  name -> value of every root attribute
    """
    table = KINDS[kind]
    problems = _attribute_problems(table, attributes)
    problems += [f"dataset {n} is missing" for n, e in table.datasets.items() if e.required and n not in datasets]
    sizes: dict[str, int] = {}
    for name, (dtype, shape) in sorted(datasets.items()):
        entry = table.datasets.get(name)
        if entry is None and table.extra is None:
            problems.append(f"dataset {name} is not part of a file of kind {kind}")
        elif entry is None:
            problems += _axis_problems(name, table.extra, shape[: len(table.extra)], sizes)
        else:
            problems += _dtype_problems(name, entry, dtype) + _axis_problems(name, entry.axes, shape, sizes)
    return problems


def _attribute_problems(table: Kind, attributes: dict) -> list[str]:
    problems = []
    for name, wanted in table.root_attributes.items():
        if name not in attributes:
            problems.append(f"attribute {name} is missing")
        elif not isinstance(attributes[name], wanted):
            problems.append(f"attribute {name} is {type(attributes[name]).__name__}, wanted {wanted.__name__}")
    return problems


def _dtype_problems(name: str, entry: Entry, dtype: str) -> list[str]:
    return [] if dtype == entry.dtype else [f"dataset {name} has dtype {dtype}, wanted {entry.dtype}"]


def _axis_problems(name: str, axes: tuple[str, ...], shape: tuple[int, ...], sizes: dict[str, int]) -> list[str]:
    """Bind axis names to sizes; the same name must have the same size in the whole file."""
    if "*sites" in axes:
        at = axes.index("*sites")
        behind = len(axes) - at - 1
        ndim = len(shape) - len(axes) + 1
        if ndim not in (2, 3, 4) or shape[len(shape) - behind] != ndim:
            return [f"dataset {name} has shape {shape}, wanted {axes} with D = number of site axes, 2 to 4"]
        axes = axes[:at] + tuple(f"site axis {i} of {ndim}" for i in range(ndim)) + axes[at + 1 :]
    if len(shape) != len(axes):
        return [f"dataset {name} has shape {shape}, wanted axes {axes}"]
    return [
        f"dataset {name} has {size} along {axis}, other datasets have {sizes[axis]}"
        for axis, size in zip(axes, shape, strict=True)
        if sizes.setdefault(axis, size) != size
    ]
