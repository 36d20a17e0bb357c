"""What a process has from whoever started it, and hands on to all that it starts: limits, priorities, processors."""

from __future__ import annotations

import os
import resource

from ipycontainer.errors import KernelError
from ipycontainer.linux.syscalls import check, libc, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_NO_LIMIT = resource.RLIM_INFINITY
# What docker's own unit gives its daemon, and that its containers.  A stack without a bound would change where memory
# is mapped; with more descriptors those would be slow who close all that there could be.
_USUAL = {
    "RLIMIT_NOFILE": 1 << 20,
    "RLIMIT_STACK": 8 << 20,
    "RLIMIT_AS": _NO_LIMIT,
    "RLIMIT_CPU": _NO_LIMIT,
    "RLIMIT_DATA": _NO_LIMIT,
    "RLIMIT_FSIZE": _NO_LIMIT,
    "RLIMIT_NPROC": _NO_LIMIT,
    "RLIMIT_RSS": _NO_LIMIT,
}
# As its memory is, or its administrator says.
_MACHINES_OWN = ("RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_SIGPENDING")
_PROCESSORS = 8192  # Linux has no more
_IOPRIO_WHO_PROCESS = 1


def put_off() -> None:
    """Let what a caller has of its own hold for nobody else, as far as the kernel lets us.

    A hard limit that is lower than usual, and what made others come first, only root gets back.
    """
    for name in (*_USUAL, *_MACHINES_OWN):
        _set_limit(name)
    _try(lambda: os.sched_setaffinity(0, range(_PROCESSORS)))
    _try(lambda: os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0)))
    _try(lambda: os.setpriority(os.PRIO_PROCESS, 0, 0))
    _try(lambda: syscall("ioprio_set", _IOPRIO_WHO_PROCESS, 0, 0))
    _try(lambda: check("personality", libc.personality(0)))
    _try(_be_spared_like_others)


def _set_limit(name: str) -> None:
    kind = getattr(resource, name)
    hard = resource.getrlimit(kind)[1]
    usual = _USUAL.get(name, hard)
    for highest in (max(usual, hard, key=_size), hard):
        try:
            resource.setrlimit(kind, (min(usual, highest, key=_size), highest))
            return
        except (OSError, ValueError):
            continue  # CAP_SYS_RESOURCE raises a hard one


def _size(limit: int) -> float:
    return float("inf") if limit == _NO_LIMIT else limit


def _be_spared_like_others() -> None:
    """One that is spared stays so: its containers are not (steps/confine.py)."""
    with open("/proc/self/oom_score_adj", "r+b", buffering=0) as file:
        if int(file.read()) > 0:
            file.write(b"0")


def _try(act: Callable[[], object]) -> None:
    try:
        act()
    except (KernelError, OSError):
        pass  # this account may not
