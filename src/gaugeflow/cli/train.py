"""`gaugeflow train`: one model of a study, continued from wherever its training stands."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.cli.finished import already_complete
from gaugeflow.cli.options import Device, Oversubscribe, Ranks, Receipt, Threads, require_networks

if TYPE_CHECKING:
    from gaugeflow.training.loop import TrainingRun

logger = logging.getLogger(__name__)


def train(
    study: Annotated[str, typer.Argument(help="Study name, folder or YAML file.")],
    model: Annotated[str, typer.Option(help="Id of the model, or label of its network.")],
    data: Annotated[Path, typer.Option(help="Folder of the ensembles, ROOT/data/ensembles.")],
    out: Annotated[Path, typer.Option(help="model.safetensors to write; history.h5 goes beside it.")],
    seed: Annotated[int | None, typer.Option(help="Which of a label's models.")] = None,
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    ranks: Ranks = 1,
    threads: Threads = 1,
    oversubscribe: Oversubscribe = False,
    device: Device = "cpu",
    checkpoint_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds between saved states; 0 saves every step.", min=0, envvar="GAUGEFLOW_CHECKPOINT_SECONDS"
        ),
    ] = 30.0,
    receipt: Receipt = None,
) -> None:
    """Train one network of a study; a killed or stopped job continues when the same line runs again."""
    require_networks()
    from gaugeflow.config.load import load_study
    from gaugeflow.errors import ConfigError
    from gaugeflow.jobs.clock import check_clock
    from gaugeflow.jobs.deadline import find_deadline
    from gaugeflow.training.data import find_data
    from gaugeflow.training.loop import TrainingRun
    from gaugeflow.training.publication import published
    from gaugeflow.training.tasks import start_world
    from gaugeflow.training.world import joined, settle

    chosen = load_study(study, scale).training(model, seed)
    if chosen.training is None:
        raise ConfigError(f"--model: {chosen.model_id} is a file that was trained elsewhere; gaugeflow predict uses it")
    if ranks > chosen.training.micro_batches:
        raise ConfigError(
            f"--ranks: got {ranks}, wanted at most {chosen.training.micro_batches}, the micro-batches of a batch; "
            "start fewer ranks or choose a smaller training.micro_batch"
        )
    comm = start_world(ranks, threads, oversubscribe)
    settle(threads)
    rows = find_data(chosen, data)
    with joined(comm, device) as world:
        run = TrainingRun(chosen, rows, world, out, checkpoint_seconds=checkpoint_seconds)
        if comm.broadcast(comm.rank == 0 and published(out, chosen, rows, run.identity_sha256)):
            if comm.rank == 0:
                already_complete(out, receipt)
            return
        if comm.rank == 0:
            check_clock(out)
            run.require_room()
            run.set_deadline(find_deadline())
            _announce(run, threads)
        _finish(run, receipt)


def _finish(run: "TrainingRun", receipt: Path | None) -> None:
    """Run the training to its end and say so."""
    from gaugeflow.cli.progress import progress
    from gaugeflow.ensembles.receipt import write_receipt

    began, first = time.monotonic(), run.world.rank == 0
    counted = {"steps": "steps", "before": None, "quiet": not first}
    with progress("training", run.settings.epochs * run.steps_per_epoch, **counted) as run.advance:
        digest = run.run()
    if first:
        write_receipt(receipt, run.out)
        losses = run.position.history["validation_loss"]
        typer.echo(
            f"{run.out}: {len(losses)} epochs in {time.monotonic() - began:.1f} s, validation loss {min(losses):.6g}, "
            f"sha256 {digest}"
        )


def _announce(run: "TrainingRun", threads: int) -> None:
    """Say in both logs what runs, so that either alone lets one run it again."""
    from gaugeflow.config.canonical import canonical_json
    from gaugeflow.jobs import attempts
    from gaugeflow.lattice.cores import affinity, cores_text

    training, identity = run.training, run.training.identity()
    where = run.world.size, threads, cores_text(affinity()), run.world.device
    counts = len(run.data.training), len(run.data.validation), len(training.train)
    logger.info("model %s: seed %d, %d weights", training.model_id, run.seed, run.weights)
    logger.info("%d ranks, %d threads on cores %s, device %s", *where)
    logger.info("%d configurations to train on, %d to validate, of %d ensembles", *counts)
    logger.info("settings %s", canonical_json(identity))
    steps = run.settings.epochs * run.steps_per_epoch
    attempts.record("model", model_id=training.model_id, seed=run.seed, settings=identity, steps=steps)
