"""Makes a long 1080p clip for benchmarks: encoded once, and its packets repeated.

Usage, from the repository: python -m tools.long_clip clip.mp4 [--minutes 10] [--height 1080]

H.264 with a keyframe every 250 frames (what encoders do by default) is the hard case for scrubbing:
a frame may need 249 others to be decoded first.
"""

import argparse
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

FPS = 25
UNIT_FRAMES = 500
GOP_FRAMES = 250

Image = npt.NDArray[np.uint8]


def draw_frame(frame: int, texture: Image, grain: Image, size_hw: tuple[int, int]) -> Image:
    """A grainy wall that drifts, a disc that circles over it, and the frame's number."""
    height, width = size_hw
    left = round(40 + 30 * np.sin(2 * np.pi * frame / UNIT_FRAMES))
    picture = texture[left : left + height, 2 * left : 2 * left + width].copy()
    turn = 2 * np.pi * frame / 125
    centre = (round(width * (0.5 + 0.3 * np.cos(turn))), round(height * (0.5 + 0.3 * np.sin(turn))))
    cv2.circle(picture, centre, height // 9, (226, 88, 46), -1, cv2.LINE_AA)
    cv2.putText(picture, str(frame), (40, 120), cv2.FONT_HERSHEY_SIMPLEX, 4, (255, 255, 255), 8)
    top, left = np.random.default_rng(frame).integers(0, 80, 2)
    return np.asarray(cv2.add(picture, grain[top : top + height, left : left + width]), np.uint8)


def write_unit(path: Path, size_hw: tuple[int, int]) -> None:
    """Encode the stretch that is repeated; it begins with a keyframe and refers to nothing else."""
    height, width = size_hw
    random = np.random.default_rng(1)
    blots = random.integers(0, 200, (height // 6, width // 6, 3), np.uint8)
    wall = cv2.GaussianBlur(cv2.resize(blots, (width + 160, height + 80)), (0, 0), 3)
    texture = np.asarray(wall, np.uint8)
    grain = random.normal(8, 3, (height + 80, width + 80, 1)).clip(0, 20).astype(np.uint8)
    grain = np.repeat(grain, 3, axis=2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = GOP_FRAMES
        stream.options = {"preset": "veryfast", "crf": "21", "sc_threshold": "0", "flags": "+cgop"}
        for index in range(UNIT_FRAMES):
            drawn = draw_frame(index, texture, grain, size_hw)
            for packet in stream.encode(av.VideoFrame.from_ndarray(drawn, "rgb24")):
                container.mux(packet)
        container.mux(stream.encode())


def repeat(unit: Path, path: Path, times: int) -> None:
    """Write the packets of a clip ``times`` times in a row, without encoding again."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as target:
        with av.open(str(unit)) as source:
            stream = target.add_stream_from_template(source.streams.video[0])
        for number in range(times):
            with av.open(str(unit)) as source:
                video = source.streams.video[0]
                assert video.time_base is not None
                shift = round(number * UNIT_FRAMES * Fraction(1, FPS) / video.time_base)
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.dts, packet.pts = packet.dts + shift, packet.pts + shift
                    packet.stream = stream
                    target.mux(packet)


def make(path: Path, minutes: float, height: int) -> None:
    """Write the clip."""
    unit = path.with_suffix(".unit.mp4")
    write_unit(unit, (height, height * 16 // 9))
    repeat(unit, path, max(round(minutes * 60 * FPS / UNIT_FRAMES), 1))
    unit.unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--height", type=int, default=1080)
    arguments = parser.parse_args()
    make(arguments.path, arguments.minutes, arguments.height)
