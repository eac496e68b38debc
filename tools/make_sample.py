"""Draws the sample clip of the app: a ball, a balloon and a tree between them, with sound.

Usage, from the repository: python -m tools.make_sample [sam2ov/samples/sample.mp4]

Everything is computed here, so the clip is as free as the code. Needs NumPy, OpenCV and PyAV.
"""

import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 640, 360
FPS = 24
NUM_FRAMES = 96
SAMPLE_RATE = 48_000
SHARPER = 3  # drawn at this multiple and scaled down, for smooth edges

Image = npt.NDArray[np.uint8]
Rgb = tuple[int, int, int]

GROUND = 292.0  # y of what the ball bounces on
RADIUS = 34.0
BOUNCE_FRAMES = 21.0
FIRST_BOUNCE = 8.0


def ball_xy(frame: float) -> tuple[float, float]:
    """Centre of the ball in pixels: it crosses the picture in bounces that get lower."""
    since = (frame - FIRST_BOUNCE) / BOUNCE_FRAMES
    height = 150.0 * 0.82 ** np.floor(max(since, 0.0)) * 4 * (since % 1) * (1 - since % 1)
    return 74.0 + 5.25 * frame, GROUND - RADIUS - height


def balloon_xy(frame: float) -> tuple[float, float]:
    """Centre of the balloon in pixels: it rises slowly and sways."""
    return 486.0 - 0.62 * frame + 7 * np.sin(frame / 17), 128.0 - 0.42 * frame


def bounces() -> list[float]:
    """The frames on which the ball touches the ground."""
    return [float(frame) for frame in np.arange(FIRST_BOUNCE, NUM_FRAMES, BOUNCE_FRAMES)]


