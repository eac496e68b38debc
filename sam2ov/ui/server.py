"""Starts the app's server with every setting that matters written out."""

import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import gradio as gr
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware

from sam2ov.engine.devices import Precision
from sam2ov.errors import ServerError
from sam2ov.project.library import ProjectLibrary
from sam2ov.ui.api.functions import PublicApi
from sam2ov.ui.events.editing import EditorHandlers
from sam2ov.ui.events.files import FileHandlers
from sam2ov.ui.events.finding import FindingHandlers
from sam2ov.ui.events.models import ModelHandlers
from sam2ov.ui.events.tracking import TrackingHandlers
from sam2ov.ui.gate.failures import malformed, note_failures_of_gradio
from sam2ov.ui.gate.gate import Gate
from sam2ov.ui.gate.hosts import is_loopback
from sam2ov.ui.gate.leftovers import own_upload_folder
from sam2ov.ui.gate.reach import Reach
from sam2ov.ui.gate.rules import Rules
from sam2ov.ui.gate.usage import Usage
from sam2ov.ui.page.page import Handlers, build_page
from sam2ov.ui.page.theme import make_theme
from sam2ov.ui.pool.models import ModelChoice, ModelPool
from sam2ov.ui.pool.speeds import Speeds
from sam2ov.ui.routes.camera import make_camera_routes
from sam2ov.ui.routes.models import make_model_routes
from sam2ov.ui.routes.routes import WEB_FOLDER, make_routes
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.allocator import leave_out_what_stays
from sam2ov.ui.tabs.opener import ProjectOpener
from sam2ov.ui.tabs.workspaces import Workspaces
from sam2ov.workers.confinement import expected_gaps
from sam2ov.workers.process import keep_spare_workers
from sam2ov.zoo.catalogue import listed_name
from sam2ov.zoo.presets import PresetName

_EVENTS_PER_SESSION = 4
_SPARE_THREADS = 40
_LOOK_SECONDS = 0.1
_GRACE_SECONDS = 1
"""For answers that are being sent when the server ends."""


