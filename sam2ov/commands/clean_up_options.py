"""``--clean-up``: what is done to masks before they are written."""

from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import ValidationError

from sam2ov.commands.outputs import OptionValue, parse_option
from sam2ov.errors import plain_fault
from sam2ov.values.clean_up import NO_CLEAN_UP, CleanUp


def _parse_change(text: str | OptionValue) -> OptionValue:
    change = text if isinstance(text, OptionValue) else parse_option(text)
    changed(NO_CLEAN_UP, [change])
    return change


def changed(clean_up: CleanUp, changes: list[OptionValue]) -> CleanUp:
    """Settings with some of them changed.

    Raises:
        typer.BadParameter: there is no such setting, or it does not take the value.
    """
    values: Mapping[str, object] = dict(clean_up) | {one.name: one.value for one in changes}
    try:
        return CleanUp.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise typer.BadParameter(
            f"{first['loc'][0]}={first['input']}: {plain_fault(first)}. There is: "
            f"{', '.join(CleanUp.model_fields)}."
        ) from error


CleanUpOption = Annotated[
    list[OptionValue] | None,
    typer.Option(
        "--clean-up",
        parser=_parse_change,
        metavar="NAME=VALUE",
        help="Clean masks up before they are written, in pixels of the video or frames: "
        + ", ".join(CleanUp.model_fields)
        + ". Several times for several.",
    ),
]
