"""Routes of an open clip's pictures, and of what its timeline draws.

Whoever has the clip's token may ask; everything else is 404 without telling why. A clip that was
closed a moment ago answers 204: its page does not know yet, and shows nothing of it any more. So
does a picture that its page has turned away from, or that is not there yet.
"""

import struct
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast, get_args

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sam2ov.errors import PromptError, Sam2ovError
from sam2ov.ui.contract.answers import FoundOutline, FoundOutlines, Lanes, ReviewList
from sam2ov.ui.contract.queries import MAX_QUERY_LENGTH, Hover, Look, Query
from sam2ov.ui.contract.told import told
from sam2ov.ui.gate.caller import caller_of
from sam2ov.ui.media.outlines import outlines
from sam2ov.ui.media.overlay import Overlay
from sam2ov.ui.media.pictures import Level
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.tabs.clip import OpenClip
from sam2ov.ui.tabs.lanes import MAX_BINS, frame_times, lanes, review
from sam2ov.ui.tabs.workspaces import Workspaces

NOT_FOUND = "Not found."
MAX_RUN = 16
MAX_STEP = 8
"""Of frames in one answer, and from one to the next."""

_IMMUTABLE = {"Cache-Control": "private, max-age=86400, immutable"}
_NO_STORE = {"Cache-Control": "no-store"}

Make = Callable[[OpenClip, Request], Response]
Q = TypeVar("Q", bound=Query)


def make_media_routes(workspaces: Workspaces, turns: ModelTurns) -> list[BaseRoute]:
    """The routes.

    Args:
        workspaces: of all tabs.
        turns: on the model that they share.
    """

    def hover(clip: OpenClip, request: Request) -> Response:
        """What a click would give; 204 while the model has anything else to do."""
        wanted = _parsed(Hover, request.query_params.get("hover", ""))
        overlay = None
        with turns.spare() as is_free, suppress(PromptError):  # the object may have gone
            if is_free:
                overlay = clip.hover(request.path_params["frame"], wanted)
        if overlay is None:
            return _nothing()
        return Response(overlay.png, 200, _NO_STORE | _objects(overlay), "image/png")

    def route(path: str, make: Make) -> Route:
        def answer(request: Request) -> Response:
            token: str = request.path_params["token"]
            user = caller_of(request.scope).user
            clip = workspaces.find_clip(token, user)
            if clip is None:
                return _nothing() if workspaces.had_clip(token, user) else _not_found()
            frame: int = request.path_params.get("frame", 0)
            if frame >= clip.info.num_frames:
                return _not_found()
            try:
                return make(clip, request)
            except Exception as error:
                if workspaces.had_clip(token, user):  # closed meanwhile, and its files with it
                    return _nothing()
                if not isinstance(error, Sam2ovError):
                    raise
                return PlainTextResponse(told(error), 422, _NO_STORE)

        return Route(f"/media/{{token}}/{path}", answer)

    return [
        route("{frame:int}.jpg", _frame),
        route("{frame:int}.png", _masks),
        route("look/{frame:int}.jpg", _look),
        route("hover/{frame:int}.png", hover),
        route("found", _found),
        route("run/{frame:int}", _run),
        route("near/{frame:int}.jpg", _near),
        route("thumbnails/{frame:int}.jpg", _thumbnail),
        route("lanes", _lanes),
        route("review", _review),
        route("times", _times),
        route("sound", _sound),
    ]


def _level(request: Request) -> Level | None:
    size = request.query_params.get("size", "view")
    return cast(Level, size) if size in get_args(Level) else None


def _numbers(request: Request) -> dict[str, int] | None:
    """The query as whole numbers, without the look that it may ask for; or None."""
    query = {name: value for name, value in request.query_params.items() if name != "look"}
    try:
        return {name: int(value) for name, value in query.items()}
    except ValueError:
        return None


def _look_of(request: Request) -> Look | None:
    """Which export the query asks for.

    Raises:
        PromptError: it makes no sense.
    """
    text = request.query_params.get("look")
    return None if text is None else _parsed(Look, text)


def _parsed(kind: type[Q], text: str) -> Q:
    """A part of a query.

    Raises:
        PromptError: it makes no sense.
    """
    try:
        return kind.model_validate_json("" if len(text) > MAX_QUERY_LENGTH else text)
    except ValidationError as error:
        raise PromptError("The page asked for something the server does not know.") from error


def _not_found() -> Response:
    return PlainTextResponse(NOT_FOUND, 404)


def _nothing() -> Response:
    return Response(status_code=204, headers=_NO_STORE)


def _json(answer: FoundOutlines | Lanes | ReviewList) -> Response:
    return Response(answer.model_dump_json(), 200, _NO_STORE, "application/json")


def _frame(clip: OpenClip, request: Request) -> Response:
    level = _level(request)
    if level is None:
        return _not_found()
    jpeg = clip.pictures.jpeg(request.path_params["frame"], level)
    if jpeg is None:  # which nobody waits for any more
        return _nothing()
    return Response(jpeg, 200, _IMMUTABLE, "image/jpeg")