@own_upload_folder()
def launch(
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    model: str | Path = "micro",
    device: str = "CPU",
    precision: Precision | None = None,
    preset: PresetName = "quality",
    open_browser: bool = False,
    mcp: bool = False,
    settings: Settings | None = None,
    projects: Path | None = None,
    reach: Reach | None = None,
    activity_log: Path | None = None,
) -> None:
    """Serve the app until it is interrupted.

    Args:
        host: address to listen on; "0.0.0.0" lets other computers in.
        port: None takes the first free one from 7860.
        model: that tabs start with, as ``resolve_model`` takes it; loaded before serving.
        device: OpenVINO device string.
        precision: inside the graphs; None takes the best of the device.
        preset: that tabs start with.
        open_browser: open the page.
        mcp: serve the public functions as MCP tools too.
        settings: limits and budgets; None for the defaults.
        projects: folder where projects are kept; None for the user's data folder.
        reach: who may call the server; None for this computer alone.
        activity_log: a file for who did what; None for none.

    Raises:
        ModelError, DeviceError: the model cannot be loaded.
        ServerError: the port is taken, MCP needs a package that is not installed, or ``reach`` has
            a host, token or certificate that cannot be used.
    """
    if mcp:
        _require_mcp()
    reach = reach or Reach()
    rules = reach.rules(host)
    settings = settings or Settings()
    # Gradio starts uvicorn without a word on proxies, which would then believe whatever this
    # computer's processes say; the gate looks at the connection itself.
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    note_failures_of_gradio()
    # The page lists what a checkpoint becomes by its name, and knows no files.
    choice = ModelChoice(listed_name(model), device, preset)
    models = ModelPool(precision, settings)
    models.get(choice)
    library = ProjectLibrary(projects, settings.keep_bytes, settings.keep_days)
    usage = Usage(settings.usage, activity_log)
    workspaces = Workspaces(choice, settings, library, usage)
    speeds = Speeds(precision, lambda: workspaces.is_working)
    opener = ProjectOpener(models, settings.video, settings.field_order)
    handlers = Handlers(
        editor=EditorHandlers(workspaces, models, opener),
        tracking=TrackingHandlers(workspaces, models),
        finding=FindingHandlers(workspaces, models),
        files=FileHandlers(workspaces, models),
        models=ModelHandlers(workspaces, models, opener, choice.model),
        api=PublicApi(models, settings, choice, usage),
    )
    page = build_page(handlers, settings)
    page.queue(max_size=_EVENTS_PER_SESSION * settings.max_sessions, api_open=False)
    style_sheets = sorted(WEB_FOLDER.rglob("*.css"), key=lambda path: path.name)
    try:
        _, url, _ = page.launch(
            server_name=host,
            server_port=port,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            share=False,
            # What handlers say on purpose is shown; other errors name places of the server.
            show_error=False,
            quiet=True,
            theme=make_theme(),
            css_paths=style_sheets,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            mcp_server=mcp,
            pwa=False,
            allowed_paths=[],
            max_file_size=settings.video.max_bytes,
            # Whoever waits for the model holds a thread now and then; the others go on.
            max_threads=settings.max_sessions + _SPARE_THREADS,
            root_path=reach.root_path or None,
            ssl_certfile=None if reach.certfile is None else os.fspath(reach.certfile),
            ssl_keyfile=None if reach.keyfile is None else os.fspath(reach.keyfile),
            # Only Gradio's own question whether it has started; the certificate may be of its own.
            ssl_verify=False,
            app_kwargs={
                "routes": [
                    *make_routes(workspaces, models.turns, settings.video.max_bytes),
                    *make_camera_routes(workspaces, models),
                    *make_model_routes(
                        workspaces,
                        models,
                        speeds,
                        choice.model,
                        takes_checkpoints=settings.checkpoints and is_loopback(host),
                    ),
                ],
                "lifespan": _behind_gate(rules, usage),
            },
        )
        keep_spare_workers(1)
        if gaps := expected_gaps():
            print(
                f"Processes that read files are not held to bounds of {' and '.join(gaps)} on this "
                "system: see docs/security.md.",
                flush=True,
            )
        link = url if rules.token is None else rules.token.link(url)
        print(f"sam2ov runs at {link} (Ctrl-C stops it)", flush=True)
        if reach.no_auth and not is_loopback(host):
            print("Whoever reaches it may use it: --no-auth was given.", flush=True)
        leave_out_what_stays()
        _stop_on_sigterm()
        _serve(page)
    except OSError as error:
        where = f"port {port}" if port else "a port from 7860"
        raise ServerError(
            f"The app cannot listen on {host}, {where}: it is taken or not allowed. Choose another "
            "with --port."
        ) from error
    finally:
        workspaces.begin_closing()  # while the server ends
        _end(page)
        keep_spare_workers(0)
        speeds.close()
        workspaces.close()


def _serve(page: gr.Blocks) -> None:
    """Until somebody ends it; Gradio's own way waits for connections that it has not ended."""
    with suppress(KeyboardInterrupt):
        while page.is_running:
            time.sleep(_LOOK_SECONDS)
    print("sam2ov stops.", flush=True)


def _end(page: gr.Blocks) -> None:
    """Have the server end with whatever pages hold: their streams have no end of their own."""
    if page.is_running and page.server is not None:
        page.server.config.timeout_graceful_shutdown = _GRACE_SECONDS
    page.close(verbose=False)


def _behind_gate(
    rules: Rules, usage: Usage
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Put the gate around everything that Gradio put around its app, before a request is served."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.add_exception_handler(RequestValidationError, malformed)
        app.user_middleware.insert(0, Middleware(Gate, rules=rules, usage=usage))
        app.middleware_stack = app.build_middleware_stack()
        yield

    return lifespan


def _require_mcp() -> None:
    if find_spec("mcp") is None:
        raise ServerError(
            'Serving MCP tools needs the package "mcp": pip install "sam2ov[mcp]", or leave out '
            "--mcp."
        )


def _stop_on_sigterm() -> None:
    """Containers and service managers end the app with SIGTERM: clean up as after Ctrl-C."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
