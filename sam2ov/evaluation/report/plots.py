"""What is measured of an object over time, as SVG: figures to be put into a page.

Text and axes have the colour of the page's text, so that they are read on light and dark ground and
on paper; curves have colours that people with any colour vision tell apart, and differ in their
strokes, too.
"""

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from sam2ov.errors import ExportError
from sam2ov.evaluation.report.clip_report import ClipReport, ObjectReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS: Final = 800
"""Of a curve; of more frames each column has the mean, and the least and the most as an area."""

_INK: Final = "#010203"  # becomes the colour of the page's text
_BLUE, _ORANGE, _GREEN = "#2b7bba", "#d55e00", "#00875f"
_GREY: Final = "#8a8f98"
_WIDTH, _PANEL_HEIGHT = 9.0, 1.0  # inches, and so are the rest
_LEFT, _MARGIN, _ABOVE, _BELOW = 1.05, 0.12, 0.28, 0.45
_GAP: Final = 0.42  # of a panel
_NEEDS_MATPLOTLIB: Final = (
    'Reports draw with matplotlib, which is not installed: pip install "sam2ov[report]".'
)

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Curve:
    label: str
    values: Values
    colour: str
    stroke: str = "solid"


@dataclass(frozen=True, eq=False)
class _Panel:
    """Curves over one scale; ``top`` is its end, None for what the values need."""

    title: str
    curves: tuple[_Curve, ...]
    top: float | None = None


def require_matplotlib() -> None:
    """Raise ExportError with what to install where matplotlib is missing."""
    try:
        import matplotlib as mpl  # noqa: F401
    except ImportError as error:
        raise ExportError(_NEEDS_MATPLOTLIB) from error


def draw_object(report: ClipReport, place: int) -> str:
    """The figure of an object, as an ``svg`` element.

    Args:
        report: on its clip.
        place: of the object in the report.
    """
    each = report.objects[place]
    obj_id = each.target.obj_id
    marked = [look.item.frame_idx for look in report.looks if obj_id in look.item.obj_ids]
    return _figure(_panels(each), report.frames, each, marked, salt=f"object {obj_id}")


def draw_reliability(
    curves: Sequence[tuple[str, Sequence[tuple[float, float, int]]]],
) -> str:
    """How often masks were right for each chance that was told, as an ``svg`` element.

    Args:
        curves: a name and points: chance told, share that was right, number of frames.
    """
    with _style("reliability"):
        figure, (axes,) = _new_figure(1, (4.4, 4.0))
        axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="dotted", label="ideal")
        looks = zip((_BLUE, _ORANGE, _GREEN, _GREY), ("o-", "s--", "^-.", "D:"), strict=True)
        for (name, points), (colour, look) in zip(curves, looks, strict=False):
            told, right, _ = zip(*points, strict=True)
            axes.plot(told, right, look, color=colour, markersize=4, linewidth=1.2, label=name)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="chance told", ylabel="share that was right")
        axes.legend(loc="upper left", frameon=False)
        return _svg(figure)


