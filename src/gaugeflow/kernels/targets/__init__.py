"""Where site functions run: `cpu` (Numba, SIMD lanes) and `oracle` (plain NumPy, slow and obvious)."""
