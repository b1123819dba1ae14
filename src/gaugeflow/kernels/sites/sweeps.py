"""Overrelaxation and heat bath of the links of one direction: one step is a block, or its lanes of one colour.

Plans are those of `kernels.checkerboard`: what is updated at once does not see each other.
"""


@inline
def load_corner_link(u, mu, first, second, other, perm):
    """Link mu of a neighbour's neighbour: `first` steps away from x, `second` and `other` from its two blocks on."""
    row = second % SEAMS
    next_row = other % SEAMS
    o = second // SEAMS * BLOCK + mu * MATRIX
    p = other // SEAMS * BLOCK + mu * MATRIX
    q = beside(p, perm, next_row, BLOCK)
    return load_twice_permuted(u, o, beside(o, perm, row, BLOCK), row, p, q, next_row, perm, first % SEAMS)


@inline
def link_staples(u, b, mu, forward, backward, perm, add, units, k, n, q0, p0):
    """Sum of the staples of U_mu on block b; the step's `n` fetches from `k` on are spread over it."""
    total = matrix_zero()
    s = load_word(forward, b * D + mu)
    seam_s = s % SEAMS
    j = 0
    k0 = k
    for nu in range(D):
        if nu != mu:
            j += 1
            k = fetch(units, k, k0 + n * j // (D - 1), u, u, u, q0, p0)
            t = load_word(forward, b * D + nu)
            r = load_word(backward, b * D + nu)
            y = r // SEAMS
            a = load_word(forward, y * D + mu)
            seam_t = t % SEAMS
            seam_r = r % SEAMS
            seam_a = a % SEAMS
            ahead_mu = s // SEAMS * BLOCK + nu * MATRIX
            ahead_nu = t // SEAMS * BLOCK + mu * MATRIX
            lower = y * BLOCK + mu * MATRIX
            behind = y * BLOCK + nu * MATRIX
            across = a // SEAMS * BLOCK + nu * MATRIX
            here = load(u, b * BLOCK + nu * MATRIX)
            if shortcut((seam_s | seam_t | seam_r | seam_a) == 0):
                total = mac_nd(total, mul_nd(load(u, ahead_mu), load(u, ahead_nu)), here)
                total = mac_dn(total, mul_nn(load(u, lower), load(u, across)), load(u, behind))
            else:
                both = load_word(add, seam_a * SEAMS + seam_r)
                two = beside(0, perm, seam_s, 1) | beside(0, perm, seam_t, 1)
                if shortcut((two | beside(0, perm, seam_r, 1) | beside(0, perm, seam_a, 1) | (both < 0)) == 0):
                    upper = load_permuted(u, ahead_nu, ahead_nu, perm, seam_t)
                    total = mac_nd(total, mul_nd(load_permuted(u, ahead_mu, ahead_mu, perm, seam_s), upper), here)
                    corner = load_permuted(u, across, across, perm, both)
                    down = mul_nn(load_permuted(u, lower, lower, perm, seam_r), corner)
                    total = mac_dn(total, down, load_permuted(u, behind, behind, perm, seam_r))
                else:
                    upper = load_link(u, ahead_nu, perm, seam_t)
                    total = mac_nd(total, mul_nd(load_link(u, ahead_mu, perm, seam_s), upper), here)
                    z = beside(y, perm, seam_r, 1)
                    corner = load_corner_link(u, nu, r, a, load_word(forward, z * D + mu), perm)
                    down = mul_nn(load_link(u, lower, perm, seam_r), corner)
                    total = mac_dn(total, down, load_link(u, behind, perm, seam_r))
    return total


@kernel
def overrelax(first, last, part, u, mu, colours, blocks, tables, plan):
    """U_mu reflected in its SU(2) subgroups and phases: Re tr U_mu(x) S(x) stays.

    colours   [block][lane] colour of every lane
    """
    align_stack()
    start, steps, rows, slots_of, fetch_start, fetch_units, q0, p0 = plan
    ahead_at, behind_at = tables[0].ctypes.data, tables[1].ctypes.data
    perm_at, add_at = tables[2], tables[3].ctypes.data
    units = fetch_units.ctypes.data
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        for i in range(start[part], start[part + 1]):
            step = steps[i]
            b = step
            if step < 0:
                b = ~step // COLOURS
            k = fetch_start[i]
            n = fetch_start[i + 1] - k
            o = b * BLOCK + mu * MATRIX
            staple = link_staples(ub, b, mu, ahead_at, behind_at, perm_at, add_at, units, k, n, q0, p0)
            after = overrelaxed(load(ub, o), staple)
            if step < 0:
                store(ub, o, only_lanes(after, load(ub, o), load_integers(colours, b * W), ~step % COLOURS))
            else:
                store(ub, o, after)


@inline
def heat_subgroup(r, v, i, j, wait, c, sites, chains, trajectory, stream, key0, key1, draw):
    """Rows i and j of R = U S at r and of U at v rotated by a draw from their weight; lanes that do not wait by any."""
    upper = 2 * N * W * i
    lower = 2 * N * W * j
    ii = widened_entry(load_entry(r, upper + 2 * W * i))
    ij = widened_entry(load_entry(r, upper + 2 * W * j))
    ji = widened_entry(load_entry(r, lower + 2 * W * i))
    jj = widened_entry(load_entry(r, lower + 2 * W * j))
    a = quaternion(ii, ij, ji, jj)
    alpha = weight_of(a, c)
    call = draw + FIRST_ATTEMPT
    trial = attempt(wait, alpha, sites, chains, trajectory, stream, key0, key1, call)
    while some_wait(trial):
        call += 2
        trial = attempt(trial, alpha, sites, chains, trajectory, stream, key0, key1, call)
    g = rotation(a, trial, sites, chains, trajectory, stream, key0, key1, draw)
    p = load_row(r, upper)
    q = load_row(r, lower)
    store_row(r, upper, upper_row(g, p, q))
    store_row(r, lower, lower_row(g, p, q))
    s = load_row(v, upper)
    t = load_row(v, lower)
    store_row(v, upper, upper_row(g, s, t))
    store_row(v, lower, lower_row(g, s, t))


@inline
def heat_matrix(r, v, wait, c, sites, chains, trajectory, stream, key0, key1, number):
    """All SU(2) subgroups and phases of U at v in turn, R = U S at r; `number` is the first `draw`."""
    draw = number
    for i in range(N - 1):
        for j in range(i + 1, N):
            heat_subgroup(r, v, i, j, wait, c, sites, chains, trajectory, stream, key0, key1, draw)
            draw += CALLS
    for k in range(PHASES):
        z = widened_entry(load_entry(r, 2 * N * W * k + 2 * W * k))
        turn = phase(z, c, sites, chains, trajectory, stream, key0, key1, draw)
        store_row(v, 2 * N * W * k, turned_row(turn, load_row(v, 2 * N * W * k)))
        draw += CALLS


@kernel
def heatbath(
    first,
    last,
    part,
    u,
    work,
    site,
    chain,
    colours,
    mu,
    c,
    trajectory,
    purpose,
    number,
    key0,
    key1,
    blocks,
    tables,
    plan,
):
    """U_mu drawn from exp(c Re tr U_mu(x) S(x)), one SU(2) subgroup or phase after the other; c = beta / N.

    work      R and U of one block
    number    first `draw` of this sweep, see `algebra.heatbath`
    """
    align_stack()
    start, steps, rows, slots_of, fetch_start, fetch_units, q0, p0 = plan
    ahead_at, behind_at = tables[0].ctypes.data, tables[1].ctypes.data
    perm_at, add_at = tables[2], tables[3].ctypes.data
    units = fetch_units.ctypes.data
    stream = purpose ^ (mu << DIRECTION_SHIFT)
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        chains = load_integers(chain, batch * W)
        for i in range(start[part], start[part + 1]):
            step = steps[i]
            b = step
            if step < 0:
                b = ~step // COLOURS
            k = fetch_start[i]
            n = fetch_start[i + 1] - k
            o = b * BLOCK + mu * MATRIX
            sites = load_integers(site, b * W)
            staple = link_staples(ub, b, mu, ahead_at, behind_at, perm_at, add_at, units, k, n, q0, p0)
            before = load(ub, o)
            r = own_place(work, batch * blocks + b, 2 * MATRIX)
            v = r + REAL_BYTES * MATRIX
            store(r, 0, mul_nn(before, staple))
            store(v, 0, before)
            wait = all_wait()
            if step < 0:
                wait = lanes_wait(load_integers(colours, b * W), ~step % COLOURS)
            heat_matrix(r, v, wait, c, sites, chains, trajectory, stream, key0, key1, number)
            if step < 0:
                store(ub, o, only_lanes(load(v, 0), load(ub, o), load_integers(colours, b * W), ~step % COLOURS))
            else:
                store(ub, o, load(v, 0))
