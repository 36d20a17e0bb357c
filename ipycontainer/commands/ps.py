"""`ps`: the containers there are."""

from __future__ import annotations

from time import time

from ipycontainer.commands.options import Option, Verb
from ipycontainer.commands.tables import Table, cut, in_quotes
from ipycontainer.engine.status_text import human_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.commands import Call
    from ipycontainer.commands.listing import Report
    from ipycontainer.commands.options import Parsed
    from ipycontainer.engine.container import Container

_WIDEST_COMMAND = 20
_WIDEST_MOUNT = 15

_HEADINGS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "Ports": "PORTS",
    "Names": "NAMES",
    "CreatedAt": "CREATED AT",
    "State": "STATE",
    "Labels": "LABELS",
    "Mounts": "MOUNTS",
    "Networks": "NETWORKS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Size": "SIZE",
}


def ps(call: Call) -> int:
    """Lists containers, the newest first."""
    parsed, console = call.parsed, call.console
    report = _report(parsed)
    last = parsed.number("last", -1)
    if parsed.flag("latest") and last == -1:
        last = 1
    found = call.engine.containers(parsed.flag("all"), parsed.many("filter"), last)
    whole = parsed.flag("no-trunc")
    if parsed.flag("quiet") and report is None:
        console.lines([container.id if whole else container.short_id for container in found])
    elif report is not None:
        # docker weighs for whoever shows it, in {{json .}} too, and for --size.
        shown = "Size" in report.form or "json.}" in report.form.replace(" ", "")
        weighs = parsed.flag("size") if parsed.given("size") else shown
        rows = [{**_fields(one, whole, report.form), "Size": _size(call, one) if weighs else "0B"} for one in found]
        report.show(console, rows, _HEADINGS)
    else:
        now = time()
        cells = [_row(one, whole, now) for one in found]
        headings: tuple[str, ...] = _COLUMNS
        if parsed.flag("size"):
            headings += ("SIZE",)
            cells = [(*row, _size(call, one)) for row, one in zip(cells, found)]
        console.table(Table(headings, tuple(cells)))
    return 0


def _report(parsed: Parsed) -> Report | None:
    form = parsed.text("format")
    if form in ("", "table") or (parsed.flag("quiet") and form != "raw"):
        return None
    from ipycontainer.commands.listing import Report

    raw = _RAW_QUIET if parsed.flag("quiet") else _RAW + _RAW_SIZE if parsed.flag("size") else _RAW
    return Report(form, raw=raw)


_RAW_QUIET = "container_id: {{.ID}}"
_RAW = """container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
"""
_RAW_SIZE = "size: {{.Size}}\n"


_COLUMNS = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")


def shown_command(command: Sequence[str]) -> str:
    """docker's way: an argument with a blank in it stands in quotes, the program never."""
    return " ".join([*command[:1], *(f"'{word}'" if " " in word else word for word in command[1:])])


def _row(container: Container, whole: bool, now: float) -> tuple[str, ...]:
    command = shown_command(container.command)
    return (
        container.id if whole else container.short_id,
        container.image,
        in_quotes(command if whole else cut(command, _WIDEST_COMMAND)),
        human_duration(now - container.created) + " ago",
        container.status_text,
        "",
        container.name,
    )


def _size(call: Call, container: Container) -> str:
    from ipycontainer.commands.units import human_size
    from ipycontainer.engine.container_size import size_of
    from ipycontainer.errors import NotFound, StoreError

    try:
        size = size_of(container, call.engine)
    except (NotFound, StoreError):
        return human_size(0)  # removed meanwhile, or its record is damaged
    return f"{human_size(size.written)} (virtual {human_size(size.whole)})"


def _fields(container: Container, whole: bool, form: str) -> dict[str, Any]:
    from ipycontainer.commands.units import local_time

    labels = container.labels
    ident, image, command, created, status, ports, name = _row(container, whole, time())
    request = container.config["request"]
    mounts = _mounts(request, whole) if any(name in form for name in ("json", "Mounts")) else ""
    return {
        "ID": ident,
        "Image": image,
        "Command": command,
        "CreatedAt": local_time(container.created),
        "RunningFor": created,
        "Ports": ports,
        "Status": status,
        "State": container.status,
        "Names": name,
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        "Label": lambda wanted: labels.get(wanted, ""),
        "Mounts": mounts,
        "Networks": str(request["network"]),
        "LocalVolumes": str(len(request["volumes"])),
    }


def _mounts(request: dict[str, Any], whole: bool) -> str:
    from ipycontainer.engine.mount_records import shown

    return ",".join(name if whole else cut(name, _WIDEST_MOUNT) for name in shown(request))


PS = Verb(
    "ps",
    "[OPTIONS]",
    "List containers",
    ps,
    (
        Option("all", "a", "flag", "Show all, not only the running ones"),
        Option("filter", "f", "filter", "Show those that match: status=exited, name=…, label=…", many=True),
        Option("format", "", "text", "table, json, raw, or a Go template: '{{.ID}} {{.Names}}'"),
        Option("last", "n", "int", "Show the last N that were made, whatever their state"),
        Option("latest", "l", "flag", "Show the last one that was made"),
        Option("no-trunc", "", "flag", "Do not shorten ids and commands"),
        Option("quiet", "q", "flag", "Show ids alone"),
        Option("size", "s", "flag", "Show what each has written, and with its image's files"),
    ),
    most=0,
    examples=("ps -a", "ps -q --filter status=exited", "ps --format '{{.Names}}: {{.Status}}'"),
)
