"""The life machine's verbs, one client at a time."""

from __future__ import annotations

from typing import Any

from hypothesis.stateful import rule
from life_model import CYCLES, KILLED, LIVING, NAMES, PATIENCE, POLICIES, Known, until
from life_store import Store

from ipycontainer import errors
from ipycontainer.runtime.container_state import CREATED, EXITED, PAUSED, RUNNING, UNKNOWN


class Verbs(Store):
    """What moves a container from state to state.

    One that ends and is started again for ever (CYCLES) runs or waits at any moment: what needs it to run may be
    refused, what needs it not to run must be.
    """

    @rule()
    def create(self) -> None:
        if self.begin():
            self.make()

    @rule()
    def start(self) -> None:
        if not (found := self.one("start")):
            return
        _, known, container = found
        if known.status in LIVING:
            self.refused(errors.WrongState, container.start)
            return
        container.start()
        self.is_started(container)

    @rule()
    def restart(self) -> None:
        if not (found := self.one("restart")):
            return
        container = found[2]
        container.restart(timeout=0)
        self.is_started(container)

    @rule()
    def stop(self) -> None:
        if not (found := self.one("stop")):
            return
        _, known, container = found
        container.stop(timeout=0)
        self._is_ended(known, container)

    @rule()
    def kill(self) -> None:
        if not (found := self.one("kill")):
            return
        _, known, container = found
        if known.status not in LIVING:
            self.refused(errors.WrongState, container.kill)
            return
        try:
            container.kill()
        except errors.WrongState:
            assert known.status == CYCLES  # it had just ended, and that was then its last end
        until(lambda: not container.state().runs, "it is dead")
        self._is_ended(known, container)

    def _is_ended(self, known: Known, container: Any) -> None:
        """Somebody has stopped it by hand; one that ends by itself may have done that at this moment."""
        if known.status not in LIVING:
            return
        code = container.wait(PATIENCE)
        assert code == KILLED or (code == known.own_code and known.status == CYCLES), code
        known.ends(code)

    @rule()
    def pause(self) -> None:
        if not (found := self.one("pause")):
            return
        _, known, container = found
        if known.status == CYCLES:
            try:
                container.pause()
            except (errors.WrongState, errors.Refused):
                return
            known.status = PAUSED
        elif known.status != RUNNING:
            self.refused(errors.WrongState, container.pause)
        elif not container.can_pause:
            self.refused(errors.Refused, container.pause)
        else:
            container.pause()
            known.status = PAUSED

    @rule()
    def unpause(self) -> None:
        if not (found := self.one("unpause")):
            return
        _, known, container = found
        if known.status != PAUSED:
            self.refused(errors.WrongState, container.unpause)
            return
        container.unpause()
        known.status = RUNNING
        if known.own_code is not None:
            self.is_started(container, container.state().restarts)

    @rule()
    def look(self) -> None:
        if not (found := self.one("look at")):
            return
        _, known, container = found
        status = container.inspect()["State"]["Status"]
        assert status in {{UNKNOWN: "dead"}.get(one, one) for one in known.could_be}, (status, known.status)
        try:
            code: int | None = container.wait(0)
        except errors.TimedOut:
            code = None
            assert known.status in LIVING
        except errors.WrongState:
            code = None
            assert known.status == UNKNOWN
        allowed = {None, known.own_code} if known.status == CYCLES else {known.code if known.status == EXITED else None}
        if known.status == CREATED:
            allowed = {0}
        assert code in allowed, code
        container.usage()
        container.logs()

    @rule()
    def execute(self) -> None:
        if not (found := self.one("exec in")):
            return
        _, known, container = found
        if known.status == CYCLES:
            try:
                code = container.exec(["sh", "-c", "exit 5"]).exit_code
            except errors.Error as error:
                assert "\n" not in str(error), error
            else:
                assert code in (5, KILLED), code
        elif known.status != RUNNING:
            self.refused(errors.WrongState, lambda: container.exec(["true"]))
        else:
            assert container.exec(["sh", "-c", "exit 5"]).exit_code == 5

    @rule()
    def rename(self) -> None:
        if not (found := self.one("rename")):
            return
        name, _, container = found
        other = self.chance.choice(NAMES)
        if other == name:
            self.refused(errors.InputError, lambda: container.rename(other))
        elif other in self.known:
            self.refused(errors.NameTaken, lambda: container.rename(other))
        else:
            container.rename(other)
            self.known[other] = self.known.pop(name)

    @rule()
    def update(self) -> None:
        """Another restart policy, for the next end or start."""
        if not (found := self.one("update")):
            return
        name, known, container = found
        if known.status == CYCLES or (known.status == PAUSED and known.own_code is not None):
            return  # whether it is at its last end already nobody knows
        known.policy = self.chance.choice(POLICIES)
        container.update(restart=known.policy)
        told = self.engine.get(name).inspect()["HostConfig"]["RestartPolicy"]
        assert told["Name"] == known.policy.partition(":")[0]

    @rule()
    def remove(self) -> None:
        if not (found := self.one("rm")):
            return
        name, known, container = found
        with_volume = self.chance.random() < 0.5
        if known.status in LIVING:
            self.refused(errors.WrongState, lambda: container.remove(volumes=with_volume))
            return
        container.remove(volumes=with_volume)
        self.forget(name, with_volume)

    @rule()
    def remove_by_force(self) -> None:
        if not (found := self.one("rm -f")):
            return
        name, _, container = found
        with_volume = self.chance.random() < 0.5
        container.remove(force=True, volumes=with_volume)
        self.forget(name, with_volume)

    @rule()
    def boot(self) -> None:
        """`system boot`: what ran, has a policy for it, and was not stopped by hand."""
        if not self.begin():
            return
        wanted = {name for name, known in self.known.items() if known.is_wanted()}
        failed: list[object] = []
        started = self.engine.boot(lambda *pair: failed.append(pair))
        assert not failed, failed
        assert {container.name for container in started} == wanted, (started, wanted)
        for container in started:
            self.is_started(container)
