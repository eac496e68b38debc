"""The formats of exports for the page, from their registry: a new format needs nothing here."""

from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from sam2ov.export import FORMATS, ExportFormat
from sam2ov.export.video_options import COLOUR_PATTERN
from sam2ov.ui.contract.formats import FormatView, OptionView
from sam2ov.ui.tabs.live_look import LIVE_FORMATS


def format_views() -> tuple[FormatView, ...]:
    """All formats, in the order in which people are shown them."""
    return tuple(
        FormatView(
            name=known.name,
            label=known.label,
            purpose=known.purpose,
            suffix=known.file_suffix,
            splits=known.splits,
            has_times=known.has_times,
            is_live=known.name in LIVE_FORMATS,
            names=known.names,
            options=tuple(
                _option(known, name, field) for name, field in known.options.model_fields.items()
            ),
        )
        for known in FORMATS.values()
    )


def _option(known: ExportFormat, name: str, field: FieldInfo) -> OptionView:
    is_file = name in known.file_options
    return OptionView(
        name=name,
        kind="file" if is_file else _kind(field),
        default=None if is_file else field.default,
        choices=tuple(get_args(field.annotation)) if _is_choice(field) else (),
        least=_bound(field, "ge"),
        most=_bound(field, "le") if _kind(field) == "number" else _bound(field, "max_length"),
        step=1 if _has(field, int) else 0.05,
        description=field.description or "",
    )


def _kind(field: FieldInfo) -> Literal["switch", "choice", "number", "text", "colour"]:
    if field.annotation is bool:
        return "switch"
    if _is_choice(field):
        return "choice"
    if _has(field, int) or _has(field, float):
        return "number"
    return "colour" if _bound(field, "pattern") == COLOUR_PATTERN else "text"


def _is_choice(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is Literal


def _has(field: FieldInfo, kind: type) -> bool:
    return field.annotation is kind or kind in get_args(field.annotation)


def _bound(field: FieldInfo, name: str) -> Any:
    """What a field is held to; None where it is not."""
    return next((getattr(m, name) for m in field.metadata if hasattr(m, name)), None)
