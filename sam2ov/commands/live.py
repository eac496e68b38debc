"""``sam2ov live``: a camera or stream in, objects followed as it comes."""

import sys
import time
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sam2ov.commands.console import say
from sam2ov.commands.interrupt import Interruptible, exit_code
from sam2ov.commands.model_options import (
    DEFAULT_DEVICE,
    DEFAULT_MODEL,
    DeviceOption,
    MemoryOption,
    ModelOption,
    PrecisionOption,
    Preset,
    PresetOption,
)
from sam2ov.commands.outputs import OptionValue, parse_option
from sam2ov.commands.prompt_options import (
    BOX_FORM,
    MASK_FORM,
    POINT_FORM,
    BoxOption,
    MaskOption,
    PointOption,
    collect_prompts,
    parse_box,
    parse_mask,
    parse_point,
)

if TYPE_CHECKING:
    from sam2ov.export.video_options import OverlayOptions
    from sam2ov.jobs.live.lines import Lines
    from sam2ov.jobs.live.meter import LivePace
    from sam2ov.jobs.live.orders import Orders

_LINE_SECONDS = 10.0


def live(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help='A camera by number (0) or name, an address (rtsp://…), "-" for standard input, '
            "or a video file, which is shown at its own pace.",
        ),
    ],
    point: Annotated[
        list[PointOption] | None,
        typer.Option(
            parser=parse_point,
            metavar=POINT_FORM,
            help="A click on an object; frames count from 0, those that are skipped do not.",
        ),
    ] = None,
    box: Annotated[
        list[BoxOption] | None,
        typer.Option(parser=parse_box, metavar=BOX_FORM, help="A box around an object."),
    ] = None,
    mask: Annotated[
        list[MaskOption] | None,
        typer.Option(parser=parse_mask, metavar=MASK_FORM, help="The mask of an object: a PNG."),
    ] = None,
    prompts: Annotated[Path | None, typer.Option(help="A prompt file.")] = None,
    orders: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-",
            help="Read what a program says meanwhile, as a detector's boxes: lines of JSON such as "
            '{"id": 1, "box": [10, 20, 80, 90]} or {"id": 1, "remove": true}; "-" is standard '
            "input.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write mp4 or mkv segments: OUT-00001.mp4, OUT-00002.mp4, …, each whole as soon "
            "as it is there."
        ),
    ] = None,
    written: Annotated[
        Literal["overlay", "matte", "alpha"],
        typer.Option(
            "--write",
            help="overlay: the picture with the objects painted, or another effect (--set); "
            "matte: white on black; alpha: the objects cut out, lossless, in mkv.",
        ),
    ] = "overlay",
    segment_seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="That each segment lasts.")
    ] = 10.0,
    options: Annotated[
        list[OptionValue] | None,
        typer.Option(
            "--set",
            parser=parse_option,
            metavar="NAME=VALUE",
            help='An option of the overlay, as in effect=blur and on=background; "sam2ov formats" '
            "lists them.",
        ),
    ] = None,
    json_form: Annotated[
        Literal["boxes", "rle"] | None,
        typer.Option(
            "--json", help="Print a line of JSON for each frame, with boxes or with masks, too."
        ),
    ] = None,
    socket: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT|unix:PATH",
            help="Send the lines of --json to whoever connects there, not to standard output.",
        ),
    ] = None,
    virtual_camera: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help='Show the overlay on a virtual camera; "" is the first one. Needs pyvirtualcam.',
        ),
    ] = None,
    keep_all: Annotated[
        bool,
        typer.Option(
            "--keep-all",
            help="Skip no frame; how far behind it is, is said. Otherwise the newest "
            "is taken and the rest skipped.",
        ),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Also wait for a source that is not there yet.")
    ] = False,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="To ask a camera for, as in 1280x720.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=1, max=1000, help="Frames per second to ask a camera for.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="End after so many frames; left out: at the end.")
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = DEFAULT_DEVICE,
    precision: PrecisionOption = None,
    preset: PresetOption = Preset.quality,
    memory: MemoryOption = None,
) -> None:
    """Follow objects through frames that are still coming.

    A camera or stream that goes away is waited for and taken up again. Rate, latency (from a
    frame's arrival to its masks) and skipped frames are shown while it runs. Ctrl-C ends it; the
    last segment is completed (exit code 130).
    """
    from sam2ov.jobs.live.run import LiveOutputs, LiveRun
    from sam2ov.jobs.live.tracker import LiveTracker
    from sam2ov.video.live import Capture, LiveSource, parse_input

    if source == "-" and orders == "-":
        raise typer.BadParameter("standard input cannot be both the source and the orders.")
    if socket is not None and json_form is None:
        json_form = "boxes"
    has_prompts = any((point, box, mask, prompts))
    if not has_prompts and orders is None:
        raise typer.BadParameter(
            f"nothing to follow: say what with --point {POINT_FORM}, --box, --mask, --prompts FILE "
            "or --orders FILE."
        )
    if out is None and json_form is None and virtual_camera is None:
        raise typer.BadParameter("nothing to do with it: give --out, --json or --virtual-camera.")
    collected = (
        collect_prompts(point or [], box or [], mask or [], prompts) if has_prompts else None
    )
    opened = parse_input(source, size=_parse_size(size), rate=rate)
    with ExitStack() as stack:
        outputs = LiveOutputs(
            video=out,
            written=written,
            segment_seconds=segment_seconds,
            look=_look(options or []),
            lines=None if json_form is None else _lines(socket, stack),
            line_form=json_form or "boxes",
            camera=virtual_camera,
        )
        outputs.check()
        heard = None if orders is None else _heard(orders)
        say(f"Loading {model} for {device} …")
        tracker = stack.enter_context(
            LiveTracker.from_pretrained(
                model,
                device=device,
                precision=precision.value if precision is not None else None,
                preset=preset.value,
                memory=memory,
            )
        )
        pictures = stack.enter_context(
            LiveSource(
                Capture(opened),
                comes_back=opened.comes_back,
                waits=wait and opened.comes_back,
                keeps_all=keep_all,
                note=say,
            )
        )
        run = LiveRun(pictures, tracker, collected, outputs, heard)
        # Lines of JSON on the same terminal would stand in the middle of it.
        is_mixed = outputs.lines is not None and socket is None and sys.stdout.isatty()
        shown = _Shown(in_place=sys.stderr.isatty() and not is_mixed)
        with Interruptible() as interruptible, run:
            try:
                run.advance(
                    lambda: interruptible.requested is not None, tell=shown, most_frames=frames
                )
            finally:
                shown.end()
        say(f"{run.pace}.")
        if interruptible.requested is not None:
            raise typer.Exit(exit_code(interruptible.requested))


