"""Server routes beside Gradio's: the page's modules, uploads, frames, masks and exports.

Pixels and files do not go through Gradio's queue. The gate asks who calls; besides, tokens that
cannot be guessed cover these routes, and whatever is no caller's is 404 without telling why.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sam2ov.project.archive import SUFFIX
from sam2ov.ui.gate.caller import caller_of
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.routes.media import make_media_routes
from sam2ov.ui.routes.projects import make_project_routes
from sam2ov.ui.tabs.workspace import Workspace
from sam2ov.ui.tabs.workspaces import Workspaces

WEB_FOLDER = Path(__file__).parents[1] / "web"

_IMMUTABLE = {"Cache-Control": "private, max-age=86400, immutable"}
_NO_STORE = {"Cache-Control": "no-store"}
_NOT_FOUND = "Not found."


def editor_script() -> str:
    """URL of the page's first module, relative to the page; it changes with the modules."""
    digest = hashlib.sha256()
    for name, path in sorted(_modules().items()):
        digest.update(name.encode() + path.read_bytes())
    return f"editor/{digest.hexdigest()[:12]}/main.js"


def make_routes(workspaces: Workspaces, turns: ModelTurns, max_bytes: int) -> list[BaseRoute]:
    """The routes.

    Args:
        workspaces: of all tabs.
        turns: on the model that they share.
        max_bytes: of an upload.
    """

    async def upload(request: Request) -> Response:
        workspace = workspaces.by_upload_token(
            request.path_params["token"], caller_of(request.scope).user
        )
        if workspace is None:
            return PlainTextResponse(_NOT_FOUND, 404)
        # A project file holds a clip and all that was made of it.
        is_project = request.query_params.get("name", "").endswith(SUFFIX)
        most = max_bytes * (2 if is_project else 1)
        return await receive(request, workspace, most, workspace.take_upload)

    async def attach(request: Request) -> Response:
        workspace = workspaces.by_upload_token(
            request.path_params["token"], caller_of(request.scope).user
        )
        if workspace is None:
            return PlainTextResponse(_NOT_FOUND, 404)
        return await receive(request, workspace, max_bytes, workspace.take_attachment)

    def leave(request: Request) -> Response:
        found = workspaces.leave(request.path_params["token"], caller_of(request.scope).user)
        return Response(status_code=204 if found else 404)

    def export(request: Request) -> Response:
        workspace = workspaces.by_upload_token(
            request.path_params["token"], caller_of(request.scope).user
        )
        path = None
        if workspace is not None:
            path = workspace.exported(request.path_params["name"])
        if path is None:
            return PlainTextResponse(_NOT_FOUND, 404)
        return FileResponse(path, headers=_NO_STORE, filename=path.name)

    return [
        *make_media_routes(workspaces, turns),
        *make_project_routes(workspaces),
        Route("/editor/{version}/{name:path}", _module),
        Route("/media/{token}/clip", upload, methods=["PUT"]),
        Route("/media/{token}/attachment", attach, methods=["PUT"]),
        Route("/media/{token}/leave", leave, methods=["POST"]),
        Route("/media/{token}/exports/{name}", export),
    ]


def _modules() -> dict[str, Path]:
    """The page's modules by their paths in ``web/``, as they import each other."""
    return {path.relative_to(WEB_FOLDER).as_posix(): path for path in WEB_FOLDER.rglob("*.js")}


def _module(request: Request) -> Response:
    path = _modules().get(request.path_params["name"])
    if path is None:
        return PlainTextResponse(_NOT_FOUND, 404)
    return FileResponse(path, headers=_IMMUTABLE, media_type="text/javascript")


async def receive(
    request: Request, workspace: Workspace, max_bytes: int, take: Callable[[Path, str], None]
) -> Response:
    """Store the body of a request, never more than ``max_bytes`` of it.

    Args:
        request: with the file's name in its query.
        workspace: of the tab.
        max_bytes: that are taken.
        take: gets the complete file and its name; it moves the file.
    """
    too_large = PlainTextResponse(
        f"The file is larger than {max_bytes / 1e9:.1f} GB, the most that can be uploaded. "
        "Make it smaller, or ask who runs this server to allow more.",
        413,
    )
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        return too_large
    try:
        partial = workspace.new_upload()
    except OSError as error:
        return _not_stored(error)
    received = 0
    try:
        async with await anyio.open_file(partial, "wb") as file:
            async for chunk in request.stream():
                received += len(chunk)
                if received > max_bytes:
                    return too_large
                await file.write(chunk)
        await run_in_threadpool(take, partial, request.query_params.get("name", ""))
    except ClientDisconnect:
        return PlainTextResponse("The upload was cancelled.", 400)
    except OSError as error:
        return _not_stored(error)
    finally:
        await anyio.Path(partial).unlink(missing_ok=True)
    return PlainTextResponse("Uploaded.", 201)


def _not_stored(error: OSError) -> Response:
    return PlainTextResponse(
        f"The file cannot be stored on the server: {error.strerror}. Whoever runs it has to "
        "free some disk space, or to keep projects on a larger disk (SAM2OV_PROJECTS).",
        507,
    )
