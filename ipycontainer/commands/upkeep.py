"""`image prune`, `system df`, `system check`: keeping the store in order."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.commands.tables import Table
from ipycontainer.commands.units import human_size
from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.commands import Call
    from ipycontainer.engine.upkeep import Usage


_DF_HEADINGS = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}


def prune(call: Call) -> int:
    """Removes images that nobody needs."""
    from ipycontainer.engine.upkeep import prune_images

    parsed, console = call.parsed, call.console
    all = parsed.flag("all")
    if not parsed.flag("force"):
        what = "all images without at least one container associated to them" if all else "all dangling images"
        console.complain(f"WARNING! This will remove {what}.")
        if console.ask("Are you sure you want to continue? [y/N] ").strip().lower() not in ("y", "yes"):
            return 1
    lines, size = prune_images(call.engine, all, parsed.many("filter"))
    if lines:
        console.line("Deleted Images:")
        console.lines([line[:1].lower() + line[1:] for line in lines])
        console.line("")
    console.line(f"Total reclaimed space: {human_size(size)}")
    return 0


def disk_usage(call: Call) -> int:
    """Shows what images and containers take of the disk."""
    from ipycontainer.commands.listing import Report
    from ipycontainer.engine.upkeep import usage

    form = call.parsed.text("format")
    if form and call.parsed.flag("verbose"):
        raise OptionError("the verbose and the format options conflict")
    if form in ("", "table"):
        form = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"
    report = Report(form)
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
    )
    report.show(call.console, [dict(zip(_DF_HEADINGS, row)) for row in rows], _DF_HEADINGS)
    return 0


def _sizes(size: int, reclaimable: int) -> tuple[str, str]:
    share = f" ({100 * reclaimable // size}%)" if size else ""
    return human_size(size), human_size(reclaimable) + share


def _details(call: Call, found: Usage) -> None:
    console = call.console
    images = []
    for item in found.images:
        for name in item.image.names or ("<none>:<none>",):
            repository, _, tag = name.rpartition(":")
            using = sum(str(one.config["image_id"]) == item.image.id for one, _ in found.containers)
            sizes = (human_size(item.size), human_size(item.shared), human_size(item.unique))
            images.append((repository, tag, item.image.short_id, *sizes, str(using)))
    headings = ("REPOSITORY", "TAG", "IMAGE ID", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS")
    console.line("Images space usage:\n")
    console.table(Table(headings, tuple(images)))
    console.line("\nContainers space usage:\n")
    rows = tuple(
        (one.short_id, one.image, human_size(size), one.status_text, one.name) for one, size in found.containers
    )
    console.table(Table(("CONTAINER ID", "IMAGE", "SIZE", "STATUS", "NAMES"), rows))


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
    "Show what images and containers take of the disk, shared layers counted once",
    disk_usage,
    (
        Option("format", "", "text", "table, json, or a Go template: '{{.Type}}: {{.Size}}'"),
        Option("verbose", "v", "flag", "Each image and container"),
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
