"""The picture that stands still: SVG in HTML, from numbers and escaped text alone."""

from __future__ import annotations

from ipycontainer.jupyter.display import escaped
from ipycontainer.jupyter.widgets.series import PANELS, POINTS, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.jupyter.widgets.series import Series

_LINE = "var(--jp-brand-color1, #1976d2)"
_LIMIT = "var(--jp-error-color1, #d32f2f)"
_FRAME = "var(--jp-border-color2, #9e9e9e)"
_LEFT = ' style="text-align:left"'
_HEADROOM = 1.15


def one(series: Series) -> str:
    """One container: three panels beside each other."""
    cells = "".join(
        f'<td style="text-align:left;padding:0 12px 0 0">{escaped(title)}<br>{_panel(series, at, 200, 60)}<br>'
        f"{escaped(_now(series, at))}</td>"
        for at, (_, title) in enumerate(PANELS)
    )
    return f"<p>{escaped(heading(series))}</p><table><tr>{cells}</tr></table>"


def many(all_series: Sequence[Series]) -> str:
    """Any number of containers: a row for each."""
    if not all_series:
        return "<p>No container runs.</p>"
    head = "".join(f"<th{_LEFT}>{escaped(title)}</th>" for title in ("Container", *(title for _, title in PANELS)))
    rows = "".join(
        f"<tr><td{_LEFT}>{escaped(series.name)}</td>"
        + "".join(
            f"<td{_LEFT}>{_panel(series, at, 120, 24)} {escaped(_now(series, at))}</td>" for at in range(len(PANELS))
        )
        + "</tr>"
        for series in all_series
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def heading(series: Series) -> str:
    """The container's name, and what is special about it."""
    if series.ended:
        return f"{series.name}: {series.ended}"
    return f"{series.name}, counted from /proc: no cgroup, no limits" if series.counted_by == "/proc" else series.name


def text(all_series: Sequence[Series]) -> str:
    """The same in plain words."""
    lines = []
    for series in all_series:
        now = ", ".join(f"{title} {_now(series, at)}" for at, (_, title) in enumerate(PANELS))
        lines.append(heading(series) if series.ended else f"{heading(series)}: {now}")
    return "\n".join(lines) or "no container runs"


def _now(series: Series, at: int) -> str:
    key = PANELS[at][0]
    value = series.points[-1][at] if series.points else None
    return words(key, value, series.limits[key])


def _panel(series: Series, at: int, width: int, height: int) -> str:
    """One panel: the last minute as a line, the limit as a dashed one."""
    key, title = PANELS[at]
    limit = series.limits[key]
    top = max([*series.column(at), limit or 0.0, 1e-9]) * _HEADROOM
    parts = [f'<rect width="{width}" height="{height}" fill="none" stroke="{_FRAME}"/>']
    if limit is not None:
        y = height * (1 - limit / top)
        parts.append(f'<path d="M0 {y:.1f}H{width}" stroke="{_LIMIT}" stroke-dasharray="4 3"/>')
    step = width / (POINTS - 1)
    first = POINTS - len(series.points)
    line = " ".join(
        f"{(first + number) * step:.1f},{height * (1 - value / top):.1f}"
        for number, point in enumerate(series.points)
        if (value := point[at]) is not None
    )
    if line:
        parts.append(f'<polyline points="{line}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>')
    label = escaped(f"{title} of {series.name}: {_now(series, at)}")
    size = f'width="{width}" height="{height}" style="vertical-align:middle"'
    return f'<svg role="img" aria-label="{label}" {size}>{"".join(parts)}</svg>'