def draw_frame(frame: int, grain: np.random.Generator) -> Image:
    """The picture at ``frame``, uint8 RGB [H, W, 3]."""
    canvas = _landscape(frame)
    _balloon(canvas, *balloon_xy(frame))
    _ball(canvas, *ball_xy(frame), angle=frame * 6.2)
    _tree(canvas, 372 - 0.25 * frame)
    picture = cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    noisy = picture + grain.normal(0, 2.0, picture.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def make_sound() -> npt.NDArray[np.float32]:
    """Mono sound in -1…1: a soft chord, and a pluck whenever the ball bounces."""
    time = np.arange(NUM_FRAMES * SAMPLE_RATE // FPS) / SAMPLE_RATE
    sound = np.zeros(len(time))
    for frequency in (130.8, 196.0, 246.9):
        sound += 0.05 * np.sin(2 * np.pi * frequency * time) * (1 + 0.2 * np.sin(3 * time))
    for number, frame in enumerate(bounces()):
        since = np.clip(time - frame / FPS, 0, None)
        pitch = 392.0 * 2 ** (number * 2 / 12)
        pluck = np.sin(2 * np.pi * pitch * since) + 0.4 * np.sin(4 * np.pi * pitch * since)
        sound += 0.35 * pluck * np.exp(-6 * since) * (since > 0) * np.minimum(since * 400, 1)
    fade = np.minimum(1, np.minimum(time, time[-1] - time) * 6)
    return np.asarray(sound * fade, np.float32)


def write(path: Path) -> None:
    """Encode picture and sound as H.264 and AAC."""
    grain = np.random.default_rng(7)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"crf": "25", "preset": "slow", "g": "24"}
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 64_000
        for index in range(NUM_FRAMES):
            picture = av.VideoFrame.from_ndarray(draw_frame(index, grain), "rgb24")
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        sound = av.AudioFrame.from_ndarray(make_sound()[None], "fltp", "mono")
        sound.sample_rate, sound.pts = SAMPLE_RATE, 0
        sound.time_base = Fraction(1, SAMPLE_RATE)
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


def _polygon(canvas: Image, corners_xy: npt.NDArray[np.float64], colour: Rgb) -> None:
    corners = (corners_xy * SHARPER).round().astype(np.int32)
    cv2.fillPoly(canvas, [corners], colour, cv2.LINE_AA)


def _line(canvas: Image, x0: float, y0: float, x1: float, y1: float, colour: Rgb) -> None:
    ends = ((round(x0 * SHARPER), round(y0 * SHARPER)), (round(x1 * SHARPER), round(y1 * SHARPER)))
    cv2.line(canvas, *ends, colour, SHARPER, cv2.LINE_AA)


def _ellipse(
    canvas: Image,
    centre_xy: tuple[float, float],
    radii_xy: tuple[float, float],
    colour: Rgb,
    *,
    degrees: tuple[float, float] = (0, 360),
) -> None:
    centre = (round(centre_xy[0] * SHARPER), round(centre_xy[1] * SHARPER))
    radii = (round(radii_xy[0] * SHARPER), round(radii_xy[1] * SHARPER))
    cv2.ellipse(canvas, centre, radii, 0, *degrees, colour, -1, cv2.LINE_AA)


def _landscape(frame: int) -> Image:
    """Sky, hills and a meadow; the hills pass by slowly."""
    size = (HEIGHT * SHARPER, WIDTH * SHARPER)
    rows = np.linspace(0, 1, size[0])[:, None, None]
    sky = np.array([118, 172, 222]) * (1 - rows) + np.array([246, 226, 196]) * rows
    canvas = np.broadcast_to(sky, (*size, 3)).astype(np.uint8).copy()
    columns = np.arange(WIDTH + 1.0)
    for base, swing, length, speed, colour in (
        (226, 26, 0.011, 0.20, (150, 176, 190)),
        (250, 18, 0.017, 0.35, (122, 158, 146)),
        (272, 8, 0.026, 0.55, (104, 146, 98)),
    ):
        shifted = columns + speed * frame
        waves = np.sin(shifted * length) + 0.4 * np.sin(shifted * 2.7 * length)
        outline = np.column_stack([columns, base - swing * waves])
        _polygon(canvas, np.concatenate([outline, [[WIDTH, HEIGHT], [0, HEIGHT]]]), colour)
    for number in range(60):  # tufts of grass
        x = (number * 53.7 - 0.55 * frame) % (WIDTH + 40) - 20
        y = 300 + number * 37 % 56
        for lean in (-4, 0, 4):
            _line(canvas, x, y, x + lean, y - 9, (84, 124, 78))
    return canvas


def _ball(canvas: Image, x: float, y: float, angle: float) -> None:
    """A beach ball with six coloured wedges, turning as it flies, and its shadow."""
    shadow = max(0.25, 1 - (GROUND - RADIUS - y) / 220)
    _ellipse(canvas, (x, GROUND + 4), (RADIUS * 0.9 * shadow, 5 * shadow), (80, 112, 74))
    _ellipse(canvas, (x, y), (RADIUS + 0.7, RADIUS + 0.7), (150, 44, 48))
    for number, colour in enumerate(((222, 58, 62), (250, 244, 232), (240, 176, 46)) * 2):
        start = angle + number * 60
        _ellipse(canvas, (x, y), (RADIUS, RADIUS), colour, degrees=(start, start + 61))
    _ellipse(canvas, (x, y), (6, 6), (250, 244, 232))


def _balloon(canvas: Image, x: float, y: float) -> None:
    """A hot-air balloon with stripes and a basket."""
    for side in (-13, 13):
        _line(canvas, x + side, y + 44, x + side * 0.6, y + 72, (92, 66, 52))
    basket = np.array([[x - 10, y + 70], [x + 10, y + 70], [x + 8, y + 86], [x - 8, y + 86]])
    _polygon(canvas, basket, (134, 90, 56))
    angles = np.linspace(-np.pi, 0, 40)
    dome = np.column_stack([x + 52 * np.cos(angles), y + 54 * np.sin(angles)])
    outline = np.concatenate([dome, [[x + 15, y + 50], [x - 15, y + 50]]])
    dark, bright = (70, 74, 152), (104, 112, 204)
    for share, colour in ((1.0, dark), (0.66, bright), (0.3, dark)):
        stripe = outline.copy()
        stripe[:, 0] = x + (outline[:, 0] - x) * share
        _polygon(canvas, stripe, colour)


def _tree(canvas: Image, x: float) -> None:
    """A trunk that the ball passes behind, with a round crown."""
    trunk = np.array([[x - 9, 316.0], [x - 6, 190], [x + 6, 190], [x + 9, 316]])
    _polygon(canvas, trunk, (92, 68, 50))
    for dx, y, radius, colour in (
        (-26, 178, 26, (58, 104, 66)),
        (24, 176, 28, (58, 104, 66)),
        (0, 158, 36, (70, 120, 74)),
        (-8, 150, 18, (88, 138, 86)),
    ):
        _ellipse(canvas, (x + dx, y), (radius, radius), colour)


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "sam2ov/samples/sample.mp4"))
