"""Steps that take power away, in the order in which each still can; then the program itself."""

from __future__ import annotations

import os
import resource

from ipycontainer.errors import CommandNotExecutable, CommandNotFound, KernelError, StartError
from ipycontainer.linux import capabilities, descriptors, labels, prctl
from ipycontainer.runtime.inside.init import reap_beside
from ipycontainer.runtime.inside.step import Place, Step

_SIGKILL = 9
_ENOENT, _ENOEXEC, _EACCES, _ENOTDIR = 2, 8, 13, 20


class SetUmask(Step):
    """Set the file mode mask."""

    call = "umask(2)"
    why = "files are made with the modes that programs expect, whatever the caller's mask was"
    shows = "/proc/self/status: Umask"

    mask: int

    def take(self, place: Place) -> None:
        os.umask(self.mask)


class SetResourceLimits(Step):
    """Set the limits of this process and its children."""

    call = "setrlimit(2)"
    why = "after the user namespace is made: the number of processes counts within it"
    shows = "/proc/self/limits"

    limits: tuple[tuple[str, int, int], ...]

    def take(self, place: Place) -> None:
        for name, soft, hard in self.limits:
            kind = getattr(resource, name)
            try:
                resource.setrlimit(kind, (soft, hard))
            except (OSError, ValueError) as error:
                number = error.errno if isinstance(error, OSError) else 1
                raise KernelError("setrlimit", number or 1, f"{name} {soft}:{hard}") from None


class SetOomScore(Step):
    """Say how likely it is to be ended when memory runs out: like others, unless it was asked for."""

    call = "write(2)"
    why = "the caller may be a service that the kernel spares; its containers are not"
    shows = "/proc/self/oom_score_adj"

    score: int

    def take(self, place: Place) -> None:
        try:
            descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
            os.write(descriptor, str(self.score).encode())
            os.close(descriptor)
        except OSError as error:
            if error.errno == 13:  # EACCES
                raise StartError(
                    f"the OOM score {self.score} cannot be had: it spares the program more than its caller, which "
                    "takes CAP_SYS_RESOURCE on this machine; give a higher --oom-score-adj"
                ) from None
            raise KernelError("write", error.errno or 0, "/proc/self/oom_score_adj") from None


class LimitBounding(Step):
    """Forget, for ever, the capabilities that this container shall not have."""

    call = "prctl(2) PR_CAPBSET_DROP"
    why = "no set-user-ID program and no file capability can bring back what is not in the bounding set"
    shows = "/proc/self/status: CapBnd"

    keep: tuple[str, ...]
    highest: int

    def take(self, place: Place) -> None:
        capabilities.limit_bounding(capabilities.bits(self.keep), self.highest)


class SetCapabilities(Step):
    """Keep the effective capabilities that root in this container has; inherit none."""

    call = "capset(2)"
    why = "root is divided into 41 powers; docker leaves a container 14 of them"
    shows = "/proc/self/status: CapEff"

    keep: tuple[str, ...]

    def take(self, place: Place) -> None:
        if place.user.uid:
            prctl.clear_ambient()
            return  # ChangeIds has taken them all
        # Not more than this process has: a host may itself be confined.
        wanted = capabilities.bits(self.keep) & capabilities.permitted()
        capabilities.set_all(wanted, wanted, 0)


class SetLabels(Step):
    """Say under which AppArmor profile or SELinux label the program is to run; the next execve takes it on."""

    call = "write(2)"
    why = "the host's own policy holds whatever the program may become; before no_new_privs, which may forbid a change"
    shows = "/proc/PID/attr/current"

    apparmor: str
    selinux: str

    def take(self, place: Place) -> None:
        labels.on_exec(self.apparmor, self.selinux)


class NoNewPrivileges(Step):
    """Let no execve from now on give more than there is."""

    call = "prctl(2) PR_SET_NO_NEW_PRIVS"
    why = "a set-user-ID program in an image is somebody else's file with root's power"
    shows = "/proc/self/status: NoNewPrivs"

    def take(self, place: Place) -> None:
        prctl.set_no_new_privs()


class DieWithMonitor(Step):
    """Be killed when the monitor is."""

    call = "prctl(2) PR_SET_PDEATHSIG"
    why = "nobody would know of this container any more; set after the last change of ids, which clears it"
    shows = "the container is gone with its monitor"

    def take(self, place: Place) -> None:
        prctl.set_parent_death_signal(_SIGKILL)
        # The monitor may have died before the line above: then its end is closed.  That of the channel may be its
        # starter's, which dies a moment later.
        if place.monitor >= 0 and descriptors.hangs_up(place.monitor):
            os._exit(125)
        assert place.channel is not None
        place.channel.send({"last": True})


class CloseDescriptors(Step):
    """Close, on exec, every descriptor but the three standard ones."""

    call = "close_range(2) CLOSE_RANGE_CLOEXEC"
    why = "one leaked descriptor of a host folder is a way out (CVE-2024-21626)"
    shows = "/proc/self/fd"

    def take(self, place: Place) -> None:
        descriptors.close_on_exec_from(3)


class StartInit(Step):
    """Fork the program and stay as PID 1 that hands on signals and reaps."""

    call = "fork(2), wait(2)"
    why = "PID 1 gets no default signals and everybody's orphans; few programs expect either"
    shows = "/proc/1/comm: init"

    def take(self, place: Place) -> None:
        prctl.set_name("init")
        prctl.set_command_line("init")  # the launcher's has paths of the host
        reap_beside()


class Execute(Step):
    """Become the program."""

    call = "execve(2)"
    why = "from here on it is the image's code that runs"
    shows = "/proc/PID/exe"

    arguments: tuple[str, ...]

    def take(self, place: Place) -> None:
        search = place.environment.get("PATH", "")
        execute(self.arguments, place.environment, search)


def execute(arguments: tuple[str, ...], environment: dict[str, str], search: str) -> None:
    """execve(2) the first argument, looked for along `search` when it has no slash.

    Raises CommandNotFound (127) or CommandNotExecutable (126).
    """
    name = arguments[0]
    if not name:
        raise CommandNotFound("the command is empty; give one after the image")
    candidates = [name] if "/" in name else [f"{folder}/{name}" for folder in search.split(":") if folder]
    refused = 0
    for candidate in candidates:
        try:
            os.execve(candidate, arguments, environment)
        except OSError as error:
            if error.errno in (_ENOENT, _ENOTDIR):
                # The file is there but its interpreter is not, or it is not there at all.
                if os.path.lexists(candidate) and "/" in name:
                    raise CommandNotFound(f"{name}: its interpreter or what it links to is missing") from None
                continue
            refused = refused or error.errno or _EACCES
    if refused == _ENOEXEC:
        raise CommandNotExecutable(f"{name}: exec format error (no program of this machine, and no #! line)")
    if refused:
        hint = "; is it a program with its execute bit?" if refused == _EACCES else ""
        raise CommandNotExecutable(f"{name}: {os.strerror(refused).lower()}{hint}")
    if "/" in name:
        raise CommandNotFound(f"{name}: no such file in the container")
    raise CommandNotFound(f"{name}: executable file not found in $PATH of the container ({search})")
