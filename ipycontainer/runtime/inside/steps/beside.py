"""Steps of a container that shares something with another one: its namespaces, its files below /etc, its /dev/shm.

The other one is found by its run folder and held by descriptor, so that a number used again is never met.
"""

from __future__ import annotations

import os
import stat

from ipycontainer.errors import Error, KernelError, StartError, WrongState, from_wire, to_wire
from ipycontainer.json_text import dumps, loads
from ipycontainer.linux import descriptors, mounts, namespaces, prctl
from ipycontainer.runtime.inside.kill import join, open_init
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.steps.outside import Clone
from ipycontainer.runtime.inside.steps.root import open_kernels_own, open_target
from ipycontainer.runtime.inside.sweep import living_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_NO_LINKS = descriptors.RESOLVE_IN_ROOT | descriptors.RESOLVE_NO_SYMLINKS | descriptors.RESOLVE_NO_MAGICLINKS
_LARGEST = 1 << 16
_PROC_ROOT = 1  # the inode of its root, fs/proc/internal.h


class CloneBeside(Clone):
    """Fork the first process into another container's namespaces of the kinds `joined`, and new ones of the rest.

    But for another's processes: JoinProcesses.
    """

    call = "setns(2), clone3(2) CLONE_PARENT"
    why = "what is shared was asked for; a process between joins it first, and the monitor stays where it is"
    shows = "/proc/PID/ns/: the same numbers as the other container's"

    joined: tuple[tuple[str, str], ...] = ()  # (kind, the other's run folder)
    user: bool = False  # an ordinary user's namespaces belong to a user namespace, and only its root may join them

    def take(self, place: Place) -> None:
        self._find(place)
        reading, writing = os.pipe()
        # The monitor's child as PID 1 will be: who makes that one is its sibling too.
        between = namespaces.clone(0, sibling=True)
        if between.pid == 0:
            os.close(reading)
            self._between(place, writing)
            return  # PID 1, or what stands for it
        os.close(writing)
        with open(reading, "rb") as file:
            said = file.read(_LARGEST)
        os.close(between.pidfd)
        place.ended.append(between.pid)
        answer = loads(said) if said else {}
        if "error" in answer:
            raise from_wire(answer["error"])
        if "pid" not in answer:
            raise StartError("the process that joins another container's namespaces was killed")
        place.child = int(answer["pid"])
        place.pidfd = os.pidfd_open(place.child)

    def _find(self, place: Place) -> None:
        for kind, run in self.joined:
            try:
                place.others[kind] = open_init(living_state(run, "runs"))
            except WrongState:
                raise StartError(f"cannot join {kind} of a non running container: {os.path.basename(run)}") from None

    def _join(self, place: Place) -> None:
        kinds = ["user"] if self.user else []
        for kind, descriptor in place.others.items():
            if kind != "pid":  # JoinProcesses does that, when nothing of the host's is left to be seen there
                kinds.append(kind)
            if kinds:
                join(descriptor, namespaces.flags_of(kinds))
            kinds = []

    def _between(self, place: Place, writing: int) -> None:
        """Returns in the child of the monitor that is made here, and nowhere else."""
        try:
            # What is joined may hold processes of the same user: let none of them look into this one.
            prctl.set_dumpable(False)
            if "pid" in place.others:
                prctl.set_command_line("ipycontainer")  # as those in there will see it: this one has paths of the host
            self._join(place)
            group = os.open(self.cgroup, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) if self.cgroup else -1
            cloned = namespaces.clone(namespaces.flags_of(self.kinds), group, sibling=True)
            if cloned.pid == 0:
                os.close(writing)
                return
            os.close(cloned.pidfd)
            said: dict[str, object] = {"pid": cloned.pid}
        except Error as error:
            said = {"error": to_wire(error)}
        except OSError as error:
            said = {"error": to_wire(StartError(f"CloneBeside: {error.strerror}"))}
        _say_and_end(writing, said)


