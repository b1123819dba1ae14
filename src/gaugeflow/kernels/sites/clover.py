"""Clover field strength, its energy density and topological charge."""


@inline
def load_corner(field, size, at, first, second, other, perm, add):
    """Matrix of a neighbour's neighbour, `at` numbers into a block of `size` numbers.

    first           entry of the step away from x
    second, other   entries of the step after it from the two blocks of the first one
    add             row that does both steps at once, -1 where none does
    """
    o = second // SEAMS * size + at
    seam = add[second % SEAMS, first % SEAMS]
    if shortcut(seam >= 0):
        return load_permuted(field, o, beside(o, perm, seam, size), perm, seam)
    row = second % SEAMS
    next_row = other % SEAMS
    p = other // SEAMS * size + at
    q = beside(p, perm, next_row, size)
    return load_twice_permuted(field, o, beside(o, perm, row, size), row, p, q, next_row, perm, first % SEAMS)


@inline
def load_diagonal(u, mu, first, second, other, perm, add):
    """Link mu of a neighbour's neighbour; arguments of `load_corner`."""
    return load_corner(u, BLOCK, mu * MATRIX, first, second, other, perm, add)


@inline
def clover_leaves(u, b, mu, nu, tables):
    """Sum of the four plaquettes around x in the plane (mu, nu), all starting and ending at x."""
    forward, backward, perm, add = tables
    f_mu, f_nu, b_mu, b_nu = forward[b, mu], forward[b, nu], backward[b, mu], backward[b, nu]
    y_mu, y_nu = b_mu // SEAMS, b_nu // SEAMS
    z_mu, z_nu = beside(y_mu, perm, b_mu % SEAMS, 1), beside(y_nu, perm, b_nu % SEAMS, 1)
    u_mu = load(u, b * BLOCK + mu * MATRIX)
    u_nu = load(u, b * BLOCK + nu * MATRIX)
    behind_mu_mu = load_link(u, y_mu * BLOCK + mu * MATRIX, perm, b_mu % SEAMS)
    behind_nu_nu = load_link(u, y_nu * BLOCK + nu * MATRIX, perm, b_nu % SEAMS)
    ahead_mu_nu = load_link(u, f_mu // SEAMS * BLOCK + nu * MATRIX, perm, f_mu % SEAMS)
    ahead_nu_mu = load_link(u, f_nu // SEAMS * BLOCK + mu * MATRIX, perm, f_nu % SEAMS)
    leaves = mul_nd(mul_nn(u_mu, ahead_mu_nu), mul_nn(u_nu, ahead_nu_mu))
    left = mul_nd(u_nu, load_diagonal(u, mu, b_mu, forward[y_mu, nu], forward[z_mu, nu], perm, add))
    back = mul_dn(load_link(u, y_mu * BLOCK + nu * MATRIX, perm, b_mu % SEAMS), behind_mu_mu)
    leaves = mac_nn(leaves, left, back)
    s, t = backward[y_mu, nu], backward[z_mu, nu]
    down = mul_nn(load_diagonal(u, nu, b_mu, s, t, perm, add), behind_mu_mu)
    across = mul_nn(load_diagonal(u, mu, b_mu, s, t, perm, add), behind_nu_nu)
    leaves = mac_dn(leaves, down, across)
    lower = mul_dn(behind_nu_nu, load_link(u, y_nu * BLOCK + mu * MATRIX, perm, b_nu % SEAMS))
    right = mul_nd(load_diagonal(u, nu, b_nu, forward[y_nu, mu], forward[z_nu, mu], perm, add), u_mu)
    return mac_nn(leaves, lower, right)


@inline
def add_energy(sums, at, nu, f):
    """-tr f f of a plane (mu, nu) to the sum over planes without or, behind it, with the last direction."""
    add_exactly(sums, at + nu // (D - 1) * 2 * W, algebra_product(f, f))


@inline
def add_charge(sums, at, f):
    """tr F_xy F_zt - tr F_xz F_yt + tr F_xt F_yz with a minus sign, F of the planes of one block at address f."""
    xy_zt = algebra_product(load_algebra(f, 0), load_algebra(f, 5 * ALGEBRA))
    add_exactly(sums, at + 4 * W, xy_zt)
    xz_yt = algebra_product(load_algebra(f, ALGEBRA), load_algebra(f, 4 * ALGEBRA))
    add_exactly(sums, at + 4 * W, real_negative(xz_yt))
    xt_yz = algebra_product(load_algebra(f, 2 * ALGEBRA), load_algebra(f, 3 * ALGEBRA))
    add_exactly(sums, at + 4 * W, xt_yz)


@kernel
def clover_sums(first, last, lo, hi, u, scratch, rows, columns, keep_trace, sums, blocks, tables):
    """Exact sums over sites, sums[batch][row][E_space, E_time, Q][high, low][lane]; block b adds to row rows[b].

    E: -tr F F of the planes without and with the last direction.  Q (4D): the form of `add_charge`.
    F is the anti-hermitian part of the mean of the four leaves, for SU(N) without its trace unless keep_trace; scratch
    holds the F of one block. columns: sums of a batch, 3 times the number of rows.
    """
    align_stack()
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        for b in range(lo, hi):
            place = own_place(scratch, batch * blocks + b, PLAQUETTES)
            at = (batch * columns + load_word(rows, b) * 3) * 2 * W
            j = 0
            for mu in range(D - 1):
                for nu in range(mu + 1, D):
                    f = with_trace(clover_leaves(ub, b, mu, nu, tables))
                    if keep_trace == 0:
                        f = project(f)
                    f = algebra_scale(0.25, f)
                    store_algebra(place, j * ALGEBRA, f)
                    add_energy(sums, at, nu, f)
                    j += 1
            if D == 4:
                add_charge(sums, at, place)
