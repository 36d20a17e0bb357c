"""`stats`: what containers use, again and again."""

from __future__ import annotations

import time

from ipycontainer.commands.options import Option, Verb
from ipycontainer.commands.tables import Table
from ipycontainer.commands.units import human_binary_size
from ipycontainer.engine.usage import cpu_percent, readings
from ipycontainer.errors import NoSuchContainer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.commands import Call
    from ipycontainer.engine.container import Container
    from ipycontainer.engine.usage import Reading

# Between the two looks that a share of the CPU needs, and between two pictures.
_FIRST, _EVERY = 0.5, 1.0
_UNCOUNTED = "--"  # docker's sign for what it cannot know

_HEADINGS = {
    "Container": "CONTAINER",
    "ID": "CONTAINER ID",
    "Name": "NAME",
    "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O",
    "PIDs": "PIDS",
}
_COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")


def stats(call: Call) -> int:
    """Shows one picture, or one after another until it is interrupted."""
    from ipycontainer.commands.listing import Report

    parsed, console = call.parsed, call.console
    form = parsed.text("format")
    report = Report(form) if form not in ("", "table") else None
    once = parsed.flag("no-stream")
    before = {reading.container.id: reading for reading in readings(_asked(call, first=True))}
    time.sleep(_FIRST)
    while True:
        found = readings(_asked(call))
        rows = [_fields(one, before.get(one.container.id), call) for one in found]
        if report is not None:
            report.show(console, rows, _HEADINGS)
        else:
            table = Table(
                tuple(_HEADINGS[name] for name in _COLUMNS),
                tuple(tuple(row[name] for name in _COLUMNS) for row in rows),
            )
            console.table(table) if once else console.screen(table)
        if once or (parsed.arguments and not rows):
            return 0
        before = {reading.container.id: reading for reading in found}
        time.sleep(_EVERY)


def _asked(call: Call, first: bool = False) -> list[Container]:
    """Those that were named, as long as they are there; else all that run, or all."""
    references = call.parsed.arguments
    if not references:
        return call.engine.containers(call.parsed.flag("all"))
    found = []
    for reference in dict.fromkeys(references):
        try:
            found.append(call.engine.get(reference))
        except NoSuchContainer:
            if first:
                raise
    return found


def _fields(now: Reading, before: Reading | None, call: Call) -> dict[str, Any]:
    container = now.container
    names = (container.name, container.id, container.short_id)
    asked = next((reference for reference in call.parsed.arguments if reference in names), container.short_id)
    return {
        "Container": asked,
        "Name": container.name or container.short_id,
        "ID": container.id if call.parsed.flag("no-trunc") else container.short_id,
        **_numbers(now, before),
    }


def _numbers(now: Reading, before: Reading | None) -> dict[str, str]:
    if not now.counted_by:
        # As docker: nothing runs, so nothing is used.
        return {
            "CPUPerc": "0.00%",
            "MemUsage": "0B / 0B",
            "MemPerc": "0.00%",
            "NetIO": "0B / 0B",
            "BlockIO": "0B / 0B",
            "PIDs": "0",
        }
    share = cpu_percent(before, now)
    memory, limit = now.memory, now.memory_limit
    known = memory is not None
    return {
        "CPUPerc": _UNCOUNTED if share is None else f"{share:.2f}%",
        "MemUsage": f"{human_binary_size(memory or 0) if known else _UNCOUNTED} / {human_binary_size(limit)}",
        "MemPerc": f"{100 * (memory or 0) / limit:.2f}%" if known else _UNCOUNTED,
        # A network of its own has lo alone in this release, and docker counts nothing on the host's.
        "NetIO": "0B / 0B",
        "BlockIO": f"{_UNCOUNTED} / {_UNCOUNTED}",  # we hold no group that counts it
        "PIDs": _UNCOUNTED if now.pids_current is None else str(now.pids_current),
    }


STATS = Verb(
    "stats",
    "[OPTIONS] [CONTAINER...]",
    "Show what containers use: CPU, memory, processes; again each second",
    stats,
    (
        Option("all", "a", "flag", "Show all, not only the running ones"),
        Option("format", "", "text", "table, json, or a Go template: '{{.Name}} {{.CPUPerc}}'"),
        Option("no-stream", "", "flag", "Show one picture and end"),
        Option("no-trunc", "", "flag", "Do not shorten ids"),
    ),
    examples=("stats", "stats --no-stream web", "stats --no-stream --format '{{.Name}} {{.MemUsage}}'"),
    completes="running",
)