class _Shown:
    """How it goes: one line that changes (``in_place``, on a terminal), or a line now and then."""

    def __init__(self, *, in_place: bool) -> None:
        self._in_place = in_place
        self._said = time.monotonic()
        self._is_open = False

    def end(self) -> None:
        """What comes next begins a line of its own."""
        if self._is_open:
            print(file=sys.stderr)

    def __call__(self, pace: "LivePace") -> None:
        if self._in_place:
            self._is_open = True
            print(f"\r\x1b[K{pace}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._said >= _LINE_SECONDS:
            self._said = time.monotonic()
            say(str(pace))


def _parse_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and len(text) < 12):
        raise typer.BadParameter(f"--size: {text!r} is not WxH, as in 1280x720.")
    return int(width), int(height)


def _look(options: list[OptionValue]) -> "OverlayOptions":
    from sam2ov.errors import ExportError
    from sam2ov.export import FORMATS
    from sam2ov.export.video_options import OverlayOptions

    try:
        look = FORMATS["overlay"].parse_options({each.name: each.value for each in options})
    except ExportError as error:
        raise typer.BadParameter(str(error)) from error
    assert isinstance(look, OverlayOptions)
    return look


def _lines(address: str | None, stack: ExitStack) -> "Lines":
    from sam2ov.jobs.live.lines import SocketLines, StandardOutput

    lines: Lines = StandardOutput() if address is None else SocketLines(address)
    stack.callback(lines.close)
    if isinstance(lines, SocketLines):
        say(f"Lines are sent to whoever connects to {address}.")
    return lines


def _heard(place: str) -> "Orders":
    from sam2ov.jobs.live.orders import Orders

    is_stdin = place == "-"
    return Orders(FileIO(0 if is_stdin else place, closefd=not is_stdin), say)
