"""Options of videos and stills."""

from typing import Literal

from pydantic import Field

from sam2ov.export.format import FormatOptions

COLOUR_PATTERN = "^#[0-9a-fA-F]{6}$"

EffectName = Literal[
    "colour", "outline", "blur", "pixelate", "grey", "spotlight", "replace", "remove"
]


Edges = Literal["soft", "hard"]
Audio = Literal["all", "first", "none"]


class OverlayOptions(FormatOptions):
    """What is done to the clip, see ``effects``."""

    effect: EffectName = Field(
        "colour",
        description="colour: painted in the objects' colours; outline: only around them; blur, "
        "pixelate, grey; spotlight: everything else gets dark; replace: by another picture or "
        "video; remove: one colour instead.",
    )
    on: Literal["object", "background"] = Field(
        "object", description="What the effect is for, except for colour and outline."
    )
    fill: float = Field(0.45, ge=0, le=1, description="Opacity of the colour.")
    outline: int | None = Field(
        None,
        ge=0,
        le=100,
        description="Width of the outlines in pixels; left out: by the height with colour and "
        "outline, none with other effects.",
    )
    strength: float = Field(0.6, ge=0, le=1, description="Of blur, pixelate and spotlight.")
    paint: str = Field(
        "#00b140", pattern=COLOUR_PATTERN, description="The colour of remove; #00b140 is green."
    )
    background: str = Field(
        "",
        description="The picture or video of replace; it fills the frame, a short video repeats.",
        json_schema_extra={"is_file": True},
    )
    codec: Literal["h264", "h265", "h265-10"] = Field(
        "h264",
        description="h264 plays everywhere, h265 is smaller; h265-10 has 10 bits, and keeps those "
        "of the clip where nothing is painted.",
    )
    crf: int = Field(18, ge=0, le=51, description="0 is the best quality, 51 the smallest file.")
    audio: Audio = Field("all", description="The clip's sound: all its tracks, the first, or none.")


class EdgeOptions(FormatOptions):
    """Of what tells how much of a pixel an object covers."""

    edges: Edges = Field(
        "soft",
        description="soft: pixels on the outline are covered in part, as wide as Clean-up says; "
        "hard: all or nothing.",
    )


class MatteOptions(EdgeOptions):
    """Of matte videos."""

    bits: Literal["8", "10"] = Field(
        "8", description="8: H.264; 10: H.265, whose soft edges have finer steps."
    )


class TimelineOptions(MatteOptions):
    """Of timelines with mattes."""

    timeline: Literal["otio", "fcpxml", "edl"] = Field(
        "otio",
        description="otio: OpenTimelineIO, for Resolve, Premiere …; fcpxml: Final Cut Pro; "
        "edl: CMX 3600, a list for each track.",
    )
    media: str = Field(
        "",
        max_length=2000,
        description="Where the editing program finds the clip; its name if left out, to be linked "
        "there.",
    )


class CutOutOptions(EdgeOptions):
    """Of pictures with alpha."""

    keep: Literal["objects", "background"] = Field(
        "objects", description="What stays; the other one is transparent."
    )
    premultiplied: bool = Field(
        False, description="Colours are multiplied by alpha; otherwise they are straight."
    )
    hidden: bool = Field(
        False,
        description="Keep the picture where it is transparent. Otherwise it is black there, some "
        "pixels away from the edges.",
    )


class AlphaOptions(CutOutOptions):
    """Of videos with alpha."""

    audio: Audio = Field("all", description="The clip's sound: all its tracks, the first, or none.")


class DeepAlphaOptions(AlphaOptions):
    """Of videos with alpha and more than 8 bits."""

    hdr: Literal["tone-mapped", "kept"] = Field(
        "tone-mapped",
        description="HDR clips: shown as on a BT.709 screen, or kept as they are, with their tags.",
    )


class Vp9Options(AlphaOptions):
    """Of VP9 with alpha."""

    crf: int = Field(20, ge=0, le=63, description="0 is the best quality, 63 the smallest file.")


class PngCutOutOptions(CutOutOptions):
    """Of pictures with alpha as PNGs."""

    bits: Literal["auto", "8", "16"] = Field(
        "auto", description="Per sample; auto: 16 for clips of more than 8 bits."
    )


class PngMatteOptions(EdgeOptions):
    """Of mattes as PNGs."""

    bits: Literal["8", "16"] = Field(
        "8", description="Per pixel; 16 for wide soft edges that are to be worked on."
    )


class CryptomatteOptions(EdgeOptions):
    """Of Cryptomatte."""


class ExrOptions(EdgeOptions):
    """Of OpenEXR."""

    picture: bool = Field(
        False,
        description="Add the picture in linear light (sRGB curve), multiplied by A: what is kept "
        "of it. Layers alone otherwise.",
    )
    compression: Literal["zip", "none"] = Field("zip", description="Without loss either way.")
