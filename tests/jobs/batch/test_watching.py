"""A watched folder gives clips that are complete, and each once."""

from pathlib import Path

import pytest

from sam2ov.jobs.batch import watching
from sam2ov.jobs.batch.listing import Defaults
from sam2ov.jobs.batch.watching import WatchedFolder


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        self.now += 0.4
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watching, "time", made)
    return made


def looks(watched: WatchedFolder, times: int) -> list[list[str]]:
    """The names that each of so many looks at the folder gives."""
    found: list[list[str]] = [[]]
    for item in watched.items():
        if item is not None:
            found[-1].append(item.name)
        elif len(found) == times:
            return found
        else:
            found.append([])
    return found


def given(watched: WatchedFolder) -> list[str]:
    """The names that twenty looks give."""
    return [name for names in looks(watched, 20) for name in names]


def test_a_clip_comes_when_it_is_still_and_once(tmp_path: Path, defaults: Defaults) -> None:
    watched = WatchedFolder(tmp_path, defaults, 2.0, lambda: False)
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"1")
    (tmp_path / "a.json").write_text("{}")
    assert looks(watched, 1) == [[]]
    clip.write_bytes(b"12")  # it grows
    assert looks(watched, 1) == [[]]
    assert given(watched) == ["a"]
    assert given(watched) == []
    clip.write_bytes(b"another")
    assert given(watched) == ["a"]


def test_a_clip_waits_for_its_prompts(tmp_path: Path, defaults: Defaults) -> None:
    watched = WatchedFolder(tmp_path, defaults, 1.0, lambda: False)
    (tmp_path / "a.mp4").write_bytes(b"1")
    assert given(watched) == []
    (tmp_path / "a.json").write_text("{}")
    assert given(watched) == ["a"]


def test_it_ends_when_it_is_told_to(tmp_path: Path, defaults: Defaults) -> None:
    watched = WatchedFolder(tmp_path, defaults, 1.0, lambda: True)
    assert list(watched.items()) == []
