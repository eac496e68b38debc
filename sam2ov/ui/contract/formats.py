"""The export formats as the page gets them: what it makes its panel of."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class OptionView(BaseModel):
    """An option of a format, and what it takes.

    ``default`` is null where leaving it out means something of its own, and for files. ``least``
    and ``most`` bound a number, ``most`` a text's length; null where nothing does. ``step`` is 1
    for whole numbers. ``description`` is for an option that the page has no words of its own for.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Literal["switch", "choice", "number", "text", "colour", "file"]
    default: bool | float | str | None
    choices: tuple[str, ...]
    least: float | None
    most: float | None
    step: float
    description: str


class FormatView(BaseModel):
    """A format: ``suffix`` is of the file that one gets, ``names`` a template of what is in it.

    The stage can show it where ``is_live``.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    label: str
    purpose: str
    suffix: str
    splits: bool
    has_times: bool
    is_live: bool
    names: str | None
    options: tuple[OptionView, ...]
