"""Steps of a process that comes to others: for an exec, for a probe, for a container that shares their pid namespace.

Whoever is in a pid namespace sees in /proc/PID what each of its processes has: its mounts and its network, and with
CAP_SYS_PTRACE its root, its memory, and a way to take it over.  So a process that nobody in there sees goes, or makes,
where the program will be, and the program's process is made from in there.
"""

from __future__ import annotations

import os
from errno import EBUSY

from ipycontainer.errors import KernelError
from ipycontainer.linux import capabilities, cgroups, namespaces, pidfd, prctl
from ipycontainer.runtime.inside.step import Place, Step


class JoinContainer(Step):
    """Enter the namespaces of a running container; of its pid namespace only children will be."""

    call = "open(2), setns(2)"
    why = "an exec is one more process in what is there already: same files, same network"
    shows = "/proc/PID/ns/"

    kinds: tuple[str, ...]
    joins: tuple[str, ...]

    def take(self, place: Place) -> None:
        # As those in there will see it: the launcher's has paths of the host.
        prctl.set_command_line("ipycontainer")
        # Opened here: the cgroup's files are the host's, and are out of sight from inside.
        place.groups = [(_open(file), _lower(file, place.pidfd)) for file in self.joins]
        namespaces.setns(place.pidfd, namespaces.flags_of(self.kinds))
        os.chdir("/")


class HoldLimit(Step):
    """Open a file of the container's cgroup, for a limit that is written when the program's process is there."""

    call = "open(2)"
    why = "who makes that process is in the group too for a moment: with --pids-limit 1 it could make nobody"
    shows = "/sys/fs/cgroup/…/pids.max"

    file: str
    value: str

    def take(self, place: Place) -> None:
        place.limits.append((_open(self.file), self.value))


class ForkInside(Step):
    """Fork the program's process in there and into the container's cgroup; whoever has come from outside ends."""

    call = "capset(2), clone3(2) CLONE_PARENT, write(2)"
    why = (
        "from here on those in there see it, and by now its files and its network are theirs; who may trace processes "
        "could take it over, so it has no power any more but what is needed on the way to the program"
    )
    shows = "/proc/PID/status: CapPrm"

    keep: tuple[str, ...]
    traced: bool  # by who could open what the cgroup keeps away, were it not there from its first moment

    def take(self, place: Place) -> None:
        assert place.channel is not None
        left = capabilities.bits(self.keep) & capabilities.permitted()
        capabilities.set_all(left, left, 0)
        if self.traced:
            _join(place)
        reading, writing = os.pipe()
        cloned = namespaces.clone(0, sibling=True)
        if cloned.pid:
            place.channel.send({"entered": cloned.pid})
            _limit(place)
            os.write(writing, b"g")
            os._exit(0)
        os.close(writing)
        if not os.read(reading, 1):
            os._exit(125)  # whoever made this process was killed, and nobody knows of it
        os.close(reading)
        for limit, _ in place.limits:
            os.close(limit)
        os.setsid()
        if not self.traced:
            # By itself: a group that is full takes who comes, though nobody may fork in it.
            _join(place)


def _open(file: str) -> int:
    try:
        return os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError("open", error.errno or 0, file) from None


def _lower(file: str, first: int) -> int:
    """Version 2 alone: there a group with members may be closed to others.  first: a pidfd of PID 1."""
    lower = cgroups.lower_join(file, pidfd.number(first)) if file.endswith("/cgroup.procs") else ""
    return _open(lower) if lower else -1


def _join(place: Place) -> None:
    for group, lower in place.groups:
        try:
            _enter(group)
        except KernelError as error:
            if error.errno != EBUSY or lower < 0:
                raise
            _enter(lower)
        for descriptor in (group, lower):
            if descriptor >= 0:
                os.close(descriptor)
    place.groups = []


def _limit(place: Place) -> None:
    for limit, value in place.limits:
        try:
            os.write(limit, value.encode())
        except OSError as error:
            raise KernelError("write", error.errno or 0, f"{value} to a limit of its control group") from None


def _enter(group: int) -> None:
    try:
        os.write(group, b"0")
    except OSError as error:
        raise KernelError("write", error.errno or 0, "its control group") from None
