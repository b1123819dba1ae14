"""`gaugeflow spec`: the request of one ensemble, with tuned numbers filled in, as the file that generation reads."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gaugeflow.errors import ConfigError, FileError


def spec(
    study: Annotated[str, typer.Argument(help="Study name, folder or YAML file.")],
    ensemble: Annotated[str, typer.Option(help="Ensemble id or label.")],
    out: Annotated[Path, typer.Option(help="spec.json to write.")],
    scale: Annotated[str, typer.Option(help="full or tiny.")] = "full",
    tuning: Annotated[
        Path | None, typer.Option(help="tuning.json of this ensemble, where its n_steps is tuned.")
    ] = None,
) -> None:
    """Write the resolved spec of one ensemble."""
    from gaugeflow.config.foreign import ForeignSpec
    from gaugeflow.config.load import load_study
    from gaugeflow.config.schema import FileStart
    from gaugeflow.config.spec_file import write_spec

    chosen = load_study(study, scale).ensemble(ensemble)
    if isinstance(chosen.spec, ForeignSpec):
        written = write_spec(out, chosen, read_tuning(tuning) if tuning else None)
        typer.echo(f"{out}: {written.ensemble_id}, files of another code, {chosen.spec.chains} chains")
        return
    if isinstance(chosen.spec.start, FileStart):
        from gaugeflow.ensembles.source import check_start

        check_start(chosen.spec.start)
    written = write_spec(out, chosen, read_tuning(tuning) if tuning else None)
    typer.echo(f"{out}: {written.ensemble_id}, {written.spec.sampler.text}")


def read_tuning(path: Path) -> dict[str, Any]:
    """Content of a tuning.json.

    Raises  FileError if it cannot be read, ConfigError if it is not a mapping
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}); make it with gaugeflow tune") from error
    except ValueError as error:
        raise FileError(f"{path}: not JSON ({error}); make it again with gaugeflow tune") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: got {type(content).__name__}, wanted a mapping; make it again with gaugeflow tune")
    return content
