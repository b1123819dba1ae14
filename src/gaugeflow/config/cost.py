"""What a study will need: memory, disk and time, from measured times per site. An estimate, not a promise."""

from collections.abc import Sequence
from dataclasses import dataclass

from gaugeflow.config.ensemble import EnsembleSpec
from gaugeflow.config.foreign import ForeignSpec
from gaugeflow.config.samplers import HmcSampler, TuneRequest
from gaugeflow.config.settings import FlowSettings
from gaugeflow.config.study import Ensemble
from gaugeflow.conventions import gauge_group

BYTES_PER_NUMBER = 16  # complex128

# Peak of a generating process in link fields: links, proposal, momenta (half a field), plaquette slots, tables and some
# slabs of the configuration on its way to the file. Measured with SU(3) above the base: 3.0 on 16^3 x 8 and on 16^4.
FIELDS_IN_MEMORY = 3.3
GRADIENT_FIELDS = 1.5  # more for integrators with shifted forces: the shifted links and what shifts them
BASE_MEMORY = 180_000_000  # bytes of one process before any field: interpreter, compiled kernels, libraries

# ns per site and plane of a force, and per site and direction of a drift and of what happens once per trajectory
# (momenta, copies, energies), by N. Fitted to whole runs of `gaugeflow generate` of U(1), SU(2) and SU(3) on one core
# of a cloud machine, 16^2 x 64 and 8^4 x 4 chains; all six times come out within 15 %.
FORCE_NS_PER_PLANE = {1: 4.0, 2: 9.5, 3: 35.0}
DRIFT_NS_PER_DIRECTION = {1: 4.0, 2: 7.0, 3: 20.0}
TRAJECTORY_NS_PER_DIRECTION = {1: 25.0, 2: 60.0, 3: 110.0}
# Beyond N = 3 force and drift grow as N^4: N^3 products, of matrices that the registers do not hold. Kernels of SU(4),
# SU(5) and SU(8) on 8^4, in units of SU(3)'s: force 3.1, 7.9, 41, drift 3.0, 7.3, 52, the rest 2.4, 5.0, 23.
UPDATE_POWER, TRAJECTORY_POWER = 4, 3
FORCES_PER_STEP = {"leapfrog": 1, "omf2": 2, "omf4": 5, "force_gradient": 3}  # each with a drift
# A sweep over all links, and an independent configuration, in units of a force: staples are summed once per link as in
# a force, and what follows is one or two products. To be measured again with each sampler.
SWEEP_FORCES = {"heatbath": 2.4, "overrelaxation": 1.2, "winding": 0.2, "exact": 1.0}
# Runge-Kutta steps that take as long as E clover and each charge beside it at one flow time: SU(3) on 16^4, one core.
CLOVER_STEPS, CHARGE_STEPS = 0.7, {"clover": 0.0, "improved": 3.4, "5li": 9.2, "plaquette": 1.5}
# A force with rectangles in units of the Wilson force: SU(3) 7.1 on 8^4 and 9 on 16^4, SU(2) 7.1 and 5.5 in 2D, U(1)
# 5.8 and 3.9. The smoothed force of the Zeuthen flow takes 6 % more.
FORCE_SHARE = {"wilson": 1.0, "rectangle": 7.0, "symanzik": 7.0, "zeuthen": 7.5}
# Fields that stay beside FIELDS_IN_MEMORY: four half staples per site, 4 / D of links. A flow measured on 16^4 SU(3):
# 1.9 fields, with half staples 3.0, the smoothed force 0.5 more, an adaptive step 2.5 more.
HALF_STAPLES = 4
FLOW_FIELDS, SMOOTHED_FIELDS, ADAPTIVE_FIELDS = 2.2, 0.5, 2.5
RK3_STAGES = 3
READ_NS_PER_BYTE = 2.0  # reading, checksums, plaquettes and distance from the group of a file of another code
ASSUMED_STEPS = 12  # where tuning decides
PILOT_RUNS = 4


@dataclass(frozen=True)
class Cost:
    """Needs of one ensemble: bytes in memory and on disk, seconds on one core.

    generate_seconds    of other codes' files: reading and judging them
    """

    memory: float
    disk: float
    generate_seconds: float
    flow_seconds: float

    @property
    def core_hours(self) -> float:
        """Generation and flow together."""
        return (self.generate_seconds + self.flow_seconds) / 3600


def links_bytes(spec: EnsembleSpec | ForeignSpec) -> int:
    """Size of one configuration of all chains: chains x sites x D x N^2 complex numbers."""
    return spec.chains * spec.sites * spec.ndim * gauge_group(spec.group).n ** 2 * BYTES_PER_NUMBER


def chunk_bytes(spec: EnsembleSpec, saved: int = 0) -> int:
    """Bytes that a chunk still has to write: configurations beyond those saved, two restart states, the final file.

    The final file is written beside the saved configurations; they are removed when it is in place.
    """
    return (2 * spec.configs_per_chunk - saved + 2) * links_bytes(spec)


