"""Wilson force from plaquettes computed once, and the link update.

Site functions get the addresses of tables: arrays that reach them through a branch would be reference counted there.
"""


@inline
def beside(offset, perm, seam, size):
    """Offset of the second block of a seam; `size` reals per block."""
    return offset + load_word(perm, seam * 2 * W + W) * size


@inline
def load_link(u, offset, perm, seam):
    """Link of a neighbour across a seam."""
    return load_permuted(u, offset, beside(offset, perm, seam, BLOCK), perm, seam)


@inline
def fetch(units, k, end, links, slots, momenta, q0, p0):
    """Prefetch words[k:end] of the plan at address `units`; the others are the addresses of unit 0 of each kind.

    The low half of a word is a unit that the next step needs, the high half one that a later step needs from memory.
    """
    while k < end:
        word = load_word(units, k)
        near = word & 0xFFFFFFFF
        far = word >> 32
        prefetch((links if near < q0 else (slots if near < p0 else momenta)) + near * UNIT_BYTES)
        prefetch_far((links if far < q0 else (slots if far < p0 else momenta)) + far * UNIT_BYTES)
        k += 1
    return k


@inline
def plaquettes(u, q, b, o, forward, perm, units, k, n, links, slots, momenta, q0, p0):
    """q[plane] = U_mu(x) U_nu(x+mu) (U_nu(x) U_mu(x+nu))^dagger - h.c. for all planes of block b."""
    j = 0
    k0 = k
    for mu in range(D - 1):
        s = load_word(forward, b * D + mu)
        seam_mu = s % SEAMS
        ahead_mu = s // SEAMS * BLOCK
        for nu in range(mu + 1, D):
            j += 1
            k = fetch(units, k, k0 + n * j // PLANES, links, slots, momenta, q0, p0)
            if mine(j):
                s = load_word(forward, b * D + nu)
                seam_nu = s % SEAMS
                ahead_nu = s // SEAMS * BLOCK
                here_mu = load(u, b * BLOCK + mu * MATRIX)
                here_nu = load(u, b * BLOCK + nu * MATRIX)
                if (seam_mu | seam_nu) == 0:
                    first = mul_nn(here_mu, load(u, ahead_mu + nu * MATRIX))
                    second = mul_nn(here_nu, load(u, ahead_nu + mu * MATRIX))
                    store_algebra(q, o, twice_antihermitian_nd(first, second))
                elif (beside(0, perm, seam_mu, 1) | beside(0, perm, seam_nu, 1)) == 0:
                    o_mu = ahead_mu + nu * MATRIX
                    o_nu = ahead_nu + mu * MATRIX
                    first = mul_nn(here_mu, load_permuted(u, o_mu, o_mu, perm, seam_mu))
                    second = mul_nn(here_nu, load_permuted(u, o_nu, o_nu, perm, seam_nu))
                    store_algebra(q, o, twice_antihermitian_nd(first, second))
                else:
                    first = mul_nn(here_mu, load_link(u, ahead_mu + nu * MATRIX, perm, seam_mu))
                    second = mul_nn(here_nu, load_link(u, ahead_nu + mu * MATRIX, perm, seam_nu))
                    store_algebra(q, o, twice_antihermitian_nd(first, second))
            o += ALGEBRA


@inline
def gather(u, q, p, c, d, b, slot, backward, perm, units, k, n, links, slots, momenta, q0, p0):
    """P_mu = d P_mu + c P sum_nu +-(Q(x) - U_nu(x-nu)^dagger Q(x-nu) U_nu(x-nu)), P the group's projection."""
    j = 0
    k0 = k
    for mu in range(D):
        if mine(mu):
            force = algebra_zero()
            for nu in range(D):
                if nu != mu:
                    j += 1
                    k = fetch(units, k, k0 + n * j // STAPLES, links, slots, momenta, q0, p0)
                    s = load_word(backward, b * D + nu)
                    y = s // SEAMS
                    seam = s % SEAMS
                    link = y * BLOCK + nu * MATRIX
                    if mu < nu:
                        plane = (mu * D - mu * (mu + 1) // 2 + nu - mu - 1) * ALGEBRA
                        force = algebra_add(force, load_algebra(q, load_word(slot, b) * PLAQUETTES + plane))
                        behind = load_word(slot, y) * PLAQUETTES + plane
                        if seam == 0:
                            force = transport_minus(load(u, link), load_algebra(q, behind), force)
                        elif beside(0, perm, seam, 1) == 0:
                            moved = load_algebra_permuted(q, behind, behind, perm, seam)
                            force = transport_minus(load_permuted(u, link, link, perm, seam), moved, force)
                        else:
                            second = load_word(slot, beside(y, perm, seam, 1)) * PLAQUETTES + plane
                            moved = load_algebra_permuted(q, behind, second, perm, seam)
                            force = transport_minus(load_link(u, link, perm, seam), moved, force)
                    else:
                        plane = (nu * D - nu * (nu + 1) // 2 + mu - nu - 1) * ALGEBRA
                        force = algebra_subtract(force, load_algebra(q, load_word(slot, b) * PLAQUETTES + plane))
                        behind = load_word(slot, y) * PLAQUETTES + plane
                        if seam == 0:
                            force = transport_plus(load(u, link), load_algebra(q, behind), force)
                        elif beside(0, perm, seam, 1) == 0:
                            moved = load_algebra_permuted(q, behind, behind, perm, seam)
                            force = transport_plus(load_permuted(u, link, link, perm, seam), moved, force)
                        else:
                            second = load_word(slot, beside(y, perm, seam, 1)) * PLAQUETTES + plane
                            moved = load_algebra_permuted(q, behind, second, perm, seam)
                            force = transport_plus(load_link(u, link, perm, seam), moved, force)
            o = b * MOMENTA + mu * ALGEBRA
            store_algebra(p, o, algebra_update(d, load_algebra(p, o), 0.5 * c, project(force)))


@kernel
def kick(first, last, part, u, q, p, c, d, blocks, tables, plan):
    """P = d P + c P(U S^dagger) over the batches first <= batch < last and one part of the plan."""
    align_stack()
    start, steps, rows, slots_of, fetch_start, fetch_units, q0, p0 = plan
    ahead_at, behind_at, perm_at = tables[0].ctypes.data, tables[1].ctypes.data, tables[2]
    slot, units = slots_of.ctypes.data + 8 * rows[part] * slots_of.shape[1], fetch_units.ctypes.data
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        pb = p + REAL_BYTES * batch * blocks * MOMENTA
        qb = own_place(q, batch - first, (p0 - q0) * ALGEBRA)
        slots = qb - q0 * UNIT_BYTES
        momenta = pb - p0 * UNIT_BYTES
        for i in range(start[part], start[part + 1]):
            b = steps[i]
            k = fetch_start[i]
            n = fetch_start[i + 1] - k
            if b >= 0:
                o = load_word(slot, b) * PLAQUETTES
                plaquettes(ub, qb, b, o, ahead_at, perm_at, units, k, n, ub, slots, momenta, q0, p0)
            else:
                gather(ub, qb, pb, c, d, ~b, slot, behind_at, perm_at, units, k, n, ub, slots, momenta, q0, p0)


@kernel
def drift(first, last, part, u, p, eps, blocks, plan):
    """U = exp(eps P) U; lanes whose argument is beyond the series take the exponential by squaring."""
    align_stack()
    start, steps, rows, slots_of, fetch_start, fetch_units, q0, p0 = plan
    units = fetch_units.ctypes.data
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        pb = p + REAL_BYTES * batch * blocks * MOMENTA
        momenta = pb - p0 * UNIT_BYTES
        for i in range(start[part], start[part + 1]):
            b = steps[i]
            k = fetch_start[i]
            n = fetch_start[i + 1] - k
            for mu in range(D):
                fetch(units, k + n * mu // D, k + n * (mu + 1) // D, ub, ub, momenta, q0, p0)
                if mine(mu):
                    o = b * BLOCK + mu * MATRIX
                    x = algebra_scale(eps, load_algebra(pb, b * MOMENTA + mu * ALGEBRA))
                    if beyond_series(x):
                        store(ub, o, mul_nn(exponential_any(x), load(ub, o)))
                    else:
                        store(ub, o, mul_nn(exponential(x), load(ub, o)))
