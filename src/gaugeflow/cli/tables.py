"""gaugeflow tables: results to LaTeX tables, number macros and CSV."""

from pathlib import Path
from typing import Annotated

import typer


def tables(
    results: Annotated[list[Path], typer.Argument(help="results.json files")],
    out: Annotated[Path, typer.Option(help="folder for numbers.tex and a .tex and a .csv file per study")],
) -> None:
    """LaTeX tables (booktabs), one macro per number, and CSV with checksums of what they were made from."""
    from gaugeflow.analysis.results import read_results
    from gaugeflow.ensembles.atomic import atomic_path
    from gaugeflow.errors import ConfigError
    from gaugeflow.report.latex import macros_file, table_file
    from gaugeflow.report.tables import csv_table

    read = [read_results(path) for path in results]
    studies = [content["study"] for content in read]
    twice = sorted({study for study in studies if studies.count(study) > 1})
    if twice:
        raise ConfigError(f"study {twice[0]} was given twice; there is one table per study")
    texts = {"numbers.tex": macros_file(read)}
    for content in read:
        texts |= {f"{content['study']}.tex": table_file(content), f"{content['study']}.csv": csv_table(content)}
    for name, text in texts.items():
        with atomic_path(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    typer.echo(f"{out}: numbers.tex and tables of {', '.join(studies)}")