def estimate(ensemble: Ensemble, flows: Sequence[FlowSettings] = ()) -> Cost:
    """Memory (bytes, all ranks), disk (bytes) and time (seconds on one core) of an ensemble and its flows.

    Files of other codes are read where they are, a few time slices at a time: they take no disk, and memory is that of
    measuring and flowing.
    """
    spec = ensemble.spec
    sites = spec.sites * spec.chains
    flow_seconds = ensemble.configs_total * sites * sum(_flow_ns(spec, flow) for flow in flows) * 1e-9
    if isinstance(spec, ForeignSpec):
        memory = max(FLOW_FIELDS, _flow_fields(spec, flows)) * links_bytes(spec) + ensemble.ranks * BASE_MEMORY
        read = ensemble.configs_total * links_bytes(spec) * READ_NS_PER_BYTE * 1e-9
        return Cost(memory=memory, disk=0.0, generate_seconds=read, flow_seconds=flow_seconds)
    trajectories = spec.thermalisation + ensemble.configs_total * spec.save_every + pilot_trajectories(spec)
    trajectory_ns = forces_per_step(spec) * update_ns(spec, FORCE_SHARE[spec.action.kind])
    trajectory_ns += spec.ndim * _scaled(TRAJECTORY_NS_PER_DIRECTION, gauge_group(spec.group).n, TRAJECTORY_POWER)
    return Cost(
        memory=_fields_in_memory(spec, flows) * links_bytes(spec) + ensemble.ranks * BASE_MEMORY,
        disk=ensemble.configs_total * links_bytes(spec),
        generate_seconds=trajectories * sites * trajectory_ns * 1e-9,
        flow_seconds=flow_seconds,
    )


def pilot_trajectories(spec: EnsembleSpec) -> int:
    """Trajectories of the pilot chains that tune the sampler; 0 where nothing is tuned."""
    if isinstance(spec.sampler, HmcSampler) and isinstance(spec.sampler.n_steps, TuneRequest):
        return PILOT_RUNS * spec.sampler.n_steps.pilot_trajectories
    return 0


def forces_per_step(spec: EnsembleSpec) -> float:
    """Cost of a step of the sampler (a trajectory, a set of sweeps) in units of a force and a drift."""
    sampler = spec.sampler
    forces = SWEEP_FORCES["winding"] * getattr(sampler, "winding", 0)
    if isinstance(sampler, HmcSampler):
        steps = ASSUMED_STEPS if isinstance(sampler.n_steps, TuneRequest) else sampler.n_steps
        return forces + steps * FORCES_PER_STEP[sampler.integrator]
    if sampler.kind == "heatbath":
        sweeps = {"heatbath": sampler.heatbath, "overrelaxation": sampler.overrelaxation}
        return forces + sum(count * SWEEP_FORCES[name] for name, count in sweeps.items())
    return {"langevin": 1.0, "mala": 2.0, "exact": SWEEP_FORCES["exact"]}[sampler.kind]


def _flow_ns(spec: EnsembleSpec | ForeignSpec, flow: FlowSettings) -> float:
    """ns per site of the flow of one configuration and of what is measured along it."""
    steps = flow.flow_times()[-1] / flow.step
    measured = len(flow.flow_times()) * (CLOVER_STEPS + sum(CHARGE_STEPS[name] for name in flow.charges))
    return RK3_STAGES * (steps * update_ns(spec, FORCE_SHARE[flow.kind]) + measured * update_ns(spec))


def _fields_in_memory(spec: EnsembleSpec, flows: Sequence[FlowSettings]) -> float:
    """Peak of generation or of a flow, whichever is largest, in fields of links."""
    generate = FIELDS_IN_MEMORY + (HALF_STAPLES / spec.ndim if spec.action.kind == "rectangle" else 0)
    if isinstance(spec.sampler, HmcSampler) and spec.sampler.integrator == "force_gradient":
        generate += GRADIENT_FIELDS
    return max(generate, _flow_fields(spec, flows))


def _flow_fields(spec: EnsembleSpec | ForeignSpec, flows: Sequence[FlowSettings]) -> float:
    """Peak of the flow that needs most, in fields of links; 0 without flows."""
    half_staples = HALF_STAPLES / spec.ndim
    extra = {"wilson": 0.0, "symanzik": half_staples, "zeuthen": half_staples + SMOOTHED_FIELDS}
    return max((FLOW_FIELDS + extra[f.kind] + (ADAPTIVE_FIELDS if f.adaptive else 0) for f in flows), default=0.0)


def update_ns(spec: EnsembleSpec | ForeignSpec, force_share: float = 1.0) -> float:
    """ns per site of one force and one drift; the drift of U(N >= 2) is that of SU(N) and of a phase.

    force_share    time of the force in units of the Wilson force
    """
    planes, group = spec.ndim * (spec.ndim - 1) // 2, gauge_group(spec.group)
    drift = _scaled(DRIFT_NS_PER_DIRECTION, group.n, UPDATE_POWER)
    if group.n > 1 and not group.special:
        drift += DRIFT_NS_PER_DIRECTION[1]
    return planes * force_share * _scaled(FORCE_NS_PER_PLANE, group.n, UPDATE_POWER) + spec.ndim * drift


def _scaled(measured: dict[int, float], n: int, power: int) -> float:
    """Measured time, or that of N = 3 scaled."""
    return measured[n] if n in measured else measured[3] * (n / 3) ** power
