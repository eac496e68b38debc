"""The endpoints of the model hub that downloads use, on 127.0.0.1, with faults on demand.

Like the hub, ``/OWNER/REPO/resolve/REVISION/FILE`` answers with the file's metadata in headers and
a redirect to another host (here the same server under the name ``localhost``) that serves ranges.
"""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class HubServer:
    """A running server: what it serves, how it misbehaves, and what it was asked.

    ``files`` maps ``OWNER/REPO/FILE`` to the content, and ``OWNER/REPO@REVISION/FILE`` to that of
    other revisions than main. ``etag`` replaces the checksum in the metadata, ``size`` the size.
    ``padding`` follows all content. ``cut_after`` holds, for the next content requests, after how
    many bytes the connection breaks. ``statuses`` holds the status codes the next content requests
    fail with.
    """

    files: dict[str, bytes]
    port: int = 0
    etag: str | None = None
    size: int | None = None
    padding: bytes = b""
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and Range header of each request."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def content_ranges(self) -> list[str | None]:
        """The Range headers of the requests for content, in order."""
        return [asked for _, path, asked in self.requests if path.startswith("/content/")]


@contextmanager
def hub_server(files: dict[str, bytes]) -> Iterator[HubServer]:
    """Serve ``files`` until the block ends."""
    hub = HubServer(files)

    class Handler(_HubRequest):
        served = hub

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


class _HubRequest(BaseHTTPRequestHandler):
    served: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the tests' output readable."""

    def _answer(self, *, with_body: bool) -> None:
        self.served.requests.append((self.command, self.path, self.headers.get("Range")))
        path = self.path.removeprefix("/")
        if path.startswith("content/"):
            served = self.served.files[path.removeprefix("content/")]
            self._send_content(served + self.served.padding)
            return
        name = re.sub("/resolve/main/|/resolve/([^/]+)/", _at_revision, path)
        content = self.served.files.get(name)
        if content is None:
            self._send(404, {"X-Error-Code": "EntryNotFound", "Content-Length": "0"})
            return
        etag = self.served.etag or hashlib.sha256(content).hexdigest()
        headers = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-ETag": f'"{etag}"',
            "X-Linked-Size": str(self.served.size or len(content)),
            "ETag": '"of-the-pointer-file"',
            "Location": f"http://localhost:{self.served.port}/content/{name}",
            "Content-Length": "0",
        }
        self._send(302, headers)

    def _send_content(self, content: bytes) -> None:
        if self.served.statuses:
            self._send(self.served.statuses.pop(0), {"Content-Length": "0"})
            return
        asked = self.headers.get("Range") if self.served.ranges else None
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        headers = {"Content-Length": str(len(content) - start)}
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(206 if asked else 200, headers)
        if self.served.cut_after:
            self.wfile.write(content[start : start + self.served.cut_after.pop(0)])
            self.close_connection = True
        else:
            self.wfile.write(content[start:])

    def _send(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _at_revision(resolve: re.Match[str]) -> str:
    return f"@{resolve[1]}/" if resolve[1] else "/"
