"""Lattices of links spread over ranks, threads and SIMD lanes; the only layer that knows MPI."""
