"""`--ignore-ids`: what belongs to ids that this user does not have is given to root, and counted.

What is given away so loses its set-id bits: they would lend root's rights where the image's author lent another's.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.images.inside.tar_entry import Entry

Ranges = list[tuple[int, int]]


class Fold:
    """Call it with each entry; `count` says how many were changed.

    The ids are those of the process's own user namespace: user_namespaces(7).
    """

    def __init__(self, uids: Ranges | None = None, gids: Ranges | None = None) -> None:
        self._uids = _read("/proc/self/uid_map") if uids is None else uids
        self._gids = _read("/proc/self/gid_map") if gids is None else gids
        self.count = 0

    def __call__(self, entry: Entry) -> None:
        """Give to root what nobody here could own."""
        uid, gid = _is_mapped(entry.uid, self._uids), _is_mapped(entry.gid, self._gids)
        if uid and gid:
            return
        self.count += 1
        entry.mode &= ~((0 if uid else 0o4000) | (0 if gid else 0o2000))
        entry.uid, entry.gid = entry.uid if uid else 0, entry.gid if gid else 0


def _read(path: str) -> Ranges:
    with open(path, encoding="ascii") as file:
        rows = [[int(number) for number in line.split()] for line in file]
    return [(first, first + count) for first, _outside, count in rows]


def _is_mapped(id: int, ranges: Ranges) -> bool:
    return any(first <= id < end for first, end in ranges)
