"""`gaugeflow check-study`: validate a study on a login node and print what it will run and need."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gaugeflow.config.study import Study


def check_study(
    study: Annotated[str, typer.Argument(help="Study name, folder or YAML file.")],
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    root: Annotated[str, typer.Option(help="Folder under which outputs will be.")] = ".",
) -> None:
    """Validate a study; print its ensembles, configurations, memory, disk and an estimate of its cost."""
    from gaugeflow.config.load import load_study

    loaded = load_study(study, scale)
    _print_table(loaded)
    for ensemble in loaded.ensembles:
        if (found := ensemble.foreign) is not None:
            count, chains = len(found.paths), len(found.chains)
            typer.echo(
                f"{ensemble.label}: {count} file{'s' if count > 1 else ''} in {found.folder}, "
                f"{chains} chain{'s' if chains > 1 else ''} of trajectories "
                f"{found.trajectories[0]} to {found.trajectories[-1]}, read where they are"
            )
    models = ""
    if loaded.trainings:
        _print_models(loaded)
        models = f", {root}/data/models/MODEL"
    typer.echo(f"outputs under {root}/data/ensembles/ID{models} and {root}/results/{loaded.name}")
    count = f", {len(loaded.trainings)} models" if loaded.trainings else ""
    typer.echo(f"{loaded.name} at scale {scale}: valid, {len(loaded.ensembles)} ensembles{count}")


def _print_table(study: "Study") -> None:
    from rich.console import Console
    from rich.table import Table

    from gaugeflow.config.cost import estimate

    table = Table(title=f"{study.name} ({study.scale}): {study.title}", title_justify="left")
    for heading in ("ensemble", "label"):
        table.add_column(heading, overflow="fold")
    for heading in ("chains", "configurations", "chunks", "ranks", "memory", "disk", "core hours"):
        table.add_column(heading, justify="right")
    costs = [estimate(ensemble, study.flows) for ensemble in study.ensembles]
    for ensemble, cost in zip(study.ensembles, costs, strict=True):
        table.add_row(
            ensemble.ensemble_id,
            ensemble.label,
            str(ensemble.spec.chains),
            str(ensemble.configs_total),
            str(ensemble.chunks),
            str(ensemble.ranks),
            bytes_text(cost.memory),
            bytes_text(cost.disk),
            hours_text(cost.core_hours),
        )
    table.add_section()
    disk, hours = sum(cost.disk for cost in costs), sum(cost.core_hours for cost in costs)
    memory = max(cost.memory for cost in costs)
    table.add_row("all", "", "", "", "", "", bytes_text(memory), bytes_text(disk), hours_text(hours))
    console = Console()
    Console(width=None if console.is_terminal else 160).print(table)


def _print_models(study: "Study") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="networks")
    for heading in ("model", "label", "seed"):
        table.add_column(heading, overflow="fold")
    for heading in ("trained on", "steps", "ranks", "tested on"):
        table.add_column(heading, justify="right")
    for model in study.trainings:
        settings, count = model.training, model.training_configurations
        steps = "" if settings is None else str(settings.epochs * -(-count // settings.batch))
        trained_on = f"{count} configurations" if settings else model.file.file if model.file else ""
        tested_on = f"{len(model.test)} ensembles"
        seed = "" if model.seed is None else str(model.seed)
        table.add_row(model.model_id, model.label, seed, trained_on, steps, str(model.ranks), tested_on)
    console = Console()
    Console(width=None if console.is_terminal else 160).print(table)


def bytes_text(size: float) -> str:
    """Bytes in the largest unit that keeps the number above one: 37748736 -> "37.7 MB"."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} PB"


def hours_text(hours: float) -> str:
    """Estimated time, two digits: it is no better than that."""
    return f"{hours:.2g}" if hours >= 0.01 else "< 0.01"
