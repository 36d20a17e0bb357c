"""What docker lets one ask of its daemon's machine: GPUs, another runtime, an isolation, a quota for what is written.

Read only where one of them is asked for.  The sentences begin with docker's own words, which scripts look for.
"""

from __future__ import annotations

from ipycontainer.errors import InputError, StartError
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ipycontainer.engine.request import RunRequest

# docker's name of its usual runtime, and our own: both mean this one.
RUNTIMES = ("runc", "ipycontainer")


class DeviceRequest(Record):
    """One --gpus.  count: -1 is all of them; options: "NAME=VALUE" for the driver."""

    driver: str = ""
    count: int = 0
    devices: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ("gpu",)
    options: tuple[str, ...] = ()

    @property
    def described(self) -> dict[str, Any]:
        """As an item of docker's DeviceRequests."""
        return {
            "Driver": self.driver,
            "Count": self.count,
            "DeviceIDs": list(self.devices) or None,
            "Capabilities": [list(self.capabilities)],
            "Options": dict(option.partition("=")[::2] for option in self.options),
        }


def gpus(text: str) -> DeviceRequest:
    """`all`, `2`, or `driver=…,device=…,capabilities=…`, with quotes as in CSV.  Raises ValueError."""
    found: dict[str, Any] = {}
    for field in _cells(text):
        key, equals, value = field.partition("=")
        name, value = (key, value) if equals else ("count", key)
        if name not in ("driver", "count", "device", "capabilities", "options"):
            raise ValueError(f"unexpected key '{name}' in '{field}'; write all, a number, or device=0")
        if name in found:
            raise ValueError(f"gpu request key '{key}' can be specified only once")
        found[name] = value
    devices = tuple(found["device"].split(",")) if "device" in found else ()
    more = tuple(found["capabilities"].split(",")) if "capabilities" in found else ()
    count = _count(found["count"]) if "count" in found else 0 if devices else 1
    options = tuple(_cells(found["options"])) if "options" in found else ()
    return DeviceRequest(found.get("driver", ""), count, devices, (*more, "gpu"), options)


def _cells(text: str) -> list[str]:
    import csv

    rows = list(csv.reader([text], strict=True))
    if len(rows) != 1 or not rows[0]:
        raise ValueError("nothing is asked for; write all, a number, or device=0")
    return rows[0]


def _count(text: str) -> int:
    if text == "all":
        return -1
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"count must be an integer, or all: {text}") from None


def check(request: RunRequest) -> None:
    """Refuses what there is none of, and what is no request for GPUs.  Raises InputError."""
    for text in request.gpus:
        try:
            gpus(text)
        except ValueError as error:
            raise InputError(f"--gpus {text}: {error}") from None
    if request.isolation.lower() not in ("", "default"):
        raise InputError(f"Invalid isolation: \"{request.isolation}\" - linux only supports 'default'")
    if request.runtime not in ("", *RUNTIMES):
        raise InputError(
            f"Unknown runtime specified {request.runtime}: ipycontainer is its own runtime (--runtime runc means it)"
        )
    if request.cgroup_parent:
        _check_place(request)
    for option in request.storage_opts:
        name = option.partition("=")[0]
        if name.lower() != "size":
            raise InputError(f"Unknown option {name}: docker has --storage-opt size=…, which is refused here")
        raise InputError(
            "--storage-opt is supported only for overlay over xfs with 'pquota' mount option; ipycontainer sets no "
            "quota on what a container writes (--tmpfs /path:size=64m has a size)"
        )


def _check_place(request: RunRequest) -> None:
    """Raises InputError, and Refused for whoever may not choose where control groups lie."""
    from ipycontainer.engine.resources import resources
    from ipycontainer.linux.cgroups import below, limits_from_oci, read_layout

    below(read_layout(), request.cgroup_parent, limits_from_oci(resources(request)))


def storage_option(text: str) -> str:
    """`size=10g`.  Raises ValueError where nothing is said."""
    if "=" not in text:
        raise ValueError("invalid storage option: write NAME=VALUE")
    return text


def refuse_devices(requests: Sequence[str]) -> None:
    """A container that asks for GPUs is made, and does not start.  Raises StartError, in docker's words."""
    asked = gpus(requests[0])
    raise StartError(
        f'could not select device driver "{asked.driver}" with capabilities: [[{" ".join(asked.capabilities)}]]: '
        "ipycontainer has no drivers for GPUs; --device gives a container a device of the host"
    )


def described(requests: Iterable[str]) -> list[dict[str, Any]] | None:
    """docker's DeviceRequests; None for none."""
    return [gpus(text).described for text in requests] or None
