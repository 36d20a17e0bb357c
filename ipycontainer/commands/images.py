"""`images`, `image inspect`, `rmi`, `load`."""

from __future__ import annotations

from ipycontainer.commands.archives import IGNORE_IDS, say_what_was_folded
from ipycontainer.commands.options import Option, Verb
from ipycontainer.commands.units import human_size
from ipycontainer.engine.status_text import human_duration
from ipycontainer.errors import Error, InputError, NoSuchImage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ipycontainer.commands import Call
    from ipycontainer.commands.listing import Report
    from ipycontainer.commands.options import Parsed
    from ipycontainer.commands.path_pattern import PathPattern
    from ipycontainer.engine.image import Image

_HEADINGS = {
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
    "VirtualSize": "SIZE",
    "Containers": "CONTAINERS",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
}
_FILTERS = ("before", "dangling", "label", "reference", "since")
_NONE = "<none>"


def images(call: Call) -> int:
    """Lists images, a row for each name."""
    parsed, console = call.parsed, call.console
    conditions = parsed.many("filter")
    for key, value in conditions:
        if key == "dangling" and value not in ("0", "1", "f", "t", "false", "true"):
            raise InputError(f"invalid filter 'dangling={value}': it is true or false")
        if key not in _FILTERS:
            raise InputError(f"invalid filter {key!r}; there are {', '.join(_FILTERS)}")
    whole = parsed.flag("no-trunc")
    report = _report(parsed)
    rows = _rows(
        call.engine.images(console.complain), parsed.arguments[0] if parsed.arguments else "", conditions, call
    )
    if parsed.flag("quiet") and parsed.text("format") != "raw":
        console.lines(list(dict.fromkeys(_shown_id(image, whole) for image, _name in rows)))
        return 0
    fields = [_fields(image, name, whole) for image, name in rows]
    report.show(console, fields, _HEADINGS)
    return 0


def _report(parsed: Parsed) -> Report:
    from ipycontainer.commands.listing import Report

    form = parsed.text("format")
    if form in ("", "table"):
        form = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
        if parsed.flag("digests"):
            form = form.replace("{{.ID}}", "{{.Digest}}\t{{.ID}}")
    raw = _RAW.replace("image_id", "digest: {{.Digest}}\nimage_id") if parsed.flag("digests") else _RAW
    return Report(form, raw=_RAW_QUIET if parsed.flag("quiet") else raw)


_RAW_QUIET = "image_id: {{.ID}}"
_RAW = """repository: {{.Repository}}
tag: {{.Tag}}
image_id: {{.ID}}
created_at: {{.CreatedAt}}
virtual_size: {{.Size}}
"""


def _rows(
    found: Sequence[Image], reference: str, conditions: Sequence[tuple[str, str]], call: Call
) -> list[tuple[Image, str]]:
    """(image, name) of what is to be shown; "" names an image that has lost its name."""
    from ipycontainer.commands.path_pattern import PathPattern

    wanted = [value for key, value in conditions if key == "reference"] + ([reference] if reference else [])
    patterns = [PathPattern(text) for text in wanted]
    rows = []
    for image in found:
        if not all(_matches(image, key, value, call) for key, value in conditions):
            continue
        for name in image.names or ("",):
            if not patterns or any(_named(name, pattern) for pattern in patterns):
                rows.append((image, name))
    return rows


def _named(name: str, pattern: PathPattern) -> bool:
    return bool(name) and (pattern.matches(name) or pattern.matches(name.rpartition(":")[0]))


def _matches(image: Image, key: str, value: str, call: Call) -> bool:
    if key == "dangling":
        return (not image.names) == (value.lower() in ("1", "t", "true"))
    if key == "label":
        from ipycontainer.engine.selection import labelled

        return labelled(image.labels, value)
    if key in ("before", "since"):
        other = call.engine.image(value).created
        return image.created < other if key == "before" else image.created > other
    return True


def _shown_id(image: Image, whole: bool) -> str:
    return image.id if whole else image.short_id


