"""`gaugeflow COMMAND INPUT... --out FILE`: finds the command, sets up logging, turns errors into exit codes."""

import importlib
import logging
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from gaugeflow import __version__
from gaugeflow.cli.attempt_log import begin_attempt, end_attempt, exit_reason
from gaugeflow.cli.logs import set_up_logging
from gaugeflow.errors import GaugeflowError

COMMANDS = {
    "check-study": ("check_study", "Validate a study and print what it will run and need."),
    "spec": ("spec", "Write the resolved spec of one ensemble."),
    "tune": ("tune", "Find the number of integrator steps on a pilot chain."),
    "generate": ("generate", "Generate one chunk of an ensemble."),
    "catalogue": ("catalogue", "Check and list files of other codes that a study takes as an ensemble."),
    "branch": ("branch", "Print the entry of a new chain that starts from a saved configuration."),
    "measure": ("measure", "Measure plaquettes, loops and charges on a chunk."),
    "flow": ("flow", "Flow a chunk and measure energy and charge."),
    "train": ("train", "Train one network of a study on its ensembles."),
    "predict": ("predict", "Predict with a trained network on configurations."),
    "analyse": ("analyse", "Turn series into numbers with errors."),
    "report": ("report", "Write figures, tables and the report page."),
    "tables": ("tables", "Write LaTeX tables, number macros and CSV."),
    "validate": ("validate", "Compare results with their references."),
    "collect": ("collect", "Final tables from whatever a run has finished."),
    "scoreboard": ("scoreboard", "Print a scoreboard, or put it into the README."),
    "submit": ("submit", "Run a study to its tables, here or on a cluster."),
    "status": ("status", "Show how far a submission is."),
    "resume": ("resume", "Go on with a submission, after whatever happened to it."),
    "cancel": ("cancel", "Stop a submission: its coordinator and its jobs."),
    "archive": ("archive", "Move or delete links of finished chunks, or bring them back."),
    "check": ("check", "Verify structure, checksums and physics of files."),
    "info": ("info", "Print what a file holds and where it came from."),
    "convert": ("convert", "Convert one configuration from any format into any other."),
    "doctor": ("doctor", "Report what this machine offers."),
    "precompile": ("precompile", "Compile the kernels of a study ahead of its jobs."),
    "bench": ("bench", "Time the kernels against what this machine can do."),
}
"""Command: the module of gaugeflow.cli whose function of the same name runs it, and its line in --help."""

EPILOG = (
    "Exit codes: 0 done; 1 unexpected failure; 2 wrong configuration or command line; 3 missing, damaged or foreign "
    "file, or a failed check; 4 physics out of bounds; 75 stopped with all state saved, call again; 130 interrupted."
)

RANK_0_HEAD_START = 2.0  # seconds for rank 0 to report before another rank does
LAUNCHER_DELAY = 0.3  # seconds for the launcher to pass on what was written: ending the job drops the rest


class LazyGroup(TyperGroup):
    """Knows the names and one-line helps of all commands; imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """A stand-in with the help line, enough for listings."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """The real command, its module imported now."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(str(name)), rest


def load_command(name: str) -> TyperCommand:
    """Import a command's module and make a command of its function."""
    module_name = COMMANDS[name][0]
    module = importlib.import_module(f"gaugeflow.cli.{module_name}")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(getattr(module, module_name))
    command = typer.main.get_command(app)
    command.name = name
    return command  # type: ignore[return-value]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gaugeflow {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(epilog=EPILOG)
def gaugeflow(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log details.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log warnings and errors only.")] = False,
    attempts: Annotated[
        Path | None, typer.Option(help="Folder in which this attempt's own log is written, as 1.jsonl, 2.jsonl, ..")
    ] = None,
    asked: Annotated[
        str | None,
        typer.Option(help="What the job was given, for that log: runtime=MINUTES,mem_mb=..,tasks=..,gpus=.."),
    ] = None,
) -> None:
    """Lattice gauge theory from a study file to a table: ensembles, gradient flow, observables, statistics."""
    set_up_logging(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)
    if attempts is not None:
        begin_attempt(attempts, context.obj, asked)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected errors become one message on stderr."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(args=arguments, prog_name="gaugeflow", obj=arguments)
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1 if exit_.code else 0
        end_attempt(code, exit_reason(exit_))
        return code
    except GaugeflowError as error:
        end_attempt(error.exit_code, str(error))
        return _report(f"gaugeflow: error: {error}", error.exit_code)
    except KeyboardInterrupt:
        end_attempt(130, "interrupted")
        return _report("gaugeflow: interrupted", 130)
    except Exception as error:
        end_attempt(1, f"{type(error).__name__}: {error}", traceback.format_exc())
        if _world_size() == 1:
            raise
        logging.getLogger("gaugeflow").exception("unexpected failure")
        return _report("gaugeflow: unexpected failure, this is a bug", 1)
    end_attempt(0, "")
    return 0


def entry_point() -> None:
    """Console script."""
    sys.exit(main())


def _report(message: str, code: int) -> int:
    """Print the message once. In a world of several ranks the others may wait in a collective call: end them all."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is None or _world_size() == 1:
        sys.stderr.write(message + "\n")
        return code
    rank = mpi.COMM_WORLD.Get_rank()
    if rank:
        time.sleep(RANK_0_HEAD_START)
        message = f"rank {rank}: {message}"
    sys.stderr.write(message + "\n")
    sys.stderr.flush()
    sys.stdout.flush()
    time.sleep(LAUNCHER_DELAY)
    mpi.COMM_WORLD.Abort(code)
    return code


def _world_size() -> int:
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is None or not mpi.Is_initialized() or mpi.Is_finalized():
        return 1
    return int(mpi.COMM_WORLD.Get_size())
