"""A small PID 1: forks the program, hands on signals, reaps orphans, ends as the program ends."""

from __future__ import annotations

import _signal
import os

from ipycontainer.linux import descriptors, prctl

_UNTOUCHABLE = frozenset({_signal.SIGKILL, _signal.SIGSTOP, _signal.SIGCHLD})


def reap_beside() -> None:
    """Return in the program's process; the caller stays in here as PID 1 and ends with the program's status.

    Signals are blocked and taken with sigwaitinfo, so none is lost between two waits.
    """
    every = _signal.valid_signals() - _UNTOUCHABLE
    # This process still holds the launcher's memory, and the program has the same user id: nobody may look into it.
    # An execve, which is next in the program's process, lifts this.
    prctl.set_dumpable(False)
    watched = every | {_signal.SIGCHLD}
    _signal.pthread_sigmask(_signal.SIG_BLOCK, watched)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        # Until this one's parent holds no descriptor any more: the program may look at /proc/1/fd first thing.
        os.close(theirs)
        os.read(ours, 1)
        os.close(ours)
        try:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpgrp())
        except OSError:
            pass  # no terminal
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, watched)
        return
    descriptors.close_from(3)
    while True:
        number = _signal.sigwaitinfo(watched).si_signo
        if number != _signal.SIGCHLD:
            _hand_on(child, number)
            continue
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                os._exit(128 - code if code < 0 else code)


def _hand_on(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except ProcessLookupError:
        pass  # it has just ended; its SIGCHLD is next