def binned(values: Values, columns: int) -> tuple[Values, Values, Values]:
    """The least, mean and greatest value of each of so many parts; NaN where nothing is known."""
    if len(values) <= columns:
        return values, values, values
    starts = np.arange(columns) * len(values) // columns
    known = np.isfinite(values)
    count = np.add.reduceat(known.astype(np.float64), starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(np.where(known, values, 0.0), starts) / count
    low = np.fmin.reduceat(values, starts)
    return low, mean, np.fmax.reduceat(values, starts)


def _panels(each: ObjectReport) -> list[_Panel]:
    measures = each.measures
    panels = [
        _Panel(
            "confidence, %",
            (
                _Curve("confidence", 100 * each.confidence, _BLUE),
                _Curve("stability", _percent(measures.stability), _ORANGE, "dashed"),
            ),
            100,
        ),
        _Panel("area, % of picture", (_Curve("area", 100 * each.area, _BLUE),)),
        _Panel(
            "position, %",
            (
                _Curve("from the left", 100 * each.x, _BLUE),
                _Curve("from the top", 100 * each.y, _ORANGE, "dashed"),
            ),
            100,
        ),
        _Panel("flicker, %", (_Curve("flicker", _percent(measures.flicker), _BLUE),)),
        _Panel(
            "trembling, px", (_Curve("trembling", measures.trembling.astype(np.float64), _BLUE),)
        ),
    ]
    if np.isfinite(measures.j).any():
        truth = (
            _Curve("J", _percent(measures.j), _GREEN),
            _Curve("F", _percent(measures.f), _ORANGE, "dashed"),
        )
        panels.insert(1, _Panel("J and F, %", truth, 100))
    return panels


def _percent(values: npt.NDArray[np.float32]) -> Values:
    return 100 * values.astype(np.float64)


def _figure(
    panels: Sequence[_Panel],
    frames: range,
    each: ObjectReport,
    marked: Sequence[int],
    *,
    salt: str,
) -> str:
    with _style(salt):
        size = (_WIDTH, _PANEL_HEIGHT * len(panels) + _ABOVE + _BELOW)
        figure, all_axes = _new_figure(len(panels), size)
        for axes, panel in zip(all_axes, panels, strict=True):
            _draw_panel(axes, panel, frames)
            for away in runs(each.absent):
                start, stop = frames.start + away.start - 0.5, frames.start + away.stop - 0.5
                axes.axvspan(start, stop, facecolor="none", edgecolor=_GREY, hatch="////", lw=0)
            for frame in each.prompted:
                axes.axvline(frame, color=_GREEN, linewidth=1, linestyle=(0, (4, 2)))
            axes.plot(
                marked,
                np.ones(len(marked)),
                "v",
                color=_ORANGE,
                markersize=5,
                transform=axes.get_xaxis_transform(),
                clip_on=False,
            )
            axes.set_xlim(frames.start - 0.5, frames.stop - 0.5)
        all_axes[-1].set_xlabel("frame")
        return _svg(figure)


def _draw_panel(axes: "Axes", panel: _Panel, frames: range) -> None:
    for curve in panel.curves:
        low, mean, high = binned(curve.values, MAX_COLUMNS)
        starts = np.arange(len(mean)) * len(frames) // len(mean)
        x = frames.start + starts
        axes.plot(
            x, mean, color=curve.colour, linestyle=curve.stroke, linewidth=1.3, label=curve.label
        )
        if len(mean) < len(frames):
            axes.fill_between(x, low, high, color=curve.colour, alpha=0.25, linewidth=0)
    axes.set_ylim(0, panel.top)
    axes.set_ylabel(panel.title.replace(", ", "\n"), rotation=0, ha="right", va="center")
    if len(panel.curves) > 1:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 0.94), ncols=len(panel.curves), frameon=False
        )


def runs(flags: npt.NDArray[np.bool_]) -> list[range]:
    """The stretches of consecutive entries that are true."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0)).tolist()
    return [range(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)]


def _style(salt: str) -> AbstractContextManager[None]:
    require_matplotlib()
    import matplotlib as mpl

    style: AbstractContextManager[None] = mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": salt,
            "font.family": "sans-serif",
            "font.size": 8,
            "text.color": _INK,
            "axes.labelcolor": _INK,
            "axes.edgecolor": _GREY,
            "xtick.color": _INK,
            "ytick.color": _INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": _GREY,
            "grid.alpha": 0.25,
            "hatch.color": _GREY,
            "hatch.linewidth": 0.6,
        }
    )
    return style


def _new_figure(count: int, size: tuple[float, float]) -> "tuple[Figure, list[Axes]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    width, height = size
    figure.subplots_adjust(
        left=_LEFT / width,
        right=1 - _MARGIN / width,
        top=1 - _ABOVE / height,
        bottom=_BELOW / height,
        hspace=_GAP,
    )
    figure.patch.set_alpha(0)
    axes = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    for each in axes:
        each.patch.set_alpha(0)
    return figure, list(axes)


def _svg(figure: "Figure") -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    element = text[text.index("<svg") :].strip()
    # Names of parts, which repeat from figure to figure; what is referred to has salted ones.
    element = re.sub(r' id="[A-Za-z][\w.]*_\d+"', "", element)
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'^(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'^(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)
    return element.replace(_INK, "currentColor")
