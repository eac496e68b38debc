"""Segment everything on a frame: found in turns, with progress; what is chosen becomes objects."""

from collections.abc import Generator, Iterator
from typing import cast

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2ov.engine.tracker import Tracker
from sam2ov.ui.contract.messages import Snapshot
from sam2ov.ui.events.finding import FindingHandlers
from sam2ov.ui.pool.turns import ModelTurns
from sam2ov.ui.routes.media import make_media_routes
from sam2ov.ui.tabs.clip import Found
from sam2ov.ui.tabs.job import Job
from tests.ui.conftest import OneModel, Tab, event, masks_of, snapshot_of, told


@pytest.fixture
def finding(open_tab: Tab, tracker: Tracker) -> FindingHandlers:
    return FindingHandlers(open_tab.workspaces, OneModel(tracker))


def find(finding: FindingHandlers, tab: Tab, frame: int = 2) -> Iterator[Snapshot]:
    clip = tab.workspace.clip
    assert clip is not None
    for text in finding.find(event({"clip": clip.token, "frame": frame}), tab.request):
        yield snapshot_of(text)


def test_what_is_found_becomes_objects_in_one_step(finding: FindingHandlers, open_tab: Tab) -> None:
    first, *_, last = find(finding, open_tab)
    assert first.job is not None
    assert (first.job.kind, first.found) == ("find", None)
    assert last.job is None
    assert last.found is not None
    assert (last.found.number, last.found.frame) == (1, 2)
    assert last.found.count > 0
    clip = open_tab.workspace.clip
    assert clip is not None
    routes = make_media_routes(open_tab.workspaces, ModelTurns(1))
    with TestClient(Starlette(routes=routes)) as client:
        answer = client.get(f"/media/{clip.token}/found").json()
    assert (answer["number"], answer["frame"]) == (1, 2)
    assert len(answer["masks"]) == last.found.count
    assert all(len(ring) >= 6 for mask in answer["masks"] for ring in mask["rings"])
    taken = open_tab.edit("take_found", found=1, chosen=[0, 0])
    assert (taken.mask is not None, len(taken.objects), taken.undo) == (True, 1, "Add an object")
    found = clip.found
    assert found is not None
    assert np.array_equal(masks_of(open_tab, 2)[0], found.masks[0].mask)
    assert open_tab.edit("undo").objects[0].prompts == {}


def test_what_is_not_there_any_more_cannot_be_taken(
    finding: FindingHandlers, open_tab: Tab
) -> None:
    list(find(finding, open_tab))
    list(find(finding, open_tab, 3))
    for number, chosen in ((1, [0]), (2, [99_999])):
        with told(open_tab, "not there any more"):
            answer = open_tab.edit("take_found", found=number, chosen=chosen)
        assert not answer.objects[0].prompts


def test_it_can_be_cancelled_and_the_tab_goes_on(finding: FindingHandlers, open_tab: Tab) -> None:
    steps = find(finding, open_tab)
    assert next(steps).job is not None
    open_tab.editor.cancel(open_tab.request)
    *_, last = steps
    assert (last.job, last.found) == (None, None)
    assert open_tab.click(0, 24, 32).objects[0].prompts


def test_what_is_found_is_there_before_the_job_ends(
    finding: FindingHandlers, open_tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, clip = open_tab.workspace, open_tab.workspace.clip
    assert clip is not None
    finish = workspace.finish
    seen: list[Found | None] = []

    def noting(job: Job) -> None:
        seen.append(clip.found)
        finish(job)

    monkeypatch.setattr(workspace, "finish", noting)
    list(find(finding, open_tab))
    assert [each is not None for each in seen] == [True]


@pytest.mark.parametrize("kind", ["find", "track", "export"])
def test_a_page_that_goes_at_once_leaves_no_job(
    finding: FindingHandlers, open_tab: Tab, kind: str
) -> None:
    open_tab.click(0, 24, 32)
    clip = open_tab.workspace.clip
    assert clip is not None
    if kind == "find":
        running = finding.find(event({"clip": clip.token, "frame": 2}), open_tab.request)
    elif kind == "track":
        payload = {"clip": clip.token, "frame": 0, "direction": "forward", "objects": None}
        running = open_tab.tracking.track(event(payload), open_tab.request)
    else:
        running = open_tab.export("png-matte")
    assert snapshot_of(next(running)).job is not None
    cast("Generator[str]", running).close()
    assert open_tab.workspace.job is None
