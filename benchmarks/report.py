"""RESULTS.md: a file of sections, each replaced by the benchmark that writes it, the others kept."""

from __future__ import annotations

import os
import time

from benchmarks import machine
from benchmarks.rounds import median
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLACE = os.path.join(machine.HERE, "RESULTS.md")
_HEAD = """# Results

Written by `python -m benchmarks`; each section by the benchmark of its name. Times are in milliseconds unless a
column says otherwise. Ratios are medians of paired ratios: both times of a pair are from the same round. Where cgroup
v1 has a cpu hierarchy, everything measured, the peers and their daemons included, sits in one CPU group with the
greatest share, so that other work on the machine (see its load) disturbs less; it still does.
"""


class Promise(Record):
    """What was promised, the figure it is held against, and the limit."""

    text: str
    limit: float
    measured: float | None
    unit: str = "×"

    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        return "held" if self.measured <= self.limit else "**missed**"

    def row(self) -> list[str]:
        measured = "–" if self.measured is None else f"{self.measured:.2f} {self.unit}"
        return [self.text, f"≤ {self.limit:g} {self.unit}", measured, self.verdict()]


def row(name: str, taken: Sequence[float]) -> list[str]:
    """A contender's median, least and most."""
    return [name, *(f"{value:.2f}" for value in (median(taken), min(taken), max(taken)))]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first stand to the right."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def promises(rows: Iterable[Promise]) -> str:
    return table(["Promise", "Limit", "Measured", "Verdict"], [promise.row() for promise in rows])


def machine_lines() -> str:
    facts = {"Date": time.strftime("%Y-%m-%d", time.gmtime()), **machine.facts()}
    return "\n".join(f"- {name}: {value}" for name, value in facts.items()) + "\n"


def sections(text: str) -> dict[str, str]:
    """The second-level sections by name, in their order."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines(keepends=True):
        if line.startswith("## "):
            name = line[3:].strip()
            found[name] = ""
        elif name:
            found[name] += line
    return found


def replaced(text: str, name: str, body: str) -> str:
    """The whole file with one section new."""
    all_sections = sections(text)
    all_sections[name] = "\n" + body.strip("\n") + "\n\n"
    return _HEAD + "\n" + "".join(f"## {title}\n{content}" for title, content in all_sections.items()).rstrip() + "\n"


def write(name: str, body: str, keep: bool = True, place: str = PLACE) -> None:
    """Show the section, and replace it in the file if it is to be kept (one of only some contenders is not)."""
    print(f"## {name}\n\n{body}")
    if not keep:
        return
    before = ""
    if os.path.exists(place):
        with open(place, encoding="utf-8") as file:
            before = file.read()
    with open(place, "w", encoding="utf-8") as file:
        file.write(replaced(before, name, body))
