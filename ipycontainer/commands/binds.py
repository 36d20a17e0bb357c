"""What `-v`, `--mount`, `--tmpfs` and `--volumes-from` ask for."""

from __future__ import annotations

from ipycontainer.engine.mount_words import absolute, volume
from ipycontainer.engine.request import Bind, ImageMount, Tmpfs, VolumeMount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Mount = Bind | Tmpfs | VolumeMount | ImageMount


def mounts(volumes: Iterable[str], typed: Iterable[Mount], tmpfs: Iterable[Tmpfs], cwd: str) -> dict[str, Any]:
    """The fields of a RunRequest: binds, with absolute sources, volumes, tmpfs, images."""
    # The very same words twice are once, as with docker.
    found: list[Mount] = [volume(text, cwd) for text in dict.fromkeys(volumes)]
    for entry in typed:
        found.append(entry.replace(source=absolute(entry.source, cwd)) if isinstance(entry, Bind) else entry)
    found += {mount.target: mount for mount in tmpfs}.values()  # of two at one place docker keeps the last
    kinds = {"binds": Bind, "volumes": VolumeMount, "tmpfs": Tmpfs, "images": ImageMount}
    return {name: tuple(item for item in found if isinstance(item, kind)) for name, kind in kinds.items()}
