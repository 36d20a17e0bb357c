"""A systemd scope of the launcher's own, where systemd runs this machine.

systemd ends what it started by control group: a notebook server's service, a login's session.  Whatever sits in that
group goes too, however it was forked, so the launcher, and with it every container, begins in a unit of its own
(systemd.scope(5)).  The unit is delegated (systemd.resource-control(5), Delegate=): below it, control groups are ours,
and on version 2 that is how an ordinary user's limits are kept.

`systemd-run --scope` asks the user's manager, or for root the machine's, moves itself there and becomes the program.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import KernelError
from ipycontainer.linux.cgroups.files import text, write
from ipycontainer.linux.cgroups.layout import parse_own, read_layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PROGRAMS = ("/usr/bin/systemd-run", "/bin/systemd-run", "/run/current-system/sw/bin/systemd-run")
_PREFIX, _SUFFIX = "ipycontainer-", ".scope"
# Where the launcher itself sits: a group that hands controllers to its children has no processes ("no internal
# processes", cgroup-v2.rst), and the scope is to hand them to the containers.
_OWN = "launcher"
_PATIENCE = 2.0


def available() -> bool:
    """Whether there is a manager that this account may ask for a scope."""
    return bool(_program()) and os.path.exists(_manager())


def _program() -> str:
    return next((path for path in _PROGRAMS if os.access(path, os.X_OK)), "")


def _manager() -> str:
    """The manager's socket.  A user's exists while a session of the user does, or for ever with lingering."""
    uid = os.geteuid()
    return f"/run/user/{uid}/systemd/private" if uid else "/run/systemd/private"


def words(name: str) -> list[str]:
    """What goes before a command that shall run in the scope called `name`; [] where there is no manager to ask."""
    if not available():
        return []
    user = ["--user"] if os.geteuid() else []
    unit = f"--unit={_PREFIX}{name}{_SUFFIX}"
    told = "--description=Containers of ipycontainer"
    return [_program(), *user, "--scope", "--quiet", "--collect", unit, told, "--property=Delegate=yes", "--"]


def environment() -> Mapping[str, str]:
    """What systemd-run needs to find the user's manager; a notebook server's own environment often lacks it."""
    uid = os.geteuid()
    return {"XDG_RUNTIME_DIR": f"/run/user/{uid}"} if uid else {}


def is_ours(own: str) -> bool:
    """Whether a /proc/PID/cgroup says that the process is in a scope made here."""
    return any(_PREFIX in path and _SUFFIX in path for path in parse_own(own).values())


def settle() -> None:
    """In the scope: move this process to a group below it, so that containers' groups can hang beside that one.

    Does nothing elsewhere.  Whoever else is still in the scope is on the way out: it is waited for.
    """
    if not is_ours(text("/proc/self/cgroup")):
        return
    levels = read_layout().v2
    if not levels or not levels[0].writable or not levels[0].path.endswith(_SUFFIX):
        return
    scope = levels[0].path
    try:
        os.makedirs(f"{scope}/{_OWN}", 0o755, exist_ok=True)
        write(f"{scope}/{_OWN}/cgroup.procs", "0")
    except (OSError, KernelError):
        return  # not delegated after all: limits are then refused with their own sentence
    end = time.monotonic() + _PATIENCE
    while text(f"{scope}/cgroup.procs") and time.monotonic() < end:
        time.sleep(0.002)
