"""Routes of kept projects: what the page's list of recent ones shows.

A project's token is its key; the browser keeps those that it may open. Nobody can ask for others:
what a token does not name is left out of an answer, or 404.
"""

import time

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sam2ov.errors import ProjectError
from sam2ov.project.library import ProjectLibrary, ProjectSummary
from sam2ov.ui.contract.answers import KeptProject, KeptProjects
from sam2ov.ui.contract.payloads import AskProjects
from sam2ov.ui.gate.caller import caller_of
from sam2ov.ui.settings import Settings
from sam2ov.ui.tabs.workspaces import Workspaces

_MAX_BODY_BYTES = 1 << 14
_NO_STORE = {"Cache-Control": "no-store"}
_PRIVATE = {"Cache-Control": "private, max-age=3600"}
_NOT_FOUND = "Not found."


def make_project_routes(workspaces: Workspaces) -> list[BaseRoute]:
    """The routes.

    Args:
        workspaces: of all tabs.
    """
    settings = workspaces.settings

    def library_of(request: Request) -> ProjectLibrary:
        return workspaces.libraries.of(caller_of(request.scope).user)

    def found(library: ProjectLibrary, asked: AskProjects) -> KeptProjects:
        return KeptProjects(
            projects=tuple(
                _kept(summary, workspaces.has_open(summary.token), settings)
                for summary in library.summaries(set(asked.tokens))
            ),
            used_bytes=library.num_bytes(),
            keep_bytes=settings.keep_bytes,
            keep_days=settings.keep_days,
        )

    async def summaries(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY_BYTES:
                return PlainTextResponse("Too many projects.", 413)
        try:
            asked = AskProjects.model_validate_json(body)
        except ValidationError:
            return PlainTextResponse("This is no list of projects.", 422)
        answer = await run_in_threadpool(found, library_of(request), asked)
        return Response(answer.model_dump_json(), 200, _NO_STORE, "application/json")

    def delete(request: Request) -> Response:
        token, library = request.path_params["token"], library_of(request)
        try:
            folder = library.find(token)
        except ProjectError:
            return PlainTextResponse(_NOT_FOUND, 404)
        if workspaces.has_open(token) or folder.is_in_use:
            return PlainTextResponse("This project is open. Close it first.", 409)
        library.delete(token)
        workspaces.usage.note(caller_of(request.scope), "delete project")
        return Response(status_code=204)

    def thumbnail(request: Request) -> Response:
        try:
            path = library_of(request).find(request.path_params["token"]).thumbnail
        except ProjectError:
            return PlainTextResponse(_NOT_FOUND, 404)
        if not path.is_file():
            return PlainTextResponse(_NOT_FOUND, 404)
        return FileResponse(path, headers=_PRIVATE, media_type="image/jpeg")

    return [
        Route("/projects", summaries, methods=["POST"]),
        Route("/projects/{token}", delete, methods=["DELETE"]),
        Route("/projects/{token}/thumbnail.jpg", thumbnail),
    ]


def _kept(summary: ProjectSummary, is_open: bool, settings: Settings) -> KeptProject:
    info = summary.info
    age_days = (time.time() - summary.used) / 86_400
    return KeptProject(
        token=summary.token,
        name=info.clip_name,
        is_sample=info.is_sample,
        is_open=is_open,
        used=summary.used,
        days_left=settings.keep_days if is_open else max(settings.keep_days - age_days, 0.0),
        frames=info.num_frames,
        width=info.width,
        height=info.height,
        bytes=summary.num_bytes,
        clip_bytes=summary.clip_bytes,
        journal_bytes=summary.journal_bytes,
    )
