"""The fused convolution and bilinear layer of networks, for blocks of GROUPS registers of sites.

    T_0c = W_c,  T_tc(x) = P_t(x) W_c(x + d_t) P_t(x)^dagger   or   P_t(x + d_t)^dagger W_c(x + d_t) P_t(x + d_t)
    Y_ai = sum_tc (alpha_ai,tc T_tc + alpha_ai,tc' T_tc^dagger) + alpha_ai1
    W'_a = Y_a1 + sum_c (W_c Y_ac + W_c^dagger Y_ac')

Fields lie in memory as [lattice][channel][site][2 N^2 numbers] in C order of the sites. Everything between them is made
for one block in the scratch of a thread, where a row holds N^2 numbers of every site, [group][component][lane]:

    own                 W_c of the block, whole matrices [channel][group]
    S, D                hermitian and anti-hermitian parts of 2 T_tc, rows (t, c); in S then 2, the unit matrix
    even, odd           (alpha + alpha') / 2 and (alpha - alpha') / 2, rows (a, i) as S and D have columns
    YS, YD              even S and odd D of some output channels, rows (a, i)

`plan` is a table of sizes and of places in the scratch, `sites` one of site numbers: PADDED entries for the sites
themselves, then as many for the sites d_t away; entries behind the last site repeat it.
"""


@routine
def mix(rows, columns, a, row_step, k_step, b, y, count):
    """y[r, :] = sum_k a[r row_step + k k_step] b[k, :]."""
    tiles = (rows + MIX_ROWS - 1) // MIX_ROWS
    height, larger = rows // tiles, rows % tiles
    for j in range(0, columns, MIX_COLUMNS * W):
        r = 0
        for k in range(tiles):
            h = height + 1 if k < larger else height
            mix_tile(
                h,
                a + REAL_BYTES * r * row_step,
                row_step,
                k_step,
                b + REAL_BYTES * j,
                ROW,
                y + REAL_BYTES * (r * ROW + j),
                ROW,
                count,
            )
            r += h


@routine
def split_weights(alpha, plan, scratch):
    """alpha[a, i, (t, c), (t, c)', 1] -> even, odd."""
    pairs = load_word(plan, PAIRS)
    even = scratch + REAL_BYTES * load_word(plan, EVEN)
    odd = scratch + REAL_BYTES * load_word(plan, ODD)
    for r in range(load_word(plan, OUTPUTS) * load_word(plan, FACTORS)):
        at = r * (2 * pairs + 1)
        for j in range(pairs):
            plus, minus = load_number(alpha, at + j), load_number(alpha, at + pairs + j)
            store_number(even, r * (pairs + 1) + j, 0.5 * (plus + minus))
            store_number(odd, r * pairs + j, 0.5 * (plus - minus))
        store_number(even, r * (pairs + 1) + pairs, 0.5 * load_number(alpha, at + 2 * pairs))


@routine
def put_one(plan, scratch):
    """The last row of S: twice the unit matrix."""
    row = scratch + REAL_BYTES * (load_word(plan, PART_S) + load_word(plan, PAIRS) * ROW)
    for group in range(GROUPS):
        store_algebra(row, group * ALGEBRA, twice_one())


@routine
def transport_block(w, p, plan, paths, sites, lattice, first, groups, scratch):
    """own, S and D of the block of sites from number `first` on."""
    align_stack()
    channels, volume, padded = load_word(plan, CHANNELS), load_word(plan, VOLUME), load_word(plan, PADDED)
    own = scratch + REAL_BYTES * load_word(plan, OWN)
    part_s = scratch + REAL_BYTES * load_word(plan, PART_S)
    part_d = scratch + REAL_BYTES * load_word(plan, PART_D)
    field = REAL_BYTES * volume * SITE
    w += lattice * channels * field
    p += lattice * load_word(plan, PRODUCTS) * field
    for group in range(groups):
        for c in range(channels):
            x = gather(w + c * field, sites, first + group * W)
            store(own, (c * GROUPS + group) * MATRIX, x)
            store_algebra(part_s, c * ROW + group * ALGEBRA, hermitian_twice(x))
            store_algebra(part_d, c * ROW + group * ALGEBRA, antihermitian_twice(x))
    for t in range(load_word(plan, PATHS)):
        product, back = p + load_word(paths, 2 * t) * field, load_word(paths, 2 * t + 1)
        for group in range(groups):
            there = (t + 1) * padded + first + group * W
            row = (t + 1) * channels * ROW + group * ALGEBRA
            if back:
                u = gather(product, sites, there)
                for c in range(channels):
                    x = mul_nn(mul_dn(u, gather(w + c * field, sites, there)), u)
                    store_algebra(part_s, row + c * ROW, hermitian_twice(x))
                    store_algebra(part_d, row + c * ROW, antihermitian_twice(x))
            else:
                u = gather(product, sites, first + group * W)
                for c in range(channels):
                    x = mul_nd(mul_nn(u, gather(w + c * field, sites, there)), u)
                    store_algebra(part_s, row + c * ROW, hermitian_twice(x))
                    store_algebra(part_d, row + c * ROW, antihermitian_twice(x))


