"""Somebody who works while others attack: ``python -m tools.hostile.canary URL``.

A page with the sample open. One thread asks for what is cheap, the server's health and small
pictures; another clicks, and asks for masks and frames. Each answer is told as a line of JSON.
"""

import json
import sys
import threading
import time
from itertools import count

from tools.spoken_page import SpokenPage

PAUSE_SECONDS = 0.02


def main() -> None:
    """Work until the pipe is closed."""
    (url,) = sys.argv[1:]
    telling = threading.Lock()

    def timed(kind: str, began: float, is_good: bool) -> None:
        told = {"kind": kind, "began": began, "seconds": time.monotonic() - began, "good": is_good}
        with telling:
            print(json.dumps(told), flush=True)

    page = SpokenPage(url)
    page.hello(beats=True)
    page.send("open", {"source": "sample", "project": None})
    clip, num_frames = page.clip, page.snapshot["clip"]["num_frames"]
    timed("opened", time.monotonic(), bool(clip))

    def look() -> None:
        with SpokenPage(url) as other:
            for number in count():
                began = time.monotonic()
                timed("health", began, other.http.get("/health").status_code == 200)
                began, frame = time.monotonic(), 7 * number % num_frames
                near = other.http.get(f"/media/{clip}/near/{frame}.jpg")
                timed("near", began, near.status_code == 200)
                time.sleep(PAUSE_SECONDS)

    threading.Thread(target=look, daemon=True).start()
    for number in count():
        frame = 11 * number % num_frames
        began = time.monotonic()
        told = page.edit(
            "click", frame=frame, object=1, x=100.0 + number % 50, y=100.0, positive=True
        )
        timed("click", began, told["mask"] is not None)
        for kind in ("{}.jpg", "{}.png"):
            began = time.monotonic()
            timed("frame" if kind == "{}.jpg" else "masks", began, page.picture(frame, kind) == 200)
        if number % 20 == 19:
            page.edit("clear_all")
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
