"""Clover field strength, its energy density and topological charge."""


@inline
def load_corner(field, place, size, first, second, other, perm, add):
    """Matrix of a neighbour's neighbour, at `place` of its block of a field with `size` reals per block.

    first           entry of the step away from x
    second, other   entries of the step after it from the two blocks of the first one
    add             row that does both steps at once, -1 where none does
    """
    o = second // SEAMS * size + place
    seam = add[second % SEAMS, first % SEAMS]
    if shortcut(seam >= 0):
        return load_permuted(field, o, beside(o, perm, seam, size), perm, seam)
    row = second % SEAMS
    next_row = other % SEAMS
    p = other // SEAMS * size + place
    q = beside(p, perm, next_row, size)
    return load_twice_permuted(field, o, beside(o, perm, row, size), row, p, q, next_row, perm, first % SEAMS)


@inline
def load_diagonal(u, mu, first, second, other, perm, add):
    """Link mu of a neighbour's neighbour; the steps as in `load_corner`."""
    return load_corner(u, mu * MATRIX, BLOCK, first, second, other, perm, add)


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


@kernel
def clover_sums(first, last, lo, hi, u, scratch, sums, blocks, tables):
    """Exact sums over sites, sums[batch][E, Q][high, low][lane].

    E: sum_{mu<nu} -tr F F.  Q (4D): tr F_xy F_zt - tr F_xz F_yt + tr F_xt F_yz with a minus sign, without 1 / 4 pi^2.
    F is the projected mean of the four leaves; scratch holds the F of one block.
    """
    align_stack()
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        for b in range(lo, hi):
            place = own_place(scratch, batch * blocks + b, PLAQUETTES)
            j = 0
            for mu in range(D - 1):
                for nu in range(mu + 1, D):
                    f = algebra_scale(0.25, antihermitian_part(clover_leaves(ub, b, mu, nu, tables)))
                    store_algebra(place, j * ALGEBRA, f)
                    add_exactly(sums, batch * 4 * W, algebra_product(f, f))
                    j += 1
            if D == 4:
                xy_zt = algebra_product(load_algebra(place, 0), load_algebra(place, 5 * ALGEBRA))
                add_exactly(sums, (batch * 4 + 2) * W, xy_zt)
                xz_yt = algebra_product(load_algebra(place, ALGEBRA), load_algebra(place, 4 * ALGEBRA))
                add_exactly(sums, (batch * 4 + 2) * W, real_negative(xz_yt))
                xt_yz = algebra_product(load_algebra(place, 2 * ALGEBRA), load_algebra(place, 3 * ALGEBRA))
                add_exactly(sums, (batch * 4 + 2) * W, xt_yz)