@routine
def mix_outputs(a, outputs, groups, plan, scratch):
    """YS and YD of output channels a .. a + outputs - 1."""
    pairs, factors = load_word(plan, PAIRS), load_word(plan, FACTORS)
    even = scratch + REAL_BYTES * (load_word(plan, EVEN) + a * factors * (pairs + 1))
    odd = scratch + REAL_BYTES * (load_word(plan, ODD) + a * factors * pairs)
    part_s = scratch + REAL_BYTES * load_word(plan, PART_S)
    part_d = scratch + REAL_BYTES * load_word(plan, PART_D)
    ys, yd = scratch + REAL_BYTES * load_word(plan, MIXED_S), scratch + REAL_BYTES * load_word(plan, MIXED_D)
    mix(outputs * factors, groups * ALGEBRA, even, pairs + 1, 1, part_s, ys, pairs + 1)
    mix(outputs * factors, groups * ALGEBRA, odd, pairs, 1, part_d, yd, pairs)


@routine
def put_some(address, sites, first, lanes, add, values):
    """Matrices of the first lanes of a register in memory -> their sites, put there or added."""
    for s in range(lanes):
        at = load_word(sites, first + s) * SITE
        for k in range(SITE):
            x = load_number(values, k * W + s)
            if add:
                x += load_number(address, at + k)
            store_number(address, at + k, x)


@routine
def products(lattice, first, groups, a, outputs, out, plan, sites, scratch):
    """W'_a of a block from own, YS and YD."""
    align_stack()
    channels, factors, volume = load_word(plan, CHANNELS), load_word(plan, FACTORS), load_word(plan, VOLUME)
    own, spare = scratch + REAL_BYTES * load_word(plan, OWN), scratch + REAL_BYTES * load_word(plan, SPARE)
    ys, yd = scratch + REAL_BYTES * load_word(plan, MIXED_S), scratch + REAL_BYTES * load_word(plan, MIXED_D)
    out += REAL_BYTES * (lattice * load_word(plan, OUTPUTS) + a) * volume * SITE
    for group in range(groups):
        lanes = volume - first - group * W
        for k in range(outputs):
            row = k * factors * ROW + group * ALGEBRA
            one = row + 2 * channels * ROW
            total = joined(load_algebra(ys, one), load_algebra(yd, one))
            for c in range(channels):
                x = load(own, (c * GROUPS + group) * MATRIX)
                y = row + c * ROW
                total = mac_nn(total, x, joined(load_algebra(ys, y), load_algebra(yd, y)))
                y += channels * ROW
                total = mac_dn(total, x, joined(load_algebra(ys, y), load_algebra(yd, y)))
            target = out + REAL_BYTES * k * volume * SITE
            if lanes >= W:
                scatter(target, sites, first + group * W, total)
            else:
                store(spare, 0, total)
                put_some(target, sites, first + group * W, lanes, 0, spare)


@kernel
def conv_bilinear(first, last, plan, paths, sites, alpha, w, p, out, scratch):
    """W' of blocks first <= b < last, counted through the lattices one after the other."""
    align_stack()
    split_weights(alpha, plan, scratch)
    put_one(plan, scratch)
    blocks, volume = load_word(plan, BLOCKS), load_word(plan, VOLUME)
    outputs, together = load_word(plan, OUTPUTS), load_word(plan, TOGETHER)
    for b in range(first, last):
        lattice, start = b // blocks, b % blocks * (GROUPS * W)
        groups = min(GROUPS, (volume - start + W - 1) // W)
        transport_block(w, p, plan, paths, sites, lattice, start, groups, scratch)
        for a in range(0, outputs, together):
            some = min(together, outputs - a)
            mix_outputs(a, some, groups, plan, scratch)
            products(lattice, start, groups, a, some, out, plan, sites, scratch)
