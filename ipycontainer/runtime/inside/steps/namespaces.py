"""Steps about what the new namespaces hold: the ids, the host name, the loopback, the settings, the keys."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError
from ipycontainer.linux import cgroups, descriptors, keyrings, links, namespaces
from ipycontainer.linux.syscalls import check, libc
from ipycontainer.runtime.inside.step import Place, Step

_NO_KEYS = (1, 38, 95, 122, 12)  # EPERM, ENOSYS, EOPNOTSUPP, EDQUOT, ENOMEM (of the quota of bytes)


class BecomeRoot(Step):
    """Become uid 0 of the new user namespace."""

    call = "setresuid(2), setresgid(2)"
    why = "the maps are written; whoever was nobody until now is root here, and nowhere else"
    shows = "/proc/self/status: Uid"

    drop_groups: bool  # setgroups is denied where only one id is mapped: user_namespaces(7)

    def take(self, place: Place) -> None:
        try:
            if self.drop_groups:
                os.setgroups([])
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
        except OSError as error:
            raise KernelError("setresuid", error.errno or 0, "0") from None


class SetHostname(Step):
    """Set the container's host name."""

    call = "sethostname(2)"
    why = "the UTS namespace holds a name of its own; without one the container would bear the host's"
    shows = "/proc/sys/kernel/hostname"

    name: str

    def take(self, place: Place) -> None:
        raw = os.fsencode(self.name)
        check("sethostname", libc.sethostname(raw, len(raw)), self.name)


class SetDomainname(Step):
    """Set the container's NIS domain name."""

    call = "setdomainname(2)"
    why = "it lies in the UTS namespace beside the host name (--domainname)"
    shows = "/proc/sys/kernel/domainname"

    name: str

    def take(self, place: Place) -> None:
        raw = os.fsencode(self.name)
        check("setdomainname", libc.setdomainname(raw, len(raw)), self.name)


class RaiseLoopback(Step):
    """Bring the loopback up."""

    call = "ioctl(2) SIOCSIFFLAGS"
    why = "a new network namespace has a loopback that is down, and nothing else"
    shows = "/proc/net/dev"

    def take(self, place: Place) -> None:
        links.bring_up("lo")


class SetSysctls(Step):
    """Write kernel settings that belong to the container's own namespaces."""

    call = "write(2)"
    why = "in a network of its own no port needs a privilege, and ping(8) none either: docker's defaults"
    shows = "/proc/sys/net/ipv4/ip_unprivileged_port_start"

    values: tuple[tuple[str, str], ...]  # (path below /proc/sys, value)

    def take(self, place: Place) -> None:
        resolve = descriptors.RESOLVE_IN_ROOT | descriptors.RESOLVE_NO_SYMLINKS
        for path, value in self.values:
            file = descriptors.openat2(place.root, f"proc/sys/{path}", os.O_WRONLY, resolve)
            try:
                os.write(file, value.encode())
            except OSError as error:
                raise KernelError("write", error.errno or 0, f"/proc/sys/{path} ({value})") from None
            finally:
                os.close(file)


class JoinKeyring(Step):
    """Leave the caller's session keyring for a new, empty one."""

    call = "keyctl(2) KEYCTL_JOIN_SESSION_KEYRING"
    why = "keys are not in any namespace: the caller's (Kerberos, disk encryption) would come along with the fork"
    shows = "keyctl show"

    def take(self, place: Place) -> None:
        try:
            keyrings.join_new_session()
        except KernelError as error:
            # No keys here at all, or no more for this user (EDQUOT): then the launcher's own keyring stays, which
            # is not the caller's and has nothing in it.
            if error.errno not in _NO_KEYS:
                raise


class JoinCgroup(Step):
    """Move this process into the container's cgroup; everything that it starts is born there."""

    call = "write(2)"
    why = "limits count what sits in the cgroup; the monitor stays outside, so a full container cannot take it along"
    shows = "/proc/PID/cgroup"

    joins: tuple[str, ...]

    def take(self, place: Place) -> None:
        cgroups.join(self.joins)


class LimitCgroup(Step):
    """Write the limits that this container has."""

    call = "write(2)"
    why = "by the container's first process, before the cgroup namespace hides from it where its group lies"
    shows = "/sys/fs/cgroup/…/ipycontainer/"

    writes: tuple[tuple[str, str], ...]

    def take(self, place: Place) -> None:
        cgroups.limit(self.writes)


class UnshareCgroup(Step):
    """Take the cgroup in which this process sits for the root of what it sees."""

    call = "unshare(2) CLONE_NEWCGROUP"
    why = "it comes after the join: the namespace's root is wherever the process is at this moment"
    shows = "/proc/self/cgroup: every path is /"

    def take(self, place: Place) -> None:
        namespaces.unshare(namespaces.CLONE_NEWCGROUP)


class AwaitMonitor(Step):
    """Wait for the monitor's word; end if the monitor has ended."""

    call = "recvmsg(2)"
    why = "some of what this process needs can only be done from outside, beside it"
    shows = "the barrier between create and start"

    word: str

    def take(self, place: Place) -> None:
        assert place.channel is not None
        message = place.channel.receive()
        if message is None or message.document != {"word": self.word}:
            os._exit(125)  # nobody is there to be told


class ReachBarrier(Step):
    """Say that everything is made, and wait for the word to start."""

    call = "sendmsg(2), recvmsg(2)"
    why = "between create and start the caller attaches the network"
    shows = "the barrier between create and start"

    def take(self, place: Place) -> None:
        assert place.channel is not None
        place.channel.send({"created": True})
        AwaitMonitor("go").take(place)


class TellChild(Step):
    """Tell PID 1 that it may go on."""

    call = "sendmsg(2)"
    why = "it waits where it needed something from outside"
    shows = ""

    word: str

    def take(self, place: Place) -> None:
        assert place.channel is not None
        place.channel.send({"word": self.word})
