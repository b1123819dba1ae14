"""The one table of signs, normalisations and orders that every module cites.

    extents        (x, y, z, t); 3D (x, y, t), 2D (x, t): the time direction is last
    links          links[..., t, z, y, x, mu, a, b] complex128, x fastest, mu = 0 is x and mu = D - 1 is t
    direction mu   acts on site axis D - 1 - mu (counted among the site axes)
    plaquette      Re tr U_p / N averaged over sites and planes, 1 for cold links
    action         S = beta sum_p (1 - Re tr U_p / N), beta = 2 N / g^2 for SU(N) and U(N >= 2)
    rectangles     S = beta sum [c0 (1 - Re tr U_p / N) + c1 (1 - Re tr U_r / N)], c0 = 1 - 8 c1, both orientations
    generators     hermitian T_a with tr T_a T_b = delta_ab / 2; U(N >= 2): those of SU(N), then T_0 = 1 / sqrt(2 N);
                   U(1): T = 1, tr T T = 1
    momenta        P = i p_a T_a anti-hermitian, kinetic energy p_a p_a / 2, so that tau is the usual MD time
    flow_time      t / a^2, dV/dt = -P(U S^dagger) V without beta and N; for U(1) dtheta/dt = -sum +- sin theta_p;
                   symanzik and zeuthen with 5/3 S - 1/12 (rectangles) in the place of S
    E_plaquette    2 sum_{mu<nu} Re tr (1 - U_p) per site
    E_clover       -sum_{mu<nu} tr F F per site, F the anti-hermitian part, for SU(N) without trace, of the mean leaf
    charge, 4D     Q = -(1/4 pi^2) sum tr[F_xy F_zt - F_xz F_yt + F_xt F_yz], eps_xyzt = +1
    charge, 2D     Q = sum of arg det U_p in (-pi, pi] / 2 pi, for U(N)
    tau_int        1/2 + sum_{t>=1} rho(t): 1/2 for white noise; n_eff = n / (2 tau_int)
"""

from dataclasses import dataclass

from gaugeflow.errors import ConfigError

GRID_AXES = {2: ("chains", "t", "x"), 3: ("chains", "t", "y", "x"), 4: ("chains", "t", "z", "y", "x")}
"""What a process grid cuts, in its order, for each number of dimensions."""

LARGEST_N = 8
"""Largest matrix size; a kernel's code and the time to compile it grow as N^3 and faster."""


@dataclass(frozen=True)
class GaugeGroup:
    """One gauge group.

    name              "U1", "SU2", ..
    n                 matrix size N
    special           True for SU(N), False for U(N)
    generator_trace   tr T_a T_a of every generator
    """

    name: str
    n: int
    special: bool
    generator_trace: float


GAUGE_GROUPS = {
    f"{prefix}{n}": GaugeGroup(f"{prefix}{n}", n, special, 1.0 if n == 1 else 0.5)
    for prefix, special, smallest in (("U", False, 1), ("SU", True, 2))
    for n in range(smallest, LARGEST_N + 1)
}
"""Name -> group, for U(1) .. U(8) and SU(2) .. SU(8); SU(1) has no links to update."""

RECTANGLE_COEFFICIENTS = {"symanzik": -1 / 12, "iwasaki": -0.331, "dbw2": -1.4088}
"""Name -> c1 of S = beta sum [c0 (1 - P) + c1 (1 - R)], c0 = 1 - 8 c1, over plaquettes and 2 x 1 rectangles.

symanzik    tree level, everywhere the same; the one-loop and tadpole-improved actions of MILC are others, and their
            plaquette has coefficient 1, so that MILC's beta is about 10 / g^2
iwasaki     everywhere the same
dbw2        QEX: -1.4088; Grid: -1.4067; GPT: -1.40686. Only the number is part of an ensemble's identity
"""

SPECIALISED_GROUPS = ("U1", "SU2", "SU3", "U2")
"""Groups whose exponential is written out; the others take the general one of N x N matrices."""


def gauge_group(name: str) -> GaugeGroup:
    """The group of that name; ConfigError if there is none."""
    if name not in GAUGE_GROUPS:
        raise ConfigError(f"group {name!r} is not known; use one of {', '.join(GAUGE_GROUPS)}")
    return GAUGE_GROUPS[name]


def site_axis(ndim: int, mu: int) -> int:
    """Site axis (0 is the slowest, t) along which direction `mu` steps."""
    return ndim - 1 - mu


def planes(ndim: int) -> tuple[tuple[int, int], ...]:
    """All (mu, nu) with mu < nu, in the order in which kernels number them."""
    return tuple((mu, nu) for mu in range(ndim) for nu in range(mu + 1, ndim))
