"""The command line. Importing it, and ``--help``, load neither OpenVINO nor Gradio nor OpenCV.

Exit codes: 0 done; 1 something failed, one line on standard error says what and what to do; 2 the
command line is wrong; 130 ended by Ctrl-C, and likewise 128 + N by another signal N.
"""

import signal
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sam2ov._version import __version__
from sam2ov.commands.app import app as open_app
from sam2ov.commands.batch import batch
from sam2ov.commands.bench import bench
from sam2ov.commands.console import say
from sam2ov.commands.convert import convert
from sam2ov.commands.eval import evaluate
from sam2ov.commands.export import export
from sam2ov.commands.formats import formats
from sam2ov.commands.interrupt import EndedError, ended_by_signals, exit_code
from sam2ov.commands.live import live
from sam2ov.commands.models import devices, models_app
from sam2ov.commands.probe import probe
from sam2ov.commands.report import report
from sam2ov.commands.schema import schema
from sam2ov.commands.segment import segment
from sam2ov.commands.track import track
from sam2ov.commands.users import users_app
from sam2ov.commands.watch import watch
from sam2ov.errors import Sam2ovError, one_line

EPILOG = (
    "Exit codes: 0 done, 1 failed (the last line says why), 2 wrong command line, 130 ended by "
    "Ctrl-C, 143 by SIGTERM, 129 by a terminal that closed. Results go to standard output, "
    "everything else to standard error."
)


class _Group(TyperGroup):
    """Turns what commands raise into one line and an exit code, unless ``--debug`` is given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # Whoever wants it has just typed the rest: it may stand at the end of the line.
        if "--debug" in args:
            args = ["--debug", *(argument for argument in args if argument != "--debug")]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def invoke(self, ctx: Any) -> Any:
        try:
            with ended_by_signals():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            say("Interrupted; nothing was written.")
            number = error.number if isinstance(error, EndedError) else signal.SIGINT
            raise typer.Exit(exit_code(number)) from None
        except Sam2ovError as error:
            if ctx.params["debug"]:
                raise
            say(f"Error: {error}")
            raise typer.Exit(1) from error
        except Exception as error:
            # What ends a command on purpose has an exit code of its own; a closed pipe is no error.
            ends = hasattr(error, "exit_code") or isinstance(error, BrokenPipeError)
            if ends and hasattr(error, "message"):  # it quotes what was typed
                error.message = one_line(str(error.message))
            if ends or ctx.params["debug"]:
                raise
            if isinstance(error, OSError) and error.filename is not None:
                say(f"Error: {error.filename} cannot be used: {error.strerror or error}.")
                raise typer.Exit(1) from error
            say(f'Error: {type(error).__name__}: {error} ("sam2ov --debug …" shows where).')
            raise typer.Exit(1) from error


app = typer.Typer(
    name="sam2ov",
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=EPILOG,
)
app.command()(track)
app.command()(live)
app.command()(batch)
app.command()(watch)
app.command()(segment)
app.command()(export)
app.command()(report)
app.command()(formats)
app.command()(probe)
app.command("eval")(evaluate)
app.command()(bench)
app.command()(convert)
app.add_typer(models_app, name="models")
app.command()(devices)
app.command()(schema)
app.command("app")(open_app)
app.add_typer(users_app, name="users")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"sam2ov {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    """Segment and track objects in videos with SAM 2.1 on OpenVINO."""


def main() -> None:
    """Run the command line."""
    app()
