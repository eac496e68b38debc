"""How an odd clip is made and described."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

Fact = str | int | float | bool | None


@dataclass(frozen=True)
class Pixel:
    """A pixel as it is to be shown.

    Attributes:
        x: column.
        y: row.
        rgb: its colour on any frame, on black where it is transparent.
        alpha: of the source; 255 is opaque.
        tolerance: levels that it may be off.
    """

    x: int
    y: int
    rgb: tuple[int, int, int]
    alpha: int = 255
    tolerance: int = 4


@dataclass(frozen=True)
class OddClip:
    """A clip and what is true of it.

    Attributes:
        file: its name.
        why: what is odd about it.
        arguments: of ffmpeg, before the file.
        facts: as ``sam2ov probe --json`` is to say them.
        pixels: as they are to be shown.
        combed: a frame has interlaced lines in it as it is stored.
    """

    file: str
    why: str
    arguments: tuple[str, ...]
    facts: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))
    pixels: tuple[Pixel, ...] = ()
    combed: bool = False

    @property
    def name(self) -> str:
        """Of the clip, without its suffix."""
        return Path(self.file).stem


def make(clip: OddClip, folder: Path) -> Path:
    """Make a clip, and NAME.json with its facts beside it; returns the clip's path.

    Raises:
        RuntimeError: ffmpeg is missing, or does not make it.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise RuntimeError("ffmpeg is not installed: on Debian and Ubuntu, apt install ffmpeg.")
    path = folder / clip.file
    if "%" in clip.file:
        path.parent.mkdir(exist_ok=True)
    command = [program, "-v", "error", "-nostdin", "-y", *clip.arguments, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{clip.name} cannot be made: {done.stderr.strip()[-500:]}")
    made = path.parent if "%" in clip.file else path
    described = {
        "why": clip.why,
        "command": " ".join(["ffmpeg", *clip.arguments, clip.file]),
        "facts": dict(clip.facts),
        "pixels": [vars(pixel) for pixel in clip.pixels],
        "combed": clip.combed,
    }
    made.with_suffix(".json").write_text(json.dumps(described, indent=1), encoding="utf-8")
    return made
