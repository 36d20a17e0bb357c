"""What `inspect` and `ps` say of a container's mounts, from what was asked for."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_DEFAULT = "rprivate"


def mounts(request: dict[str, Any], path: Callable[[dict[str, Any]], str]) -> list[dict[str, Any]]:
    """docker's Mounts; --tmpfs has a place of its own in docker's record.  path: where a volume's files are."""
    binds = [
        {
            "Type": "bind",
            "Source": item["source"],
            "Destination": place(item),
            "Mode": _mode(item),
            "RW": not item["read_only"],
            "Propagation": item.get("propagation") or _DEFAULT,
        }
        for item in request["binds"]
    ]
    volumes = [
        {
            "Type": "volume",
            "Name": item["name"],
            "Source": path(item),
            "Destination": place(item),
            "Driver": "local",
            "Mode": _volume_mode(item),
            "RW": not item["read_only"],
            "Propagation": "",
        }
        for item in request["volumes"]
    ]
    tmpfs = [
        {"Type": "tmpfs", "Source": "", "Destination": place(item), "Mode": "", "RW": True, "Propagation": ""}
        for item in request["tmpfs"]
        if item.get("origin")
    ]
    images = [
        {
            "Type": "image",
            "Source": item["image"],
            "Destination": place(item),
            "Mode": "",
            "RW": False,
            "Propagation": "",
        }
        for item in request["images"]
    ]
    return [*binds, *volumes, *tmpfs, *images]


def place(item: dict[str, Any]) -> str:
    """Where it is in the container: `/c` of what was written `/c/`."""
    return os.path.normpath(str(item["target"]))


def _mode(item: dict[str, Any]) -> str:
    return str(item.get("mode") or ("ro" if item["read_only"] and not item.get("origin") else ""))


def _volume_mode(item: dict[str, Any]) -> str:
    if item["anonymous"] or item["origin"] == "from":
        return ""
    return _mode(item) or "z"  # docker's label for what containers share


def host_config(request: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, in docker's HostConfig: Binds, Mounts, VolumesFrom, VolumeDriver, Tmpfs."""
    named = [item for item in request["volumes"] if not item["anonymous"] and not item["origin"]]
    binds = [_words(item["source"], item) for item in request["binds"] if not item.get("origin")]
    return {
        "Binds": [*binds, *(_words(item["name"], item) for item in named)] or None,
        "Mounts": _typed(request) or None,
        "VolumesFrom": request["volumes_from"] or None,
        "VolumeDriver": request["volume_driver"],
        "Tmpfs": {item["target"]: ",".join(item["options"]) for item in request["tmpfs"] if not item.get("origin")}
        or None,
    }


def _words(source: str, item: dict[str, Any]) -> str:
    mode = _mode(item)
    return f"{source}:{item['target']}{':' if mode else ''}{mode}"


def _typed(request: dict[str, Any]) -> list[dict[str, Any]]:
    """--mount: each with the fields that were given."""
    found: list[dict[str, Any]] = []
    for item in request["binds"]:
        if item.get("origin") == "mount":
            options = {"Propagation": item["propagation"]} if item["propagation"] else {}
            options.update({} if item["recursive"] else {"NonRecursive": True})
            found.append(_entry("bind", item["source"], item, "BindOptions", options))
    for item in request["volumes"]:
        if item["origin"] == "mount":
            options = {} if item["copy"] else {"NoCopy": True}
            labels = dict(pair.partition("=")[::2] for pair in item["labels"])
            options.update({"Labels": labels} if labels else {})
            driver = dict(pair.partition("=")[::2] for pair in item["options"])
            options.update({"DriverConfig": {"Options": driver} if driver else {}} if options or driver else {})
            found.append(_entry("volume", "" if item["anonymous"] else item["name"], item, "VolumeOptions", options))
    for item in request["tmpfs"]:
        if item.get("origin") == "mount":
            given = dict(option.partition("=")[::2] for option in item["options"])
            options = {"SizeBytes": int(given["size"])} if "size" in given else {}
            options.update({"Mode": int(given["mode"], 8)} if "mode" in given else {})
            item = {**item, "read_only": "ro" in given}
            found.append(_entry("tmpfs", "", item, "TmpfsOptions", options))
    found += [_entry("image", item["image"], {**item, "read_only": False}, "", {}) for item in request["images"]]
    return found


def _entry(kind: str, source: str, item: dict[str, Any], name: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": kind,
        **({"Source": source} if source else {}),
        "Target": item["target"],
        **({"ReadOnly": True} if item["read_only"] else {}),
        **({name: options} if options else {}),
    }


def image_volumes(request: dict[str, Any]) -> dict[str, Any] | None:
    """docker's Config.Volumes: those that nobody named."""
    own = [item for item in request["volumes"] if item["anonymous"] and item["origin"] in ("", "image")]
    return {item["target"]: {} for item in own} or None


def shown(request: dict[str, Any]) -> list[str]:
    """The words of `ps`: the names of volumes, and the folders of the host."""
    volumes = [str(item["name"]) for item in request["volumes"]]
    return [*volumes, *(str(item["source"]) for item in request["binds"])]


def has(request: dict[str, Any], wanted: str) -> bool:
    """Whether `ps --filter volume=` means it: by a volume's name, a source, or the place in the container."""
    asked = [*request["volumes"], *request["binds"]]
    return wanted in shown(request) or wanted in [place(item) for item in asked]
