"""Frames: one matrix per site, carried along a tree of links, and links turned in them."""


@kernel
def carry_frames(first, last, lo, hi, u, side, line, out, blocks, tables):
    """out(x) = side(x) + sum over mu of U_mu(x) line(x + mu); links that are zero carry nothing."""
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        for b in range(lo, hi):
            total = load(side, (batch * blocks + b) * MATRIX)
            for mu in range(D):
                s = forward[b, mu]
                y = (batch * blocks + s // SEAMS) * MATRIX
                ahead = load_permuted(line, y, beside(y, perm, s % SEAMS, MATRIX), perm, s % SEAMS)
                total = mac_nn(total, load(ub, b * BLOCK + mu * MATRIX), ahead)
            store(out, (batch * blocks + b) * MATRIX, total)


@kernel
def turn_links(first, last, lo, hi, u, factors, line, blocks):
    """U_mu(x) = F W_mu(x) F^dagger U_mu(x), F the frame line(x) and W the factors."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            frame = load(line, (batch * blocks + b) * MATRIX)
            for mu in range(D):
                o = (batch * blocks + b) * BLOCK + mu * MATRIX
                turned = mul_nd(mul_nn(frame, load(factors, o)), frame)
                store(u, o, mul_nn(turned, load(u, o)))
