"""Gradients of the fused convolution and bilinear layer: S, D, YS and YD are computed again, block by block.

    dY_ac = W_c^dagger G_a,  dY_ac' = W_c G_a,  dY_a1 = G_a          XS, XD: what YS and YD get from them
    dW_c += G_a Y_ac^dagger + Y_ac' G_a^dagger
    ES = even^t XS, ED = odd^t XD                                    from these dT_tc, then dW(x + d_t) and dP_t
    d(even) = XS S^t, d(odd) = XD D^t                                sums of lanes, one set for every slot

G is the gradient that arrives, in torch's convention dL/dRe + i dL/dIm. Blocks come in stages: two blocks of one
lattice and stage add to no common site. A slot is a fixed share of every stage; neither depends on the number of
threads, and so no result does. FIELDS and LINKS say whether dW and dP are wanted.
"""


@routine
def mix_more(rows, columns, a, row_step, k_step, b, y, count):
    """y[r, :] += sum_k a[r row_step + k k_step] b[k, :]."""
    tiles = (rows + MIX_ROWS - 1) // MIX_ROWS
    height, larger = rows // tiles, rows % tiles
    for j in range(0, columns, MIX_COLUMNS * W):
        r = 0
        for k in range(tiles):
            h = height + 1 if k < larger else height
            mix_tile_more(
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
def overlap(rows, columns, x, y, z, vectors):
    """z[r, q, lane] += sum over the vectors of rows of x and y."""
    tiles = (rows + OVERLAP_ROWS - 1) // OVERLAP_ROWS
    strips = (columns + OVERLAP_COLUMNS - 1) // OVERLAP_COLUMNS
    height, taller = rows // tiles, rows % tiles
    width, wider = columns // strips, columns % strips
    r = 0
    for i in range(tiles):
        h = height + 1 if i < taller else height
        q = 0
        for j in range(strips):
            v = width + 1 if j < wider else width
            to = z + REAL_BYTES * W * (r * columns + q)
            overlap_tile(h, v, x + REAL_BYTES * r * ROW, ROW, y + REAL_BYTES * q * ROW, ROW, to, columns * W, vectors)
            q += v
        r += h


@routine
def clear(address, count):
    """Zeros."""
    for k in range(count):
        store_number(address, k, 0.0)


@routine
def take_sums(sums, partial, plan):
    """Lanes of a slot's sums are added to its gradient of alpha in float64, and start again."""
    pairs, rows = load_word(plan, PAIRS), load_word(plan, OUTPUTS) * load_word(plan, FACTORS)
    odd_sums = sums + REAL_BYTES * rows * (pairs + 1) * W
    for r in range(rows):
        at = r * (2 * pairs + 1)
        for j in range(pairs):
            even = lane_sum(sums, (r * (pairs + 1) + j) * W)
            odd = lane_sum(odd_sums, (r * pairs + j) * W)
            store_double(partial, at + j, load_double(partial, at + j) + 0.5 * (even + odd))
            store_double(partial, at + pairs + j, load_double(partial, at + pairs + j) + 0.5 * (even - odd))
        one = at + 2 * pairs
        even = lane_sum(sums, (r * (pairs + 1) + pairs) * W)
        store_double(partial, one, load_double(partial, one) + 0.5 * even)
    clear(sums, rows * (2 * pairs + 1) * W)


@routine
def products_back(lattice, first, groups, a, outputs, g, plan, sites, scratch):
    """XS and XD of some output channels, and their part of dW at the block's own sites."""
    align_stack()
    channels, factors, volume = load_word(plan, CHANNELS), load_word(plan, FACTORS), load_word(plan, VOLUME)
    own, own_back = scratch + REAL_BYTES * load_word(plan, OWN), scratch + REAL_BYTES * load_word(plan, OWN_BACK)
    ys, yd = scratch + REAL_BYTES * load_word(plan, MIXED_S), scratch + REAL_BYTES * load_word(plan, MIXED_D)
    xs, xd = scratch + REAL_BYTES * load_word(plan, BACK_S), scratch + REAL_BYTES * load_word(plan, BACK_D)
    g += REAL_BYTES * (lattice * load_word(plan, OUTPUTS) + a) * volume * SITE
    for group in range(groups):
        lanes = volume - first - group * W
        for k in range(outputs):
            row = k * factors * ROW + group * ALGEBRA
            x = gather(g + REAL_BYTES * k * volume * SITE, sites, first + group * W)
            if lanes < W:
                x = first_lanes(x, lanes)
            y = row + 2 * channels * ROW
            store_algebra(xs, y, hermitian_once(x))
            store_algebra(xd, y, antihermitian_once(x))
            for c in range(channels):
                v = load(own, (c * GROUPS + group) * MATRIX)
                y = row + c * ROW
                z = mul_dn(v, x)
                store_algebra(xs, y, hermitian_once(z))
                store_algebra(xd, y, antihermitian_once(z))
                if FIELDS:
                    d = load(own_back, (c * GROUPS + group) * MATRIX)
                    d = mac_nd(d, x, joined(load_algebra(ys, y), load_algebra(yd, y)))
                y += channels * ROW
                z = mul_nn(v, x)
                store_algebra(xs, y, hermitian_once(z))
                store_algebra(xd, y, antihermitian_once(z))
                if FIELDS:
                    d = mac_nd(d, joined(load_algebra(ys, y), load_algebra(yd, y)), x)
                    store(own_back, (c * GROUPS + group) * MATRIX, d)


@routine
def mix_back(a, outputs, groups, plan, scratch):
    """ES and ED, to which the output channels a .. a + outputs - 1 are added; the first ones start them."""
    pairs, factors = load_word(plan, PAIRS), load_word(plan, FACTORS)
    even = scratch + REAL_BYTES * (load_word(plan, EVEN) + a * factors * (pairs + 1))
    odd = scratch + REAL_BYTES * (load_word(plan, ODD) + a * factors * pairs)
    xs, xd = scratch + REAL_BYTES * load_word(plan, BACK_S), scratch + REAL_BYTES * load_word(plan, BACK_D)
    es, ed = scratch + REAL_BYTES * load_word(plan, PART_S_BACK), scratch + REAL_BYTES * load_word(plan, PART_D_BACK)
    if a == 0:
        mix(pairs, groups * ALGEBRA, even, 1, pairs + 1, xs, es, outputs * factors)
        mix(pairs, groups * ALGEBRA, odd, 1, pairs, xd, ed, outputs * factors)
    else:
        mix_more(pairs, groups * ALGEBRA, even, 1, pairs + 1, xs, es, outputs * factors)
        mix_more(pairs, groups * ALGEBRA, odd, 1, pairs, xd, ed, outputs * factors)


@routine
def overlaps(a, outputs, groups, sums, plan, scratch):
    """Lane sums of d(even) and d(odd), the rows of output channels a .. a + outputs - 1."""
    pairs, factors = load_word(plan, PAIRS), load_word(plan, FACTORS)
    xs, xd = scratch + REAL_BYTES * load_word(plan, BACK_S), scratch + REAL_BYTES * load_word(plan, BACK_D)
    part_s = scratch + REAL_BYTES * load_word(plan, PART_S)
    part_d = scratch + REAL_BYTES * load_word(plan, PART_D)
    odd_sums = sums + REAL_BYTES * load_word(plan, OUTPUTS) * factors * (pairs + 1) * W
    rows, vectors = outputs * factors, groups * N * N
    overlap(rows, pairs + 1, xs, part_s, sums + REAL_BYTES * a * factors * (pairs + 1) * W, vectors)
    overlap(rows, pairs, xd, part_d, odd_sums + REAL_BYTES * a * factors * pairs * W, vectors)


@inline
def add_at(address, sites, first, lanes, m, spare):
    """Matrices of a register are added to their sites."""
    if lanes >= W:
        scatter_add(address, sites, first, m)
    else:
        store(spare, 0, m)
        put_some(address, sites, first, lanes, 1, spare)


@routine
def sites_back(lattice, first, groups, dw, plan, sites, scratch):
    """dW at the block's own sites: from the products, and from the untransported T_0c."""
    align_stack()
    channels, volume = load_word(plan, CHANNELS), load_word(plan, VOLUME)
    es, ed = scratch + REAL_BYTES * load_word(plan, PART_S_BACK), scratch + REAL_BYTES * load_word(plan, PART_D_BACK)
    own_back, spare = scratch + REAL_BYTES * load_word(plan, OWN_BACK), scratch + REAL_BYTES * load_word(plan, SPARE)
    field = REAL_BYTES * volume * SITE
    dw += lattice * channels * field
    for group in range(groups):
        for c in range(channels):
            e = c * ROW + group * ALGEBRA
            d = joined_twice(load_algebra(es, e), load_algebra(ed, e))
            d = matrix_add(load(own_back, (c * GROUPS + group) * MATRIX), d)
            add_at(dw + c * field, sites, first + group * W, volume - first - group * W, d, spare)


@routine
def transports_back(lattice, first, groups, w, p, dw, dp, plan, paths, sites, scratch):
    """dW(x + d_t) and dP_t of a block from ES and ED."""
    align_stack()
    channels, volume, padded = load_word(plan, CHANNELS), load_word(plan, VOLUME), load_word(plan, PADDED)
    es, ed = scratch + REAL_BYTES * load_word(plan, PART_S_BACK), scratch + REAL_BYTES * load_word(plan, PART_D_BACK)
    spare = scratch + REAL_BYTES * load_word(plan, SPARE)
    field = REAL_BYTES * volume * SITE
    w, dw = w + lattice * channels * field, dw + lattice * channels * field
    p, dp = p + lattice * load_word(plan, PRODUCTS) * field, dp + lattice * load_word(plan, PRODUCTS) * field
    for t in range(load_word(plan, PATHS)):
        product, back = load_word(paths, 2 * t) * field, load_word(paths, 2 * t + 1)
        for group in range(groups):
            here, lanes = first + group * W, volume - first - group * W
            there = (t + 1) * padded + here
            row = (t + 1) * channels * ROW + group * ALGEBRA
            du = matrix_zero()
            if back:
                u = gather(p + product, sites, there)
                for c in range(channels):
                    e = joined_twice(load_algebra(es, row + c * ROW), load_algebra(ed, row + c * ROW))
                    m = mul_nd(e, u)
                    d = mul_nn(u, m)
                    if LINKS:
                        x = gather(w + c * field, sites, there)
                        du = mac_nd(du, mul_nn(x, u), e)
                        du = mac_dn(du, x, mul_nn(u, e))
                    add_at(dw + c * field, sites, there, lanes, d, spare)
                if LINKS:
                    add_at(dp + product, sites, there, lanes, du, spare)
            else:
                u = gather(p + product, sites, here)
                for c in range(channels):
                    e = joined_twice(load_algebra(es, row + c * ROW), load_algebra(ed, row + c * ROW))
                    m = mul_nn(e, u)
                    d = mul_dn(u, m)
                    if LINKS:
                        x = gather(w + c * field, sites, there)
                        du = mac_dn(du, e, mul_nn(u, x))
                        du = mac_nd(du, m, x)
                    add_at(dw + c * field, sites, there, lanes, d, spare)
                if LINKS:
                    add_at(dp + product, sites, here, lanes, du, spare)


@routine
def block_back(lattice, block, plan, paths, sites, w, p, g, dw, dp, sums, scratch):
    """All that one block adds to dW, dP and a slot's lane sums."""
    first, outputs, together = block * (GROUPS * W), load_word(plan, OUTPUTS), load_word(plan, TOGETHER_BACK)
    groups = min(GROUPS, (load_word(plan, VOLUME) - first + W - 1) // W)
    transport_block(w, p, plan, paths, sites, lattice, first, groups, scratch)
    if FIELDS:
        clear(scratch + REAL_BYTES * load_word(plan, OWN_BACK), load_word(plan, CHANNELS) * GROUPS * MATRIX)
    for a in range(0, outputs, together):
        some = min(together, outputs - a)
        if FIELDS:
            mix_outputs(a, some, groups, plan, scratch)
        products_back(lattice, first, groups, a, some, g, plan, sites, scratch)
        if FIELDS:
            mix_back(a, some, groups, plan, scratch)
        overlaps(a, some, groups, sums, plan, scratch)
    if FIELDS:
        sites_back(lattice, first, groups, dw, plan, sites, scratch)
        transports_back(lattice, first, groups, w, p, dw, dp, plan, paths, sites, scratch)


@kernel
def conv_bilinear_gradient(
    thread, threads, first, last, plan, paths, sites, starts, steps, alpha, w, p, g, dw, dp, sums, partial, scratch
):
    """dW and dP (added to what is there) and every slot's gradient of alpha, of stages first <= stage < last.

    thread, threads   slots thread, thread + threads, .. are done here
    starts            [stage][slot] first step, and behind the last one the number of steps
    steps             (lattice, block)
    sums, partial     [slot]: lane sums, and the gradient of alpha in float64; the first stage clears them
    """
    align_stack()
    split_weights(alpha, plan, scratch)
    put_one(plan, scratch)
    slots = load_word(plan, SLOTS)
    numbers = load_word(plan, OUTPUTS) * load_word(plan, FACTORS) * (2 * load_word(plan, PAIRS) + 1)
    for stage in range(first, last):
        for slot in range(thread, slots, threads):
            mine, gradient = sums + REAL_BYTES * slot * numbers * W, partial + 8 * slot * numbers
            if stage == 0:
                clear(mine, numbers * W)
                for k in range(numbers):
                    store_double(gradient, k, 0.0)
            since = 0
            for k in range(load_word(starts, stage * slots + slot), load_word(starts, stage * slots + slot + 1)):
                block_back(
                    load_word(steps, 2 * k),
                    load_word(steps, 2 * k + 1),
                    plan,
                    paths,
                    sites,
                    w,
                    p,
                    g,
                    dw,
                    dp,
                    mine,
                    scratch,
                )
                since += 1
                if since == SPILL:
                    take_sums(mine, gradient, plan)
                    since = 0
            if stage == load_word(plan, STAGES) - 1:
                take_sums(mine, gradient, plan)


@kernel
def add_slots(slots, numbers, partial, out):
    """The gradient of alpha: slots added up in their order."""
    for k in range(numbers):
        total = 0.0
        for slot in range(slots):
            total += load_double(partial, slot * numbers + k)
        store_number(out, k, total)