class CloneAgain(CloneBeside):
    """Fork the first process into the namespaces that the container had before, and new ones of the rest.

    joined: (kind, path of a descriptor that the monitor holds), the user namespace first: it owns the others.
    """

    why = "started again by its restart policy it keeps its network, with all that was attached to it"
    shows = "/proc/PID/ns/net: the same number as before"

    def _find(self, place: Place) -> None:
        """Held already."""

    def _join(self, place: Place) -> None:
        there = [(kind, os.open(path, os.O_RDONLY | os.O_CLOEXEC)) for kind, path in self.joined]
        for kind, descriptor in there:
            namespaces.setns(descriptor, namespaces.FLAGS[kind])
            os.close(descriptor)


def _say_and_end(writing: int, said: dict[str, object]) -> NoReturn:
    try:
        os.write(writing, dumps(said).encode())
    finally:
        os._exit(0)


class ShowOthers(Step):
    """Show a file or folder of the other container's at the same place: what one writes the other reads."""

    call = "setns(2), open_tree(2), move_mount(2)"
    why = "who shares a network shares its names, and who shares memory by IPC finds it in /dev/shm"
    shows = "/proc/self/mountinfo"

    kind: str  # of the namespace that is shared with it
    target: str
    read_only: bool

    def take(self, place: Place) -> None:
        tree = _tree_of(place.others[self.kind], self.target)
        folder = stat.S_ISDIR(os.fstat(tree).st_mode)
        target = open_target(place, self.target, folder=folder)
        if self.read_only:
            mounts.set_read_only(tree)
        mounts.attach(tree, target, self.target)
        os.close(tree)
        os.close(target)


class ShowProcesses(Step):
    """Show the other container's /proc, without what is mounted in it there."""

    call = "setns(2), open_tree(2), fstatfs(2), move_mount(2)"
    why = "a /proc that is mounted anew shows the processes of whoever mounts it, and this one is not among them yet"
    shows = "/proc"

    target: str
    attributes: int  # MOUNT_ATTR_*

    def take(self, place: Place) -> None:
        tree = _tree_of(place.others["pid"], self.target)
        # The other one may have put there what it likes.
        if mounts.magic(tree) != mounts.PROC_SUPER_MAGIC or os.fstat(tree).st_ino != _PROC_ROOT:
            raise StartError(f"the other container has put something else at {self.target}: it shares no processes")
        mounts.set_attributes(tree, self.attributes)
        target = open_kernels_own(place, self.target.strip("/"))
        mounts.attach(tree, target, self.target)
        place.kernels_own.add(os.fstat(tree).st_dev)
        os.close(tree)
        os.close(target)


class JoinProcesses(Step):
    """Enter the other container's pid namespace: of this process, its children alone will be in it."""

    call = "setns(2) CLONE_NEWPID"
    why = "those in there see what each process among them has, so whoever comes has nothing of the host's any more"
    shows = "/proc/PID/ns/pid_for_children"

    def take(self, place: Place) -> None:
        join(place.others["pid"], namespaces.flags_of(["pid"]))


def _tree_of(other: int, path: str) -> int:
    """A detached mount of the other container's `path`.

    Only who is in a mount namespace may copy its mounts, so this process goes there and comes back.
    """
    here, root = namespaces.open_of("self", "mount"), os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    join(other, namespaces.CLONE_NEWNS)
    try:
        there = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            found = descriptors.openat2(there, path, os.O_PATH, _NO_LINKS)
        except KernelError as error:
            raise StartError(f"the other container has no {path} to share: {error}") from None
        finally:
            os.close(there)
        tree = mounts.clone_tree(found, recursive=False)
        os.close(found)
    finally:
        namespaces.setns(here, namespaces.CLONE_NEWNS)
        os.fchdir(root)
        os.chroot(".")  # joining makes the namespace's own root ours, which a launcher may not have had
        os.close(here)
        os.close(root)
    return tree
