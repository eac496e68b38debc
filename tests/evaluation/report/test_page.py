"""The page: one file, whatever names are in it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sam2ov.evaluation.report.clip_report import ClipReport
from sam2ov.evaluation.report.page import reason, write_page
from sam2ov.project.review import ReviewItem
from tests.evaluation.report.conftest import HOSTILE, made_report


class Elements(HTMLParser):
    """All elements with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(report: ClipReport, tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    write_page(path, report, path)
    return path.read_text(encoding="utf-8")


def test_it_needs_nothing_else(report: ClipReport, tmp_path: Path) -> None:
    html = page_of(report, tmp_path)
    elements = Elements(html)
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "link", "iframe", "object", "embed"}
    places = [
        value
        for _, attributes in elements.found
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href") and value is not None
    ]
    assert places
    assert all(place.startswith(("data:image/jpeg;base64,", "#")) for place in places)
    assert "url(http" not in html
    assert any("default-src 'none'" in str(a.get("content")) for _, a in elements.found)


def test_links_inside_lead_somewhere(report: ClipReport, tmp_path: Path) -> None:
    elements = Elements(page_of(report, tmp_path))
    ids = [a["id"] for _, a in elements.found if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in elements.found:
        place = attributes.get("href") or ""
        if place.startswith("#"):
            assert place[1:] in ids


def test_names_are_text(tmp_path: Path) -> None:
    report = made_report(name=HOSTILE, object_name=HOSTILE)
    elements = Elements(page_of(report, tmp_path))
    assert "script" not in {tag for tag, _ in elements.found}
    assert HOSTILE in elements.text
    assert f"{HOSTILE}: probably wrong for 7 frames" in elements.text


def test_what_is_said(report: ClipReport, tmp_path: Path) -> None:
    text = re.sub(r"\s+", " ", Elements(page_of(report, tmp_path)).text)
    assert "Tracking report: clip.mp4" in text
    assert "not calibrated" in text
    assert "Absent on frames 15 to 19." in text
    assert "Never absent." in text
    assert "Dog and Cat swap places – frame 15, 0:00.20" in text
    assert "80×60, 25 frames/s, frames 10 to 39, tracked with micro" in text


def test_scores_are_told_where_there_are_true_masks(tmp_path: Path) -> None:
    assert "J < 50" in Elements(page_of(made_report(j=0.4), tmp_path)).text.replace("\xa0", " ")
    assert "J < 50" not in Elements(page_of(made_report(), tmp_path)).text.replace("\xa0", " ")


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (ReviewItem(1, (1,), "unsure", 1), "Dog: not sure"),
        (ReviewItem(1, (1,), "returned", 1, 1), "Dog is back after 1 frame"),
        (ReviewItem(1, (1, 2), "merged", 1), "Dog and Cat lie on each other"),
        (ReviewItem(1, (2,), "lost", 1), "Cat is lost"),
    ],
)
def test_reasons(report: ClipReport, item: ReviewItem, words: str) -> None:
    assert reason(item, report) == words
