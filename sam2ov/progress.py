"""How far a long operation has come, the wish to stop it, and its turns on what others use too."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from sam2ov.errors import CancelledError


@dataclass(frozen=True)
class Progress:
    """How far a long operation is.

    ``stage`` names for people what is being done; ``done`` of ``total`` are counted in ``unit``.
    """

    stage: str
    done: int
    total: int
    unit: Literal["bytes", "items"]


ProgressCallback = Callable[[Progress], None]
CancelCheck = Callable[[], bool]
TakeTurn = Callable[[], AbstractContextManager[None]]
"""Waits until a step may be done; others wait while the block lasts. ``nullcontext`` for who is
alone."""


def raise_if_cancelled(cancel: CancelCheck | None, what: str) -> None:
    """Raise ``CancelledError`` naming ``what`` once ``cancel`` says so."""
    if cancel is not None and cancel():
        raise CancelledError(f"{what} was cancelled.")
