"""Hostile requests to a running server: files through its own doors, and malformed HTTP."""

import json
import secrets
import socket
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from random import Random
from typing import Final
from urllib.parse import quote, urlsplit

import httpx2

from tools.hostile import mutations, seeds
from tools.hostile.target import RAW_SECONDS, LetInError, Target
from tools.spoken_page import PageError, SpokenPage

_JSON: Final = {"content-type": "application/json"}


Request = Callable[[Random, Target], object]
"""Sends something, and hears the answer; errors that the server tells on purpose are its right."""


def clip(rng: Random, target: Target) -> None:
    """A video, opened on a page, looked at and clicked on."""
    source = rng.choice(target.given.clips)
    content = mutations.changed_bytes(rng, source.read_bytes())
    with SpokenPage(target.url) as page:
        page.hello()
        page.put_clip(content, rng.choice([source.name, *mutations.TEXTS[:6]]))
        page.send("open", {"source": "upload", "project": None})
        if page.clip:
            for frame in (0, 3, seeds.NUM_FRAMES - 1, 10**9):
                page.picture(frame, rng.choice(["{}.jpg", "near/{}.jpg", "run/{}", "{}.png"]))
            page.edit("click", frame=0, object=1, x=20.0, y=20.0, positive=True)


def project(rng: Random, target: Target) -> None:
    """A project file, opened on a page."""
    content = mutations.changed_bytes(rng, target.given.project.read_bytes())
    with SpokenPage(target.url) as page:
        page.hello()
        page.put_clip(content, "p.sam2ov")
        page.send("open", {"source": "upload", "project": None})
        if page.clip:
            page.picture(0)


def masks(rng: Random, target: Target) -> None:
    """Masks or prompts, given to a page with an open clip."""
    kind = rng.choice(["coco", "sav", "prompts", "xml", "png"])
    if kind == "xml":
        name, content = "m.xml", mutations.changed_xml(rng, seeds.CVAT)
    elif kind == "png":
        name, content = "1.png", mutations.changed_png(rng, seeds.png())
    else:
        name, content = "m.json", mutations.changed_json(rng, seeds.annotations()[kind])
    if rng.random() < 0.3:
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        name, content = "m.zip", mutations.changed_bytes(rng, packed.getvalue())
    with SpokenPage(target.url) as page:
        page.hello()
        page.put_clip(target.given.clips[0].read_bytes(), "a.mp4")
        page.send("open", {"source": "upload", "project": None})
        odd = rng.choice(["/etc/passwd", "../../x.json", ""])
        page.put_attachment(content, odd if rng.random() < 0.1 else name)
        page.send("open_prompts", {"masks": rng.choice(["first", "all", "none", None])})


def call(rng: Random, target: Target) -> None:
    """A public function, called with a changed clip or changed arguments."""
    source, is_track = rng.choice(target.given.clips), rng.random() < 0.5
    content = source.read_bytes()
    if rng.random() < 0.5:
        content = mutations.changed_bytes(rng, content)
    with SpokenPage(target.url) as page:
        video = page.put_file(content, source.name)
        point = {"x": 20, "y": 20, "label": 1}
        prompts = {"objects": [{"id": 1, "prompts": [{"frame": 0, "points": [point]}]}]}
        arguments = (
            [video, prompts, None, "both", "davis", {}, {}, None]
            if is_track
            else [video, 0, [point], None, None, None]
        )
        body = mutations.changed_json(rng, {"data": arguments})
        name = "track" if is_track else "segment_frame"
        joined = page.http.post(f"/gradio_api/call/{name}", content=body, headers=_JSON)
        if target.look(joined) == 200:
            event = joined.json()["event_id"]
            target.look(page.http.get(f"/gradio_api/call/{name}/{event}"))


def event(rng: Random, target: Target) -> None:
    """An event of a page with changed contents."""
    with SpokenPage(target.url) as page:
        page.hello()
        page.put_clip(target.given.clips[0].read_bytes(), "a.mp4")
        page.send("open", {"source": "upload", "project": None})
        name = rng.choice(page.events)
        payload = rng.choice(
            [
                {"clip": page.clip, "number": 1, "kind": "brush", "frame": 0, "object": 1}
                | {"radius": 3.0, "erase": False, "points": [[1, 1], [5, 5]]},
                {"clip": page.clip, "number": 1, "kind": "set_range", "first": 0, "last": 3},
                {"clip": page.clip, "frame": 0, "direction": "forward", "objects": None},
                {"source": "project", "project": "x" * 24},
                {"model": "micro", "device": "CPU", "preset": "fast"},
            ]
        )
        body = mutations.changed_json(rng, page.body(name, payload))
        way = rng.choice(["queue/join", f"run/{name}", f"call/{name}", f"call/v2/{name}"])
        target.look(page.http.post(f"/gradio_api/{way}", content=body, headers=_JSON))
        page.edit("click", frame=0, object=1, x=20.0, y=20.0, positive=True)


