"""Steps about /dev: its nodes, its links, the container's terminal."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError
from ipycontainer.linux import descriptors, mounts, terminal
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.steps.root import through

# The OCI runtime spec's default devices (config-linux.md).
NODES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
)


class MakeDevices(Step):
    """Fill /dev with the six nodes that every program may use, and the links beside them."""

    call = "mount(2) MS_BIND, mount_setattr(2), symlink(2)"
    why = "a device node is a door to a driver; a container gets these six, and the host's disks are not among them"
    shows = "/dev"

    def take(self, place: Place) -> None:
        folder = descriptors.open_in_root(place.root, "/dev", os.O_RDONLY | os.O_DIRECTORY)
        mask = os.umask(0)
        try:
            for name in NODES:
                # The host's nodes are bound, so that nothing else in the container has to allow devices: with
                # CAP_MKNOD it could make a node of any disk.  Read-only keeps chmod away from the host's inode;
                # what is written to a device is not written to its file system.
                os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder))
                node = f"{through(folder)}/{name}"
                mounts.bind(f"/dev/{name}", node, recursive=False)
                mounts.set_read_only(node)
            for name, leads_to in LINKS:
                os.symlink(leads_to, name, dir_fd=folder)
        except OSError as error:
            raise KernelError("creat", error.errno or 0, f"/dev/{error.filename or ''}") from None
        finally:
            os.umask(mask)
            os.close(folder)


class OpenTerminal(Step):
    """Open a pseudo-terminal on the container's own devpts, keep its end, hand the other to the monitor."""

    call = "open(2), ioctl(2) TIOCGPTPEER, TIOCSCTTY"
    why = "an interactive program wants a terminal: line editing, Ctrl-C as a signal, a window size"
    shows = "/dev/pts/0, /dev/console"

    rows: int
    columns: int
    console: bool = True  # PID 1's terminal is /dev/console too

    def take(self, place: Place) -> None:
        pair = terminal.open_pair("/dev/pts/ptmx")
        if self.rows and self.columns:
            terminal.resize(pair.master, self.rows, self.columns)
        assert place.channel is not None
        place.channel.send({"terminal": True}, [pair.master])
        os.close(pair.master)
        if self.console:
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open("/dev/console", flags, 0o600))
            mounts.bind(through(pair.peer), "/dev/console", recursive=False)
        terminal.take_control(pair.peer)
        for standard in (0, 1, 2):
            os.dup2(pair.peer, standard)
        os.close(pair.peer)
