"""Site functions and their drivers, written once for every target.

The files of this package are not imported: a target executes them in a namespace that holds the operations of one
group, dimension and register width (`targets.cpu.namespace` lists them), which is why names like `load` and `N` are
not defined here. Directions are all alike; the order of every sum is fixed by (mu, nu), so results per site do not
depend on lanes, cuts, tiles, threads or ranks. A seam != 0 (a permuted neighbour) occurs only at the cuts.

Addresses are integers in bytes. Fields and scratch hold real numbers of REAL_BYTES bytes; traces and other numbers that
leave a matrix are float64, and so are sums; tables are int64; offsets count numbers. MATRIX, ALGEBRA: numbers of one
link matrix or algebra element of a block; BLOCK, MOMENTA, PLAQUETTES: those of all of a block's links, momenta,
plaquettes.
"""
