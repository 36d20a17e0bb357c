"""The namespaces in which a launcher lives, and every job and monitor after it.

A mount namespace (slave: the host's later mounts still appear, ours never go out), and for an ordinary
user a user namespace too: with its subordinate ids where newuidmap(1) gives them ("range"), else with the
one id that anyone may map ("one").  Where root has its power, no user namespace is made ("root"), and none
where uid 0 is root of somebody's user namespace already ("range" or "one", as its ids are).

If a container of this store is alive, or another release's launcher, a new launcher joins the namespaces that its
monitor, or that one, holds: only a process in there may join the container's own.
"""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError, LauncherError
from ipycontainer.json_text import loads
from ipycontainer.launcher import alive
from ipycontainer.linux import capabilities, idmaps, mounts, namespaces, small_files
from ipycontainer.linux import pidfd as pidfds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ESRCH = 3


def enter(run: str) -> str:
    """Move this process into the store namespace; gives the mode: "root", "range" or "one"."""
    found = _join_living(run)
    if found is not None:
        return found
    if os.geteuid() == 0 and _unshare_as_root():
        mode = idmaps.power_of_root(idmaps.read_own("uid_map"), idmaps.read_own("gid_map"))
    else:
        mode = _unshare_as_user()
    # Slave: what the host mounts later appears here, so that -v finds it; nothing of ours appears there.
    mounts.mount("none", "/", flags=mounts.MS_REC | mounts.MS_SLAVE)
    return mode


def _unshare_as_root() -> bool:
    """Whether uid 0 has root's power here: a hosted notebook's often cannot even unshare."""
    if not capabilities.has("SYS_ADMIN"):
        return False
    try:
        namespaces.unshare(namespaces.CLONE_NEWNS)
    except KernelError:
        return False
    return True


def _unshare_as_user() -> str:
    """A user and a mount namespace; the maps are written by a helper that stays outside."""
    uid, gid = os.geteuid(), os.getegid()
    ranges = subordinate_ids(uid)
    if ranges is not None:
        helper = _MapHelper(uid, gid, *ranges)
        _unshare(namespaces.CLONE_NEWUSER | namespaces.CLONE_NEWNS)
        if helper.write():
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
            os.setgroups([])
            return "range"
    else:
        _unshare(namespaces.CLONE_NEWUSER | namespaces.CLONE_NEWNS)
    own = "/proc/self"
    idmaps.write_proc(f"{own}/setgroups", "deny")
    idmaps.write_map("self", "uid_map", [idmaps.Extent(0, uid, 1)])
    idmaps.write_map("self", "gid_map", [idmaps.Extent(0, gid, 1)])
    return "one"


def _unshare(flags: int) -> None:
    try:
        namespaces.unshare(flags)
    except KernelError as error:
        raise LauncherError(
            f"this machine does not let an ordinary user make namespaces ({error}); "
            "`ipycontainer doctor` says what withholds it and what would mend it"
        ) from None


def subordinate_ids(uid: int) -> tuple[idmaps.Range, idmaps.Range] | None:
    """The user's subordinate user and group ids, if it has both and the tools to use them."""
    if not all(os.access(program, os.X_OK) for program in idmaps.mappers()):
        return None
    name = idmaps.account(uid)
    users = idmaps.subordinate("/etc/subuid", name, uid)
    groups = idmaps.subordinate("/etc/subgid", name, uid)
    if users is None or groups is None:
        return None
    return users, groups


class _MapHelper:
    """A child that stays in the parent user namespace, where newuidmap's set-user-ID bit means something."""

    def __init__(self, uid: int, gid: int, users: idmaps.Range, groups: idmaps.Range) -> None:
        self._go, go = os.pipe()
        done, self._done = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(go)
            os.close(done)
            os.read(self._go, 1)
            map_users, map_groups = idmaps.mappers()
            ok = _run_map(map_users, parent, idmaps.rootless(uid, users))
            ok = ok and _run_map(map_groups, parent, idmaps.rootless(gid, groups))
            os.write(self._done, b"y" if ok else b"n")
            os._exit(0)
        os.close(self._go)
        os.close(self._done)
        self._go, self._done = go, done

    def write(self) -> bool:
        """Let the helper write both maps; False if no map was written, LauncherError if only one was."""
        os.write(self._go, b"g")
        answer = os.read(self._done, 1)
        os.close(self._go)
        os.close(self._done)
        os.waitpid(self._pid, 0)
        if answer == b"y":
            return True
        with open("/proc/self/uid_map", encoding="ascii") as file:
            if file.read().strip():
                raise LauncherError("newuidmap worked but newgidmap did not: compare /etc/subuid and /etc/subgid")
        return False


