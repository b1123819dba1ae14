"""Halo lanes and whole halo blocks to and from the buffers of messages, buffer[batch][i][..] for entry i of a list.

A message of whole blocks moves registers; one of single lanes moves numbers, `LANE, LANE + LANES, ..` by each thread.
"""


@kernel
def pack_blocks(first, last, lo, hi, field, buffer, source, count, components, blocks):
    """buffer[batch][i] = field[batch][source[i]], all components of a block."""
    align_stack()
    for batch in range(first, last):
        for i in range(lo, hi):
            at = (batch * blocks + load_word(source, i)) * components
            to = (batch * count + i) * components
            for k in range(components):
                store_register(buffer, (to + k) * W, load_register(field, (at + k) * W))


@kernel
def unpack_blocks(first, last, lo, hi, field, buffer, target, count, components, blocks):
    """field[batch][target[i]] = buffer[batch][i], all components of a block."""
    align_stack()
    for batch in range(first, last):
        for i in range(lo, hi):
            to = (batch * blocks + load_word(target, i)) * components
            at = (batch * count + i) * components
            for k in range(components):
                store_register(field, (to + k) * W, load_register(buffer, (at + k) * W))


@kernel
def pack_lanes(first, last, lo, hi, field, buffer, source, count, components, blocks):
    """buffer[batch][i][k] = field[batch][block][k][lane] for source[i] = block W + lane."""
    for batch in range(first, last):
        for i in range(lo, hi):
            place = load_word(source, i)
            at = (batch * blocks + place // W) * components * W + place % W
            to = (batch * count + i) * components
            for k in range(LANE, components, LANES):
                copy_number(buffer, to + k, field, at + k * W)


@kernel
def unpack_lanes(first, last, lo, hi, field, buffer, target, count, components, blocks):
    """field[batch][block][k][lane] = buffer[batch][i][k] for target[i] = block W + lane."""
    for batch in range(first, last):
        for i in range(lo, hi):
            place = load_word(target, i)
            to = (batch * blocks + place // W) * components * W + place % W
            at = (batch * count + i) * components
            for k in range(LANE, components, LANES):
                copy_number(field, to + k * W, buffer, at + k)