def _masks(clip: OpenClip, request: Request) -> Response:
    level = _level(request)
    if level is None:
        return _not_found()
    overlay = clip.overlay(request.path_params["frame"], level)
    return Response(overlay.png, 200, _NO_STORE | _objects(overlay), "image/png")


def _look(clip: OpenClip, request: Request) -> Response:
    """The frame as an export would have it."""
    level, look = _level(request), _look_of(request)
    if level is None or look is None:
        return _not_found()
    jpeg = clip.live(request.path_params["frame"], level, look)
    if jpeg is None:
        return _nothing()
    return Response(jpeg, 200, _NO_STORE, "image/jpeg")


def _objects(overlay: Overlay | None) -> dict[str, str]:
    """Tells the page whose the indices of a PNG are."""
    objects = overlay.objects if overlay is not None else ()
    return {"X-Objects": ",".join(f"{obj_id}:{soft}" for obj_id, soft in objects)}


def _run(clip: OpenClip, request: Request) -> Response:
    """What is played next: small pictures, and the masks with them, of frames in a row.

    Per frame three little-endian uint32 (frame, bytes of the JPEG, bytes of the PNG), JPEG and PNG;
    with a look the frame as an export would have it, JPEG, in place of the PNG.
    One answer, because frames that are asked for one by one arrive at the decoder in any order.
    """
    query = _numbers(request)
    count, step = (query or {}).get("count", MAX_RUN), (query or {}).get("step", 1)
    if query is None or not (0 < count <= MAX_RUN and 0 < step <= MAX_STEP):
        return _not_found()
    first: int = request.path_params["frame"]
    parts: list[bytes] = []
    look = _look_of(request)
    known: Overlay | None = None
    for frame_idx in range(first, min(first + count * step, clip.info.num_frames), step):
        jpeg, png = clip.pictures.small(frame_idx), b""
        if look is not None:
            drawn = clip.live(frame_idx, "proxy", look, is_of_run=True)
            if drawn is None:
                break  # too many at once: the rest is asked for again
            png = drawn
        elif query.get("masks"):
            overlay = clip.overlay(frame_idx, "proxy")
            if known is not None and overlay.objects != known.objects:
                break  # objects came or went meanwhile: the rest is asked for again
            png, known = overlay.png, overlay
        parts += [struct.pack("<3I", frame_idx, len(jpeg), len(png)), jpeg, png]
    headers = _NO_STORE | _objects(known)
    return Response(b"".join(parts), 200, headers, "application/octet-stream")


def _near(clip: OpenClip, request: Request) -> Response:
    """A small picture of the frame or of one nearby; ``X-Frame`` tells of which."""
    wanted: int = request.path_params["frame"]
    shown, jpeg = clip.pictures.near(wanted)
    keeping = _IMMUTABLE if shown == wanted else _NO_STORE
    return Response(jpeg, 200, keeping | {"X-Frame": str(shown)}, "image/jpeg")


def _thumbnail(clip: OpenClip, request: Request) -> Response:
    """A tiny picture; ``X-Frame`` tells of which frame. Only what will not change may be kept."""
    found = clip.pictures.thumbnail(request.path_params["frame"])
    if found is None:
        return _nothing()
    keeping = _IMMUTABLE if found.is_final else _NO_STORE
    told_of = {"X-Frame": str(found.frame_idx), "X-Final": str(int(found.is_final))}
    return Response(found.jpeg, 200, keeping | told_of, "image/jpeg")


def _lanes(clip: OpenClip, request: Request) -> Response:
    end = clip.info.num_frames
    query = _numbers(request)
    if query is None:
        return _not_found()
    first, stop = query.get("first", 0), query.get("last", end - 1) + 1
    bins = query.get("bins", MAX_BINS)
    if not (0 <= first < stop <= end and 0 < bins <= MAX_BINS):
        return _not_found()
    return _json(lanes(clip.project, first, stop, bins))


def _found(clip: OpenClip, _: Request) -> Response:
    found = clip.found
    if found is None:
        return _nothing()
    masks = tuple(FoundOutline(area=each.area, rings=outlines(each.mask)) for each in found.masks)
    return _json(FoundOutlines(number=found.number, frame=found.frame_idx, masks=masks))


def _review(clip: OpenClip, _: Request) -> Response:
    return _json(review(clip.project, float(clip.info.fps)))


def _sound(clip: OpenClip, _: Request) -> Response:
    """The clip's sound, from its first frame on; 204 while it is being made."""
    path = clip.sound.file()
    return _nothing() if path is None else FileResponse(path, 200, _NO_STORE, "audio/mp4")


def _times(clip: OpenClip, _: Request) -> Response:
    """When each frame appears, and when the last one ends: float64 seconds, little-endian."""
    if not clip.info.is_vfr:
        return Response(status_code=204, headers=_IMMUTABLE)  # at an even rate, as the page thinks
    times = frame_times(clip.info).astype("<f8").tobytes()
    return Response(times, 200, _IMMUTABLE, "application/octet-stream")