def _run_map(program: str, pid: int, extents: list[idmaps.Extent]) -> bool:
    numbers = [str(number) for item in extents for number in (item.inside, item.outside, item.length)]
    child = os.posix_spawn(program, [program, str(pid), *numbers], {})
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _join_living(run: str) -> str | None:
    """Join the namespaces in which others of this store live; gives their mode, or None if nobody does."""
    for pid, mode, started in _living(run):
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            continue
        if started and not _is_still(pid, started):
            os.close(pidfd)
            continue
        flags = namespaces.CLONE_NEWNS
        # Root of a rootless container made no user namespace, and one's own cannot be joined (EINVAL).
        if mode != "root" and not _same_user_namespace(pid):
            flags |= namespaces.CLONE_NEWUSER
        try:
            namespaces.setns(pidfd, flags)
        except KernelError as error:
            if error.errno == _ESRCH:
                continue  # a monitor that is dead: its starter, which dies with it, still has the lock
            raise
        finally:
            os.close(pidfd)
        if mode != "root":
            # Joining gives all capabilities but keeps the ids, and an id of 0 is what jobs expect.
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
        return mode
    return None


def _living(run: str) -> Iterator[tuple[int, str, int]]:
    """Processes of this store, with their mode and when they were started (0: its lock says that it lives).

    Monitors first; then whoever may have a container in a moment: other releases' launchers, and what a killed one
    kept ready.
    """
    for name in os.listdir(os.path.join(run, "containers")):
        folder = os.path.join(run, "containers", name)
        state = alive.read(folder) if alive.is_alive(folder) else {}
        if "monitor" in state:
            yield int(state["monitor"]), str(state["mode"]), 0
    slots = os.path.join(run, "slots")
    kept_ready = [name.split("-")[-2:] for name in os.listdir(slots)] if os.path.isdir(slots) else []
    for name in os.listdir(run):
        if not name.endswith(".json"):
            continue
        try:
            facts = loads(small_files.read(os.path.join(run, name)))
            launcher, mode = (facts["start_time"], facts["pid"]), str(facts["mode"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it has just left, or a power cut has been here
        for numbers in (launcher, *kept_ready):
            if all(str(number).isdecimal() for number in numbers) and int(numbers[0]):
                yield int(numbers[1]), mode, int(numbers[0])


def _is_still(pid: int, started: int) -> bool:
    """Whether it is the process that was written down.

    Once it is dead anybody may get its number, and would have root in a mount namespace of his own making.
    """
    try:
        return pidfds.start_time(pid) == started
    except KernelError:
        return False


def _same_user_namespace(pid: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}/ns/user").st_ino == os.stat("/proc/self/ns/user").st_ino
    except OSError:
        return False


def protect_interpreter() -> str:
    """Bind the interpreter read-only onto itself; gives its path, which must now be executed again.

    A process in a container can reach whatever executes it through /proc/PID/exe and, once that has
    ended, open it for writing (CVE-2019-5736).  Through this mount the answer is EROFS.
    """
    program = os.readlink("/proc/self/exe")
    mounts.bind(program, program, recursive=False)
    mounts.set_read_only(program)
    return program


def protect_null() -> None:
    """Bind /dev/null read-only onto itself: written to as ever, but no more to be changed.

    It is a program's standard input where there is no other, and with that descriptor root in a container could change
    its mode (fchmod(2)) for everybody on this machine.
    """
    if os.statvfs("/dev/null").f_flag & os.ST_RDONLY:
        return  # in the namespace of an earlier launcher's containers
    mounts.bind("/dev/null", "/dev/null", recursive=False)
    mounts.set_read_only("/dev/null")
