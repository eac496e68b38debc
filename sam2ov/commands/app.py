"""``sam2ov app``: the user interface in the browser."""

from typing import Annotated

import typer


def app(
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The first free one from 7860 if left out.")
    ] = None,
    model: Annotated[
        str, typer.Option(help='A name (see "sam2ov models") or a model folder.')
    ] = "micro",
    device: Annotated[str, typer.Option(help='An OpenVINO device (see "sam2ov devices").')] = "CPU",
) -> None:
    """Open the app: click on objects, track them, export."""
    from sam2ov.ui import launch

    launch(host=host, port=port, model=model, device=device)
