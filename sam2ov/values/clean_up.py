"""What is to be cleaned up. Importing this loads neither NumPy nor OpenCV."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

MAX_AREA: Final = 1_000_000
MAX_PIXELS: Final = 200
MAX_GAP: Final = 30
MAX_REACH: Final = 15


class CleanUp(BaseModel):
    """How an object's masks are cleaned up, in this order; 0 leaves a step out.

    Lengths are pixels of the video, areas their squares, times frames.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fill_holes: int = Field(
        0, ge=0, le=MAX_AREA, description="Fill holes of up to so many pixels (area)."
    )
    remove_specks: int = Field(
        0, ge=0, le=MAX_AREA, description="Remove parts of up to so many pixels (area)."
    )
    close_gaps: int = Field(
        0,
        ge=0,
        le=MAX_GAP,
        description="Where the object is missing for up to so many frames, put in what lies "
        "between before and after.",
    )
    steady: int = Field(
        0,
        ge=0,
        le=MAX_REACH,
        description="Calm edges by the majority of so many frames on both sides, moved along with "
        "the object.",
    )
    smooth: float = Field(
        0, ge=0, le=MAX_PIXELS, description="Round off details of up to about so many pixels."
    )
    grow: float = Field(
        0,
        ge=-MAX_PIXELS,
        le=MAX_PIXELS,
        description="Move the outline outwards by so many pixels, or inwards if negative.",
    )
    feather: float = Field(
        0,
        ge=0,
        le=MAX_PIXELS,
        description="Width of soft edges in pixels, in mattes, cut-outs and effects; masks stay "
        "hard.",
    )

    @property
    def changes_masks(self) -> bool:
        """Whether anything but the softness of edges changes."""
        return self != CleanUp(feather=self.feather)


NO_CLEAN_UP: Final = CleanUp()
"""Everything stays as it was tracked."""
