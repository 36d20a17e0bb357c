"""The switch of a test build: kills, fails or halts the process that reaches the point it is set to.

    IPYCONTAINER_FAULT=starter.begun=kill python -c "…main()" run base true      (with a test build on its path)

It lies in a page that all processes of the build map before they fork, because a child sees no file of the host any
more; it fires once.  Only tests/crash/build.py lays this module beside the package.
"""

from __future__ import annotations

import functools
import mmap
import os
import time

from ipycontainer.fault_points import BECOMES, WALK, every_row

from ipycontainer.errors import KernelError, StartError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "switch")
ACTIONS = ("", "kill", "fail", "halt")
_ARMED, _ACTION, _REACHED, _RELEASED, _LENGTH, _WHO, _NAME = 0, 1, 2, 3, 4, 8, 16
_ENOSPC, _SIGKILL = 28, 9


class Switch:
    """The page, and what this process is."""

    def __init__(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._page = mmap.mmap(descriptor, mmap.PAGESIZE)
        os.close(descriptor)
        self._role, self._of, self._pid = "", 0, 0
        self.become("client")

    def become(self, role: str) -> None:
        """Say what this process is from here on; a fork is nothing until it says so."""
        if (pid := os.getpid()) != self._of or not self._role:
            # The number that the host knows, as long as /proc is the host's: a slot's child has its own before a
            # container moves in.
            self._pid = int(os.readlink("/proc/self"))
        self._role, self._of = role, pid

    @property
    def role(self) -> str:
        """What this process is, if it has said so."""
        return self._role if self._of == os.getpid() else ""

    def arm(self, name: str, action: str) -> None:
        """Fire at the first process that reaches `name`."""
        raw = name.encode()
        self.disarm()
        self._page[_NAME : _NAME + len(raw)] = raw
        self._page[_LENGTH] = len(raw)
        self._page[_ACTION] = ACTIONS.index(action)
        self._page[_ARMED] = 1

    def disarm(self) -> None:
        """Fire at nobody, and let go whoever halts."""
        self._page[_ARMED] = self._page[_REACHED] = 0
        self._page[_RELEASED] = 1

    @property
    def reached(self) -> bool:
        """Whether somebody did."""
        return bool(self._page[_REACHED])

    @property
    def halted(self) -> int:
        """Who halts and waits to be killed: a process number of the host, or 0."""
        waits = self._page[_REACHED] and not self._page[_RELEASED]
        return int.from_bytes(self._page[_WHO : _WHO + 4], "little") if waits else 0

    def reach(self, name: str) -> None:
        """The point."""
        page = self._page
        if not page[_ARMED] or page[_NAME : _NAME + page[_LENGTH]] != name.encode():
            return
        if self.role != name.partition(".")[0]:
            return
        page[_ARMED] = 0
        action = ACTIONS[page[_ACTION]]
        if action == "fail":
            page[_REACHED] = 1
            raise KernelError("fault", _ENOSPC, name)
        page[_WHO : _WHO + 4] = self._pid.to_bytes(4, "little")
        if action == "kill" and self._of != 1:
            page[_REACHED] = 1
            os.kill(self._of, _SIGKILL)
        # PID 1 is deaf to its own namespace: pid_namespaces(7).  Somebody outside has to do it.
        page[_RELEASED] = 0
        page[_REACHED] = 1
        while not page[_RELEASED]:
            time.sleep(0.001)


SWITCH = Switch(PATH)


def instrument(module: str, names: dict[str, Any]) -> None:
    """Wrap what the points name in `module`, whose globals are `names`."""
    module = module.removeprefix("ipycontainer.")
    if module == WALK.partition(":")[0]:
        names["walk"] = _walking(names["walk"])
    seams: dict[str, dict[str, list[str]]] = {}
    for name, (_, seam, side, _) in every_row().items():
        seams.setdefault(seam, {"before": [], "after": []})[side].append(name)
    for seam in {*seams, *BECOMES}:
        home, _, path = seam.partition(":")
        if home == module:
            _wrap(names, path, BECOMES.get(seam, ""), seams.get(seam, {"before": [], "after": []}))


def _wrap(names: dict[str, Any], path: str, role: str, points: dict[str, list[str]]) -> None:
    owner, _, attribute = path.rpartition(".")
    found = vars(names[owner])[attribute] if owner else names[attribute]

    @functools.wraps(found)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if role:
            SWITCH.become(role)
        for name in points["before"]:
            SWITCH.reach(name)
        result = found(*arguments, **named)
        for name in points["after"]:
            SWITCH.reach(name)
        return result

    if owner:
        setattr(names[owner], attribute, wrapped)
    else:
        names[attribute] = wrapped


def _walking(walk: Callable[..., None]) -> Callable[..., None]:
    """Each step has a point before and one after it."""

    def walked(part: str, steps: Any, place: Any, first: int = 0) -> None:
        who = "starter" if part == "outside" else "child"
        for number, step in enumerate(steps, first):
            name = type(step).__name__
            point = f"slot.{name}" if SWITCH.role == "slot" else f"{who}.{part}.{number}.{name}"
            try:
                SWITCH.reach(f"{point}.before")
            except KernelError:
                raise StartError(f"{name}: a failure was injected at step {number} of {part}") from None
            walk(part, [step], place, number)
            if name in ("StartInit", "ForkInside"):
                SWITCH.become(who)  # the program's process, beside a PID 1 that reaps or from one that ends
            SWITCH.reach(f"{point}.after")

    return walked


def _armed_by(text: str) -> None:
    name, equals, action = text.partition("=")
    if not equals or action not in ACTIONS:
        raise SystemExit(f"IPYCONTAINER_FAULT={text} is not POINT=kill, POINT=fail or POINT=halt")
    SWITCH.arm(name, action)


if "IPYCONTAINER_FAULT" in os.environ:
    _armed_by(os.environ["IPYCONTAINER_FAULT"])
