"""``sam2ov probe``: what is known of a clip."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sam2ov.video import VideoInfo


def probe(
    clip: Annotated[Path, typer.Argument(help="A video, a folder of images, or an image.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what a clip is, as everything else here takes it."""
    from sam2ov.video import open_video

    with open_video(clip) as reader:
        facts = _facts(reader.info)
    if as_json:
        print(json.dumps(facts, indent=1))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):{width}}  {_shown(value)}")


def _facts(info: "VideoInfo") -> dict[str, Any]:
    aspect = info.sample_aspect_ratio
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
        "display_width": round(info.width * aspect),
        "rotation": info.rotation,
        "mirrored": info.orientation.mirrored,
        "fps": float(info.fps),
        "rate": str(info.fps),
        "variable_rate": info.is_vfr,
        "timecode": None if info.timecode is None else str(info.timecode),
        "seconds": float(info.duration),
        "matrix": info.color.matrix,
        "primaries": info.color.primaries,
        "transfer": info.color.transfer,
        "full_range": info.color.full_range,
        "alpha": info.has_alpha,
        "sound": info.audio_codec,
        "bytes": info.num_bytes,
    }


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)
