"""Trying out what this machine allows: a forked child really makes what a container needs, and says how far it came.

Reading settings is not enough: one kernel lets unshare(2) pass and refuses mount(2) afterwards, another has all
it takes and a seccomp filter in front.  The child climbs from rung to rung:

    calls       openat2, close_range, clone3, pidfd_open, seccomp
    user        user namespace -> id maps (newuidmap from outside, or the one id that anybody may map)
    namespaces  mount, network, uts, ipc, cgroup, time, pid
    mounts      private, tmpfs, bind, detached ones, overlay on the store and on tmpfs, /proc, /sys, /dev's parts
    pivot_root  last, for nothing may be imported after it

and writes a line for each, so that what it reached is known even when it hangs and is killed.
"""

from __future__ import annotations

import errno
import os
import stat

from ipycontainer.errors import KernelError
from ipycontainer.linux import descriptors, idmaps, mounts, namespaces, pidfd, prctl
from ipycontainer.linux.syscalls import check, libc, syscall
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
SIGKILL = 9

# pid last: it takes effect for the next child only.
NAMESPACES = ("mount", "network", "uts", "ipc", "cgroup", "time", "pid")


class Rung(Record):
    """One thing that was tried.  A rung that was not reached does not exist."""

    name: str
    ok: bool
    call: str = ""
    errno: int = 0
    words: str = ""

    def to_line(self) -> str:
        """One line of text without line ends of its own."""
        words = self.words.replace("\t", " ").replace("\n", " ")
        return f"{self.name}\t{int(self.ok)}\t{self.call}\t{self.errno}\t{words}\n"

    @staticmethod
    def from_line(line: str) -> Rung:
        """What `to_line` wrote."""
        name, ok, call, number, words = line.rstrip("\n").split("\t")
        return Rung(name, ok == "1", call, int(number), words)


