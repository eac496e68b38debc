"""Options from the fields of a class of settings: name, words, default and bounds stand there."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Final, get_args, get_type_hints

import typer

from sam2ov.ui.settings import About, Settings

_LEAST: Final[dict[type, float | None]] = {int: 1, float: 1e-6, bool: None}
"""Above 0, as Settings asks of numbers, in typer's words."""


def with_setting_options(
    settings: type[Settings],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace a command's last parameter, ``settings``, by an option for each of its fields.

    Each is also an environment variable: SAM2OV_ and its name.
    """
    options = [_option(settings, field.name, field.default) for field in fields(settings)]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.name != "settings"
        ]

        @functools.wraps(command)
        def run(**values: Any) -> None:
            chosen = {option.name: values.pop(option.name) for option in options}
            command(**values, settings=settings(**chosen))

        parameters = [*own, *options]
        # What typer reads, which has no notion of a group of options.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


def _option(settings: type[Settings], name: str, default: Any) -> inspect.Parameter:
    kind, about = get_args(get_type_hints(settings, include_extras=True)[name])
    assert isinstance(about, About)
    least = 0 if about.may_be_zero else _LEAST.get(kind)
    option = typer.Option(envvar=f"SAM2OV_{name.upper()}", help=about.text, min=least)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, option],
    )
