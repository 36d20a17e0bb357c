"""`container prune`, `system prune`; and what all prunes have in common: they ask and tell as docker does."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.commands import Call


def agreed(call: Call, warning: str) -> bool:
    """Whether a person, or --force, agrees.  Raises Refused where nobody can be asked (a runner, a pipe's end)."""
    if call.parsed.flag("force"):
        return True
    call.console.line(warning)
    return call.console.confirm("Are you sure you want to continue? [y/N] ").strip().lower() == "y"


def removed(call: Call, title: str, names: Sequence[str]) -> None:
    """What went, under its title, and an empty line."""
    if names:
        call.console.line(title)
        call.console.lines(names)
        call.console.line("")


def reclaimed(call: Call, size: int) -> int:
    """docker's last line; the exit code."""
    from ipycontainer.commands.units import human_size

    call.console.line(f"Total reclaimed space: {human_size(size)}")
    return 0


def image_lines(lines: Sequence[str]) -> list[str]:
    """`Deleted: sha256:…` as a prune writes it."""
    return [line[:1].lower() + line[1:] for line in lines]


def prune_containers(call: Call) -> int:
    """Removes the containers that do not run."""
    from ipycontainer.engine.prunes import check_filters

    filters = call.parsed.many("filter")
    check_filters(filters, ("until", "label", "label!"))
    gone: list[str] = []
    size = 0
    if agreed(call, "WARNING! This will remove all stopped containers."):
        gone, size = call.engine.prune_containers(filters)
    removed(call, "Deleted Containers:", gone)
    return reclaimed(call, size)


def prune_system(call: Call) -> int:
    """Removes all that nobody needs."""
    from ipycontainer.engine.prunes import check_filters, refuse_until

    parsed = call.parsed
    filters, all, volumes = parsed.many("filter"), parsed.flag("all"), parsed.flag("volumes")
    check_filters(filters, ("until", "label", "label!"))
    if volumes:
        refuse_until(filters)
    if not agreed(call, _warning(all, volumes, filters)):
        return 0
    found = call.engine.prune(all, volumes, filters)
    removed(call, "Deleted Containers:", found.containers)
    removed(call, "Deleted Volumes:", found.volumes)
    removed(call, "Deleted Images:", image_lines(found.images))
    return reclaimed(call, found.size)


def _warning(all: bool, volumes: bool, filters: Sequence[tuple[str, str]]) -> str:
    what = ["all stopped containers"]
    what += ["all anonymous volumes not used by at least one container"] if volumes else []
    what += ["all images without at least one container associated to them" if all else "all dangling images"]
    lines = ["WARNING! This will remove:", *(f"  - {item}" for item in what), ""]
    if filters:
        lines += ["  Items to be pruned will be filtered with:", *(f"  - {key}={value}" for key, value in filters), ""]
    return "\n".join(lines)


_FORCE = Option("force", "f", "flag", "Do not ask")
_FILTER = Option("filter", "", "filter", "Only those that match: until=24h, label=…, label!=…", many=True)

CONTAINERS = Verb(
    "container prune",
    "[OPTIONS]",
    "Remove all containers that do not run",
    prune_containers,
    (_FILTER, _FORCE),
    most=0,
    examples=("container prune", "container prune -f --filter until=24h"),
)

SYSTEM = Verb(
    "system prune",
    "[OPTIONS]",
    "Remove what nobody needs: stopped containers, images without a name",
    prune_system,
    (
        Option("all", "a", "flag", "Every image that no container uses, not only those without a name"),
        _FILTER,
        _FORCE,
        Option("volumes", "", "flag", "Anonymous volumes that no container uses, too"),
    ),
    most=0,
    examples=("system prune", "system prune -af --volumes"),
)
