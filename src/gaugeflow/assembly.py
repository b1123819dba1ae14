"""The only place where a configuration becomes objects."""

from gaugeflow.actions.rectangle import RectangleAction
from gaugeflow.actions.wilson import WilsonAction
from gaugeflow.config.ensemble import EnsembleSpec
from gaugeflow.errors import ConfigError
from gaugeflow.lattice.communicator import Communicator
from gaugeflow.lattice.devices import resolve
from gaugeflow.samplers.hmc import HMC
from gaugeflow.samplers.integrators import INTEGRATORS
from gaugeflow.samplers.langevin import Langevin, mala


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


def make_sampler(spec: EnsembleSpec):
    """Sampler of a resolved spec: `step(lattice, links, momenta, trajectory, metropolis)` and the flag `metropolis`.

    Raises    ConfigError if the number of steps is still a request to tune
    """
    settings, action = spec.sampler, make_action(spec)
    if settings.kind == "hmc":
        if spec.tuned:
            raise ConfigError("sampler.n_steps is a request to tune; run gaugeflow tune and gaugeflow spec first")
        sampler = HMC(action, INTEGRATORS[settings.integrator], settings.tau, settings.n_steps, spec.seed)
    elif settings.kind == "heatbath":
        from gaugeflow.samplers.heatbath import HeatBath

        sampler = HeatBath(action, settings.heatbath, settings.overrelaxation, spec.seed)
    elif settings.kind == "exact":
        from gaugeflow.samplers.exact_2d import Exact2D

        return Exact2D(action, spec.seed)
    elif settings.kind == "mala":
        return mala(action, settings.step, spec.seed)
    else:
        return Langevin(action, settings.step, spec.seed)
    if settings.winding:
        from gaugeflow.samplers.winding import Winding

        return Winding(sampler, action, settings.winding, spec.seed)
    return sampler
