"""Register transposition: matrices of W sites, each contiguous in memory, to and from registers of W lanes.

Site s of a group is number table[first + s]; its matrix lies at site * 2 N^2 numbers behind an address. The matrix is
cut into pieces of a power of two of numbers, between 2 and W. The pieces of all sites are put side by side in full
registers, and these are sorted by halves: one step per bit of the number that a register shall end up with.
"""

import functools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from gaugeflow.kernels.targets.lanes import WORD, _pointer, pack, unpack
from gaugeflow.kernels.targets.trace import ELEMENT_BYTES, I32, I64, Real, lanes_type


def _pieces(numbers, width):
    """(first, length) of the pieces of a matrix."""
    first, length = 0, width
    while first < numbers:
        while length > numbers - first:
            length //= 2
        yield first, length
        first += length


def _picked(builder, x, y, lanes):
    mask = ir.Constant(ir.VectorType(I32, len(lanes)), lanes)
    return builder.shuffle_vector(x, y, mask)


def _side_by_side(builder, rows, width):
    """Short registers joined in pairs until they are full: [(register, labels)]."""
    while len(rows[0][1]) < width:
        rows = [
            (_picked(builder, x, y, list(range(2 * len(a)))), a + b)
            for (x, a), (y, b) in zip(rows[::2], rows[1::2], strict=True)
        ]
    return rows


def _sorted_by(builder, registers, key):
    """Registers whose lanes all have one key, in its order; keys 0 .. len(registers) - 1, labels in order inside."""
    half = len(registers) // 2
    while half:
        small, large = [], []
        for (x, a), (y, b) in zip(registers[::2], registers[1::2], strict=True):
            labels = a + b
            for out, bit in ((small, 0), (large, half)):
                lanes = sorted(
                    (k for k, label in enumerate(labels) if key(label) & half == bit), key=labels.__getitem__
                )
                out.append((_picked(builder, x, y, lanes), [labels[k] for k in lanes]))
        registers, half = small + large, half // 2  # neighbours again share their range of keys
    return sorted(registers, key=lambda register: key(register[1][0]))


def _site_pointers(builder, t, address, table, first):
    numbers, size = t.count, ELEMENT_BYTES[t.element]
    out = []
    for lane in range(t.width):
        site = builder.load(_pointer(builder, WORD, table, builder.add(first, I64(lane))), align=8)
        out.append(builder.add(address, builder.mul(site, I64(numbers * size))))
    return out


def _piece_pointer(builder, t, site, first, length):
    place = builder.add(site, I64(first * ELEMENT_BYTES[t.element]))
    return builder.inttoptr(place, lanes_type(t.llvm_element, length).as_pointer())


@functools.cache
def make_gather(t):
    """gather(address, table, first): matrices of sites table[first] .. table[first + W - 1] as registers of type t."""
    size = ELEMENT_BYTES[t.element]

    @intrinsic
    def gather(typing, address, table, first):
        def generate(context, builder, signature, a):
            out = [None] * t.count
            sites = _site_pointers(builder, t, *a)
            for start, length in _pieces(t.count, t.width):
                rows = []
                for s, site in enumerate(sites):
                    value = builder.load(_piece_pointer(builder, t, site, start, length), align=size)
                    rows.append((value, [(s, k) for k in range(length)]))
                full = _side_by_side(builder, rows, t.width)
                for value, labels in _sorted_by(builder, full, lambda label: label[1]):
                    out[start + labels[0][1]] = Real(builder, value)
            return pack(builder, t, out)

        return t(types.int64, types.int64, types.int64), generate

    return gather


@functools.cache
def make_scatter(t, add):
    """scatter(address, table, first, m): registers to the matrices of W different sites; `add`: added to them."""
    size = ELEMENT_BYTES[t.element]

    @intrinsic
    def scatter(typing, address, table, first, m):
        def generate(context, builder, signature, a):
            values = unpack(builder, t, a[3])
            sites = _site_pointers(builder, t, *a[:3])
            for start, length in _pieces(t.count, t.width):
                together = t.width // length  # sites in one sorted register
                registers = [(values[start + k].value, [(s, k) for s in range(t.width)]) for k in range(length)]
                by_site = _sorted_by(builder, registers, lambda label, n=together: label[0] // n)
                for value, labels in by_site:
                    for s in dict.fromkeys(site for site, _ in labels):
                        lanes = [k for k, label in enumerate(labels) if label[0] == s]
                        row = value if len(lanes) == t.width else _picked(builder, value, value, lanes)
                        pointer = _piece_pointer(builder, t, sites[s], start, length)
                        if add:
                            row = builder.fadd(builder.load(pointer, align=size), row)
                        builder.store(row, pointer, align=size)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64, t), generate

    return scatter