def _fields(image: Image, name: str, whole: bool) -> dict[str, Any]:
    from time import time

    from ipycontainer.commands.units import local_time

    repository, _, tag = name.rpartition(":")
    known = [item.partition("@") for item in image.digests]
    digests = [digest for place, _, digest in known if place == repository or not name]
    if digests and not name:  # pulled by its digest alone
        repository = known[0][0]
    return {
        "Repository": repository or _NONE,
        "Tag": tag or _NONE,
        "Digest": digests[0] if digests else _NONE,
        "ID": _shown_id(image, whole),
        "CreatedSince": human_duration(time() - image.created) + " ago",
        "CreatedAt": local_time(image.created),
        "Size": human_size(image.size),
        "VirtualSize": human_size(image.size, digits=4),
        # docker counts these for `system df -v` alone.
        **dict.fromkeys(("Containers", "SharedSize", "UniqueSize"), "N/A"),
    }


def inspect(call: Call) -> int:
    """Shows the documents of images."""
    from ipycontainer.commands.look import show_documents

    def find(reference: str) -> dict[str, Any]:
        try:
            return call.engine.image(reference).inspect()
        except NoSuchImage:
            raise Error(f"No such image: {reference}") from None

    return show_documents(call, find)


def remove(call: Call) -> int:
    """Takes names from images, and removes those that have none left."""
    code = 0
    for reference in call.parsed.arguments:
        try:
            call.console.lines(call.engine.remove_image(reference, force=call.parsed.flag("force")))
        except NoSuchImage:
            call.console.complain(f"Error: No such image: {reference}")
            # docker's rmi -f takes "it is not there" for done.
            code = code if call.parsed.flag("force") else 1
        except Error as error:
            call.console.complain(f"Error: {error}")
            code = 1
    return code


def load(call: Call) -> int:
    """Reads images from an archive that `docker save` (or podman, skopeo, umoci) wrote."""
    import os

    named = call.parsed.text("input") or call.source
    ignore_ids = call.parsed.flag("ignore-ids")
    if named:
        path = os.path.join(call.cwd, named)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Error(f"{path} cannot be read: {error.strerror}") from None
        try:
            names = call.engine.load(descriptor, ignore_ids=ignore_ids)
        finally:
            os.close(descriptor)
    else:
        stdin = call.console.stdin()
        if stdin is None or os.isatty(stdin):
            raise Error("load needs an archive: load -i FILE (or from a pipe)")
        names = call.engine.load(stdin, ignore_ids=ignore_ids)
    for name in names:
        is_id = name.startswith("sha256:")
        call.console.line(f"Loaded image ID: {name}" if is_id else f"Loaded image: {name}")
        if ignore_ids:
            say_what_was_folded(call, call.engine.image(name))
    return 0


IMAGES = Verb(
    "images",
    "[OPTIONS] [REPOSITORY[:TAG]]",
    "List images",
    images,
    (
        Option("digests", "", "flag", "Show digests"),
        Option("filter", "f", "filter", "Show those that match: dangling=true, label=…, reference=…", many=True),
        Option("format", "", "text", "table, json, or a Go template: '{{.Repository}}:{{.Tag}}'"),
        Option("no-trunc", "", "flag", "Do not shorten ids"),
        Option("quiet", "q", "flag", "Show ids alone"),
    ),
    most=1,
    examples=("images", "images -q"),
    completes="image",
)

IMAGE_INSPECT = Verb(
    "image inspect",
    "[OPTIONS] IMAGE [IMAGE...]",
    "Show everything that is known of images",
    inspect,
    (Option("format", "f", "text", "json, or a Go template: '{{.Config.Cmd}}'"),),
    least=1,
    examples=("image inspect base",),
    completes="image",
)

RMI = Verb(
    "rmi",
    "[OPTIONS] IMAGE [IMAGE...]",
    "Remove images",
    remove,
    (Option("force", "f", "flag", "Remove it although it has several names or a stopped container"),),
    least=1,
    examples=("rmi old:1",),
    completes="image",
)

LOAD = Verb(
    "load",
    "[OPTIONS]",
    "Load images from an archive, or from stdin",
    load,
    (
        IGNORE_IDS,
        Option("input", "i", "text", "The archive, instead of stdin"),
        Option("quiet", "q", "flag", "Do not show progress"),
    ),
    most=0,
    examples=("load -i image.tar",),
)
