"""Clover field strength, its energy density and topological charge."""


@inline
def clover_leaves(u, b, mu, nu, tables):
    """Sum of the four plaquettes around x in the plane (mu, nu), all starting and ending at x."""
    forward, backward, perm, add = tables
    f_mu, f_nu, b_mu, b_nu = forward[b, mu], forward[b, nu], backward[b, mu], backward[b, nu]
    y_mu, y_nu = b_mu // W, b_nu // W
    s = forward[y_mu, nu]
    mu_behind_nu_ahead, seam_left = s // W, add[s % W, b_mu % W]
    s = backward[y_mu, nu]
    both_behind, seam_both = s // W, add[s % W, b_mu % W]
    s = forward[y_nu, mu]
    nu_behind_mu_ahead, seam_right = s // W, add[s % W, b_nu % W]
    u_mu = load(u, b * BLOCK + mu * MATRIX)
    u_nu = load(u, b * BLOCK + nu * MATRIX)
    behind_mu_mu = load_permuted(u, y_mu * BLOCK + mu * MATRIX, perm, b_mu % W)
    behind_nu_nu = load_permuted(u, y_nu * BLOCK + nu * MATRIX, perm, b_nu % W)
    ahead_mu_nu = load_permuted(u, f_mu // W * BLOCK + nu * MATRIX, perm, f_mu % W)
    ahead_nu_mu = load_permuted(u, f_nu // W * BLOCK + mu * MATRIX, perm, f_nu % W)
    leaves = mul_nd(mul_nn(u_mu, ahead_mu_nu), mul_nn(u_nu, ahead_nu_mu))
    left = mul_nd(u_nu, load_permuted(u, mu_behind_nu_ahead * BLOCK + mu * MATRIX, perm, seam_left))
    back = mul_dn(load_permuted(u, y_mu * BLOCK + nu * MATRIX, perm, b_mu % W), behind_mu_mu)
    leaves = mac_nn(leaves, left, back)
    down = mul_nn(load_permuted(u, both_behind * BLOCK + nu * MATRIX, perm, seam_both), behind_mu_mu)
    across = mul_nn(load_permuted(u, both_behind * BLOCK + mu * MATRIX, perm, seam_both), behind_nu_nu)
    leaves = mac_dn(leaves, down, across)
    lower = mul_dn(behind_nu_nu, load_permuted(u, y_nu * BLOCK + mu * MATRIX, perm, b_nu % W))
    right = mul_nd(load_permuted(u, nu_behind_mu_ahead * BLOCK + nu * MATRIX, perm, seam_right), u_mu)
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
                xy = load_algebra(place, 0)
                xz = load_algebra(place, ALGEBRA)
                xt = load_algebra(place, 2 * ALGEBRA)
                yz = load_algebra(place, 3 * ALGEBRA)
                yt = load_algebra(place, 4 * ALGEBRA)
                zt = load_algebra(place, 5 * ALGEBRA)
                add_exactly(sums, (batch * 4 + 2) * W, algebra_product(xy, zt))
                add_exactly(sums, (batch * 4 + 2) * W, real_negative(algebra_product(xz, yt)))
                add_exactly(sums, (batch * 4 + 2) * W, algebra_product(xt, yz))
