"""`volume create`, `ls`, `inspect`, `rm`, `prune`."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import Error, InputError, NoSuchVolume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.commands import Call
    from ipycontainer.engine.volume import Volume

_HEADINGS = {
    "Driver": "DRIVER",
    "Name": "VOLUME NAME",
    "Scope": "SCOPE",
    "Mountpoint": "MOUNTPOINT",
    "Labels": "LABELS",
    "Links": "LINKS",
    "Size": "SIZE",
    "Availability": "AVAILABILITY",
    "Group": "GROUP",
    "Status": "STATUS",
}


def create(call: Call) -> int:
    """Makes a volume and prints its name; one that is there already is left as it is."""
    from ipycontainer.engine.volumes import check_driver

    parsed = call.parsed
    name = parsed.text("name")
    if parsed.arguments:
        if name:
            raise InputError("conflicting options: either specify --name or provide positional arg, not both")
        name = parsed.arguments[0]
    check_driver(parsed.text("driver"))
    labels = dict(text.partition("=")[::2] for text in parsed.many("label"))
    options = dict(text.partition("=")[::2] for text in parsed.many("opt"))
    call.console.line(call.engine.volumes.create(name, labels, options).name)
    return 0


def ls(call: Call) -> int:
    """Lists volumes by name."""
    from ipycontainer.commands.listing import Report

    parsed, console = call.parsed, call.console
    form = parsed.text("format")
    if form in ("", "table"):
        form = "{{.Name}}" if parsed.flag("quiet") else "table {{.Driver}}\t{{.Name}}"
    report = Report(form, raw="name: {{.Name}}" if parsed.flag("quiet") else "name: {{.Name}}\ndriver: {{.Driver}}\n")
    found = call.engine.volumes.list(parsed.many("filter"))
    if parsed.flag("quiet") and not parsed.given("format"):
        console.lines([volume.name for volume in found])
    else:
        report.show(console, [_fields(volume) for volume in found], _HEADINGS)
    return 0


def _fields(volume: Volume) -> dict[str, Any]:
    labels = volume.labels
    return {
        "Driver": volume.driver,
        "Name": volume.name,
        "Scope": "local",
        "Mountpoint": volume.path,
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        "Label": lambda wanted: labels.get(wanted, ""),
        "Links": "N/A",  # docker counts them in `system df -v` alone
        "Size": "N/A",
        "Availability": "N/A",
        "Group": "N/A",
        "Status": "N/A",
    }


def inspect(call: Call) -> int:
    """Shows the documents of volumes."""
    from ipycontainer.commands.look import show_documents

    return show_documents(call, lambda name: call.engine.volumes.get(name).inspect())


def remove(call: Call) -> int:
    """Removes volumes and their files."""
    code, force = 0, call.parsed.flag("force")
    for name in call.parsed.arguments:
        try:
            if not name:
                raise InputError("No such volume: its name is empty")  # and --force makes it none that is gone
            call.engine.volumes.remove(name)
        except Error as error:
            if not (force and isinstance(error, NoSuchVolume)):
                call.console.complain(f"Error: {error}")
                code = 1
                continue
        call.console.line(name)
    return code


def prune(call: Call) -> int:
    """Removes the volumes that no container uses."""
    from ipycontainer.commands.prunes import agreed, reclaimed, removed
    from ipycontainer.engine.prunes import volume_filters

    parsed = call.parsed
    all = volume_filters(parsed.many("filter")) or parsed.flag("all")
    what = "all volumes" if all else "all anonymous local volumes"
    names: list[str] = []
    size = 0
    if agreed(call, f"WARNING! This will remove {what} not used by at least one container."):
        names, size = call.engine.volumes.prune(all, parsed.many("filter"))
    removed(call, "Deleted Volumes:", names)
    return reclaimed(call, size)


CREATE = Verb(
    "volume create",
    "[OPTIONS] [VOLUME]",
    "Make a volume: files that outlive the containers that use them",
    create,
    (
        Option("driver", "d", "text", "local, which is the only one"),
        Option("label", "", "label", "Attach a label, NAME=VALUE", many=True),
        Option("name", "", "text", "Its name, as an option", hidden=True),
        Option("opt", "o", "text", "type=none, o=bind and device=DIR: a folder of the host as a volume", many=True),
    ),
    most=1,
    examples=("volume create data", "volume create --label project=x data"),
)

LS = Verb(
    "volume ls",
    "[OPTIONS]",
    "List volumes",
    ls,
    (
        Option("filter", "f", "filter", "Show those that match: dangling=true, name=…, label=…, driver=…", many=True),
        Option("format", "", "text", "table, json, or a Go template: '{{.Name}}: {{.Mountpoint}}'"),
        Option("quiet", "q", "flag", "Show names alone"),
    ),
    most=0,
    examples=("volume ls", "volume ls -q --filter dangling=true"),
)

INSPECT = Verb(
    "volume inspect",
    "[OPTIONS] VOLUME [VOLUME...]",
    "Show everything that is known of volumes, and whose their files are on the host",
    inspect,
    (Option("format", "f", "text", "json, or a Go template: '{{.Mountpoint}}'"),),
    least=1,
    examples=("volume inspect data",),
    completes="volume",
)

RM = Verb(
    "volume rm",
    "[OPTIONS] VOLUME [VOLUME...]",
    "Remove volumes that no container uses",
    remove,
    (Option("force", "f", "flag", "One that is not there is no error"),),
    least=1,
    examples=("volume rm data",),
    completes="volume",
)

PRUNE = Verb(
    "volume prune",
    "[OPTIONS]",
    "Remove anonymous volumes that no container uses",
    prune,
    (
        Option("all", "a", "flag", "Those with a name too"),
        Option("filter", "", "filter", "Only those that match: label=…, label!=…", many=True),
        Option("force", "f", "flag", "Do not ask"),
    ),
    most=0,
    examples=("volume prune", "volume prune -af"),
)
