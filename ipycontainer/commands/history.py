"""`history` and `tag`: what an image is made of, and what it is called."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.commands.tables import cut
from ipycontainer.commands.units import human_size
from ipycontainer.engine.status_text import human_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.commands import Call

_HEADINGS = {
    "ID": "IMAGE",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY",
    "Size": "SIZE",
    "Comment": "COMMENT",
}
_WIDEST = 45


def history(call: Call) -> int:
    """Shows how an image came about, the newest step first."""
    from ipycontainer.commands.listing import Report

    parsed = call.parsed
    whole, human = parsed.flag("no-trunc"), not parsed.given("human") or parsed.flag("human")
    form = parsed.text("format")
    if form in ("", "table"):
        form = "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
    report = Report(form)
    rows = [_fields(entry, whole, human) for entry in call.engine.image(parsed.arguments[0]).history()]
    if parsed.flag("quiet"):
        call.console.lines([row["ID"] for row in rows])
    else:
        report.show(call.console, rows, _HEADINGS)
    return 0


def _fields(entry: dict[str, Any], whole: bool, human: bool) -> dict[str, Any]:
    from time import time

    id, created = entry["Id"], entry["Created"]
    at = _moment(created) if created else "N/A"
    by = " ".join(entry["CreatedBy"].split())
    return {
        "ID": id if whole or id == "<missing>" else id.partition(":")[2][:12],
        "CreatedSince": human_duration(time() - created) + " ago" if created and human else at,
        "CreatedAt": at,
        "CreatedBy": by if whole else cut(by, _WIDEST),
        "Size": human_size(entry["Size"]) if human else str(entry["Size"]),
        "Comment": entry["Comment"],
    }


def _moment(when: float) -> str:
    """As docker's history writes it: RFC 3339, in the caller's own time zone."""
    from datetime import datetime

    return datetime.fromtimestamp(int(when)).astimezone().isoformat().replace("+00:00", "Z")


def tag(call: Call) -> int:
    """Gives an image one more name."""
    call.engine.tag(*call.parsed.arguments)
    return 0


HISTORY = Verb(
    "history",
    "[OPTIONS] IMAGE",
    "Show how an image came about",
    history,
    (
        Option("format", "", "text", "table, json, or a Go template: '{{.CreatedBy}}'"),
        Option("human", "H", "flag", "Sizes and times for people (the default); --human=false for numbers"),
        Option("no-trunc", "", "flag", "Do not shorten"),
        Option("quiet", "q", "flag", "Show ids alone"),
    ),
    least=1,
    most=1,
    examples=("history base", "history --no-trunc debian:12"),
    completes="image",
)

TAG = Verb(
    "tag",
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    "Give an image one more name",
    tag,
    least=2,
    most=2,
    examples=("tag base mine:1", "tag web:patched localhost:5000/web:patched"),
    completes="image",
)
