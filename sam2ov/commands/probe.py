"""``sam2ov probe``: what is known of a clip."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sam2ov.commands.outputs import FieldOrderOption

if TYPE_CHECKING:
    from sam2ov.video import VideoInfo


def probe(
    clip: Annotated[Path, typer.Argument(help="A video, a folder of images, or an image.")],
    field_order: FieldOrderOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what a clip is, as everything else here takes it."""
    from sam2ov.video import open_video

    with open_video(clip, field_order=field_order) as reader:
        facts = _facts(reader.info)
    if as_json:
        print(json.dumps(facts, indent=1))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):{width}}  {_shown(value)}")


def _facts(info: "VideoInfo") -> dict[str, Any]:
    aspect = info.sample_aspect_ratio
    shape = (info.width * aspect / info.height).limit_denominator(1000)
    return {
        "container": info.container,
        "codec": info.codec,
        "pixel_format": info.pixel_format,
        "frames": info.num_frames,
        "first_number": info.number_of(0),
        "missing_frames": info.missing_numbers,
        "width": info.width,
        "height": info.height,
        "pixel_aspect": str(aspect),
        "display_width": info.display_size[0],
        "display_aspect": f"{shape.numerator}:{shape.denominator}",
        "rotation": info.rotation,
        "mirrored": info.orientation.mirrored,
        "fps": float(info.fps),
        "rate": str(info.fps),
        "variable_rate": info.is_vfr,
        "timecode": None if info.timecode is None else str(info.timecode),
        "seconds": float(info.duration),
        "field_order": info.field_order,
        "flagged_interlaced": info.is_flagged_interlaced,
        "deinterlaced": info.is_deinterlaced,
        "bits": info.bits,
        "hdr": info.color.hdr,
        "matrix": info.color.matrix,
        "primaries": info.color.primaries,
        "transfer": info.color.transfer,
        "full_range": info.color.full_range,
        "alpha": info.has_alpha,
        "sound": info.audio_codec,
        "bytes": info.num_bytes,
        "shown": list(info.treatment),
    }


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return "; ".join(value) or "as it is stored"
    return "none" if value is None else str(value)
