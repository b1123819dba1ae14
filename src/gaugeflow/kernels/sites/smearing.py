"""Smearing: staples of any two fields of lines, the nearest group element, and what a stout step is the drift of.

A line field holds one matrix per site, so links that are themselves smeared may be the sides of staples.
"""


@inline
def load_ahead(line, step, perm):
    """Matrix of a line field at the site to which an entry of a neighbour table leads."""
    o = step // SEAMS * MATRIX
    return load_permuted(line, o, beside(o, perm, step % SEAMS, MATRIX), perm, step % SEAMS)


@kernel
def add_staples(first, last, lo, hi, side, top, out, mu, nu, c, blocks, tables):
    """out(x) = c out(x) + A(x) B(x+nu) A(x+mu)^dagger + A(x-nu)^dagger B(x-nu) A(x-nu+mu), A = side, B = top."""
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        start = REAL_BYTES * batch * blocks * MATRIX
        for b in range(lo, hi):
            r = backward[b, nu]
            y = r // SEAMS
            z = beside(y, perm, r % SEAMS, 1)
            across = load_corner(side + start, MATRIX, 0, r, forward[y, mu], forward[z, mu], perm, add)
            lower = mul_nn(load_ahead(top + start, r, perm), across)
            total = mul_dn(load_ahead(side + start, r, perm), lower)
            upper = mul_nn(load(side + start, b * MATRIX), load_ahead(top + start, forward[b, nu], perm))
            total = mac_nd(total, upper, load_ahead(side + start, forward[b, mu], perm))
            store(out + start, b * MATRIX, matrix_combination(c, load(out + start, b * MATRIX), 1.0, total))


@kernel
def project_line(first, last, lo, hi, line, top, out, worst, c, d, sweeps, blocks):
    """out(x) = the group element X with the largest Re tr X^dagger M, M = c line(x) + d top(x), searched from line(x).

    worst[batch][lane] = largest relative distance from a maximum that is left after at most `sweeps` sweeps.
    """
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            o = (batch * blocks + b) * MATRIX
            here = load(line, o)
            search = search_start(here, matrix_combination(c, here, d, load(top, o)))
            for _ in range(sweeps):
                if search_settled(search):
                    break
                search = search_sweep(search)
            raise_to(worst, batch * W, search_distance(search))
            store(out, o, search_point(search))


@kernel
def staple_momenta(first, last, lo, hi, u, line, p, c, mu, blocks):
    """P_mu(x) = c P(U_mu(x) line(x)^dagger), P the group's projection; other directions stay."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            o = batch * blocks + b
            loop = mul_nd(load(u, o * BLOCK + mu * MATRIX), load(line, o * MATRIX))
            store_algebra(p, o * MOMENTA + mu * ALGEBRA, algebra_scale(c, antihermitian_part(loop)))


@kernel
def put_links(first, last, lo, hi, line, u, mu, blocks):
    """U_mu(x) = line(x)."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            o = batch * blocks + b
            store(u, o * BLOCK + mu * MATRIX, load(line, o * MATRIX))
