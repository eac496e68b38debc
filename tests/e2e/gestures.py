"""Real touches: what Playwright has no words for."""

from playwright.sync_api import CDPSession


def touch(session: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    """Send a touch event.

    Args:
        session: of the page.
        kind: "touchStart", "touchMove" or "touchEnd".
        points: where fingers are now, in CSS pixels of the viewport.
    """
    session.send(
        "Input.dispatchTouchEvent",
        {
            "type": kind,
            "touchPoints": [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)],
        },
    )
