"""What the browser sends is checked before anything is done."""

import math
from typing import Any

import gradio as gr
import pytest

from sam2ov.errors import PromptError
from sam2ov.ui.contract.payloads import Brush, Click, Open, Track, Undo, parse, parse_edit
from tests.ui.conftest import event

CLICK: dict[str, Any] = {
    "kind": "click",
    "clip": "a-clip-token",
    "number": 1,
    "frame": 3,
    "object": 1,
    "x": 10,
    "y": 20.5,
    "positive": True,
}


def test_well_formed_payloads_become_typed() -> None:
    click = parse_edit(event(CLICK))
    assert isinstance(click, Click)
    assert (click.frame, click.x, click.y, click.positive) == (3, 10.0, 20.5, True)
    assert isinstance(
        parse_edit(event({"kind": "undo", "clip": "a-clip-token", "number": 2})), Undo
    )
    assert parse(Open, event({"source": "sample"})).source == "sample"


def stroke(points: Any) -> dict[str, Any]:
    place = {key: CLICK[key] for key in ("clip", "number", "frame", "object")}
    return place | {"kind": "brush", "radius": 3.5, "erase": False, "points": points}


def test_a_stroke_is_a_list_of_pairs() -> None:
    brush = parse_edit(event(stroke([[1, 2.5], [3, 4]])))
    assert isinstance(brush, Brush)
    assert brush.points == [(1.0, 2.5), (3.0, 4.0)]


@pytest.mark.parametrize(
    "points", [[], [[1]], [[1, 2, 3]], [["1", 2]], [[1, 1e9]], "12", [{"x": 1}], [[0, 0]] * 2001]
)
def test_strokes_of_anything_else_are_refused(points: Any) -> None:
    with pytest.raises(PromptError, match="points"):
        parse_edit(event(stroke(points)))


@pytest.mark.parametrize(
    "change",
    [
        {"x": math.nan},
        {"x": math.inf},
        {"y": "20"},
        {"x": 1e9},
        {"frame": -1},
        {"frame": 1.5},
        {"frame": 10**12},
        {"object": 0},
        {"object": True},
        {"positive": 1},
        {"clip": ""},
        {"clip": "x" * 1000},
        {"clip": ["a-clip-token"]},
        {"kind": "format_disk"},
        {"kind": None},
        {"number": 0},
        {"extra": 1},
    ],
)
def test_malformed_edits_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PromptError, match="Reload the page"):
        parse_edit(event(CLICK | change))


@pytest.mark.parametrize("payload", [None, [], "click", 7, {}, {"kind": "click"}])
def test_payloads_of_the_wrong_shape_are_refused(payload: object) -> None:
    with pytest.raises(PromptError):
        parse_edit(event(payload))
    with pytest.raises(PromptError):
        parse(Track, event(payload))


@pytest.mark.parametrize("data", [None, {}, [], "payload"])
def test_events_without_payload_are_refused(data: Any) -> None:
    with pytest.raises(PromptError):
        parse_edit(gr.EventData(None, data))


@pytest.mark.parametrize("colour", ["red", "#ff00", "#FF00000", "#ff0000;}", "url(x)"])
def test_colours_are_six_digits(colour: str) -> None:
    payload = {
        "kind": "recolour_objects",
        "clip": "a-clip-token",
        "number": 1,
        "objects": [1],
        "colour": colour,
    }
    with pytest.raises(PromptError):
        parse_edit(event(payload))


@pytest.mark.parametrize(
    "clean_up", [None, {"grow": 1e9}, {"grow": math.nan}, {"steady": -1}, {"sharpen": 1}, "all"]
)
def test_clean_up_is_checked(clean_up: Any) -> None:
    edit = {"kind": "clean_up", "clip": "a-clip-token", "number": 1, "object": 1}
    parse_edit(event(edit | {"clean_up": {"grow": -2.5}}))
    with pytest.raises(PromptError, match="clean_up"):
        parse_edit(event(edit | {"clean_up": clean_up}))
