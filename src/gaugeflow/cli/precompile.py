"""`gaugeflow precompile`: the kernels of a study compiled into the cache, so that its jobs only load them."""

import logging
import time
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.cli.options import Oversubscribe, Threads, start_alone
from gaugeflow.errors import ConfigError

if TYPE_CHECKING:
    from gaugeflow.config.ensemble import EnsembleSpec
    from gaugeflow.config.foreign import ForeignSpec
    from gaugeflow.config.study import Study

logger = logging.getLogger(__name__)

EXTENT, CHAINS = 4, 2
"""Size of the lattices that stand in for the study's: kernels do not depend on it."""

FLOW_TIME = 0.01

SHORTEST = {
    "hmc": {"n_steps": 1, "tau": 0.1},
    "heatbath": {"heatbath": 1},
    "langevin": {"step": 0.01},
    "mala": {"step": 0.01},
    "exact": {},
}
"""What a sampler's settings become so that a step is short and calls every kernel that it would."""


def precompile(
    study: Annotated[str, typer.Argument(help="Study name, folder or YAML file.")],
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    threads: Threads = 1,
    oversubscribe: Oversubscribe = False,
    device: Annotated[str, typer.Option(help="cpu: the only device whose kernels are kept on disk.")] = "cpu",
) -> None:
    """Compile every kernel that generate, measure and flow of a study need, for this machine's processor.

    The cache (GAUGEFLOW_CACHE_DIR) is keyed by processor: where compute nodes differ from the login node, run this on
    one of them (srun -n 1 gaugeflow precompile STUDY).
    """
    from gaugeflow.config.load import load_study

    if device != "cpu":
        raise ConfigError(f"--device: got {device!r}, wanted cpu; only its kernels are compiled ahead")
    start_alone(threads, oversubscribe)
    loaded = load_study(study, scale)
    began = time.monotonic()
    compiled = compile_all(loaded, threads)
    elapsed = time.monotonic() - began
    if not compiled:
        typer.echo(f"{loaded.name}: nothing to compile, every kernel is in the cache ({elapsed:.1f} s)")
        return
    for (configuration, function), seconds in compiled.items():
        typer.echo(f"{configuration:36} {function:18} {seconds:6.2f} s")
    typer.echo(f"{loaded.name}: {len(compiled)} kernels compiled in {elapsed:.1f} s")


def compile_all(study: "Study", threads: int) -> dict[tuple[str, str], float]:
    """Compile the kernels of all ensembles; {(configuration, kernel): seconds} of those that were not in the cache."""
    from gaugeflow.kernels.compilation import watching

    compiled: dict[tuple[str, str], float] = {}

    def note(configuration: str, function: str, seconds: float) -> None:
        name = configuration.removeprefix("gaugeflow_kernels_").rpartition("_")[0]
        compiled[name, function] = seconds
        logger.info("compiled %s of %s in %.2f s", function, name, seconds)

    jobs = {
        (stand_in(ensemble.spec), stage, precision)
        for ensemble in study.ensembles
        for stage, precision in stages(ensemble.spec, study)
    }
    with watching(note):
        for spec, stage, precision in sorted(jobs, key=str):
            use_every_kernel(spec, study, stage, precision, threads)
        time_tiles(study)
    return compiled


def time_tiles(study: "Study") -> None:
    """Let lattices beyond the cache have their tiles timed now, once per host, and not by the first job."""
    from gaugeflow.kernels.dispatch import kernels_for
    from gaugeflow.kernels.tuning import choose_pace

    cases = {
        (ensemble.spec.group, ensemble.spec.ndim, precision, ensemble.spec.sites // ensemble.ranks)
        for ensemble in study.ensembles
        for _, precision in stages(ensemble.spec, study)
    }
    for group, ndim, precision, sites in sorted(cases):
        choose_pace(kernels_for(group, ndim, precision=precision), ndim, sites)


def stages(spec: "EnsembleSpec | ForeignSpec", study: "Study") -> list[tuple[str, str]]:
    """(command, precision of its fields) of every command with kernels that will run on an ensemble."""
    from gaugeflow.config.foreign import ForeignSpec

    flows = [(f"flow {flow.kind}", flow.precision) for flow in study.flows]
    generated = [] if isinstance(spec, ForeignSpec) else [("generate", spec.precision)]
    return [*generated, ("measure", "float64"), *flows]


def stand_in(spec: "EnsembleSpec | ForeignSpec") -> "EnsembleSpec | ForeignSpec":
    """A spec on a tiny lattice whose kernels are those of `spec`; equal for all ensembles that share kernels."""
    from gaugeflow.config.foreign import ForeignSpec

    if isinstance(spec, ForeignSpec):
        names = {"files": ("x",), "positions": "auto", "configs_per_chunk": 1, "beta": None, "action": None}
        return spec.model_copy(update={"extents": (EXTENT,) * spec.ndim, "chains": CHAINS, **names})
    sampler = spec.sampler.model_copy(update=SHORTEST[spec.sampler.kind])
    small = {"extents": (EXTENT,) * spec.ndim, "chains": CHAINS, "seed": 1, "start": "mixed", "sampler": sampler}
    length = {"thermalisation": 0, "warmup": 0, "save_every": 1, "configs_per_chunk": 1}
    action = spec.action.model_copy(update={"beta": 1.0})
    return spec.model_copy(update={**small, **length, "action": action})


def use_every_kernel(
    spec: "EnsembleSpec | ForeignSpec", study: "Study", stage: str, precision: str, threads: int
) -> None:
    """What one command does, on a tiny lattice, alone and cut in two with halos."""
    from gaugeflow.assembly import make_lattice, make_sampler
    from gaugeflow.kernels.compilation import compile_schedules
    from gaugeflow.lattice.communicator import Mirror, Serial
    from gaugeflow.observables.flowed import flowed_series
    from gaugeflow.observables.registry import measure_all
    from gaugeflow.samplers.start import start_links

    for comm, grid in ((Serial(), None), (Mirror(2), (1, 2, *[1] * (spec.ndim - 1)))):
        lattice = make_lattice(spec, comm, grid=grid, threads=threads, precision=precision)
        compile_schedules(lattice.layout, lattice.kernels.unit_bytes)
        links = lattice.scatter(lattice.gather(lattice.cold()))
        lattice.halo.use_every_kernel(links)
        if stage == "generate":
            links = start_links(lattice, spec.start, spec.seed)
            links, _ = make_sampler(spec).step(lattice, links, lattice.new_momenta(), 0)
        elif stage == "measure":
            measure_all(lattice, links, study.measure)
        else:
            flowed_series(lattice, links, (FLOW_TIME,), study.flow(stage.removeprefix("flow ")))
