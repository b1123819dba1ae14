"""Random momenta and links, kinetic energy, return to the group."""


@kernel
def gaussian_momenta(first, last, lo, hi, p, site, chain, trajectory, purpose, key0, key1, blocks):
    """P = i p_a T_a with unit Gaussians p_a, keyed by (seed, purpose, trajectory, chain, global site, direction)."""
    align_stack()
    for batch in range(first, last):
        pb = p + REAL_BYTES * batch * blocks * MOMENTA
        chains = load_integers(chain, batch * W)
        for b in range(lo, hi):
            sites = load_integers(site, b * W)
            for mu in range(D):
                g = gaussian_algebra(sites, chains, trajectory, purpose ^ (mu << DIRECTION_SHIFT), key0, key1)
                store_algebra(pb, b * MOMENTA + mu * ALGEBRA, g)


@kernel
def random_links(first, last, lo, hi, u, site, chain, trajectory, purpose, key0, key1, blocks):
    """Haar-distributed links: Gram-Schmidt of Gaussian matrices."""
    align_stack()
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        chains = load_integers(chain, batch * W)
        for b in range(lo, hi):
            sites = load_integers(site, b * W)
            for mu in range(D):
                g = gaussian_matrix(sites, chains, trajectory, purpose ^ (mu << DIRECTION_SHIFT), key0, key1)
                store(ub, b * BLOCK + mu * MATRIX, to_group(g))


@kernel
def kinetic_sums(first, last, lo, hi, p, sums, blocks):
    """Exact sums of -tr P^2, sums[batch][high, low][lane]."""
    align_stack()
    for batch in range(first, last):
        pb = p + REAL_BYTES * batch * blocks * MOMENTA
        for b in range(lo, hi):
            for mu in range(D):
                x = load_algebra(pb, b * MOMENTA + mu * ALGEBRA)
                add_exactly(sums, batch * 2 * W, algebra_product(x, x))


@kernel
def reunitarise(first, last, lo, hi, u, worst, blocks):
    """Every link back to the group; worst[batch][lane] = largest change of a matrix element."""
    align_stack()
    for batch in range(first, last):
        ub = u + REAL_BYTES * batch * blocks * BLOCK
        for b in range(lo, hi):
            for mu in range(D):
                o = b * BLOCK + mu * MATRIX
                before = load(ub, o)
                after = to_group(before)
                store(ub, o, after)
                raise_to(worst, batch * W, largest_difference(before, after))
