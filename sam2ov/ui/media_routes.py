"""Routes of an open clip's pictures, and of what its timeline draws.

Whoever has the clip's token may ask; everything else is 404 without telling why.
"""

from collections.abc import Callable
from typing import cast, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sam2ov.errors import Sam2ovError
from sam2ov.ui.clip import OpenClip
from sam2ov.ui.lanes import MAX_BINS, frame_times, lanes, review
from sam2ov.ui.pictures import Level
from sam2ov.ui.workspaces import Workspaces

NOT_FOUND = "Not found."
_IMMUTABLE = {"Cache-Control": "private, max-age=86400, immutable"}
_NO_STORE = {"Cache-Control": "no-store"}

Make = Callable[[OpenClip, Request], Response]


def make_media_routes(workspaces: Workspaces) -> list[BaseRoute]:
    """The routes.

    Args:
        workspaces: of all tabs.
    """

    def route(path: str, make: Make) -> Route:
        def answer(request: Request) -> Response:
            clip = workspaces.find_clip(request.path_params["token"])
            frame: int = request.path_params.get("frame", 0)
            if clip is None or frame >= clip.info.num_frames:
                return PlainTextResponse(NOT_FOUND, 404)
            try:
                return make(clip, request)
            except Sam2ovError as error:
                return PlainTextResponse(str(error), 422, _NO_STORE)

        return Route(f"/media/{{token}}/{path}", answer)

    return [
        route("{frame:int}.jpg", _frame),
        route("near/{frame:int}.jpg", _near),
        route("thumbnails/{frame:int}.jpg", _thumbnail),
        route("lanes", _lanes),
        route("review", _review),
        route("times", _times),
    ]


def _frame(clip: OpenClip, request: Request) -> Response:
    size = request.query_params.get("size", "view")
    if size not in get_args(Level):
        return PlainTextResponse(NOT_FOUND, 404)
    jpeg = clip.pictures.jpeg(request.path_params["frame"], cast(Level, size))
    return Response(jpeg, 200, _IMMUTABLE, "image/jpeg")


def _near(clip: OpenClip, request: Request) -> Response:
    """A small picture of the frame or of one nearby; ``X-Frame`` tells of which."""
    wanted: int = request.path_params["frame"]
    shown, jpeg = clip.pictures.near(wanted)
    keeping = _IMMUTABLE if shown == wanted else _NO_STORE
    return Response(jpeg, 200, keeping | {"X-Frame": str(shown)}, "image/jpeg")


def _thumbnail(clip: OpenClip, request: Request) -> Response:
    jpeg = clip.pictures.thumbnail(request.path_params["frame"])
    return Response(jpeg, 200, _IMMUTABLE, "image/jpeg")


def _lanes(clip: OpenClip, request: Request) -> Response:
    last = clip.info.num_frames - 1
    try:
        query = {name: int(value) for name, value in request.query_params.items()}
    except ValueError:
        return PlainTextResponse(NOT_FOUND, 404)
    first, stop = query.get("first", 0), query.get("last", last) + 1
    bins = query.get("bins", MAX_BINS)
    if not (0 <= first < stop <= last + 1 and 0 < bins <= MAX_BINS):
        return PlainTextResponse(NOT_FOUND, 404)
    return JSONResponse(lanes(clip.project, first, stop, bins), headers=_NO_STORE)


def _review(clip: OpenClip, _: Request) -> Response:
    return JSONResponse(review(clip.project, float(clip.info.fps)), headers=_NO_STORE)


def _times(clip: OpenClip, _: Request) -> Response:
    """When each frame appears, and when the last one ends: float64 seconds, little-endian."""
    if not clip.info.is_vfr:
        return Response(status_code=204, headers=_IMMUTABLE)  # at an even rate, as the page thinks
    times = frame_times(clip.info).astype("<f8").tobytes()
    return Response(times, 200, _IMMUTABLE, "application/octet-stream")
