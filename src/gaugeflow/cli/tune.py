"""`gaugeflow tune`: the number of integrator steps of one ensemble, from a pilot chain of its own."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.cli.options import Device, Oversubscribe, Threads, start_alone
from gaugeflow.errors import ConfigError

if TYPE_CHECKING:
    from gaugeflow.config.ensemble import EnsembleSpec

FIRST_GUESS = 10


def tune(
    study: Annotated[str, typer.Argument(help="Study name, folder or YAML file.")],
    ensemble: Annotated[str, typer.Option(help="Ensemble id or label.")],
    out: Annotated[Path, typer.Option(help="tuning.json to write.")],
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    threads: Threads = 1,
    device: Device = "cpu",
    oversubscribe: Oversubscribe = False,
) -> None:
    """Find the number of integrator steps that reaches the wanted acceptance; production shares no random number."""
    from gaugeflow.assembly import make_lattice, make_sampler
    from gaugeflow.config.ensemble import resolved
    from gaugeflow.config.load import load_study
    from gaugeflow.ensembles.atomic import atomic_path
    from gaugeflow.jobs import attempts
    from gaugeflow.samplers.tuning import tune_steps

    comm = start_alone(threads, oversubscribe)
    chosen = load_study(study, scale).ensemble(ensemble)
    spec = chosen.spec
    if chosen.foreign is not None:
        raise ConfigError(f"{chosen.label}: is made of files of another code: there is no sampler to tune")
    if not spec.tuned:
        raise ConfigError(f"{chosen.label}: sampler is {spec.sampler.text}: nothing to tune")
    work = {"ensemble_id": chosen.ensemble_id, "seed": spec.seed, "request": spec.model_dump(mode="json")}
    attempts.record("chunk", chunk=None, **work)
    request = spec.sampler.n_steps
    start = spec.start if isinstance(spec.start, str) else "cold"
    lattice = make_lattice(spec, comm, threads=threads, device=device, precision=spec.precision)
    result = tune_steps(
        lattice,
        make_sampler(resolved(without_winding(spec), FIRST_GUESS)),
        start,
        request.target_acceptance,
        request.pilot_trajectories,
        FIRST_GUESS,
    )
    content = {"ensemble_id": chosen.ensemble_id, **asdict(result)}
    with atomic_path(out) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    typer.echo(f"{out}: {result.n_steps} steps, predicted acceptance {result.predicted_acceptance:.3f}")


def without_winding(spec: "EnsembleSpec") -> "EnsembleSpec":
    """The spec with HMC alone: winding updates change neither dH nor the number of steps."""
    return spec.model_copy(update={"sampler": spec.sampler.model_copy(update={"winding": 0})})
