"""The CPU target of network layers: site files executed in a namespace for one matrix size, width and precision.

What `targets.cpu` offers, and operations on matrices of single sites, hermitian parts and tiles of real matrices. Cards
compute these layers with torch, so their site files are not among those that become CUDA.
"""

import functools
import sys
import types

import numba
from llvmlite import ir
from numba import types as numba_types

from gaugeflow.kernels.algebra import hermitian
from gaugeflow.kernels.signatures import site_text
from gaugeflow.kernels.targets import cpu, tiles, transposition
from gaugeflow.kernels.targets.cache import JIT, numba_cache, sources_hash
from gaugeflow.kernels.targets.lanes import Lanes, register_type, traced
from gaugeflow.kernels.targets.trace import Real, constant

SITE_FILES = ("conv_bilinear.py", "conv_bilinear_gradient.py")

GROUPS = 4
"""Registers of sites in a block: all of a block's rows then stay in the second-level cache."""

SPILL = 128
"""Blocks after which lane sums join the float64 gradient: a float32 lane adds up 512 N^2 terms."""

PLAN = (
    *("channels", "outputs", "paths", "products", "pairs", "factors", "volume", "padded", "blocks"),
    *("stages", "slots", "together", "together_back"),
    *("own", "part_s", "part_d", "even", "odd", "spare", "mixed_s", "mixed_d"),
    *("own_back", "back_s", "back_d", "part_s_back", "part_d_back"),
)
"""Entries of the table that kernels read their sizes and places from; site files see the names in capitals.

channels, outputs, paths, products    numbers of them, paths without ()
pairs                                 rows of D, (paths + 1) channels;  factors   2 channels + 1
volume, padded, blocks                sites of a lattice, entries of one table of sites, blocks of a lattice
stages, slots                         of the gradient
together, together_back               output channels that are mixed at once
own ..                                places in the scratch of a thread, in numbers
"""


def matrix_operations(n: int, width: int, precision: str) -> dict:
    """Operations that only network layers have."""
    m, a, number = Lanes(2 * n * n, width, precision), Lanes(n * n, width, precision), Lanes(1, width, precision)
    places = hermitian.places_of_one(n)

    def twice_one(builder):
        zero, two = (Real(builder, constant(register_type(a), x)) for x in (0.0, 2.0))
        return [two if k in places else zero for k in range(a.count)]

    def first_lanes(builder, x, count):
        index = ir.Constant(count.value.type, list(range(width)))
        alive, zero = builder.icmp_signed("<", index, count.value), constant(register_type(m), 0.0)
        return [Real(builder, builder.select(alive, y.value, zero)) for y in x]

    def part(function, diagonal):
        return traced(a, (m,), lambda b, x: function(n, x, diagonal))

    def whole(diagonal):
        return traced(m, (a, a), lambda b, s, d: hermitian.joined(n, s, d, diagonal))

    return {
        "gather": transposition.make_gather(m),
        "scatter": transposition.make_scatter(m, False),
        "scatter_add": transposition.make_scatter(m, True),
        "hermitian_once": part(hermitian.hermitian, 1),
        "hermitian_twice": part(hermitian.hermitian, 2),
        "antihermitian_once": part(hermitian.antihermitian, 1),
        "antihermitian_twice": part(hermitian.antihermitian, 2),
        "joined": whole(1),
        "joined_twice": whole(2),
        "twice_one": traced(a, (), twice_one),
        "first_lanes": traced(m, (m, numba_types.int64), first_lanes),
        "matrix_add": traced(m, (m, m), lambda b, x, y: [p + q for p, q in zip(x, y, strict=True)]),
        "mix_tile": tiles.make_mix_tile(number, False),
        "mix_tile_more": tiles.make_mix_tile(number, True),
        "overlap_tile": tiles.make_overlap_tile(number),
        "lane_sum": tiles.make_lane_sum(number),
        "load_number": tiles.make_load_number(precision),
        "store_number": tiles.make_store_number(precision),
        "load_double": tiles.make_load_number("float64"),
        "store_double": tiles.make_store_number("float64"),
    }


def namespace(n: int, width: int, precision: str, *, fields: bool, links: bool) -> dict:
    """Names that the site files of layers see; `fields`, `links`: whether gradients of W and of P are wanted."""
    constants = {name.upper(): k for k, name in enumerate(PLAN)} | {
        "GROUPS": GROUPS,
        "SPILL": SPILL,
        "SITE": 2 * n * n,
        "ROW": GROUPS * n * n * width,
        "MIX_ROWS": tiles.MIX_TILE[0],
        "MIX_COLUMNS": tiles.MIX_TILE[1],
        "OVERLAP_ROWS": tiles.OVERLAP_TILE[0],
        "OVERLAP_COLUMNS": tiles.OVERLAP_TILE[1],
        "FIELDS": fields,
        "LINKS": links,
        "routine": numba.njit(**JIT),
    }
    return cpu.namespace(n, False, 1, width, precision) | matrix_operations(n, width, precision) | constants


@functools.cache
def compiled(n: int, width: int, precision: str, fields: bool = True, links: bool = True) -> types.ModuleType:
    """Module with the kernels of the layers for N x N matrices, forward and with the gradients that are wanted."""
    wanted = "all" if links else "fields" if fields else "weights"
    name = f"gaugeflow_layers_n{n}_w{width}_{precision}_{wanted}_{sources_hash()}"
    module = types.ModuleType(name)
    module.__dict__.update(namespace(n, width, precision, fields=fields, links=links))
    sys.modules[name] = module
    with numba_cache(name):
        for file in SITE_FILES:
            path, text = site_text(file)
            exec(compile(text, path, "exec"), module.__dict__)
    return module
