"""The only place where a configuration becomes objects."""

from gaugeflow.actions.rectangle import RectangleAction
from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.config.ensemble import EnsembleSpec
from gaugeflow.errors import ConfigError
from gaugeflow.lattice.communicator import Communicator
from gaugeflow.lattice.devices import resolve
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import INTEGRATORS


def make_lattice(
    spec: EnsembleSpec, comm: Communicator, *, grid=None, threads: int = 1, device: str = "cpu", precision="float64"
):
    """Lattice of all chains of `spec` on the ranks of `comm`.

    device      "cpu" (compiled kernels), "cuda" (one card per rank), "oracle" (plain NumPy, one rank) or "auto"
    precision   "float64" or "float32"; that of the spec is for its generation, what reads files has its own
    Raises      ConfigError for another device, a missing one or another precision, GeometryError for a grid that does
                not divide
    """
    device = resolve(device)
    if device == "oracle":
        from gaugeflow.lattice.oracle import OracleLattice

        return OracleLattice(spec.group, spec.extents, spec.chains, comm=comm, precision=precision)
    from gaugeflow.lattice.packed import PackedLattice

    options = {"comm": comm, "grid": grid, "threads": threads, "device": device, "precision": precision}
    return PackedLattice(spec.group, spec.extents, spec.chains, **options)


def make_action(spec: EnsembleSpec) -> WilsonAction | RectangleAction:
    """Action of a spec."""
    if spec.action.kind == "rectangle":
        return RectangleAction(spec.action.beta, spec.action.c1)
    return WilsonAction(spec.action.beta)


def make_hmc(spec: EnsembleSpec) -> HMC:
    """Sampler of a resolved spec.

    Raises    ConfigError if the number of steps is still a request to tune
    """
    steps = spec.sampler.n_steps
    if not isinstance(steps, int):
        raise ConfigError("sampler.n_steps is a request to tune; run gaugeflow tune and gaugeflow spec first")
    splitting = INTEGRATORS[spec.sampler.integrator]
    return HMC(make_action(spec), splitting, spec.sampler.tau, steps, spec.seed)
