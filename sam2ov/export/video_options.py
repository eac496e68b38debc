"""Options of video formats."""

from pydantic import Field

from sam2ov.export.format import FormatOptions


class OverlayOptions(FormatOptions):
    """How an overlay looks, see ``paint.OverlayStyle``."""

    fill: float = Field(0.45, ge=0, le=1, description="Opacity of the areas.")
    outline: int | None = Field(
        None, ge=0, le=100, description="Width of the outlines in pixels; left out: by the height."
    )
