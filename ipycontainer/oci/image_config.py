"""An image's config: what its program runs with, its layers' diff ids, its history."""

from __future__ import annotations

from ipycontainer.errors import DocumentError
from ipycontainer.oci import platform as platforms
from ipycontainer.oci.digest import Digest
from ipycontainer.oci.digest import parse as parse_digest
from ipycontainer.oci.document import Document, Node, thaw
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


class ImageConfig(Record):
    """A config's view; `document` holds the bytes, whose digest is the image's id.

    settings: what docker calls `Config` (Env, Cmd, Entrypoint, User, WorkingDir, Labels, …).
    """

    document: Document
    platform: platforms.Platform
    created: str
    settings: Mapping[str, Any]
    diff_ids: tuple[Digest, ...]
    history: tuple[Mapping[str, Any], ...] = ()

    @property
    def created_seconds(self) -> float:
        """`created` in seconds since the epoch; 0.0 where the image does not say."""
        return seconds(self.created)

    @property
    def labels(self) -> dict[str, str]:
        """The image's labels."""
        return dict(self.settings.get("Labels") or {})


def read(document: Document) -> ImageConfig:
    """The image config that `document` is; wrong types are refused with their path."""
    node = document.node
    rootfs = node.at("rootfs")
    if rootfs.at("type").text("layers") != "layers":
        raise rootfs.at("type").refuse("'layers'")
    return ImageConfig(
        document,
        platforms.read(node),
        node.at("created").text(""),
        _settings(node.at("config")),
        tuple(_diff_id(item) for item in rootfs.at("diff_ids").items()),
        tuple(thaw(item.object()) for item in node.at("history").items()),
    )


def seconds(text: str) -> float:
    """A time as RFC 3339 writes it, in seconds since the epoch; 0.0 for what is none.

    >>> seconds("2024-02-29T12:00:00.5+01:00")
    1709204400.5
    """
    from datetime import datetime

    # Go writes nine digits of a second, Python reads six.
    head, point, tail = text.partition(".")
    if point:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[: min(digits, 6)]}{tail[digits:]}"
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return 0.0


def _diff_id(node: Node) -> Digest:
    try:
        return parse_digest(node.text())
    except DocumentError as error:
        raise DocumentError(f"{node.what}: {node.path}: {error}") from None


def _settings(node: Node) -> dict[str, Any]:
    if node.value is None:
        return {}
    for name in ("User", "WorkingDir", "StopSignal"):
        _word(node.at(name), "")
    for name in ("Env", "Cmd", "Entrypoint", "Shell", "OnBuild"):
        for item in node.at(name).items():
            _word(item)
    for position, pair in enumerate(node.at("Env").texts()):
        if "=" not in pair or pair.startswith("="):
            raise DocumentError(f"{node.what}: config.Env[{position}] must be NAME=VALUE, not {pair!r}")
    node.at("Labels").text_map()
    if node.has("Healthcheck"):
        for item in node.at("Healthcheck").at("Test").items():
            _word(item)
        for name in ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"):
            node.at("Healthcheck").at(name).integer(0)
    for name in ("Volumes", "ExposedPorts"):
        for found, inner in node.at(name).fields():
            _word(Node(found, node.at(name).path, node.what))
            inner.object()
    settings: dict[str, Any] = thaw(node.object())
    return settings


def _word(node: Node, default: str | None = None) -> None:
    """What a system call is given, where a NUL is the end: it would mean something else to whoever reads on."""
    if "\0" in node.text(default):
        raise node.refuse("text without a NUL")


def build(
    settings: Mapping[str, Any],
    diff_ids: Sequence[Digest],
    created: str,
    history: Sequence[Mapping[str, Any]] = (),
    platform: platforms.Platform | None = None,
    author: str = "",
) -> ImageConfig:
    """A new image config."""
    platform = platform or platforms.host()
    mapping: dict[str, Any] = {"created": created, "architecture": platform.architecture, "os": platform.os}
    if author:
        mapping["author"] = author
    if platform.variant:
        mapping["variant"] = platform.variant
    mapping["config"] = dict(settings)
    mapping["rootfs"] = {"type": "layers", "diff_ids": [str(digest) for digest in diff_ids]}
    mapping["history"] = [dict(entry) for entry in history]
    return read(Document.build(mapping, "the image config"))
