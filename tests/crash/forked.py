"""A client that is forked to act, and the waiting for it: what the drivers of test builds have in common."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

from ipycontainer.fault_switch import SWITCH

from ipycontainer import errors
from ipycontainer.engine import about
from ipycontainer.launcher.client import Launcher

PATIENCE = 20.0
_SIGKILL = 9


class Trouble(Exception):
    """What is not as promised."""


def need(true: object, sentence: str) -> None:
    """Raises Trouble with `sentence` unless `true`."""
    if not true:
        raise Trouble(sentence)


def until(true: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Waits, polling; raises Trouble after `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        need(time.monotonic() < end, f"not within {seconds:g} s: {what}")
        time.sleep(0.002)


class Client:
    """A forked client that acts; `said` is what it wrote at its end, None if it was killed."""

    def __init__(self, act: Callable[[], int]) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            self._live(act, writing)
        os.close(writing)
        self._reading = reading
        self.said: str | None = None
        self.killed = False

    @staticmethod
    def _live(act: Callable[[], int], writing: int) -> None:
        SWITCH.become("client")
        try:
            said = f"ended {act()}"
        except errors.Error as error:
            said = f"error {error.exit_code} {type(error).__name__}: {error}"
        except BaseException as error:  # noqa: BLE001 - a forked child ends here, and says so
            said = f"crashed {type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)

    def see_to_the_end(self, attend: Callable[[], None]) -> None:
        """Until it has ended; `attend` is called meanwhile.  Raises Trouble when it hangs."""
        end = time.monotonic() + PATIENCE
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        try:
            while not poll.poll(2):
                attend()
                if time.monotonic() > end:
                    raise Trouble(f"the client hangs for {PATIENCE:g} s")
            self.said = os.read(self._reading, 65536).decode() or None
        except BaseException:
            os.kill(self.pid, _SIGKILL)  # it would be waited for in vain
            raise
        finally:
            os.close(self._reading)
            self.killed = os.WIFSIGNALED(os.waitpid(self.pid, 0)[1])
        need(self.said or self.killed, "the client ended without a word")
        need(not (self.said or "").startswith("crashed"), f"the client: {self.said}")
        need("\n" not in (self.said or ""), f"not one sentence: {self.said}")


def await_slot(launcher: Launcher) -> None:
    """Until one waits: who finds none begins at the plan's first step, and passes no slot.  Where none are kept, or
    each is killed, that is never."""
    launcher.connect().close()
    try:
        until(lambda: about.slots(launcher.run)["Waiting"], "", 2.0)
    except Trouble:
        pass
