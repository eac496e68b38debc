"""``sam2ov app``: the user interface in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from sam2ov.commands.model_options import (
    DEFAULT_DEVICE,
    DEFAULT_MODEL,
    MODEL_HELP,
    PRESET_HELP,
    PrecisionName,
    Preset,
)
from sam2ov.commands.setting_options import with_setting_options
from sam2ov.ui.settings import Settings


@with_setting_options(Settings)
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
            help=f"What pages start with. {MODEL_HELP}",
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
    token: Annotated[
        str | None,
        typer.Option(
            envvar="SAM2OV_TOKEN",
            help="The access token that callers need. One is made and printed where other "
            "computers can call; on this computer alone none is asked for.",
        ),
    ] = None,
    no_auth: Annotated[
        bool,
        typer.Option(
            "--no-auth",
            envvar="SAM2OV_NO_AUTH",
            help="Ask for no token even where other computers can call: for a server behind a "
            "login of your own.",
        ),
    ] = False,
    auth: Annotated[
        Path | None,
        typer.Option(
            envvar="SAM2OV_AUTH",
            metavar="FILE",
            help="People log in, with names and passwords of this file (sam2ov users), and have "
            "projects of their own.",
        ),
    ] = None,
    auth_header: Annotated[
        str | None,
        typer.Option(
            envvar="SAM2OV_AUTH_HEADER",
            metavar="NAME",
            help="People log in at a proxy, which names them in this header (X-Forwarded-User); "
            "it is believed of --trusted-proxy alone.",
        ),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            envvar="SAM2OV_TRUSTED_PROXY",
            metavar="ADDRESS",
            help="A proxy's address or network, which is believed about where requests come from. "
            "May be repeated.",
        ),
    ] = None,
    activity_log: Annotated[
        Path | None,
        typer.Option(
            envvar="SAM2OV_ACTIVITY_LOG",
            dir_okay=False,
            help="A file to which a line is added whenever somebody logs in, uploads, opens, "
            "tracks, exports or deletes something: who, when, from where, how much, never what.",
        ),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            envvar="SAM2OV_ALLOWED_HOST",
            metavar="NAME",
            help="A name that the server answers to, besides its own and addresses in numbers: "
            "studio.example.org, *.example.org, or * for any. May be repeated.",
        ),
    ] = None,
    root_path: Annotated[
        str,
        typer.Option(
            envvar="SAM2OV_ROOT_PATH",
            help="Where a proxy shows the app below its root: /some/path.",
        ),
    ] = "",
    certfile: Annotated[
        Path | None, typer.Option(envvar="SAM2OV_CERTFILE", help="A certificate for TLS (PEM).")
    ] = None,
    keyfile: Annotated[
        Path | None, typer.Option(envvar="SAM2OV_KEYFILE", help="Its key (PEM).")
    ] = None,
    *,
    settings: Settings,
) -> None:
    """Serve the app: click on objects, track them, export.

    Ctrl-C ends it. Every option can also be given by the environment variable named with it.
    """
    from sam2ov.commands.console import progress_display, say
    from sam2ov.ui.gate.reach import Reach
    from sam2ov.ui.server import launch
    from sam2ov.zoo.loading import prepare_model

    reach = Reach(
        token=token,
        no_auth=no_auth,
        auth=auth,
        auth_header=auth_header,
        trusted_proxies=tuple(trusted_proxy or ()),
        allowed_hosts=tuple(allowed_host or ()),
        root_path=root_path,
        certfile=certfile,
        keyfile=keyfile,
    )
    reach.rules(host)  # before a model is prepared
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
        reach=reach,
        activity_log=activity_log,
    )
