"""The points of a test build that are before and after steps: what a walk of them has to reach, by name."""

from __future__ import annotations

from driver import Driver

from ipycontainer.engine.launches import launch_of
from ipycontainer.engine.request import RunRequest
from ipycontainer.runtime.inside import slot
from ipycontainer.runtime.inside.jobs import read_host
from ipycontainer.runtime.inside.step import Plan
from ipycontainer.runtime.launch import Launch
from ipycontainer.runtime.plan import plan
from ipycontainer.runtime.program_plan import plan_exec


class StepPoints:
    """Those of one driver's requests, on this machine."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def _launch(self, request: RunRequest) -> Launch:
        engine = self._driver.engine
        container = engine.create(request)
        found = launch_of(engine, container, True, False, None)
        container.remove()
        return found

    def _plan(self, launch: Launch) -> Plan:
        return plan(launch, read_host(self._driver.engine.launcher.mode))

    def cold(self) -> list[str]:
        """Every step of a full plan, the cold way."""
        return _of(self._plan(self._launch(self._driver.everything(False))))

    def beside(self) -> list[str]:
        """The last steps inside, and the first after them, of a full plan among another container's processes."""
        request = self._driver.beside()
        names = _of(self._plan(self._launch(request)))
        self._driver.calm()
        at = next(number for number, name in enumerate(names) if ".OpenTerminal." in name)
        held = [name for name in names[:at] if ".HoldLimit." in name or ".ShowProcesses." in name]
        return held + names[at : at + 6]

    def slot(self) -> list[str]:
        """What a slot walks ahead for runs like ours."""
        launch = self._launch(self._driver.request(False))
        ahead = slot._ahead(self._plan(launch), launch.etc_folder)[0]
        names = [f"slot.{type(step).__name__}" for step in ahead]
        return [f"{name}.{side}" for name in dict.fromkeys(names) for side in ("before", "after")]

    def exec(self) -> list[str]:
        """Every step of an exec, but after Execute."""
        launch = self._launch(self._driver.everything(False)).replace(init=False)
        steps = plan_exec(launch, read_host(self._driver.engine.launcher.mode), (), ())
        return [f"child.exec.{number}.{type(step).__name__}.before" for number, step in enumerate(steps)]


def _of(whole: Plan) -> list[str]:
    parts = (("starter.outside", whole.outside), ("child.inside", whole.inside), ("child.last", whole.last))
    names = [
        f"{part}.{number}.{type(step).__name__}.{side}"
        for part, steps in parts
        for number, step in enumerate(steps)
        # After a step is before the next one; nobody is there after Execute.
        for side in (("before", "after") if number == len(steps) - 1 else ("before",))
    ]
    return names[:-1] if names[-1].endswith("after") else names
