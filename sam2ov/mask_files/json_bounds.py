"""What a JSON file may hold, looked at before it is parsed: each value takes far more in memory."""

from typing import Final

from sam2ov.errors import PromptError

MAX_VALUES: Final = 20_000_000


def require_few_values(content: str | bytes, name: str, most: int = MAX_VALUES) -> None:
    """Check how many values a JSON text can hold: one before each comma and in each bracket.

    Raises:
        PromptError: they are more than ``most``.
    """
    if isinstance(content, str):
        count = content.count(",") + content.count("[") + content.count("{")
    else:
        count = content.count(b",") + content.count(b"[") + content.count(b"{")
    if count > most:
        raise PromptError(
            f"{name} holds up to {count:,} values; up to {most:,} are read of one file. Split it."
        )
