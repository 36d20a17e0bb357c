"""What a launcher started now would find of ids, without starting one: read, not tried."""

from __future__ import annotations

import os

from ipycontainer.launcher.store_namespace import subordinate_ids
from ipycontainer.linux import capabilities, idmaps
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.linux.idmaps import Extent


class Expected(Record):
    """mode: "root", "range" or "one", as in store_namespace; uid_map, gid_map: the store namespace's own."""

    mode: str
    uid_map: tuple[Extent, ...]
    gid_map: tuple[Extent, ...]


def expected() -> Expected:
    """The mode and the maps that `store_namespace.enter` aims at for this user."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and capabilities.has("SYS_ADMIN"):
        uids, gids = idmaps.read_own("uid_map"), idmaps.read_own("gid_map")
        return Expected(idmaps.power_of_root(uids, gids), tuple(uids), tuple(gids))
    ranges = subordinate_ids(uid)
    if ranges is None:
        return Expected("one", (idmaps.Extent(0, uid, 1),), (idmaps.Extent(0, gid, 1),))
    users, groups = ranges
    return Expected("range", tuple(idmaps.rootless(uid, users)), tuple(idmaps.rootless(gid, groups)))
