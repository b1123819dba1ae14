"""Staples: what a link is multiplied with to close its plaquettes."""


@kernel
def staples(first, last, lo, hi, u, out, mu, blocks, tables):
    """out(x) = sum over nu != mu of the two paths from x + mu back to x that close a plaquette with U_mu(x)."""
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        for b in range(lo, hi):
            s = forward[b, mu]
            total = matrix_zero()
            for nu in range(D):
                if nu != mu:
                    t = forward[b, nu]
                    ahead_mu = load_link(ub, s // SEAMS * BLOCK + nu * MATRIX, perm, s % SEAMS)
                    ahead_nu = load_link(ub, t // SEAMS * BLOCK + mu * MATRIX, perm, t % SEAMS)
                    total = mac_nd(total, mul_nd(ahead_mu, ahead_nu), load(ub, b * BLOCK + nu * MATRIX))
                    r = backward[b, nu]
                    y = r // SEAMS
                    z = beside(y, perm, r % SEAMS, 1)
                    behind = load_link(ub, y * BLOCK + nu * MATRIX, perm, r % SEAMS)
                    lower = load_link(ub, y * BLOCK + mu * MATRIX, perm, r % SEAMS)
                    across = load_diagonal(ub, nu, r, forward[y, mu], forward[z, mu], perm, add)
                    total = mac_dn(total, mul_nn(lower, across), behind)
            store(out, (batch * blocks + b) * MATRIX, total)
