"""`gaugeflow predict`: a trained model on the configurations of ensembles."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaugeflow.cli.finished import already_complete
from gaugeflow.cli.options import Device, Oversubscribe, Ranks, Receipt, Threads, require_networks

if TYPE_CHECKING:
    from gaugeflow.training.data import Chunk
    from gaugeflow.training.weights import Model
    from gaugeflow.training.world import World


def predict(
    model: Annotated[Path, typer.Argument(help="model.safetensors of gaugeflow train.")],
    chunks: Annotated[list[Path], typer.Argument(help="HDF5 files of configurations, or catalogues.")],
    out: Annotated[Path, typer.Option(help="HDF5 file to write; without .h5 a folder, one file per ensemble.")],
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
    from gaugeflow.config.load import load_study
    from gaugeflow.ensembles.receipt import write_receipt
    from gaugeflow.errors import ConfigError
    from gaugeflow.training.predictions import find_chunks
    from gaugeflow.training.tasks import start_world
    from gaugeflow.training.weights import read_model
    from gaugeflow.training.world import joined, settle

    comm = start_world(ranks, threads, oversubscribe)
    settle(threads)
    trained = read_model(model, sha256)
    folder_of = load_study(study, scale).folder_of_files if study else lambda ensemble_id: None
    several = out.suffix != ".h5"
    found = find_chunks(chunks, folder_of, trained)
    if len(found) > 1 and not several:
        raise ConfigError(f"--out: got the file {out} for {len(found)} ensembles, wanted a folder: a name without .h5")
    files = {ensemble_id: out / f"{ensemble_id}.h5" if several else out for ensemble_id in found}
    with joined(comm, device) as world:
        for ensemble_id, own in found.items():
            _predict(trained, own, world, batch, files[ensemble_id])
    if comm.rank == 0:
        write_receipt(receipt, max(files.values(), key=lambda path: path.stat().st_mtime_ns))  # of several the newest


def _predict(trained: "Model", own: "tuple[Chunk, ...]", world: "World", batch: int, out: Path) -> None:
    """One ensemble's file, unless it is there."""
    from gaugeflow.cli.progress import progress
    from gaugeflow.ensembles.atomic import require_writable
    from gaugeflow.jobs import attempts
    from gaugeflow.jobs.clock import check_clock
    from gaugeflow.training.predictions import predict_chunks, predictions_complete, write_predictions

    comm = world.comm
    if comm.broadcast(comm.rank == 0 and predictions_complete(out, trained, own)):
        if comm.rank == 0:
            already_complete(out, None)
        return
    n, chains = sum(chunk.n for chunk in own), own[0].chains
    if comm.rank == 0:
        require_writable(out)
        check_clock(out)
        attempts.record("model", model_id=trained.model_id, ensemble_id=own[0].ensemble_id, configurations=n)
    with progress("configurations", n * chains, quiet=comm.rank > 0) as advance:
        numbers = predict_chunks(trained, own, world, batch, advance)
    if comm.rank == 0:
        digest = write_predictions(out, trained, own, numbers)
        typer.echo(f"{out}: {n} configurations of {chains} chains, content {digest}")
