"""`image prune`, `system df`, `system check`: keeping the store in order."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.commands.tables import Table, cut, in_quotes
from ipycontainer.commands.units import human_size
from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call
    from ipycontainer.engine.upkeep import Usage

_WIDEST_COMMAND = 20
_DF_HEADINGS = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}
_DF_RAW = """type: {{.Type}}
total: {{.TotalCount}}
active: {{.Active}}
size: {{.Size}}
reclaimable: {{.Reclaimable}}
"""


def prune(call: Call) -> int:
    """Removes images that nobody needs."""
    from ipycontainer.commands.prunes import agreed, image_lines, reclaimed, removed
    from ipycontainer.engine.prunes import check_filters
    from ipycontainer.engine.upkeep import prune_images

    parsed = call.parsed
    all, filters = parsed.flag("all"), parsed.many("filter")
    check_filters(filters, ("until", "label", "label!", "dangling"))
    what = "all images without at least one container associated to them" if all else "all dangling images"
    lines: list[str] = []
    size = 0
    if agreed(call, f"WARNING! This will remove {what}."):
        lines, size = prune_images(call.engine, all, filters)
    removed(call, "Deleted Images:", image_lines(lines))
    return reclaimed(call, size)


def disk_usage(call: Call) -> int:
    """Shows what images and containers take of the disk."""
    from ipycontainer.commands.listing import Report
    from ipycontainer.engine.upkeep import usage

    form = call.parsed.text("format")
    if form and call.parsed.flag("verbose"):
        raise OptionError("the verbose and the format options conflict")
    if form in ("", "table"):
        form = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"
    report = Report(form, raw=_DF_RAW)
    found = usage(call.engine)
    if call.parsed.flag("verbose"):
        _details(call, found)
        return 0
    running = sum(container.state().runs for container, _ in found.containers)
    used = sum(item.image.id in found.used for item in found.images)
    rows = (
        ("Images", str(len(found.images)), str(used), *_sizes(found.images_size, found.images_reclaimable)),
        (
            "Containers",
            str(len(found.containers)),
            str(running),
            *_sizes(found.containers_size, found.containers_reclaimable),
        ),
        (
            "Local Volumes",
            str(len(found.volumes)),
            str(sum(users > 0 for _, _, users in found.volumes)),
            *_sizes(found.volumes_size, found.volumes_reclaimable),
        ),
    )
    report.show(call.console, [dict(zip(_DF_HEADINGS, row)) for row in rows], _DF_HEADINGS)
    return 0


def _sizes(size: int, reclaimable: int) -> tuple[str, str]:
    share = f" ({100 * reclaimable // size}%)" if size else ""
    return human_size(size), human_size(reclaimable) + share


def _details(call: Call, found: Usage) -> None:
    from time import time

    from ipycontainer.commands.ps import shown_command
    from ipycontainer.engine.status_text import human_duration

    console, now = call.console, time()
    images = []
    for item in found.images:
        for name in item.image.names or ("<none>:<none>",):
            repository, _, tag = name.rpartition(":")
            using = sum(str(one.config["image_id"]) == item.image.id for one, _ in found.containers)
            sizes = (human_size(item.size), human_size(item.shared), human_size(item.unique))
            since = f"{human_duration(now - item.image.created)} ago"
            images.append((repository, tag, item.image.short_id, since, *sizes, str(using)))
    headings = ("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS")
    console.line("Images space usage:\n")
    console.table(Table(headings, tuple(images)))
    console.line("\nContainers space usage:\n")
    rows = tuple(
        (
            one.short_id,
            one.image,
            in_quotes(cut(shown_command(one.command), _WIDEST_COMMAND)),
            str(len(one.config["request"]["volumes"])),
            human_size(size),
            f"{human_duration(now - one.created)} ago",
            one.status_text,
            one.name,
        )
        for one, size in found.containers
    )
    columns = ("CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES")
    console.table(Table(columns, rows))
    console.line("\nLocal Volumes space usage:\n")
    volumes = tuple((volume.name, str(users), human_size(size)) for volume, size, users in found.volumes)
    console.table(Table(("VOLUME NAME", "LINKS", "SIZE"), volumes))


def check(call: Call) -> int:
    """Looks whether all that the store says it has is there and whole."""
    from ipycontainer.engine.upkeep import check as look
    from ipycontainer.images.verify import DAMAGED

    findings, done = look(call.engine, call.parsed.flag("repair"))
    console = call.console
    console.lines(done)
    damaged = [finding for finding in findings if finding.kind == DAMAGED]
    left = [finding for finding in findings if finding.kind != DAMAGED]
    for finding in damaged:
        console.complain(f"damaged: {finding.what}")
    if call.parsed.flag("verbose"):
        console.lines([f"left over: {finding.what}" for finding in left])
    elif left:
        console.line(f"left over: {len(left)} (the next load, pull or rmi removes them; -v lists them)")
    if damaged:
        console.complain("`system check --repair` mends what can be mended")
        return 1
    console.line("the store is in order")
    return 0


IMAGE_PRUNE = Verb(
    "image prune",
    "[OPTIONS]",
    "Remove images that have no name, or that no container uses",
    prune,
    (
        Option("all", "a", "flag", "All that no container uses, not only those without a name"),
        Option("filter", "", "filter", "Only those that match: until=24h, label=…", many=True),
        Option("force", "f", "flag", "Do not ask"),
    ),
    most=0,
    examples=("image prune", "image prune -af --filter until=24h"),
)

DF = Verb(
    "system df",
    "[OPTIONS]",
    "Show what images, containers and volumes take of the disk, shared layers counted once",
    disk_usage,
    (
        Option("format", "", "text", "table, json, or a Go template: '{{.Type}}: {{.Size}}'"),
        Option("verbose", "v", "flag", "Each image, container and volume"),
    ),
    most=0,
    examples=("system df", "system df -v"),
)

CHECK = Verb(
    "system check",
    "[OPTIONS]",
    "Look whether every image in the store is whole",
    check,
    (
        Option("repair", "", "flag", "Mend what can be mended"),
        Option("verbose", "v", "flag", "List what killed writers left, too"),
    ),
    most=0,
    examples=("system check", "system check --repair"),
)
