"""``sam2ov app``: the user interface in the browser."""

from typing import Annotated

import typer

from sam2ov.commands.model_options import (
    DEFAULT_DEVICE,
    DEFAULT_MODEL,
    DeviceOption,
    ModelOption,
    PrecisionOption,
)


def app(
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The first free one from 7860 if left out.")
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = DEFAULT_DEVICE,
    precision: PrecisionOption = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page.")] = False,
) -> None:
    """Serve the app: click on objects, track them, export.

    Ctrl-C ends it.
    """
    from sam2ov.commands.console import progress_display
    from sam2ov.registry import resolve_model
    from sam2ov.ui import launch

    with progress_display() as progress:
        resolve_model(model, progress=progress)
    launch(
        host=host,
        port=port,
        model=model,
        device=device,
        precision=precision.value if precision is not None else None,
        open_browser=open_browser,
    )
