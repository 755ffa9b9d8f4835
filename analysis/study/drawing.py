"""Estimates as dots with their intervals: one chart, drawn by matplotlib (the extra `notebook`)."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import AnalysisError

if TYPE_CHECKING:
    from analysis.study.results import Results

# It comes with matplotlib and has every Vietnamese letter.
_FONT = "DejaVu Sans"
_INK, _QUIET, _DOT = "#1f2933", "#6b7785", "#1d4f91"
_WIDTH, _ROW, _FRAME = 8.0, 0.34, 1.1
_LONGEST_NAME = 60
MOST_ROWS = 300


@dataclass(frozen=True, eq=False)
class Drawing:
    """A chart. `figure` is matplotlib's, to be changed further; a notebook shows it."""

    figure: Any

    def save(self, path: str | Path) -> None:
        """The chart as a file; its ending says which: png, svg or pdf."""
        self.figure.savefig(path, dpi=150)

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.figure.savefig(stream, format="png", dpi=100)
        return stream.getvalue()


def drawn(results: "Results", *, title: str, sort: bool) -> Drawing:
    """The chart of some results. Raises AnalysisError without matplotlib, without rows, or with more than 300 rows."""
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise AnalysisError("plot: found no matplotlib, expected it: pip install 'hailong[notebook]'") from None
    rows, whole = _rows(results, sort=sort)
    if not 0 < len(rows) <= MOST_ROWS:
        raise AnalysisError(f"plot: found {len(rows)} rows, expected 1 to {MOST_ROWS}")
    # Whatever the reader's settings are, the chart looks like this, and they stay as they are.
    with rc_context({"font.family": _FONT, "font.size": 9.0, "text.color": _INK, "axes.edgecolor": _QUIET}):
        figure = Figure(figsize=(_WIDTH, _FRAME + _ROW * len(rows)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _draw(axes, results, rows)
        if whole is not None:
            axes.axvline(whole["estimate"], color=_QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        if title:
            axes.set_title(title, loc="left", fontsize=11, pad=12)
        return Drawing(figure)


def _rows(results: "Results", *, sort: bool) -> tuple[Sequence[Mapping[str, Any]], Mapping[str, Any] | None]:
    """The rows of the chart, and that of the whole sample where it is one line beside domains."""
    rows = list(results.rows)
    whole = [row for row in rows if not row["domain"] and row["estimate"] is not None]
    is_line = len(whole) == 1 and any(row["domain"] for row in rows)
    if is_line:
        rows = [row for row in rows if row["domain"]]
    if sort:
        rows.sort(key=lambda row: (row["estimate"] is None, -(row["estimate"] or 0.0)))
    return rows, whole[0] if is_line else None


def _draw(axes: Any, results: "Results", rows: Sequence[Mapping[str, Any]]) -> None:
    for place, row in enumerate(rows):
        if row["estimate"] is None:
            axes.annotate(
                _cut(row["reason"] or ""), (0.01, place), xycoords=("axes fraction", "data"), va="center", color=_QUIET
            )
            continue
        interval = row.get("ci") or (row.get("ci_normal") if row.get("df") is None else None)
        if interval is not None and None not in interval:
            axes.plot(interval, [place, place], color=_DOT, linewidth=1.6, alpha=0.55, solid_capstyle="butt", zorder=2)
        axes.plot([row["estimate"]], [place], marker="o", markersize=5.5, color=_DOT, linestyle="", zorder=3)
    axes.set_yticks(range(len(rows)), [_cut(results.name_of(row)) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="both", length=0, labelcolor=_INK)
    axes.grid(axis="x", color="#dfe4ea", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _cut(text: str) -> str:
    # A dollar sign would begin a formula.
    short = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1].rstrip() + "…"
    return short.replace("$", r"\$")
