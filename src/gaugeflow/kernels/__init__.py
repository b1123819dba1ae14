"""Kernels from one source: site functions in algebra and operations, run by several targets.

`dispatch` is the only door. Inside: `algebra` (mathematics of one site), `sites` (what happens at one site),
`targets` (where it runs), `lane_group`, `layout`, `traversal`, `schedule` (how a lattice lies in memory and in time).
"""
