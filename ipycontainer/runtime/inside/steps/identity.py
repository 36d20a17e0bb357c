"""Steps about who the program is: its user from the container's own files, its groups, its folder."""

from __future__ import annotations

import os
import stat

from ipycontainer.errors import CommandNotExecutable, KernelError, StartError
from ipycontainer.runtime.inside.step import Place, Step, User

# /etc/passwd and /etc/group belong to the image, so they are read as an attacker's: regular files, this much.
_LARGEST = 1 << 20
_HIGHEST_ID = 4294967294  # 4294967295 is (uid_t) -1, "no change"
_HIGHEST_ASKED = (1 << 31) - 1  # docker's: whoever wants more has a line in the files


def read_table(path: str) -> list[list[str]]:
    """The lines of `path`, split at colons; empty where it is missing, no regular file, or too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        found = os.fstat(descriptor)
        # Size 0: empty, or a link to one of the kernel's own files, whose reading can do things (/proc/kmsg).
        if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= _LARGEST:
            return []
        text = os.read(descriptor, found.st_size).decode("utf-8", "surrogateescape")
    except OSError:
        return []
    finally:
        os.close(descriptor)
    return [line.split(":") for line in text.split("\n") if line and not line.startswith("#")]


def number(word: str) -> int | None:
    """The id that `word` writes; None if it is a name.  Raises StartError for a number that is no id."""
    if not (word.isascii() and word.isdecimal()):
        return None
    value = int(word) if len(word) < 12 else _HIGHEST_ID + 1
    if value > _HIGHEST_ID:
        # 4294967296 would be cut to 0, which is root.
        raise StartError(f"the id {word} is out of range; ids end at {_HIGHEST_ID}")
    return value


def look_up(wanted: str, passwd: list[list[str]], groups: list[list[str]]) -> User:
    """docker's rule for --user and USER: `name`, `uid`, `name:group`, `uid:gid`; "" is root.

    An empty group is the user's own.
    Raises StartError for a name that the files do not have.
    """
    name, colon, group = wanted.partition(":")
    if colon and not name:
        # docker takes ":1" for root's; it is what a script writes whose "$NAME:1" has no name.
        raise StartError(f"the user {wanted!r} is not well-formed; write NAME, UID, NAME:GROUP or UID:GID")
    group = group.partition(":")[0]  # docker looks no further
    name = name or "0"
    uid = number(name)
    entry = _entry(passwd, name, uid)
    if entry is None and uid is None:
        raise StartError(f"unable to find user {name}: no matching entries in the container's /etc/passwd")
    home, gid = "/", 0
    if entry is None:
        _check_asked(uid)
    else:
        uid, gid, home = int(entry[2]), int(entry[3]), entry[5] or "/"
    assert uid is not None
    if group:
        gid = _group(group, groups)
        # The group is a supplementary one too: else a file that its group may not read could be read by dropping
        # the group with a set-group-ID program (CVE-2022-36109).
        return User(uid, gid, (gid,), home)
    # Supplementary groups come from the member lists, as initgroups(3) would read them.
    user_name = entry[0] if entry is not None else ""
    extra = [int(row[2]) for row in groups if _good(row, 3) and user_name and user_name in row[3].split(",")]
    return User(uid, gid, tuple(dict.fromkeys([gid, *extra])), home)


def _good(row: list[str], least: int) -> bool:
    return len(row) > least and row[2].isascii() and row[2].isdecimal() and number(row[2]) is not None


def _entry(passwd: list[list[str]], name: str, uid: int | None) -> list[str] | None:
    for row in passwd:
        if len(row) < 7 or not _good(row, 3) or not (row[3].isascii() and row[3].isdecimal()):
            continue
        number(row[3])
        if row[0] == name or (uid is not None and int(row[2]) == uid):
            return row
    return None


def _group(wanted: str, groups: list[list[str]]) -> int:
    gid = number(wanted)
    for row in groups:
        if _good(row, 2) and (row[0] == wanted or (gid is not None and int(row[2]) == gid)):
            return int(row[2])
    if gid is None:
        raise StartError(f"unable to find group {wanted}: no matching entries in the container's /etc/group")
    _check_asked(gid)
    return gid


def _check_asked(value: int | None) -> None:
    if value is not None and value > _HIGHEST_ASKED:
        raise StartError(f"uids and gids must be in range 0-{_HIGHEST_ASKED}, and {value} is not")


class FindUser(Step):
    """Look the user up in the container's own /etc/passwd and /etc/group.

    starts: for PID 1; whoever is not found for an exec is docker's 126.
    """

    call = "open(2), read(2)"
    why = "names mean what the image says, not what the host says"
    shows = "/proc/self/status: Uid, Gid, Groups"

    wanted: str
    extra_groups: tuple[str, ...]
    environment: tuple[str, ...]
    starts: bool = True

    def take(self, place: Place) -> None:
        try:
            self._find(place)
        except StartError as error:
            if self.starts:
                raise
            raise CommandNotExecutable(str(error)) from None

    def _find(self, place: Place) -> None:
        groups = read_table("/etc/group")
        user = look_up(self.wanted, read_table("/etc/passwd"), groups)
        extra = tuple(_group(name, groups) for name in self.extra_groups)
        place.user = user.replace(groups=tuple(dict.fromkeys((*user.groups, *extra))))
        place.environment = dict(pair.partition("=")[::2] for pair in self.environment)
        if not place.environment.get("HOME"):  # `-e HOME=` too asks for the user's own, as with docker
            place.environment["HOME"] = user.home


class EnterFolder(Step):
    """Go to the working folder; made: make it if it is missing, which is PID 1's right and no exec's."""

    call = "mkdir(2), chdir(2)"
    why = "and look where that is: a folder outside this root would be the host's (CVE-2024-21626)"
    shows = "/proc/self/cwd"

    path: str
    made: bool = True

    def take(self, place: Place) -> None:
        try:
            try:
                os.chdir(self.path)
            except FileNotFoundError:
                if not self.made:
                    raise CommandNotExecutable(f"the working folder {self.path} is not in this container") from None
                self._make()
                os.chdir(self.path)
            here = os.getcwd()
        except OSError as error:
            if isinstance(error, NotADirectoryError):
                # docker's exit codes: of an exec, which makes no folder, it is the command that cannot be executed.
                kind = StartError if self.made else CommandNotExecutable
                raise kind(f"the working folder {self.path} is a file in this container") from None
            raise KernelError("chdir", error.errno or 0, self.path) from None
        if not here.startswith("/"):
            raise StartError(f"the working folder {self.path} lies outside the container")

    def _make(self) -> None:
        try:
            os.makedirs(self.path, 0o755, exist_ok=True)
        except FileExistsError:
            pass  # a link that leads nowhere
        except OSError:
            pass  # a read-only root: chdir says whether it is there


class ChangeIds(Step):
    """Take on the program's groups and user; whoever is not root loses every capability by that."""

    call = "setgroups(2), setresgid(2), setresuid(2)"
    why = "groups first: after the user is changed nobody may change them any more"
    shows = "/proc/self/status: Uid, Gid, Groups"

    may_set_groups: bool

    def take(self, place: Place) -> None:
        user = place.user
        try:
            if user.uid:
                # So that /dev/stdout can be opened again by whoever is not root.
                for standard in (0, 1, 2):
                    give(standard, user.uid)
            if self.may_set_groups:
                os.setgroups(user.groups)
            os.setresgid(user.gid, user.gid, user.gid)
            os.setresuid(user.uid, user.uid, user.uid)
        except OSError as error:
            if error.errno == 22:  # EINVAL: not in the map
                raise StartError(
                    f"the user {user.uid}:{user.gid} cannot be had here: this user namespace has no such id; "
                    "give your account subordinate ids (see `ipycontainer doctor`) or run as root in the container"
                ) from None
            raise KernelError("setresuid", error.errno or 0, f"{user.uid}:{user.gid}") from None


def give(descriptor: int, uid: int) -> None:
    """Make `uid` the owner of a pipe, a socket, or a terminal of the container's own.

    A device that is not in the container's /dev is the host's: /dev/null as standard input would be given away
    for everybody on this machine.
    """
    try:
        found = os.fstat(descriptor)
        own = stat.S_ISCHR(found.st_mode) and _is_pts(found.st_rdev)
        if own or stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode):
            os.fchown(descriptor, uid, -1)
    except OSError:
        pass  # a pipe of another user namespace: it stays as it is


def _is_pts(device: int) -> bool:
    return 136 <= os.major(device) <= 143  # Documentation/admin-guide/devices.txt: Unix98 PTY slaves