_ROUTES: Final = (
    *("queue/join", "run/track", "call/track", "call/v2/track", "run/predict", "api/predict"),
    *("cancel", "reset", "component_server", "stream/1", "stream/1/close", "process_recording"),
    *("vibe-edit", "vibe-code", "undo-vibe-edit", "vibe-starter-queries", "run-history/connect"),
    *("upload", "mcp/", "mcp/sse", "mcp/messages/"),
)


def body(rng: Random, target: Target) -> None:
    """JSON that is huge, nested or odd, to any route that takes some."""
    depth = rng.choice([100, 5000, 1_900_000])
    content: bytes = rng.choice(
        [
            b"[" * depth,
            b"[" * depth + b"]" * depth,
            b'{"a":' * min(depth, 600_000) + b"0" + b"}" * min(depth, 600_000),
            b'{"data":[' + b"0," * rng.choice([1000, 1_900_000]) + b'0],"fn_index":0}',
            b"[" + b"0," * rng.choice([1000, 1_900_000]) + b"0]",
            b'{"data":["' + b"x" * rng.choice([1000, 4_000_000]) + b'"],"fn_index":0}',
            b'{"fn_index":' + b"9" * 5000 + b"}",
            b'{"data":null,"fn_index":-1,"session_hash":["a"]}',
            b"\xff\xfe\x00{",
            b"",
            b"\x00" * (5 << 20),
            mutations.changed_json(
                rng, {"data": [0], "fn_index": 3, "session_hash": "a", "event_id": "b"}
            ),
        ]
    )
    path = "/projects" if rng.random() < 0.1 else f"/gradio_api/{rng.choice(_ROUTES)}"
    with httpx2.Client(base_url=target.url, timeout=60) as client:
        target.look(client.post(path, content=content, headers=_JSON))


def multipart(rng: Random, target: Target) -> None:
    """An upload that is no upload."""
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\nabc\r\n'
    content: bytes = rng.choice(
        [
            mutations.changed_bytes(rng, part + b"--b--\r\n"),
            part * rng.choice([2, 3000]) + b"--b--\r\n",
            part.replace(b"a.mp4", rng.choice(mutations.TEXTS[:6]).encode()) + b"--b--\r\n",
            b"--b\r\n" + b"X-Odd: y\r\n" * 20_000 + b"\r\n--b--\r\n",
            part.replace(b"abc", b"z" * (3 << 20)),
        ]
    )
    kind = rng.choice(["multipart/form-data; boundary=b", "multipart/form-data", "text/plain"])
    with httpx2.Client(base_url=target.url, timeout=60) as client:
        headers = {"content-type": kind}
        asked = {"upload_id": rng.choice(["a", "", "x" * 3000])}
        target.look(
            client.post("/gradio_api/upload", params=asked, content=content, headers=headers)
        )


def foreign(rng: Random, target: Target) -> None:
    """A request as another site's page, or under another name.

    Raises:
        LetInError: it was not refused.
    """
    place = urlsplit(target.url).netloc
    odd = rng.choice(
        [
            {"host": "evil.example"},
            {"host": f"{place}.evil.example"},
            {"host": f"evil.example:{urlsplit(target.url).port}"},
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": f"https://{place}.evil.example"},
            {"origin": f"http://{place}@evil.example"},
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
            {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
        ]
    )
    path = rng.choice(["queue/join", "upload", "run/ready", "mcp/", "call/track", "reset"])
    with httpx2.Client(base_url=target.url, timeout=60) as client:
        answer = client.post(f"/gradio_api/{path}", content=b"{}", headers={**_JSON, **odd})
        if target.look(answer) != 403:
            raise LetInError(f"{odd} was answered with {answer.status_code} at {path}")


def wire(rng: Random, target: Target) -> None:
    """Bytes that are hardly HTTP."""
    host = f"Host: {urlsplit(target.url).netloc}\r\n".encode()
    post = b"POST /gradio_api/queue/join HTTP/1.1\r\n" + host
    good = b"GET /config HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n"
    content: bytes = rng.choice(
        [
            mutations.changed_bytes(rng, good),
            b"GET /" + b"a" * rng.choice([9000, 200_000]) + b" HTTP/1.1\r\n" + host + b"\r\n",
            good[:-2] + b"X: y\r\n" * 5000 + b"\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            post + b"Content-Length: -1\r\n\r\n{}",
            post + b"Content-Length: 9999999999999999999\r\n\r\n{}",
            post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
            post + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}",
            post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            post + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(200),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            rng.randbytes(500),
        ]
    )
    with target.connect() as connection:
        with suppress(OSError):
            connection.sendall(content)
        if rng.random() < 0.5:
            return  # gone before there is an answer
        connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while connection.recv(1 << 16):
                pass


