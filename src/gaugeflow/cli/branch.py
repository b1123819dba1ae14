"""`gaugeflow branch`: a new chain from a saved configuration, as an entry for a study."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gaugeflow.errors import ConfigError

if TYPE_CHECKING:
    from gaugeflow.config.ensemble import EnsembleSpec

LABEL = "b{beta}_{extents}_seed{seed}"


def branch(
    configurations: Annotated[Path, typer.Argument(help="HDF5 file of configurations.")],
    seed: Annotated[int, typer.Option(help="Seed of the new chain; another than that of the old one.", min=0)],
    config: Annotated[
        int | None, typer.Option(help="Configuration in the file, from 0; the last if not given.")
    ] = None,
    thermalisation: Annotated[
        int | None, typer.Option(help="Trajectories before the first that counts; those of the old chain if not given.")
    ] = None,
    chunks: Annotated[int, typer.Option(help="Length of the new chain.", min=1)] = 1,
    label: Annotated[str, typer.Option(help="Name in tables.")] = LABEL,
) -> None:
    """Print an entry of `ensembles` whose chain starts from a saved configuration with another seed.

    File, content hash and number of the configuration become part of the new ensemble's identity, spec and files;
    group, lattice, action and sampler are those of the old chain and may be edited before the entry is used.
    """
    import yaml

    from gaugeflow.config.ensemble import EnsembleSpec, FileStart, ensemble_id
    from gaugeflow.config.explain import validated
    from gaugeflow.config.foreign import ForeignSpec
    from gaugeflow.config.schema import EnsembleEntry
    from gaugeflow.config.spec_file import read_spec_text
    from gaugeflow.ensembles.reader import open_file
    from gaugeflow.ensembles.source import check_start

    with open_file(configurations, "configurations") as file:
        old = read_spec_text(file.spec_text, str(configurations))
        if isinstance(old.spec, ForeignSpec):
            raise ConfigError(
                f"{configurations}: was imported from another code, so there is no chain to branch: write an entry of "
                f"`ensembles` with start: {{file: {configurations}, content_sha256: {file.content_sha256}}}"
            )
        content, chunk, numbers = file.content_sha256, file.chunk, file.dataset("trajectory")
    start = {"file": str(configurations), "content_sha256": content}
    start |= {} if config is None else {"configuration": config}
    i = check_start(validated(FileStart, start, "start"))
    if seed == old.request.seed:
        raise ConfigError(
            f"--seed: got {seed}, the seed of the old chain; give another: they would draw the same numbers"
        )
    changes = {"seed": seed, "start": start, "warmup": 0, "sampler": old.spec.sampler.model_dump(mode="json")}
    changes |= {} if thermalisation is None else {"thermalisation": thermalisation}
    request = validated(EnsembleSpec, {**old.request.model_dump(mode="json"), **changes}, "branch")
    entry = {"label": label, **_entry(request), "chunks": chunks}
    validated(EnsembleEntry, entry, "branch")
    typer.echo(f"# from {old.ensemble_id}, chunk {chunk}, configuration {i} of {len(numbers)}, trajectory {numbers[i]}")
    typer.echo(f"# as it stands, this is ensemble {ensemble_id(request)}")
    typer.echo(yaml.safe_dump([entry], sort_keys=False, default_flow_style=None, width=110), nl=False)


def _entry(request: "EnsembleSpec") -> dict[str, Any]:
    """A request in the keys of a study's entry: beta beside the other numbers of the action, no version."""
    content = request.model_dump(mode="json")
    del content["version"]
    action = content.pop("action")
    others = {name: value for name, value in action.items() if name not in ("kind", "beta")}
    return {**content, "beta": action["beta"], **({"action": others} if others else {})}
