"""``sam2ov app``: the user interface in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from sam2ov.commands.model_options import (
    DEFAULT_DEVICE,
    DEFAULT_MODEL,
    PRESET_HELP,
    PrecisionName,
    Preset,
)
from sam2ov.ui.settings import Settings

_DEFAULTS = Settings()
_ABOVE_ZERO = 1e-6


def app(
    host: Annotated[
        str,
        typer.Option(
            envvar="SAM2OV_HOST",
            help="The address to listen on; 0.0.0.0 lets other machines in.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            envvar="SAM2OV_PORT",
            min=1,
            max=65535,
            help="The first free one from 7860 if left out.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            envvar="SAM2OV_MODEL",
            help='What pages start with: a name (see "sam2ov models") or a model folder.',
        ),
    ] = DEFAULT_MODEL,
    device: Annotated[
        str,
        typer.Option(envvar="SAM2OV_DEVICE", help='An OpenVINO device (see "sam2ov devices").'),
    ] = DEFAULT_DEVICE,
    precision: Annotated[
        PrecisionName | None,
        typer.Option(
            envvar="SAM2OV_PRECISION",
            help="Inside the networks; the fastest of the device if left out.",
        ),
    ] = None,
    preset: Annotated[
        Preset,
        typer.Option(envvar="SAM2OV_PRESET", help=f"What pages start with. {PRESET_HELP}"),
    ] = Preset.quality,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page.")] = False,
    mcp: Annotated[
        bool,
        typer.Option(
            "--mcp",
            envvar="SAM2OV_MCP",
            help='Serve the API as MCP tools too; needs pip install "sam2ov[mcp]".',
        ),
    ] = False,
    projects: Annotated[
        Path | None,
        typer.Option(
            envvar="SAM2OV_PROJECTS",
            file_okay=False,
            help="The folder where projects are kept; one among your data if left out.",
        ),
    ] = None,
    max_upload_gb: Annotated[
        float,
        typer.Option(
            envvar="SAM2OV_MAX_UPLOAD_GB",
            min=_ABOVE_ZERO,
            help="The largest clip that may be uploaded.",
        ),
    ] = _DEFAULTS.max_upload_gb,
    max_minutes: Annotated[
        float,
        typer.Option(envvar="SAM2OV_MAX_MINUTES", min=_ABOVE_ZERO, help="The longest clip."),
    ] = _DEFAULTS.max_minutes,
    max_megapixels: Annotated[
        float,
        typer.Option(
            envvar="SAM2OV_MAX_MEGAPIXELS",
            min=_ABOVE_ZERO,
            help="The largest frames: width × height in millions (4K has 8.3, 8K 33.2).",
        ),
    ] = _DEFAULTS.max_megapixels,
    max_sessions: Annotated[
        int,
        typer.Option(
            envvar="SAM2OV_MAX_SESSIONS",
            min=1,
            help="So many pages may be open; others are told that the server is full.",
        ),
    ] = _DEFAULTS.max_sessions,
    max_clips: Annotated[
        int,
        typer.Option(
            envvar="SAM2OV_MAX_CLIPS",
            min=1,
            help="So many clips are open; the one idle for longest makes room for another.",
        ),
    ] = _DEFAULTS.max_clips,
    max_tracking: Annotated[
        int,
        typer.Option(
            envvar="SAM2OV_MAX_TRACKING",
            min=1,
            help="So many clips are tracked at once, frame by frame in turn; others wait.",
        ),
    ] = _DEFAULTS.max_tracking,
    keep_gb: Annotated[
        float,
        typer.Option(
            envvar="SAM2OV_KEEP_GB",
            min=_ABOVE_ZERO,
            help="What kept projects may take on disk; the oldest are deleted beyond it.",
        ),
    ] = _DEFAULTS.keep_gb,
    keep_days: Annotated[
        float,
        typer.Option(
            envvar="SAM2OV_KEEP_DAYS",
            min=_ABOVE_ZERO,
            help="Projects that nobody has opened for so long are deleted.",
        ),
    ] = _DEFAULTS.keep_days,
    idle_minutes: Annotated[
        float,
        typer.Option(
            envvar="SAM2OV_IDLE_MINUTES",
            min=_ABOVE_ZERO,
            help="A page that nobody uses for so long is closed on the server.",
        ),
    ] = _DEFAULTS.idle_minutes,
    lost_minutes: Annotated[
        float,
        typer.Option(
            envvar="SAM2OV_LOST_MINUTES",
            min=_ABOVE_ZERO,
            help="The same for a page whose connection has ended.",
        ),
    ] = _DEFAULTS.lost_minutes,
    downloads: Annotated[
        bool,
        typer.Option(
            envvar="SAM2OV_DOWNLOADS",
            help="Whether models may be downloaded and converted from the page.",
        ),
    ] = _DEFAULTS.downloads,
) -> None:
    """Serve the app: click on objects, track them, export.

    Ctrl-C ends it. Every option can also be given by the environment variable named with it.
    """
    from sam2ov.commands.console import progress_display, say
    from sam2ov.ui.server import launch
    from sam2ov.zoo.loading import prepare_model

    settings = Settings(
        max_upload_gb=max_upload_gb,
        max_minutes=max_minutes,
        max_megapixels=max_megapixels,
        max_sessions=max_sessions,
        max_clips=max_clips,
        max_tracking=max_tracking,
        keep_gb=keep_gb,
        keep_days=keep_days,
        idle_minutes=idle_minutes,
        lost_minutes=lost_minutes,
        downloads=downloads,
    )
    with progress_display() as progress:
        prepared = prepare_model(
            model,
            device=device,
            precision=precision.value if precision is not None else None,
            preset=preset.value,
            progress=progress,
        )
    for note in prepared.notes:
        say(note)
    launch(
        host=host,
        port=port,
        model=model,
        device=device,
        precision=precision.value if precision is not None else None,
        preset=preset.value,
        open_browser=open_browser,
        mcp=mcp,
        settings=settings,
        projects=projects,
    )
