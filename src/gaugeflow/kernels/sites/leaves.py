"""Field strength from m x n leaves, whose sides are lines of links; what lies far away is carried here step by step.

An element field holds one algebra element per site, with its trace; a field strength one per site and plane.
"""


@kernel
def corner_leaves(first, last, lo, hi, side, up, left, top, leaf1, leaf2, leaf3, leaf4, blocks):
    """Anti-hermitian parts, trace kept, of the rectangle side up (left top)^dagger seen from each of its corners.

    leaf1(x), leaf2(x + m mu), leaf3(x + m mu + n nu), leaf4(x + n nu) are stored at x; all run from +mu to +nu.
    """
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            o = (batch * blocks + b) * MATRIX
            e = (batch * blocks + b) * ALGEBRA
            path = mul_nn(load(side, o), load(up, o))
            back = mul_nn(load(left, o), load(top, o))
            store_algebra(leaf1, e, algebra_scale(0.5, twice_antihermitian_nd(path, back)))
            turned = mul_nn(mul_nd(load(up, o), back), load(side, o))
            store_algebra(leaf2, e, with_trace(turned))
            across = mul_dn(load(left, o), path)
            store_algebra(leaf3, e, with_trace(mul_dn(load(top, o), across)))
            store_algebra(leaf4, e, algebra_scale(0.5, twice_antihermitian_nd(across, load(top, o))))


@kernel
def carry_element(first, last, lo, hi, element, carried, mu, blocks, tables):
    """carried(x) = element(x - mu)."""
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        for b in range(lo, hi):
            s = backward[b, mu]
            y = (batch * blocks + s // SEAMS) * ALGEBRA
            behind = load_algebra_permuted(element, y, beside(y, perm, s % SEAMS, ALGEBRA), perm, s % SEAMS)
            store_algebra(carried, (batch * blocks + b) * ALGEBRA, behind)


@kernel
def add_leaves(first, last, lo, hi, leaf1, leaf2, leaf3, leaf4, f, plane, c, d, blocks):
    """f[plane] <- d f[plane] + c (leaf1 + leaf2 + leaf3 + leaf4)."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            e = (batch * blocks + b) * ALGEBRA
            o = e * PLANES + plane * ALGEBRA
            upper = algebra_add(load_algebra(leaf1, e), load_algebra(leaf2, e))
            lower = algebra_add(load_algebra(leaf3, e), load_algebra(leaf4, e))
            store_algebra(f, o, algebra_update(d, load_algebra(f, o), c, algebra_add(upper, lower)))


@kernel
def field_strength_sums(first, last, lo, hi, f, scratch, rows, columns, keep_trace, sums, blocks):
    """Exact sums of a field strength, see `clover_sums`; the trace is removed here unless keep_trace."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            place = own_place(scratch, batch * blocks + b, PLAQUETTES)
            at = (batch * columns + load_word(rows, b) * 3) * 2 * W
            j = 0
            for mu in range(D - 1):
                for nu in range(mu + 1, D):
                    g = load_algebra(f, (batch * blocks + b) * PLAQUETTES + j * ALGEBRA)
                    if keep_trace == 0:
                        g = project(g)
                    store_algebra(place, j * ALGEBRA, g)
                    add_energy(sums, at, nu, g)
                    j += 1
            if D == 4:
                add_charge(sums, at, place)
