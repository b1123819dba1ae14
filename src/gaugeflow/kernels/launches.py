"""Plans for devices that run all steps of a part at once: what depends on each other goes into stages.

The shared force alternates two stages: plaquettes of the blocks of a chunk and of those behind it, then the force
gathered on the chunk. Slots are taken again once their chunk is gathered, so that a chunk of the right size finds its
plaquettes in the card's cache.
"""

import numpy as np

from gaugeflow.conventions import planes
from gaugeflow.kernels.schedule import Plan, Stage, reads_halo


def full_plan(layout, programs, slots, slot_count, stages) -> Plan:
    """Plan of one program for every stage, without prefetch."""
    start = np.concatenate(([0], np.cumsum([len(p) for p in programs]))).astype(np.int64)
    q0 = 2 * layout.blocks * layout.ndim
    p0 = q0 + slot_count * len(planes(layout.ndim))
    nothing, rows = np.zeros(start[-1] + 1, np.int64), np.zeros(len(programs), np.int64)
    steps = np.concatenate(programs).astype(np.int64)
    return Plan(start, steps, rows, slots[None], nothing, np.zeros(1, np.int64), slot_count, q0, p0, tuple(stages))


def simple_plan(layout, programs, stages) -> Plan:
    """The same for kernels without plaquette slots."""
    return full_plan(layout, programs, np.zeros(layout.blocks, np.int64), 0, stages)


def visit_plan(layout, pieces: int, neighbours: bool) -> Plan:
    """All local blocks, those that read halo blocks in a stage of their own."""
    late = reads_halo(layout, behind=False) if neighbours else np.zeros(layout.local_blocks, bool)
    blocks = np.arange(layout.local_blocks)
    programs = [blocks[~late]] + ([blocks[late]] if late.any() else [])
    stages = [Stage((k,), k > 0, pieces) for k in range(len(programs))]
    return simple_plan(layout, programs, stages)


def shared_force_plan(layout, chunks: int) -> Plan:
    """Plaquette and gather stages of `chunks` chunks of blocks; blocks that read halo blocks come last.

    Every plaquette is computed once, in the stage before its first reader.
    """
    late = reads_halo(layout, behind=True)
    blocks = np.arange(layout.local_blocks)
    pieces = [(part, False) for part in np.array_split(blocks[~late], chunks) if len(part)]
    pieces += [(blocks[late], True)] if late.any() else []
    behind = layout.sources(layout.backward)
    needed = [np.unique(np.concatenate([part, behind[..., part].ravel()])) for part, _ in pieces]
    last_reader = np.full(layout.blocks, -1)
    for k, need in enumerate(needed):
        last_reader[need] = k
    slot, free, slot_count, programs, stages = np.full(layout.blocks, -1, np.int64), np.empty(0, np.int64), 0, [], []
    for k, ((part, halo), need) in enumerate(zip(pieces, needed, strict=True)):
        fresh = need[slot[need] < 0]
        taken, free = free[: len(fresh)], free[len(fresh) :]
        more = np.arange(slot_count, slot_count + len(fresh) - len(taken))
        slot_count += len(more)
        slot[fresh] = np.concatenate([taken, more])
        programs += [fresh, ~part]
        stages += [Stage((2 * k,), halo, len(planes(layout.ndim))), Stage((2 * k + 1,), halo, layout.ndim)]
        free = np.concatenate([free, slot[need[last_reader[need] == k]]])
    return full_plan(layout, programs, slot, slot_count, stages)
