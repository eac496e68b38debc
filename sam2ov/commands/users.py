"""``sam2ov users``: who may log in to a server, and with which keys programs come."""

from pathlib import Path
from typing import Annotated

import typer

from sam2ov.commands.console import say

Name = Annotated[str, typer.Argument(help="Letters, digits and ._@+-")]
File = Annotated[Path, typer.Argument(dir_okay=False, help="The file that sam2ov app --auth gets.")]

users_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@users_app.callback()
def users() -> None:
    """Write the file of who may log in (sam2ov app --auth FILE).

    A running server notices. To let somebody in no longer, delete their lines.
    """


@users_app.command()
def add(
    name: Name,
    file: File,
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            hide_input=True,
            confirmation_prompt=True,
            envvar="SAM2OV_PASSWORD",
            help="Asked for if left out, which keeps it out of the shell's history.",
        ),
    ],
) -> None:
    """Give somebody a password, or another one."""
    from sam2ov.ui.gate.users import Users

    known = Users.read(file) if file.exists() else Users()
    known.with_password(name, password).write(file)
    say(f"{name} may log in now: sam2ov app --auth {file}")


@users_app.command()
def key(name: Name, file: File) -> None:
    """Make a key for somebody's programs, and print it: it is told only now."""
    from sam2ov.ui.gate.users import Users

    known = Users.read(file) if file.exists() else Users()
    more, made = known.with_new_key(name)
    more.write(file)
    say("Programs send it as Authorization: Bearer KEY. It is not told again:")
    print(made)
