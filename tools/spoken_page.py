"""A page of the app without a browser: it speaks to the server as the page's own code does."""

import json
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import httpx2

_SECONDS = 120.0
_UNQUEUED = frozenset({"ready", "close", "cancel", "cancel_1", "save_prompts"})
AS_AT_FIRST: Final[Mapping[str, Any]] = {
    "format": "overlay",
    "objects": None,
    "whole_clip": True,
    "per_object": False,
    "keep_start": False,
    "square_pixels": False,
    "first_number": None,
    "names": "",
    "options": {},
    "file": None,
}
"""What the page asks an export for while nobody has changed its panel."""
EDITOR = 23
"""What Gradio is told that an event comes from; it only looks whether it is a number."""


class PageError(Exception):
    """The server does not answer as it answers a page."""


class SpokenPage:
    """A page; events wait for their answers. For one thread, but for its heartbeat.

    Args:
        url: of the app.
        headers: of every request.

    Attributes:
        session: Gradio's name for it.
        snapshot: what the server has told last.
        told: what it has shown to people.
        http: for requests of other kinds.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.url = url
        self.session = secrets.token_hex(6)
        self.snapshot: dict[str, Any] = {}
        self.told: list[str] = []
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=_SECONDS)
        self._events: dict[str, tuple[int, list[Any]]] = {}
        self._num_edits = 0
        self._heard = 0
        self._beating: threading.Thread | None = None

    def hello(self, *, beats: bool = False) -> dict[str, Any]:
        """Be let in; with ``beats`` the connection is held by which the server knows it is there.

        Raises:
            PageError: the server is full.
        """
        config = self.http.get("/config").json()
        shown = {each["id"]: each["props"].get("value") for each in config["components"]}
        self._events = {
            each["api_name"]: (each["id"], [shown[number] for number in each["inputs"]])
            for each in config["dependencies"]
        }
        if beats:
            self._beating = threading.Thread(target=self._beat, daemon=True)
            self._beating.start()
        return self.send("ready")

    @property
    def events(self) -> list[str]:
        """The names of all events, known once it was let in."""
        return sorted(self._events)

    @property
    def clip(self) -> str:
        """The token of the open clip; empty without one."""
        clip = self.snapshot.get("clip")
        return str(clip["token"]) if clip else ""

    def body(self, event: str, payload: Any = None, *inputs: Any) -> dict[str, Any]:
        """What the page sends for an event; inputs that are not given are as they were at first."""
        number, shown = self._events[event]
        return {
            "data": [*inputs, *shown[len(inputs) :]],
            "fn_index": number,
            "session_hash": self.session,
            "event_data": {"payload": payload},
            "trigger_id": EDITOR,
        }

    def send(self, event: str, payload: Any = None, *inputs: Any) -> dict[str, Any]:
        """Send an event and wait until it was worked off.

        Raises:
            PageError: the server refuses it, or it has failed.
        """
        body = self.body(event, payload, *inputs)
        if event in _UNQUEUED:
            answer = self.http.post(f"/gradio_api/run/{event}", json=body)
            told = answer.json() if answer.status_code == 200 else None
        else:
            told = self.queue(body)
        if told is None:
            raise PageError(f"{event} was refused")
        if told["data"] and isinstance(told["data"][0], str):
            self.snapshot = json.loads(told["data"][0])
            if "seq" not in self.snapshot:
                raise PageError(f"{event}: {told['data'][0]}")
            self._hear()
        return self.snapshot

    def export(self) -> dict[str, Any]:
        """Have the overlay video of everything made, as the panel asks for it at first.

        Raises:
            PageError: the server refuses it, or it has failed.
        """
        return self.send("export", AS_AT_FIRST)

    def queue(self, body: Any) -> dict[str, Any] | None:
        """Put any body into Gradio's queue; what came of it, or None."""
        joined = self.http.post("/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return None
        event, asked = joined.json()["event_id"], {"session_hash": self.session}
        with self.http.stream("GET", "/gradio_api/queue/data", params=asked) as stream:
            for line in stream.iter_lines():
                told = json.loads(line[5:]) if line.startswith("data:") else {}
                if told.get("msg") == "process_completed" and told.get("event_id") == event:
                    return told["output"] if told.get("success") else None
        return None

    def _hear(self) -> None:
        """Note what the server says went wrong, once."""
        problem = self.snapshot["problem"]
        if problem is not None and problem["number"] != self._heard:
            self._heard = problem["number"]
            self.told.append(problem["text"])

    def edit(self, kind: str, **values: Any) -> dict[str, Any]:
        """An edit of the open clip."""
        self._num_edits += 1
        return self.send(
            "edit", {"clip": self.clip, "number": self._num_edits, "kind": kind, **values}
        )

    def put_clip(self, content: bytes, name: str) -> int:
        """Upload a clip or project file; the status."""
        url = f"/media/{self.snapshot['upload']}/clip"
        return self.http.put(url, params={"name": name}, content=content).status_code

    def put_attachment(self, content: bytes, name: str) -> int:
        """Upload a file that goes with the next event; the status."""
        url = f"/media/{self.snapshot['upload']}/attachment"
        return self.http.put(url, params={"name": name}, content=content).status_code

    def put_file(self, content: bytes, name: str) -> dict[str, Any] | None:
        """Upload a file as Gradio's components do, for an input of an event."""
        answer = self.http.post("/gradio_api/upload", files={"files": (name, content)})
        if answer.status_code != 200:
            return None
        (path,) = answer.json()
        kind = {"_type": "gradio.FileData"}
        return {"path": path, "orig_name": name, "size": len(content), "meta": kind}

    def picture(self, frame: int, kind: str = "{}.jpg", **query: str) -> int:
        """Ask for a picture of the open clip; the status."""
        url = f"/media/{self.clip}/{kind.format(frame)}"
        return self.http.get(url, params=query).status_code

    def leave(self) -> None:
        """Say that it is closed."""
        upload = self.snapshot.get("upload")
        if upload:
            with suppress(httpx2.HTTPError):
                self.http.post(f"/media/{upload}/leave")
        self.http.close()

    def end(self) -> None:
        """Let go of the connections; the server has ended."""
        if self._beating is not None:
            self._beating.join(_SECONDS)
        self.http.close()

    def _beat(self) -> None:
        with (
            suppress(httpx2.HTTPError, RuntimeError),
            self.http.stream("GET", f"/gradio_api/heartbeat/{self.session}", timeout=None) as beats,
        ):
            for _ in beats.iter_lines():
                pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()
