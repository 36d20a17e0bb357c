"""The job `images.weigh`: bytes of disk that a container's writable layer takes."""

from __future__ import annotations

from stat import S_ISDIR

from ipycontainer.errors import StoreError
from ipycontainer.images.inside.stack import Stack, join
from ipycontainer.images.inside.stack_request import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel


def weigh(request: dict[str, Any], descriptors: list[int], _channel: Channel) -> dict[str, Any]:
    """Answers with bytes: what the writable layer below the second descriptor takes; hard links count once.

    request: apparent: the lengths of the files count, as docker counts a volume, and not the blocks of the disk.
    """
    asked = Asked(request, descriptors[0], descriptors[1])
    stack = Stack(asked.uppers, asked.mode)
    seen: set[tuple[int, int]] = set()
    total = 0
    pending = [b""]
    while pending:
        path = pending.pop()
        try:
            found = stack.look_raw(path)
        except StoreError:
            continue  # it lies too deep
        for name, status in found.items():
            if S_ISDIR(status.st_mode):
                pending.append(join(path, name))
            elif (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size if request.get("apparent") else status.st_blocks * 512
    return {"bytes": total}
