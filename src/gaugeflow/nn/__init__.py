"""Gauge-equivariant networks in PyTorch: layers, models and the laws that they obey.

    links     U[batch, mu, t, .., x, a, b]          U_mu(x) -> Omega(x) U_mu(x) Omega(x + mu)^dagger
    adjoint   W[batch, channel, t, .., x, a, b]     W(x) -> Omega(x) W(x) Omega(x)^dagger
    invariant z[batch, channel, t, .., x] real      unchanged

complex64 or complex128 with weights of the matching real precision; any group U(N) or SU(N), two to four dimensions,
lattice sizes are those of the data. Direction mu runs along site axis D - 1 - mu, as on file.
"""
