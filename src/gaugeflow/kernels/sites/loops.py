"""Plaquettes, straight lines and what closed loops are made of."""


@kernel
def plaquette_sums(first, last, part, u, sums, blocks, tables, plan):
    """Exact sums of Re tr U_p, sums[batch][plane][high, low][lane]."""
    align_stack()
    forward, backward, perm, add = tables
    start, steps, rows, slots_of, fetch_start, fetch_units, q0, p0 = plan
    units = fetch_units.ctypes.data
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        for i in range(start[part], start[part + 1]):
            b = steps[i]
            k = fetch_start[i]
            k0 = k
            n = fetch_start[i + 1] - k
            j = 0
            for mu in range(D - 1):
                s = forward[b, mu]
                for nu in range(mu + 1, D):
                    k = fetch(units, k, k0 + n * (j + 1) // PLANES, ub, ub, ub, q0, p0)
                    if mine(j):
                        t = forward[b, nu]
                        o_mu = s // SEAMS * BLOCK + nu * MATRIX
                        o_nu = t // SEAMS * BLOCK + mu * MATRIX
                        if (s % SEAMS | t % SEAMS) == 0:
                            upper = mul_nn(load(ub, b * BLOCK + mu * MATRIX), load(ub, o_mu))
                            lower = mul_nn(load(ub, b * BLOCK + nu * MATRIX), load(ub, o_nu))
                            add_exactly(sums, (batch * PLANES + j) * 2 * W, trace_nd(upper, lower))
                        elif (beside(0, perm, s % SEAMS, 1) | beside(0, perm, t % SEAMS, 1)) == 0:
                            ahead_mu = load_permuted(ub, o_mu, o_mu, perm, s % SEAMS)
                            ahead_nu = load_permuted(ub, o_nu, o_nu, perm, t % SEAMS)
                            upper = mul_nn(load(ub, b * BLOCK + mu * MATRIX), ahead_mu)
                            lower = mul_nn(load(ub, b * BLOCK + nu * MATRIX), ahead_nu)
                            add_exactly(sums, (batch * PLANES + j) * 2 * W, trace_nd(upper, lower))
                        else:
                            ahead_mu = load_link(ub, o_mu, perm, s % SEAMS)
                            ahead_nu = load_link(ub, o_nu, perm, t % SEAMS)
                            upper = mul_nn(load(ub, b * BLOCK + mu * MATRIX), ahead_mu)
                            lower = mul_nn(load(ub, b * BLOCK + nu * MATRIX), ahead_nu)
                            add_exactly(sums, (batch * PLANES + j) * 2 * W, trace_nd(upper, lower))
                    j += 1


@kernel
def plaquette_determinants(first, last, lo, hi, u, out, blocks, tables):
    """Re det and Im det of every plaquette: out[batch][block][plane][re, im][lane]."""
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        for b in range(lo, hi):
            j = (batch * blocks + b) * PLANES
            for mu in range(D - 1):
                s = forward[b, mu]
                for nu in range(mu + 1, D):
                    t = forward[b, nu]
                    ahead_mu = load_link(ub, s // SEAMS * BLOCK + nu * MATRIX, perm, s % SEAMS)
                    ahead_nu = load_link(ub, t // SEAMS * BLOCK + mu * MATRIX, perm, t % SEAMS)
                    upper = mul_nn(load(ub, b * BLOCK + mu * MATRIX), ahead_mu)
                    lower = mul_nn(load(ub, b * BLOCK + nu * MATRIX), ahead_nu)
                    store_real(out, j * 2 * W, determinant_nd(upper, lower))
                    store_real(out, (j * 2 + 1) * W, imaginary_determinant_nd(upper, lower))
                    j += 1


@kernel
def take_links(first, last, lo, hi, u, line, mu, blocks):
    """line(x) = U_mu(x); a line field holds one matrix per site."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            o = batch * blocks + b
            store(line, o * MATRIX, load(u, o * BLOCK + mu * MATRIX))


@kernel
def extend_line(first, last, lo, hi, u, line, out, mu, blocks, tables):
    """out(x) = U_mu(x) line(x + mu)."""
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        for b in range(lo, hi):
            o = batch * blocks + b
            s = forward[b, mu]
            y = (batch * blocks + s // SEAMS) * MATRIX
            ahead = load_permuted(line, y, beside(y, perm, s % SEAMS, MATRIX), perm, s % SEAMS)
            store(out, o * MATRIX, mul_nn(load(u, o * BLOCK + mu * MATRIX), ahead))


@kernel
def shift_line(first, last, lo, hi, line, out, mu, blocks, tables):
    """out(x) = line(x + mu)."""
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        for b in range(lo, hi):
            s = forward[b, mu]
            y = (batch * blocks + s // SEAMS) * MATRIX
            ahead = load_permuted(line, y, beside(y, perm, s % SEAMS, MATRIX), perm, s % SEAMS)
            store(out, (batch * blocks + b) * MATRIX, ahead)


@kernel
def loop_sums(first, last, lo, hi, side, up, left, top, sums, blocks):
    """Exact sums of Re tr side(x) up(x) (left(x) top(x))^dagger, sums[batch][high, low][lane]."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            o = (batch * blocks + b) * MATRIX
            path = mul_nn(load(side, o), load(up, o))
            back = mul_nn(load(left, o), load(top, o))
            add_exactly(sums, batch * 2 * W, trace_nd(path, back))


@kernel
def correlation_sums(first, last, lo, hi, line, top, sums, blocks):
    """Exact sums of Re(tr line(x) conj tr top(x)), sums[batch][high, low][lane]."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            o = (batch * blocks + b) * MATRIX
            add_exactly(sums, batch * 2 * W, trace_correlation(load(line, o), load(top, o)))


@kernel
def trace_sums(first, last, lo, hi, line, sums, blocks):
    """Exact sums of Re tr and Im tr of a line field, sums[batch][re, im][high, low][lane]."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            m = load(line, (batch * blocks + b) * MATRIX)
            add_exactly(sums, batch * 4 * W, real_trace(m))
            add_exactly(sums, (batch * 4 + 2) * W, imaginary_trace(m))