class Climber:
    """The child's side.

    folder: an empty folder on the store's file system, the child's to use; user: climb as what is no real root,
    in a user namespace; own: one that is still to be made.
    """

    def __init__(self, output: int, answers: int, folder: str, user: bool, own: bool) -> None:
        self._output = output
        self._answers = answers  # the parent says here which map it wrote
        self._folder = folder
        self._user = user
        self._own = own
        self._xattr = "user" if user else "trusted"

    def climb(self) -> None:
        """All rungs, as far as they go."""
        self._calls()
        if self._own and not self._user_namespace():
            return
        reached = {name: self._try(f"{name} namespace", _unsharing(name)) for name in NAMESPACES}
        if not reached["mount"]:
            return
        if not (pid := os.fork()):
            # Dies with the one that the time limit kills; set here, for a change of ids clears it.
            prctl.set_parent_death_signal(SIGKILL)
            self._mounts()
            os._exit(0)
        os.waitpid(pid, 0)

    def _try(self, name: str, action: Callable[[], object]) -> bool:
        try:
            words = action()
        except KernelError as error:
            return self._say(Rung(name, False, error.call, error.errno, error.path))
        except OSError as error:
            return self._say(Rung(name, False, "", error.errno or 0, str(error.filename or "")))
        return self._say(Rung(name, True, words=words if isinstance(words, str) else ""))

    def _say(self, rung: Rung) -> bool:
        os.write(self._output, rung.to_line().encode("utf-8", "replace"))
        return rung.ok

    def _calls(self) -> None:
        self._try("openat2", lambda: os.close(descriptors.openat2(descriptors.AT_FDCWD, "/", os.O_PATH, 0)))
        self._try("close_range", lambda: descriptors.close_from(0x7FFFFFF0))
        self._try("clone3", lambda: _expect(errno.EINVAL, lambda: syscall("clone3", None, 0)))
        self._try("pidfd", lambda: os.close(pidfd.open_process(os.getpid())))
        self._try("seccomp", lambda: _expect(errno.EFAULT, _empty_filter))

    def _user_namespace(self) -> bool:
        uid, gid = os.geteuid(), os.getegid()
        # A process that changed its ids (as a test or a service manager does) could not write its own map.
        prctl.set_dumpable(True)
        if not self._try("user namespace", lambda: namespaces.unshare(namespaces.CLONE_NEWUSER)):
            return False
        if os.read(self._answers, 1) == b"r":
            return self._try("ids of the range", _become_root)

        def one_id() -> None:
            idmaps.deny_setgroups("self")
            idmaps.write_map("self", "uid_map", [idmaps.Extent(0, uid, 1)])
            idmaps.write_map("self", "gid_map", [idmaps.Extent(0, gid, 1)])

        return self._try("one id", one_id)

    def _mounts(self) -> None:
        if not self._try("private mounts", lambda: mounts.mount("none", "/", flags=mounts.MS_REC | mounts.MS_PRIVATE)):
            return
        os.chdir(self._folder)
        for name in ("lower", "lower/opaque", "lower2", "upper", "upper/opaque", "work", "merged", "stage"):
            os.mkdir(name)
        for name in ("lower/opaque/hidden", "lower/gone", "lower/kept"):
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o644))
        self._overlay("overlay on the store")
        clear(self._folder, keep="stage")
        if not self._try("tmpfs", lambda: mounts.mount("tmpfs", "stage", "tmpfs", mounts.MS_NODEV, "mode=755")):
            return
        os.chdir("stage")
        for name in ("lower", "upper", "work", "merged", "one", "two", "proc", "sys", "mqueue", "pts"):
            os.mkdir(name)
        self._try("overlay", lambda: self._mount_overlay(unmount=True))
        if self._try("bind", lambda: mounts.bind("one", "two", recursive=False)):
            self._try("mount attributes", lambda: mounts.set_read_only("two"))
        self._try("detached mounts", self._detached)
        flags = mounts.MS_NOSUID | mounts.MS_NODEV | mounts.MS_NOEXEC
        self._try("proc", lambda: mounts.mount("proc", "proc", "proc", flags))
        self._try("sysfs", lambda: mounts.mount("sysfs", "sys", "sysfs", flags | mounts.MS_RDONLY))
        self._try("mqueue", lambda: mounts.mount("mqueue", "mqueue", "mqueue", flags))
        self._try("devpts", lambda: mounts.mount("devpts", "pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620"))
        self._try("device nodes", lambda: os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3)))
        self._try("pivot_root", self._pivot)

    def _overlay(self, name: str) -> None:
        """Overlay with the upper folder where containers will have theirs; then what was deleted must be gone."""
        gone = []
        if self._try("whiteouts", lambda: os.mknod("upper/gone", stat.S_IFCHR, os.makedev(0, 0))):
            gone.append("merged/gone")
        if self._try("opaque folders", lambda: os.setxattr("upper/opaque", f"{self._xattr}.overlay.opaque", b"y")):
            gone.append("merged/opaque/hidden")
        if not self._try(name, self._mount_overlay):
            return
        self._try("deleted files stay deleted", lambda: _hidden(gone, "merged/kept"))
        mounts.umount("merged", mounts.MNT_DETACH)

    def _mount_overlay(self, unmount: bool = False) -> None:
        data = "lowerdir=lower,upperdir=upper,workdir=work" + (",userxattr" if self._user else "")
        mounts.mount("overlay", "merged", "overlay", 0, data)
        os.mkdir("merged/written")  # a copy-up: some file systems mount as an upper and fail only then
        os.rmdir("merged/written")
        if unmount:
            mounts.umount("merged", mounts.MNT_DETACH)

    def _detached(self) -> None:
        tree = mounts.make("tmpfs", [("mode", "755")])
        target = os.open("one", os.O_PATH | os.O_CLOEXEC)
        try:
            mounts.attach(tree, target, "one")
        finally:
            os.close(target)
            os.close(tree)

    def _pivot(self) -> None:
        mounts.pivot_root(".", ".")
        mounts.umount(".", mounts.MNT_DETACH)


def _unsharing(name: str) -> Callable[[], None]:
    return lambda: namespaces.unshare(namespaces.FLAGS[name])


def _become_root() -> None:
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.setgroups([])


def _expect(number: int, action: Callable[[], object]) -> None:
    """The call is there when it complains about its arguments, and not when it is unknown or filtered."""
    try:
        action()
    except KernelError as error:
        if error.errno != number:
            raise


def _empty_filter() -> None:
    check("prctl PR_SET_SECCOMP", libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0))


def _hidden(gone: list[str], kept: str) -> None:
    os.stat(kept)
    for path in gone:
        if os.path.lexists(path):
            raise KernelError("overlay shows what was deleted", errno.EEXIST, path)


def clear(folder: str, keep: str = "") -> None:
    """Remove what is in `folder`.  A folder is first removed as if it were empty: overlay's own work folder
    may not even be listed."""
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.name == keep:
                continue
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            try:
                os.rmdir(entry.path)
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
                clear(entry.path)
                os.rmdir(entry.path)
