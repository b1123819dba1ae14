"""From measured time series to named estimates; runs on a laptop (no MPI, no compiled kernels, no plotting)."""
