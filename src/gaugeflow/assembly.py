"""The only place where a configuration becomes objects."""

from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.config.ensemble import EnsembleSpec
from gaugeflow.errors import ConfigError
from gaugeflow.lattice.communicator import Communicator
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import INTEGRATORS

DEVICES = ("cpu", "oracle")


def make_lattice(
    spec: EnsembleSpec, comm: Communicator, *, grid=None, threads: int = 1, device: str = "cpu", precision="float64"
):
    """Lattice of all chains of `spec` on the ranks of `comm`.

    device      "cpu" (compiled kernels) or "oracle" (plain NumPy, one rank, float64 only)
    precision   "float64" or "float32"; that of the spec is for its generation, what reads files has its own
    Raises      ConfigError for another device or precision, GeometryError for a grid that does not divide
    """
    if device == "cpu":
        from gaugeflow.lattice.packed import PackedLattice

        options = {"comm": comm, "grid": grid, "threads": threads, "precision": precision}
        return PackedLattice(spec.group, spec.extents, spec.chains, **options)
    if device == "oracle":
        from gaugeflow.lattice.oracle import OracleLattice

        return OracleLattice(spec.group, spec.extents, spec.chains, comm=comm, precision=precision)
    raise ConfigError(f"device: got {device!r}, wanted one of {', '.join(DEVICES)}")


def make_hmc(spec: EnsembleSpec) -> HMC:
    """Sampler of a resolved spec.

    Raises    ConfigError if the number of steps is still a request to tune
    """
    steps = spec.sampler.n_steps
    if not isinstance(steps, int):
        raise ConfigError("sampler.n_steps is a request to tune; run gaugeflow tune and gaugeflow spec first")
    splitting = INTEGRATORS[spec.sampler.integrator]
    return HMC(WilsonAction(spec.action.beta), splitting, spec.sampler.tau, steps, spec.seed)
