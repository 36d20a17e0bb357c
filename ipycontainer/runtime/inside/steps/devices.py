"""Steps about devices: which may be used, /dev with its nodes and links, the container's terminal."""

from __future__ import annotations

import os
import stat

from ipycontainer.errors import KernelError, StartError
from ipycontainer.linux import bpf, descriptors, mounts, terminal
from ipycontainer.linux.cgroups import devices
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.steps.root import open_folder, open_target, through

# The OCI runtime spec's default devices (config-linux.md) with their numbers (Documentation/admin-guide/devices.txt).
NODES = (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0))
LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
)
_CORE = "/proc/kcore"


class JoinDevices(Step):
    """Move this process into the group whose list of devices is docker's."""

    call = "write(2)"
    why = "with CAP_MKNOD root in a container makes a node of any disk; here it opens none of them"
    shows = "/sys/fs/cgroup/devices/…/devices.list"

    groups: str

    def take(self, place: Place) -> None:
        devices.join_shared(self.groups)


class LimitDevices(Step):
    """Attach a program to the container's cgroup that says which devices may be used."""

    call = "bpf(2) BPF_PROG_LOAD, BPF_PROG_ATTACH"
    why = "cgroup v2 has no list of devices: a program decides at every open and every mknod"
    shows = "bpftool cgroup show (on the host)"

    group: str
    rules: tuple[devices.DeviceRule, ...]

    def take(self, place: Place) -> None:
        program = bpf.load(bpf.assemble(self.rules))
        try:
            bpf.attach(program, self.group)
        finally:
            os.close(program)  # the group holds it now


class MakeDevices(Step):
    """Fill /dev with the six nodes that every program may use, and the links beside them."""

    call = "mknod(2), symlink(2)"
    why = "a device node is a door to a driver; a container gets these six, and the host's disks are not among them"
    shows = "/dev"

    bound: bool  # show the host's nodes: mknod is EPERM in a user namespace, or nothing keeps other devices away

    def take(self, place: Place) -> None:
        folder = descriptors.open_in_root(place.root, "/dev", os.O_RDONLY | os.O_DIRECTORY)
        mask = os.umask(0)
        try:
            for name, major, minor in NODES:
                if self.bound:
                    _bind_node(folder, name)
                else:
                    os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(major, minor), dir_fd=folder)
            links = (*LINKS, ("core", _CORE)) if os.path.exists(_CORE) else LINKS
            for name, leads_to in links:
                os.symlink(leads_to, name, dir_fd=folder)
        except OSError as error:
            raise KernelError("mknod", error.errno or 0, f"/dev/{error.filename or ''}") from None
        finally:
            os.umask(mask)
            os.close(folder)


def _bind_node(folder: int, name: str) -> None:
    """Read-only keeps chmod away from the host's inode; what is written to a device is not written to its file."""
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder))
    node = f"{through(folder)}/{name}"
    mounts.bind(f"/dev/{name}", node, recursive=False)
    mounts.set_read_only(node)


class MakeNode(Step):
    """Make one more device node (--device, --privileged)."""

    call = "mknod(2), chown(2)"
    why = "a device that was asked for; its list of devices has it too"
    shows = "ls -l /dev"

    path: str
    mode: int  # with its type: S_IFCHR or S_IFBLK
    major: int
    minor: int
    uid: int
    gid: int

    def take(self, place: Place) -> None:
        above, name = os.path.split(os.path.normpath(self.path))
        folder = open_folder(place, above)
        # With its mode from the first: where another container shares the folder, a later chmod(2) may meet a link.
        mask = os.umask(0)
        try:
            _make_way(folder, name)
            os.mknod(name, self.mode, os.makedev(self.major, self.minor), dir_fd=folder)
            os.chown(name, self.uid, self.gid, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            raise KernelError("mknod", error.errno or 0, self.path) from None
        finally:
            os.umask(mask)
            os.close(folder)


def _make_way(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        raise StartError(f"--device: {name} is a folder in this image; give the device another name there") from None


class ShowNode(Step):
    """Show a device node of the host (--device, for an ordinary user)."""

    call = "mount(2) MS_BIND"
    why = "mknod is EPERM in a user namespace; what this user may open outside, it may open inside"
    shows = "/proc/self/mountinfo"

    source: str
    path: str

    def take(self, place: Place) -> None:
        target = open_target(place, self.path, folder=False)
        try:
            mounts.bind(self.source, through(target), recursive=False)
        except KernelError as error:
            raise KernelError("mount bind", error.errno, f"{self.source} at {self.path}") from None
        finally:
            os.close(target)


class OpenTerminal(Step):
    """Open a pseudo-terminal on the container's own devpts, and let it be the three standard streams."""

    call = "open(2), ioctl(2) TIOCGPTPEER, dup2(2)"
    why = "an interactive program wants a terminal: line editing, Ctrl-C as a signal, a window size"
    shows = "/dev/pts/0, /dev/console"

    rows: int
    columns: int
    console: bool = True  # PID 1's terminal is /dev/console too

    def take(self, place: Place) -> None:
        pair = terminal.open_pair("/dev/pts/ptmx")
        if self.rows and self.columns:
            terminal.resize(pair.master, self.rows, self.columns)
        if self.console:
            _show_console(pair.peer)
        for standard in (0, 1, 2):
            os.dup2(pair.peer, standard)
        os.close(pair.peer)
        place.terminal = pair.master


def _show_console(peer: int) -> None:
    """By descriptor, and never through a link: whoever shares /dev would say where the terminal appears.

    CVE-2025-52565.  Not by /proc/self/fd either, which is not there for who is in no pid namespace that /proc shows.
    """
    # O_NONBLOCK: nor can a FIFO there hold us up.
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    console = os.open("/dev/console", flags, 0o600)
    tree = mounts.clone_tree(peer, recursive=False)
    mounts.attach(tree, console, "/dev/console")
    os.close(tree)
    os.close(console)


class TakeTerminal(Step):
    """Take the terminal for this session's own, and hand its other end to the monitor."""

    call = "ioctl(2) TIOCSCTTY, sendmsg(2) SCM_RIGHTS"
    why = "its Ctrl-C is for whom it controls, and somebody outside has to be the person who types"
    shows = "/proc/PID/stat: tty_nr"

    def take(self, place: Place) -> None:
        terminal.take_control(0)
        assert place.channel is not None
        place.channel.send({"terminal": True}, [place.terminal])
        os.close(place.terminal)
        place.terminal = -1
