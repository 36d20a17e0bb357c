"""docs/compatibility.md from the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.compatibility.help_of_docker import GROUPS
from tests.compatibility.table import Row

VERDICTS = ("same", "different", "refused", "missing")
_FAMILIES = {"container": "Containers", "image": "Images", "volume": "Volumes", "system": "System", "": "Others"}
_HEAD = """\
# docker's words, one by one

Every verb and option of docker 20.10 (Debian's docker.io) and 28.2, and what ipycontainer does with it.
Written by a test: `.venv/bin/python -m pytest tests/compatibility --write`.

- **same**: the test that is named ran a line with it with docker 20.10 and with ours, and exit code and output
  (without ids, times and process numbers) were equal.  Where docker itself refuses an option on such a machine, ours
  refuses it too, with docker's sentence and exit code.  What 28's client alone has and does by itself is compared
  with that client before 20.10's daemon.
- **different**: it is there and does something else; how, is said.
- **refused**: a sentence instead, never ignored; why, is said.
- **missing**: not compared by a test, or not there.

An option's row is about both spellings of its verb: in docker and here they name the same command.
"""


def family(row: Row) -> str:
    """The group that a row is counted with."""
    group = row.verb.partition(" ")[0]
    return group if group in GROUPS else ""


def count(rows: Iterable[Row]) -> Counter[str]:
    """How many have each verdict."""
    return Counter(row.verdict for row in rows)


def text(rows: Sequence[Row]) -> str:
    """The whole document."""
    parts = [_HEAD, _counts(rows)]
    for group, title in _FAMILIES.items():
        parts.append(f"## {title}\n")
        mine = [row for row in rows if family(row) == group]
        for verb in dict.fromkeys(row.verb for row in mine):
            parts.append(_section([row for row in mine if row.verb == verb]))
    return "\n".join(parts)


def _counts(rows: Sequence[Row]) -> str:
    lines = ["| | same | different | refused | missing | same | with a verdict |", "|---|--:|--:|--:|--:|--:|--:|"]
    groups = [(title, [row for row in rows if family(row) == group]) for group, title in _FAMILIES.items()]
    four = [row for row in rows if family(row)]
    old = [row for row in four if row.since != "28"]
    for title, mine in (
        *groups,
        ("Containers, images, volumes, system", four),
        ("… of them docker 20.10's", old),
        ("All", rows),
    ):
        found = count(mine)
        numbers = " | ".join(str(found[verdict]) for verdict in VERDICTS)
        share = [f"{100 * n / len(mine):.1f} %" for n in (found["same"], len(mine) - found["missing"])]
        lines.append(f"| {title} | {numbers} | {share[0]} | {share[1]} |")
    return "\n".join(lines) + "\n"


def _section(rows: Sequence[Row]) -> str:
    lines = ["| docker | ours | |", "|---|---|---|"]
    for row in rows:
        name = f"`docker {row.spelling}`" if not row.option else f"`{row.option}`"
        only = f" ({row.since} alone)" if row.since else ""
        lines.append(f"| {name}{only} | {row.verdict} | {_why(row)} |")
    return f"### {rows[0].verb}\n\n" + "\n".join(lines) + "\n"


def _why(row: Row) -> str:
    if row.verdict == "same":
        test, _, but = row.why.partition("; ")
        path, _, name = test.partition("::")
        return f"{path.rpartition('/')[2]} `{name.partition('[')[0]}`" + (f"; {but}" if but else "")
    return row.why.replace("|", "\\|")
