"""`inspect` and `events`: everything that is known, and everything that happens."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb
from ipycontainer.errors import (
    Error,
    ImageNameError,
    NoSuchContainer,
    NoSuchImage,
    NoSuchVolume,
    OptionError,
    TemplateError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ipycontainer.commands import Call
    from ipycontainer.commands.listing import Report
    from ipycontainer.engine.engine import Engine
    from ipycontainer.engine.events import Event

_TYPES = ("", "container", "image", "volume")


def inspect(call: Call) -> int:
    """Shows the documents of containers and images."""
    kind = call.parsed.text("type")
    if kind not in _TYPES:
        refusal = OptionError(f'unknown type: "{kind}"; it is container, image or volume')
        refusal.exit_code = 1
        raise refusal
    weighs = call.parsed.flag("size")
    return show_documents(call, lambda reference: _find(call.engine, reference, kind, weighs))


def inspect_containers(call: Call) -> int:
    """Shows the documents of containers alone: scripts ask by it whether there is one."""
    weighs = call.parsed.flag("size")
    return show_documents(call, lambda reference: _find(call.engine, reference, "container", weighs))


def _find(engine: Engine, reference: str, kind: str, weighs: bool) -> dict[str, Any]:
    if kind == "volume":
        return engine.volumes.get(reference).inspect()
    if kind != "image":
        try:
            return engine.get(reference).inspect(size=weighs)
        except NoSuchContainer:
            if kind == "container":
                raise
    try:
        return engine.image(reference).inspect()
    except NoSuchImage:
        if kind == "image":
            raise Error(f"No such image: {reference}") from None
    except ImageNameError:
        if kind == "image":
            raise
    try:
        return engine.volumes.get(reference).inspect()
    except NoSuchVolume:
        raise Error(f"No such object: {reference}") from None


def show_documents(call: Call, find: Callable[[str], dict[str, Any]]) -> int:
    """The document of each argument, as a list or through `--format`; those not found are told at the end."""
    try:
        report = _report(call.parsed.text("format"))
    except TemplateError as error:
        from ipycontainer.commands.listing import refuse

        return refuse(call.console, error)
    found, missing = [], []
    for reference in call.parsed.arguments:
        try:
            found.append(find(reference))
        except Error as error:
            missing.append(error)
    if report is not None:
        call.console.lines([report.text(_as_template_sees(document)) for document in found])
    else:
        call.console.document([_without_absent(document) for document in found])
    for reason in missing:
        call.console.complain(f"Error: {reason}")
    return 1 if missing else 0


# Go's own names of fields, which a template may say too.
_GO_FIELDS = {
    "NanoCPUs": "NanoCpus", "CPUShares": "CpuShares", "CPUPeriod": "CpuPeriod", "CPUQuota": "CpuQuota",
    "CPURealtimePeriod": "CpuRealtimePeriod", "CPURealtimeRuntime": "CpuRealtimeRuntime", "CPUCount": "CpuCount",
    "CPUPercent": "CpuPercent", "DNS": "Dns", "DNSOptions": "DnsOptions", "DNSSearch": "DnsSearch",
}  # fmt: skip


def _as_template_sees(document: dict[str, Any]) -> dict[str, Any]:
    """A label that is not there is `<no value>`; fields may have Go's names."""
    from ipycontainer.commands.template_functions import StringMap, Struct, StructMap

    found = Struct(document, {"ID": "Id"} if "Id" in document else {}, absent=_SIZES)
    if "HostConfig" in document:
        found.update({name: None for name in _SIZES if name not in document})
        networks = document["NetworkSettings"]
        found["NetworkSettings"] = {**networks, "Networks": StructMap(networks["Networks"])}
    for part, absent in _ABSENT.items():
        if isinstance(found.get(part), dict):
            fields = {**dict.fromkeys(absent), **document[part]}
            found[part] = Struct(fields, _GO_FIELDS if part == "HostConfig" else {}, absent=absent)
    for part, *below in _STRING_MAPS:
        holder: Any = found
        for name in below:
            holder = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and isinstance(holder.get(part), dict):
            holder[part] = StringMap(holder[part])
    if isinstance(document.get("Mounts"), list):
        found["Mounts"] = [Struct(mount, {}, ("Name", "Driver")) for mount in document["Mounts"]]
    return found


