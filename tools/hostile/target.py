"""The server that is attacked by requests."""

import socket
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx2

from tools.hostile.seeds import Seeds

_STALLED: Final = 40
"""Connections that are begun and left; the oldest is closed beyond it."""
RAW_SECONDS: Final = 5.0


class LetInError(Exception):
    """What must be refused was answered."""


@dataclass
class Target:
    """The server that is attacked.

    Attributes:
        url: of it.
        given: what is mutated.
        secrets: texts that no answer may contain. (Uploads and results of calls have their paths in
            Gradio's folder for names.)
        stalled: connections that were left open.
    """

    url: str
    given: Seeds
    secrets: tuple[str, ...] = ()
    stalled: list[socket.socket] = field(default_factory=list)

    def look(self, answer: httpx2.Response) -> int:
        """See that an answer tells nothing; gives its status.

        Raises:
            LetInError: it tells where things lie on the server.
        """
        if any(secret in answer.text for secret in self.secrets):
            raise LetInError(f"told a path: {answer.text[:300]}")
        return answer.status_code

    def connect(self) -> socket.socket:
        """A connection of its own."""
        place = urlsplit(self.url)
        return socket.create_connection((str(place.hostname), place.port or 80), RAW_SECONDS)

    def close(self) -> None:
        """Let go of what was left open."""
        while self.stalled:
            self.stalled.pop().close()

    def leave_open(self, connection: socket.socket) -> None:
        """Let it stall."""
        self.stalled.append(connection)
        while len(self.stalled) > _STALLED:
            self.stalled.pop(0).close()
