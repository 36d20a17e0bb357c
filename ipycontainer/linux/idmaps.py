"""Id maps of user namespaces: user_namespaces(7), newuidmap(1), subuid(5)."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError
from ipycontainer.record import Record

_ALL_IDS = 1 << 32


_USUAL_FOLDER = "/usr/bin"


def mappers() -> tuple[str, str]:
    """newuidmap and newgidmap, which may map ids that are not one's own: set-user-ID root, from shadow's `uidmap`.

    NixOS and Guix have them elsewhere in PATH.  Conda's own, which have no such bit, hide none of the system's, and
    root, whose PATH may be anybody's, looks nowhere else.
    """
    others = os.environ.get("PATH", "").split(":") if os.geteuid() else []
    there = [folder for folder in (_USUAL_FOLDER, *others) if folder.startswith("/") and _has_both(folder)]
    folder = there[0] if there else _USUAL_FOLDER
    return f"{folder}/newuidmap", f"{folder}/newgidmap"


def _has_both(folder: str) -> bool:
    return all(os.access(f"{folder}/{name}", os.X_OK) for name in ("newuidmap", "newgidmap"))


class Extent(Record):
    """`length` ids from `inside` on are the ids from `outside` on in the parent namespace."""

    inside: int
    outside: int
    length: int


def parse_map(text: str) -> list[Extent]:
    """The extents of a /proc/PID/uid_map."""
    return [Extent(*(int(field) for field in line.split())) for line in text.splitlines() if line.strip()]


def nested(parent: list[Extent]) -> list[Extent]:
    """The identity map for a namespace nested in one with map `parent`.

    It is split where the parent's extents are: an extent that crosses such a border is refused with EPERM.
    """
    return [Extent(extent.inside, extent.inside, extent.length) for extent in parent]


def format_map(extents: list[Extent]) -> str:
    """The text that the kernel takes, in one write."""
    return "".join(f"{item.inside} {item.outside} {item.length}\n" for item in extents)


def read_own(kind: str) -> list[Extent]:
    """This process's own `uid_map` or `gid_map`."""
    path = f"/proc/self/{kind}"
    try:
        with open(path, encoding="ascii") as file:
            return parse_map(file.read())
    except OSError as error:
        raise KernelError("open", error.errno or 0, path) from None


def power_of_root(uids: list[Extent], gids: list[Extent]) -> str:
    """What uid 0 is in a user namespace with these maps: "root", "range" or "one".

    The machine's own namespace maps every id.  Root of another one (a rootless container's, LXC's, a pod's with
    hostUsers false) has no power over devices and trusted.* attributes, so it is an ordinary user who has ids already.
    """
    if sum(extent.length for extent in uids) >= _ALL_IDS - 1:
        return "root"
    return "range" if all(sum(extent.length for extent in extents) > 1 for extents in (uids, gids)) else "one"


def write_map(pid: int | str, kind: str, extents: list[Extent]) -> None:
    """Write the `uid_map` or `gid_map` of process `pid`; once only, the kernel says."""
    write_proc(f"/proc/{pid}/{kind}", format_map(extents))


def deny_setgroups(pid: int | str) -> None:
    """Give up setgroups(2), which is the price of a group map without privilege."""
    write_proc(f"/proc/{pid}/setgroups", "deny")


def write_proc(path: str, text: str) -> None:
    """Write `text` to a file of /proc in one write(2)."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise KernelError("write", error.errno or 0, path) from None


class Range(Record):
    """Subordinate ids: `count` from `first` on."""

    first: int
    count: int


def parse_subordinate(text: str, name: str, number: int) -> Range | None:
    """The largest range that subuid(5) `text` gives the user `name` (or its `number`); None if it gives none."""
    found: Range | None = None
    for line in text.splitlines():
        fields = line.strip().split(":")
        if len(fields) != 3 or fields[0] not in (name, str(number)):
            continue
        if not (_is_number(fields[1]) and _is_number(fields[2])):
            continue
        candidate = Range(int(fields[1]), int(fields[2]))
        if candidate.first + candidate.count > _ALL_IDS:
            continue
        if candidate.count and (found is None or candidate.count > found.count):
            found = candidate
    return found


def _is_number(field: str) -> bool:
    return field.isascii() and field.isdecimal() and len(field) <= 10  # longer ones are no ids, and dear to read


def account(uid: int) -> str:
    """The name of the account with this id; its number where it has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def subordinate(path: str, name: str, number: int) -> Range | None:
    """The range in the file `path` (/etc/subuid, /etc/subgid); None where the file is missing."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return parse_subordinate(file.read(), name, number)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KernelError("open", error.errno or 0, path) from None


# Ids that a container can use: 0 and as many subordinate ones as an image may expect (65,535 is nobody's border).
WANTED = 65536


def rootless(own: int, extra: Range) -> list[Extent]:
    """The map of an ordinary user: itself as 0, its subordinate ids from 1 on."""
    return [Extent(0, own, 1), Extent(1, extra.first, min(extra.count, WANTED - 1))]
