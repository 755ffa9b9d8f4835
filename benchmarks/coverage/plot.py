"""The coverage of each estimator as a drawing: a dot with its margin on an axis that has 95 marked."""

from collections.abc import Sequence
from html import escape

from benchmarks.coverage.counting import Coverage

_LEFT, _ROW, _TOP, _PLOT, _RIGHT = 360, 22, 56, 420, 70
_LOWEST = 60.0


def coverage_svg(rows: Sequence[Coverage], n_rounds: int) -> str:
    """An SVG file. What lies below the axis stands at its end with an arrow and its number."""
    height, width = _TOP + _ROW * len(rows) + 40, _LEFT + _PLOT + _RIGHT
    bottom = _TOP + _ROW * len(rows)
    aim = f"Intervals of 95 % that hold the truth, in percent, {n_rounds:,} simulated rounds"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
        ' role="img" font-family="sans-serif" font-size="12">',
        f"<title>{aim}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="bold">{aim}</text>',
    ]
    for tick in (60, 70, 80, 90, 95, 100):
        x, colour = _x(tick), "#1a5fb4" if tick == 95 else "#ccc"
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{bottom}" stroke="{colour}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick}</text>')
    for place, row in enumerate(rows):
        y = _TOP + _ROW * place + _ROW / 2
        margin = 1.96 * row.se
        is_low = row.coverage + margin < 93
        colour = "#a51d2d" if is_low else "#222"
        x = _x(row.coverage)
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(row.estimator)}</text>')
        parts.append(
            f'<line x1="{_x(row.coverage - margin):.1f}" x2="{_x(row.coverage + margin):.1f}" '
            f'y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="2"/>'
        )
        if row.coverage < _LOWEST:
            parts.append(
                f'<path d="M{x + 8:.1f} {y - 5:.1f}L{x:.1f} {y:.1f}L{x + 8:.1f} {y + 5:.1f}Z" fill="{colour}"/>'
            )
        else:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{_LEFT + _PLOT + 12}" y="{y + 4:.1f}" fill="{colour}">{row.coverage:.1f}</text>')
    parts.append("</svg>\n")
    return "\n".join(parts)


def _x(percent: float) -> float:
    return _LEFT + _PLOT * (min(max(percent, _LOWEST), 100.0) - _LOWEST) / (100.0 - _LOWEST)
