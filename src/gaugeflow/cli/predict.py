"""`gaugeflow predict`: a trained model on the configurations of one ensemble."""

from pathlib import Path
from typing import Annotated

import typer

from gaugeflow.cli.finished import already_complete
from gaugeflow.cli.options import Device, Oversubscribe, Ranks, Receipt, Threads, require_networks


def predict(
    model: Annotated[Path, typer.Argument(help="model.safetensors of gaugeflow train.")],
    chunks: Annotated[list[Path], typer.Argument(help="HDF5 files of configurations, or catalogues, of one ensemble.")],
    out: Annotated[Path, typer.Option(help="HDF5 file of predictions to write.")],
    sha256: Annotated[str | None, typer.Option(help="Hash that the model's file must have.")] = None,
    study: Annotated[str | None, typer.Option(help="Study that names the files of a catalogue.")] = None,
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    batch: Annotated[int, typer.Option(help="Configurations of one chain computed together.", min=1)] = 16,
    ranks: Ranks = 1,
    threads: Threads = 1,
    oversubscribe: Oversubscribe = False,
    device: Device = "cpu",
    receipt: Receipt = None,
) -> None:
    """Write volume averages of prediction and target for every configuration and chain; any lattice size."""
    require_networks()
    from gaugeflow.cli.progress import progress
    from gaugeflow.config.load import load_study
    from gaugeflow.ensembles.atomic import require_writable
    from gaugeflow.ensembles.receipt import write_receipt
    from gaugeflow.jobs import attempts
    from gaugeflow.jobs.clock import check_clock
    from gaugeflow.training.predictions import find_chunks, predict_chunks, predictions_complete, write_predictions
    from gaugeflow.training.tasks import start_world
    from gaugeflow.training.weights import read_model
    from gaugeflow.training.world import joined, settle

    comm = start_world(ranks, threads, oversubscribe)
    settle(threads)
    trained = read_model(model, sha256)
    folder_of = load_study(study, scale).folder_of_files if study else lambda ensemble_id: None
    found = find_chunks(chunks, folder_of, trained)
    if comm.broadcast(comm.rank == 0 and predictions_complete(out, trained, found)):
        if comm.rank == 0:
            already_complete(out, receipt)
        return
    n, chains = sum(chunk.n for chunk in found), found[0].chains
    if comm.rank == 0:
        require_writable(out)
        check_clock(out)
        attempts.record("model", model_id=trained.model_id, ensemble_id=found[0].ensemble_id, configurations=n)
    with (
        joined(comm, device) as world,
        progress("configurations", n * chains, quiet=comm.rank > 0) as advance,
    ):
        numbers = predict_chunks(trained, found, world, batch, advance)
    if comm.rank == 0:
        digest = write_predictions(out, trained, found, numbers)
        write_receipt(receipt, out)
        typer.echo(f"{out}: {n} configurations of {chains} chains, content {digest}")
