"""Routes of a page's camera: pictures in, masks out, one request a picture.

The gate bounds the bodies and asks who calls, as for every request; the tab's token, which cannot
be guessed, says whose camera it is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sam2ov.errors import QuotaError, Sam2ovError, ServerFullError
from sam2ov.ui.contract.answers import CameraState
from sam2ov.ui.contract.payloads import CameraOrder
from sam2ov.ui.contract.told import told
from sam2ov.ui.gate.caller import caller_of
from sam2ov.ui.media.jpegs import MOST_BYTES
from sam2ov.ui.pool.models import ModelPool
from sam2ov.ui.tabs.camera import Camera
from sam2ov.ui.tabs.workspace import Workspace
from sam2ov.ui.tabs.workspaces import Workspaces

_NO_STORE: Final = {"Cache-Control": "no-store"}
_MOST_ORDER_BYTES: Final = 4096
_MOST_DROPPED: Final = 10_000


def make_camera_routes(workspaces: Workspaces, models: ModelPool) -> list[BaseRoute]:
    """The routes.

    Args:
        workspaces: of all tabs.
        models: shared by all tabs.
    """

    @contextmanager
    def counted(workspace: Workspace, camera: Camera) -> Iterator[None]:
        """What it takes of the model meanwhile counts as the user's tracking."""
        before = camera.seconds
        try:
            yield
        finally:
            workspaces.usage.spend(workspace.caller, "tracking", camera.seconds - before)

    def begin(workspace: Workspace) -> Response:
        workspaces.usage.require(workspace.caller, "tracking")
        choice = workspace.choice
        tracker, document = models.get(choice), models.document(choice)
        places = workspaces.camera_places
        if workspace.camera is None:
            workspaces.free_camera()
        with workspace.turn():
            workspace.take_camera(None)  # its own place is free for the new one
            places.take(workspaces.settings.max_cameras)
            camera = Camera(
                tracker.model,
                models.turns,
                document,
                workspace.folder,
                workspaces.settings.video,
                places.give_back,
            )
            workspace.take_camera(camera)
            workspaces.usage.note(workspace.caller, "camera")
        return Response(status_code=204, headers=_NO_STORE)

    def take(workspace: Workspace, body: bytes, dropped: int) -> Response:
        with workspace.turn():
            camera = workspace.camera
            if camera is None:
                return _gone()
            workspaces.usage.require(workspace.caller, "tracking")
            if camera.is_disk_due:
                try:
                    workspaces.require_disk(workspace)
                except QuotaError as error:
                    camera.end_recording(str(error))
            with counted(workspace, camera):
                answer = camera.take(body, dropped)
        headers = {"X-Camera": answer.state.model_dump_json(), **_NO_STORE}
        return Response(answer.png, 200, headers, "image/png")

    def obey(workspace: Workspace, order: CameraOrder) -> Response:
        with workspace.turn():
            camera = workspace.camera
            if camera is None:
                return _gone()
            match order.kind:
                case "click":
                    workspaces.usage.require(workspace.caller, "tracking")
                    place = order.x, order.y
                    with counted(workspace, camera):
                        camera.click(order.object, order.frame, place, positive=order.positive)
                case "remove":
                    camera.remove(order.object)
                case "record":
                    workspaces.require_disk(workspace)
                    camera.record()
                case "finish":
                    workspace.take_recording(camera.finish())
                case "leave":
                    workspace.take_camera(None)
                    return Response(status_code=204, headers=_NO_STORE)
            return _told(camera.state)

    async def answered(request: Request, most: int, work: Callable[..., Response]) -> Response:
        workspace = workspaces.by_upload_token(
            request.path_params["token"], caller_of(request.scope).user
        )
        if workspace is None:
            return PlainTextResponse("Not found.", 404)
        body = await request.body()  # which the gate has bounded
        if len(body) > most:
            return PlainTextResponse("This is more than a camera sends.", 413)
        try:
            return await run_in_threadpool(work, workspace, body)
        except (QuotaError, ServerFullError) as error:
            return PlainTextResponse(told(error), 429, _NO_STORE)
        except Sam2ovError as error:
            return PlainTextResponse(told(error), 422, _NO_STORE)

    async def on_begin(request: Request) -> Response:
        return await answered(request, 0, lambda workspace, _: begin(workspace))

    async def on_picture(request: Request) -> Response:
        given = request.query_params.get("dropped", "0")
        dropped = int(given) if given.isdecimal() and len(given) < 6 else 0

        def work(workspace: Workspace, body: bytes) -> Response:
            return take(workspace, body, min(dropped, _MOST_DROPPED))

        return await answered(request, MOST_BYTES, work)

    async def on_order(request: Request) -> Response:
        def work(workspace: Workspace, body: bytes) -> Response:
            try:
                order = CameraOrder.model_validate_json(body)
            except ValidationError:
                return PlainTextResponse("This is no order to a camera.", 422)
            return obey(workspace, order)

        return await answered(request, _MOST_ORDER_BYTES, work)

    return [
        Route("/camera/{token}/begin", on_begin, methods=["POST"]),
        Route("/camera/{token}/picture", on_picture, methods=["POST"]),
        Route("/camera/{token}/order", on_order, methods=["POST"]),
    ]


def _gone() -> Response:
    return PlainTextResponse("The camera was switched off. Switch it on again.", 409, _NO_STORE)


def _told(state: CameraState) -> Response:
    return Response(state.model_dump_json(), 200, _NO_STORE, "application/json")
