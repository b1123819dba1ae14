"""How sound links are: distance from the group and link trace, in one pass."""


@kernel
def link_defects(first, last, lo, hi, u, worst, sums, blocks):
    """Largest defects of all links, worst[batch][unitarity, determinant][lane], squared as in `algebra.defects`;
    exact sums of Re tr U - N, sums[batch][high, low][lane]."""
    align_stack()
    for batch in range(first, last):
        for b in range(lo, hi):
            for mu in range(D):
                link = load(u, (batch * blocks + b) * BLOCK + mu * MATRIX)
                raise_to(worst, batch * 2 * W, unitarity_defect_squared(link))
                raise_to(worst, (batch * 2 + 1) * W, determinant_defect_squared(link))
                add_exactly(sums, batch * 2 * W, trace_beyond_one(link))
