"""`--log-opt tag=TEMPLATE`: a container's own word before its lines, for `logs --details`."""

from __future__ import annotations

import os

from ipycontainer.commands.templates import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ipycontainer.engine.container import Container

_OPTION = "tag="
_SHORT = 12  # of a name with its "sha256:" too, as docker cuts it


def check(options: Iterable[str]) -> None:
    """Raises TemplateError for a tag that no container could have."""
    for option in options:
        if option.startswith(_OPTION):
            Template(option.removeprefix(_OPTION)).fill(_fields("", "", "", "", ()))


def tag_of(container: Container) -> str:
    """What was asked for, filled with what this container is; "" where nothing was."""
    request = container.config["request"]
    forms = [option.removeprefix(_OPTION) for option in request["log_opts"] if option.startswith(_OPTION)]
    image = str(container.config["image_id"])
    fields = _fields(container.id, container.name, container.image, image, container.command)
    return Template(forms[-1]).fill(fields) if forms else ""


def _fields(identity: str, name: str, image: str, image_id: str, command: Iterable[str]) -> dict[str, Any]:
    """docker's names of them."""
    return {
        "ID": identity[:_SHORT],
        "FullID": identity,
        "Name": name,
        "ImageName": image,
        "ImageID": image_id[:_SHORT],
        "ImageFullID": image_id,
        "Command": " ".join(command),
        "DaemonName": "ipycontainer",
        "Hostname": os.uname().nodename,
    }
