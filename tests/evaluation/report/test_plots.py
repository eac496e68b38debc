"""Figures: well-formed, nothing but what was measured, and of bounded size."""

import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from sam2ov.errors import ExportError
from sam2ov.evaluation.report.clip_report import ClipReport
from sam2ov.evaluation.report.plots import (
    MAX_COLUMNS,
    binned,
    draw_object,
    draw_reliability,
    require_matplotlib,
    runs,
)
from tests.evaluation.report.conftest import HOSTILE, made_report


def test_a_figure_is_well_formed_and_has_the_ink_of_the_page(report: ClipReport) -> None:
    svg = draw_object(report, 1)
    assert ET.fromstring(svg).tag.endswith("svg")
    assert "currentColor" in svg
    assert "#000000" not in svg
    assert "#010203" not in svg
    for word in ("confidence", "trembling", "from the top", "flicker"):
        assert word in svg
    assert "J and F" not in svg
    assert "J and F" in draw_object(made_report(j=0.7), 0)


def test_figures_are_the_same_each_time_and_do_not_share_names(report: ClipReport) -> None:
    assert draw_object(report, 1) == draw_object(report, 1)
    names = [
        {part.get("id") for part in ET.fromstring(draw_object(report, place)).iter()} - {None}
        for place in (0, 1)
    ]
    assert not names[0] & names[1]


def test_names_are_not_in_figures() -> None:
    assert "script" not in draw_object(made_report(object_name=HOSTILE), 0)


def test_a_long_clip_takes_no_larger_figure() -> None:
    short, long = (
        len(draw_object(made_report(num_frames=n), 0)) for n in (4 * MAX_COLUMNS, 40_000)
    )
    assert long < 1.2 * short


def test_parts_have_least_mean_and_most() -> None:
    values = np.array([0, 1, 2, np.nan, 4, 6, np.nan, np.nan, 1, 1])
    low, mean, high = binned(values, 5)
    assert low == pytest.approx([0, 2, 4, np.nan, 1], nan_ok=True)
    assert mean == pytest.approx([0.5, 2, 5, np.nan, 1], nan_ok=True)
    assert high == pytest.approx([1, 2, 6, np.nan, 1], nan_ok=True)
    assert binned(values, 10)[0] is values


def test_stretches() -> None:
    flags = np.array([True, True, False, True, False, False, True])
    assert runs(flags) == [range(2), range(3, 4), range(6, 7)]
    assert runs(np.zeros(3, np.bool_)) == []


def test_reliability() -> None:
    svg = draw_reliability([("drawn", [(0.1, 0.2, 10), (0.9, 0.8, 30)])])
    assert ET.fromstring(svg).tag.endswith("svg")
    assert "chance told" in svg


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ExportError, match=r'pip install "sam2ov\[report\]"'):
        require_matplotlib()
