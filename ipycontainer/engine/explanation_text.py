"""An explanation as text: a table whose cells are wrapped, for a terminal and for whatever shows no HTML."""

from __future__ import annotations

from ipycontainer.control_characters import in_its_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.engine.explanation import Explanation

_GAP = 2
# Of what is left after the number: step, system call, why, where.
_SHARES = (0.28, 0.21, 0.27, 0.24)


def text(explanation: Explanation, width: int) -> str:
    """The table, `width` columns wide, under its title."""
    number = 2
    left = width - number - _GAP * len(_SHARES)
    widths = [number, *(int(left * share) for share in _SHARES)]
    lines = [*_wrapped(in_its_lines(explanation.title), width), "", *_row(explanation.HEADINGS, widths)]
    count = 0
    for title, steps in explanation.parts():
        lines += ["", title]
        for step in steps:
            count += 1
            # The name on a line of its own, then what it is about.
            about = f"{step.name}\n{step.details}" if step.details else step.name
            lines += _row((f"{count:>{number}}", about, step.call, step.why, step.shows), widths)
    return "\n".join(lines)


def _row(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """One row, as many lines as its tallest cell."""
    columns = [_wrapped(in_its_lines(cell), width) for cell, width in zip(cells, widths)]
    height = max(map(len, columns))
    gap = " " * _GAP
    return [
        gap.join((column[line] if line < len(column) else "").ljust(width) for column, width in zip(columns, widths))
        .rstrip()
        for line in range(height)
    ]  # fmt: skip


def _wrapped(words: str, width: int) -> list[str]:
    """Lines of at most `width`; a path that is longer is broken after one of its slashes."""
    lines: list[str] = []
    for part in words.split("\n"):
        lines.append("")
        for word in part.split():
            if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
                lines.append("")
            lines[-1] += f" {word}" if lines[-1] else word
            while len(lines[-1]) > width:
                end = 1 + max(lines[-1].rfind(border, 0, width) for border in "/,=_")
                end = end if end > 1 else width
                lines[-1:] = [lines[-1][:end], lines[-1][end:]]
    return lines