# Maps whose keys are nobody's promise, each after the fields that lead to it.
_STRING_MAPS = (("Labels",), ("Labels", "Config"), ("Config", "HostConfig", "LogConfig"), ("Data", "GraphDriver"))

# docker shows what a container lacks of these to a template alone.
_SIZES = ("SizeRw", "SizeRootFs")
_ABSENT = {
    "State": ("Health",),
    "Config": ("Healthcheck", "ExposedPorts", "Shell", "StopSignal", "StopTimeout"),
    "HostConfig": ("Annotations", "Init", "Mounts", "StorageOpt", "Sysctls", "Tmpfs"),
}


def _without_absent(document: dict[str, Any]) -> dict[str, Any]:
    from ipycontainer.commands.template_functions import is_absent

    found = dict(document)
    for part, names in _ABSENT.items():
        if part in found:
            found[part] = {key: value for key, value in found[part].items() if key not in names or not is_absent(value)}
    return found


def _report(form: str) -> Report | None:
    if not form:
        return None
    from ipycontainer.commands.listing import Report

    return Report(form, listed=False)


def events(call: Call) -> int:
    """Shows what happens, as it happens, until interrupted (or `--until`)."""
    parsed, console = call.parsed, call.console
    from ipycontainer.commands.logs import moment_of

    since, until = moment_of(parsed, "since"), moment_of(parsed, "until")
    try:
        report = _report(parsed.text("format"))
        for event in call.engine.events(since, until, filters=parsed.many("filter")):
            console.line(report.text(_event_fields(event)) if report else _event_line(event))
    except TemplateError as error:
        from ipycontainer.commands.listing import refuse

        return refuse(console, error)
    return 0


def _event_line(event: Event) -> str:
    from ipycontainer.commands.units import rfc3339
    from ipycontainer.control_characters import on_one_line

    attributes = ", ".join(f"{name}={value}" for name, value in sorted(event.attributes.items()))
    line = f"{rfc3339(event.time)} {event.type} {event.action} {event.id}" + (f" ({attributes})" if attributes else "")
    return on_one_line(line)  # a label, or an image's health check, cannot make up another event


def _event_fields(event: Event) -> dict[str, Any]:
    from ipycontainer.commands.template_functions import StringMap, Struct

    fields = {
        "Type": event.type,
        "Action": event.action,
        "Actor": {"ID": event.id, "Attributes": StringMap(event.attributes)},
        "scope": "local",
        "time": int(event.time),
        "timeNano": round(event.time * 1e6) * 1000,
    }
    if event.type == "container":
        fields.update(status=event.action, id=event.id, **{"from": event.attributes.get("image", "")})
    return Struct(fields, _GO_NAMES)


# Go's own names of what docker's JSON writes small; `status`, `id` and `from` are of containers alone.
_GO_NAMES = {
    "Status": "status", "ID": "id", "From": "from", "Scope": "scope", "Time": "time", "TimeNano": "timeNano",
}  # fmt: skip


INSPECT = Verb(
    "inspect",
    "[OPTIONS] NAME|ID [NAME|ID...]",
    "Show everything that is known of containers or images",
    inspect,
    (
        Option("format", "f", "text", "json, or a Go template: '{{.State.Status}}'"),
        Option("size", "s", "flag", "What a container has written too: SizeRw, SizeRootFs"),
        Option("type", "", "text", "container, image or volume"),
    ),
    least=1,
    examples=("inspect web", "inspect -f '{{.State.Pid}}' web"),
    completes="container",
)

CONTAINER_INSPECT = Verb(
    "container inspect",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Show everything that is known of containers",
    inspect_containers,
    INSPECT.options[:2],
    least=1,
    examples=("container inspect web", "container inspect -f '{{.State.Pid}}' web"),
    completes="container",
)

EVENTS = Verb(
    "events",
    "[OPTIONS]",
    "Show what happens, as it happens",
    events,
    (
        Option("filter", "f", "filter", "Show those that match: event=start, container=web, type=image", many=True),
        Option("format", "", "text", "json, or a Go template: '{{.Action}} {{.Actor.ID}}'"),
        Option("since", "", "text", "Begin with what happened since then: a date, or 42m"),
        Option("until", "", "text", "End at this moment"),
    ),
    most=0,
    examples=("events", "events --since 10m --until 0s"),
)