def stalled(rng: Random, target: Target) -> None:
    """A request or an upload that is begun and does not go on."""
    host = f"Host: {urlsplit(target.url).netloc}\r\n".encode()
    begun = rng.choice(
        [
            b"POST /gradio_api/upload HTTP/1.1\r\n" + host + b"Content-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n",
            b"POST /gradio_api/queue/join HTTP/1.1\r\n" + host + b"Content-Length: 99\r\n\r\n{",
            b"PUT /media/x/clip HTTP/1.1\r\n" + host + b"Content-Length: 1000\r\n\r\nabc",
            b"GET / HTTP/1.1\r\n" + host,
            b"GET /gradio_api/heartbeat/"
            + secrets.token_hex(4).encode()
            + b" HTTP/1.1\r\n"
            + host
            + b"\r\n",
            b"GET /gradio_api/queue/data?session_hash=x HTTP/1.1\r\n" + host + b"\r\n",
            b"",
        ]
    )
    connection = target.connect()
    connection.sendall(begun)
    target.leave_open(connection)


def invented(rng: Random, target: Target) -> None:
    """Sessions that no page has, at doors where pages have some."""
    name = rng.choice([*mutations.TEXTS[:11], "../x", "a" * 20_000, secrets.token_hex(6)])
    with SpokenPage(target.url) as page:
        page.hello()
        known = page.events
        page.session = name
        body = page.body(rng.choice(known), {"source": "sample", "project": None})
        for path in rng.sample(["queue/join", "run/edit", "run/ready", "reset", "cancel"], 2):
            answer = page.http.post(f"/gradio_api/{path}", content=json.dumps(body), headers=_JSON)
            with suppress(ValueError, LookupError, TypeError):
                told = json.loads(answer.json()["data"][0])
                page.http.post(f"/media/{told['upload']}/leave")
            target.look(answer)


def path(rng: Random, target: Target) -> None:
    """An address that is nobody's."""
    odd = quote(rng.choice(mutations.TEXTS).encode("utf-8", "replace"), safe="./")
    number = rng.choice(["0", "-1", "9" * 30, odd])
    way = rng.choice(
        [
            f"/media/{odd or 'x'}/{number}.jpg",
            f"/media/{'x' * 24}/run/{number}?count={number}",
            f"/media/{'x' * 24}/exports/{odd}",
            f"/media/{'x' * 24}/lanes?bins={number}&first={odd}",
            f"/projects/{odd}/thumbnail.jpg",
            f"/editor/{odd}/{odd}",
            "/gradio_api/file=/etc/passwd",
            f"/gradio_api/file=..%2f..%2f{odd}",
            f"/gradio_api/file=http://127.0.0.1:9/{odd}",
            f"/gradio_api/proxy=http://127.0.0.1:9/{odd}",
            f"/gradio_api/queue/data?session_hash={odd}x",
            f"/gradio_api/stream/{odd}/1/1/playlist.m3u8",
            f"/static/{odd}",
            f"/assets/..%2f..%2f{odd}",
            f"/custom_component/{odd}/client/component/index.js",
            f"/gradio_api/upload_progress?upload_id={odd}",
            f"/gradio_api/deep_link?session_hash={odd}",
            f"/svelte/{odd}",
            f"/manifest.json?{odd}",
            f"/?deep_link={odd}",
        ]
    )
    with (
        httpx2.Client(base_url=target.url, timeout=RAW_SECONDS) as client,
        suppress(httpx2.ReadTimeout),  # streams of events have no end
    ):
        answer = client.request(rng.choice(["GET", "GET", "HEAD", "DELETE", "PUT"]), way)
        if target.look(answer) == 200 and "root:" in answer.text:
            raise LetInError(f"{way} was served")


def mcp(rng: Random, target: Target) -> None:
    """A message of the Model Context Protocol."""
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": rng.choice(["tools/call", "tools/list", "initialize", "resources/read"]),
        "params": {
            "name": rng.choice(["segment_frame", "track", "list_models"]),
            "arguments": {"video": "http://127.0.0.1:9/x.mp4", "frame": 0, "box": [1, 1, 9, 9]},
        },
    }
    accepted = {"accept": "application/json, text/event-stream", **_JSON}
    with httpx2.Client(base_url=target.url, timeout=60) as client:
        content = mutations.changed_json(rng, message)
        target.look(client.post("/gradio_api/mcp/", content=content, headers=accepted))


REQUESTS: Final[dict[str, Request]] = {
    each.__name__: each
    for each in (
        *(clip, project, masks, call, event, body, multipart),
        *(foreign, wire, stalled, invented, path, mcp),
    )
}


def send(rng: Random, kind: str, target: Target) -> None:
    """Do one.

    Raises:
        LetInError: what must be refused was answered.
    """
    with suppress(PageError, httpx2.HTTPError, UnicodeEncodeError, OSError):
        REQUESTS[kind](rng, target)
