"""Forces of actions with 2 x 1 rectangles, plane by plane from half staples, and their covariant smoothing.

A half staple is the path around three sides of a plaquette beside a link, parallel to the link:

    C+_mu(x) = U_nu(x) U_mu(x+nu) U_nu(x+mu)^dagger        C-_mu(x) = U_nu(x-nu)^dagger U_mu(x-nu) U_nu(x-nu+mu)

half[batch][block][C+_mu, C-_mu, C+_nu, C-_nu] holds those of one plane. With them every path that closes a rectangle
with a link ends one step from the link, so that halos of one step do.
"""


@inline
def later(b):
    """Block whose matrices are fetched into the second-level cache while block b is worked on: memory is that far."""
    return b + 3


@inline
def fetch_matrix(field, offset):
    """Prefetch one matrix of a field."""
    prefetch_far(field + offset * REAL_BYTES)
    prefetch_far(field + offset * REAL_BYTES + UNIT_BYTES)


@inline
def fetch_above(u, b, end, mu, nu, tables):
    """Prefetch the links of block b < end that the paths above its links take."""
    if b < end:
        forward, backward, perm, add = tables
        fetch_matrix(u, b * BLOCK + mu * MATRIX)
        fetch_matrix(u, b * BLOCK + nu * MATRIX)
        fetch_matrix(u, forward[b, mu] // SEAMS * BLOCK + nu * MATRIX)
        fetch_matrix(u, forward[b, nu] // SEAMS * BLOCK + mu * MATRIX)


@inline
def fetch_below(u, b, end, mu, nu, tables):
    """Prefetch the links of block b < end that the paths below its link mu take."""
    if b < end:
        forward, backward, perm, add = tables
        y = backward[b, nu] // SEAMS
        fetch_matrix(u, y * BLOCK + mu * MATRIX)
        fetch_matrix(u, y * BLOCK + nu * MATRIX)
        fetch_matrix(u, forward[y, mu] // SEAMS * BLOCK + nu * MATRIX)


@inline
def fetch_half_here(half, b, end):
    """Prefetch the half staples of block b < end, which are about to be written."""
    if b < end:
        for k in range(4):
            fetch_matrix(half, (b * 4 + k) * MATRIX)


@inline
def fetch_half_above(half, p, b, end, mu, nu, tables):
    """Prefetch the half staples of block b < end above its links, and its momenta."""
    if b < end:
        forward, backward, perm, add = tables
        fetch_matrix(half, (forward[b, nu] // SEAMS * 4) * MATRIX)
        fetch_matrix(half, (forward[b, mu] // SEAMS * 4 + 2) * MATRIX)
        fetch_matrix(half, (b * 4 + 1) * MATRIX)
        fetch_matrix(half, (b * 4 + 3) * MATRIX)
        prefetch_far(p + (b * MOMENTA + mu * ALGEBRA) * REAL_BYTES)
        prefetch_far(p + (b * MOMENTA + nu * ALGEBRA) * REAL_BYTES)


@inline
def fetch_half_below(half, b, end, mu, nu, k, tables):
    """Prefetch the half staples of block b < end below its link mu."""
    if b < end:
        forward, backward, perm, add = tables
        y = backward[b, nu] // SEAMS
        fetch_matrix(half, (y * 4 + 1) * MATRIX)
        fetch_matrix(half, (y * 4 + 3) * MATRIX)
        fetch_matrix(half, (forward[y, mu] // SEAMS * 4 + 2 - k) * MATRIX)


@inline
def load_half(half, block, k, perm, seam):
    """Half staple k of a neighbour across a seam."""
    o = block * 4 * MATRIX + k * MATRIX
    return load_permuted(half, o, beside(o, perm, seam, 4 * MATRIX), perm, seam)


@inline
def below(u, b, mu, nu, tables):
    """C-_mu of the plane (mu, nu)."""
    forward, backward, perm, add = tables
    r = backward[b, nu]
    y = r // SEAMS
    z = beside(y, perm, r % SEAMS, 1)
    side = load_link(u, y * BLOCK + nu * MATRIX, perm, r % SEAMS)
    base = load_link(u, y * BLOCK + mu * MATRIX, perm, r % SEAMS)
    right = load_diagonal(u, nu, r, forward[y, mu], forward[z, mu], perm, add)
    return mul_dn(side, mul_nn(base, right))


@kernel
def half_staples(first, last, lo, hi, u, half, mu, nu, c, blocks, tables):
    """half(x) = c times the four half staples of the plane (mu, nu)."""
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        for b in range(lo, hi):
            o = (batch * blocks + b) * 4 * MATRIX
            s = forward[b, mu]
            t = forward[b, nu]
            ahead_mu = load_link(ub, s // SEAMS * BLOCK + nu * MATRIX, perm, s % SEAMS)
            ahead_nu = load_link(ub, t // SEAMS * BLOCK + mu * MATRIX, perm, t % SEAMS)
            upper_mu = mul_nd(mul_nn(load(ub, b * BLOCK + nu * MATRIX), ahead_nu), ahead_mu)
            store(half, o, matrix_scale(c, upper_mu))
            fetch_above(ub, later(b), hi, mu, nu, tables)
            upper_nu = mul_nd(mul_nn(load(ub, b * BLOCK + mu * MATRIX), ahead_mu), ahead_nu)
            store(half, o + 2 * MATRIX, matrix_scale(c, upper_nu))
            fetch_half_here(half + REAL_BYTES * batch * blocks * 4 * MATRIX, later(b), hi)
            fetch_below(ub, later(b), hi, mu, nu, tables)
            store(half, o + MATRIX, matrix_scale(c, below(ub, b, mu, nu, tables)))
            fetch_below(ub, later(b), hi, nu, mu, tables)
            store(half, o + 3 * MATRIX, matrix_scale(c, below(ub, b, nu, mu, tables)))


@inline
def lower_paths(u, half, b, mu, nu, k, c0, tables):
    """c0 C-_mu(x) and the three paths below the link U_mu(x) that close rectangles, weighted as `half` is.

    k    place of C+_mu in `half`: 0 or 2
    """
    forward, backward, perm, add = tables
    r = backward[b, nu]
    y = r // SEAMS
    z = beside(y, perm, r % SEAMS, 1)
    side = load_link(u, y * BLOCK + nu * MATRIX, perm, r % SEAMS)
    base = load_link(u, y * BLOCK + mu * MATRIX, perm, r % SEAMS)
    right = load_diagonal(u, nu, r, forward[y, mu], forward[z, mu], perm, add)
    beyond = load_corner(half, 4 * MATRIX, (2 - k) * MATRIX, r, forward[y, mu], forward[z, mu], perm, add)
    inner = mul_nn(base, matrix_update(c0, right, beyond))
    inner = mac_nn(inner, load_half(half, y, k + 1, perm, r % SEAMS), right)
    return mac_dn(mul_dn(side, inner), load_half(half, y, 3 - k, perm, r % SEAMS), mul_nn(base, right))


@kernel
def kick_plane(first, last, lo, hi, u, half, p, mu, nu, c0, keep_mu, keep_nu, blocks, tables):
    """P_mu = keep_mu P_mu + P(U_mu T_mu^dagger), and so for nu: T = c0 staples of the plane and, from half, rectangles.

    Above the links all paths but those through C- close the same loops for both directions, once around each way.
    """
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        hb = half + REAL_BYTES * batch * blocks * 4 * MATRIX
        pb = p + REAL_BYTES * batch * blocks * MOMENTA
        for b in range(lo, hi):
            s = forward[b, mu]
            t = forward[b, nu]
            here_mu = load(ub, b * BLOCK + mu * MATRIX)
            here_nu = load(ub, b * BLOCK + nu * MATRIX)
            ahead_mu = load_link(ub, s // SEAMS * BLOCK + nu * MATRIX, perm, s % SEAMS)
            ahead_nu = load_link(ub, t // SEAMS * BLOCK + mu * MATRIX, perm, t % SEAMS)
            corner = mul_nd(ahead_nu, ahead_mu)
            around = mul_nd(load_half(hb, t // SEAMS, 0, perm, t % SEAMS), ahead_mu)
            around = mac_nd(around, ahead_nu, load_half(hb, s // SEAMS, 2, perm, s % SEAMS))
            around = matrix_update(c0, corner, around)
            fetch_above(ub, later(b), hi, mu, nu, tables)
            shared = twice_antihermitian_nd(mul_nd(here_mu, around), here_nu)
            side_nu = load(hb, (b * 4 + 3) * MATRIX)
            force = algebra_add(shared, twice_antihermitian_nd(mul_nd(here_mu, corner), side_nu))
            fetch_half_above(hb, pb, later(b), hi, mu, nu, tables)
            lower_mu = lower_paths(ub, hb, b, mu, nu, 0, c0, tables)
            force = algebra_add(force, twice_antihermitian_nd(here_mu, lower_mu))
            o = b * MOMENTA + mu * ALGEBRA
            store_algebra(pb, o, algebra_update(keep_mu, load_algebra(pb, o), 0.5, project(force)))
            fetch_below(ub, later(b), hi, mu, nu, tables)
            fetch_half_below(hb, later(b), hi, mu, nu, 0, tables)
            side_mu = load(hb, (b * 4 + 1) * MATRIX)
            force = algebra_subtract(twice_antihermitian_nd(mul_nn(here_nu, corner), side_mu), shared)
            fetch_below(ub, later(b), hi, nu, mu, tables)
            fetch_half_below(hb, later(b), hi, nu, mu, 2, tables)
            lower_nu = lower_paths(ub, hb, b, nu, mu, 2, c0, tables)
            force = algebra_add(force, twice_antihermitian_nd(here_nu, lower_nu))
            o = b * MOMENTA + nu * ALGEBRA
            store_algebra(pb, o, algebra_update(keep_nu, load_algebra(pb, o), 0.5, project(force)))


@kernel
def rectangle_sums(first, last, lo, hi, half, sums, blocks):
    """Exact sums of Re tr of both rectangles around x, C- and back along C+, sums[batch][high, low][lane]."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            o = (batch * blocks + b) * 4 * MATRIX
            add_exactly(sums, batch * 2 * W, trace_nd(load(half, o + MATRIX), load(half, o)))
            add_exactly(sums, batch * 2 * W, trace_nd(load(half, o + 3 * MATRIX), load(half, o + 2 * MATRIX)))


@kernel
def kick_smoothed(first, last, lo, hi, u, force, p, c, d, blocks, tables):
    """P_mu = d P_mu + (1 + c nabla*_mu nabla_mu) F_mu, covariant differences along mu itself."""
    align_stack()
    forward, backward, perm, add = tables
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        fb = force + REAL_BYTES * batch * blocks * MOMENTA
        pb = p + REAL_BYTES * batch * blocks * MOMENTA
        for b in range(lo, hi):
            for mu in range(D):
                s = forward[b, mu]
                t = backward[b, mu]
                o = s // SEAMS * MOMENTA + mu * ALGEBRA
                ahead = load_algebra_permuted(fb, o, beside(o, perm, s % SEAMS, MOMENTA), perm, s % SEAMS)
                o = t // SEAMS * MOMENTA + mu * ALGEBRA
                behind = load_algebra_permuted(fb, o, beside(o, perm, t % SEAMS, MOMENTA), perm, t % SEAMS)
                moved = transport_plus(dagger(load(ub, b * BLOCK + mu * MATRIX)), ahead, algebra_zero())
                moved = transport_plus(load_link(ub, t // SEAMS * BLOCK + mu * MATRIX, perm, t % SEAMS), behind, moved)
                o = b * MOMENTA + mu * ALGEBRA
                smooth = algebra_update(c, moved, 1.0 - 2.0 * c, load_algebra(fb, o))
                store_algebra(pb, o, algebra_update(d, load_algebra(pb, o), 1.0, smooth))


@kernel
def link_distance(first, last, lo, hi, u, v, worst, blocks):
    """worst[batch][lane] = largest sum_ab |U_ab - V_ab|^2 of a link."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            for mu in range(D):
                o = (batch * blocks + b) * BLOCK + mu * MATRIX
                raise_to(worst, batch * W, distance_squared(load(u, o), load(v, o)))
