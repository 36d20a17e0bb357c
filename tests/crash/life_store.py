"""One store and its model: how a step of the life machine begins, and what must hold after each."""

from __future__ import annotations

import os
import random
import select
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant
from life_model import (
    CYCLES,
    KILLED,
    LIVING,
    NAMES,
    PATIENCE,
    POLICIES,
    PROGRAMS,
    SLEEPS,
    VOLUMES,
    Known,
    say,
    until,
)

from ipycontainer import Engine, errors
from ipycontainer.launcher.alive import is_alive
from ipycontainer.runtime.container_state import EXITED, PAUSED, RESTARTING, RUNNING, UNKNOWN
from ipycontainer.runtime.inside import stopped

# The first examples are the simplest ones, one verb over and over: they do nothing here.
SIMPLE = 2
_QUIET = 0.5  # seconds: who does not move for so long has come to rest, on a busy machine too


class Store(RuleBasedStateMachine):
    """Hypothesis chooses the rules; what they draw is the seed's."""

    store, seed, examples, steps = "", "", 0, 0

    def __init__(self) -> None:
        super().__init__()
        Store.examples += 1
        self.chance = random.Random(self.seed)
        self.engine = Engine(self.store)
        self.known: dict[str, Known] = {}
        self.volumes: dict[str, str] = {}  # name -> what was written there last
        self.changed = False

    # How a step begins.

    def begin(self) -> random.Random | None:
        """The seed's; None where nothing is to be done."""
        if Store.examples <= SIMPLE:
            return None
        self.changed = True
        Store.steps += 1
        return self.chance

    def one(self, word: str) -> tuple[str, Known, Any] | None:
        """A container to do something with: its name, what is known of it, itself."""
        chance = self.begin()
        if chance is None:
            return None
        if not self.known:
            self.make()  # a machine may never choose that rule
        name = chance.choice(sorted(self.known))
        say(word, name, f"({self.known[name].status})")
        return name, self.known[name], self.engine.get(name)

    def make(self) -> None:
        """A container of any kind, or a refusal."""
        name, known, volume = self.draw()
        say("create", name, known.program, known.policy, f"volume {volume!r}", "health" if known.health else "")
        request = known.request(name, volume)
        if name in self.known:
            self.refused(errors.NameTaken, lambda: self.engine.create(request))
            return
        self.settle_volume(known, self.engine.create(request))
        self.known[name] = known

    def draw(self) -> tuple[str, Known, str | None]:
        """A name, what it shall be, and a volume: a name, "" for one without, None for none."""
        chance = self.chance
        name, program = chance.choice(NAMES), chance.choice((SLEEPS, *PROGRAMS))
        return (
            name,
            Known(program, chance.choice(POLICIES), health=chance.random() < 0.2),
            chance.choice((None, None, "", *VOLUMES)),
        )

    def settle_volume(self, known: Known, container: Any) -> None:
        """What create has made of its wish for a volume."""
        for item in container.config["request"]["volumes"]:
            known.volume, known.is_anonymous = item["name"], item["anonymous"]
            self.volumes.setdefault(known.volume, "")

    # What steps share.

    @staticmethod
    def refused(kind: type[errors.Error] | tuple[type[errors.Error], ...], act: Callable[[], object]) -> None:
        """`act` is refused, in one sentence."""
        try:
            act()
        except kind as error:
            assert "\n" not in str(error), error
        else:
            raise AssertionError(f"no {kind}")

    def is_started(self, container: Any, restarts: int = 0) -> None:
        """Somebody, or its policy, has just started it."""
        known = self.known[container.name]
        known.by_hand, known.restarts, known.code = False, restarts, known.own_code
        if known.code is None:
            known.status = RUNNING
        elif known.cycles:
            known.status = CYCLES
        else:
            known.status = EXITED
            if known.goes_on(known.code):
                known.restarts = 2
                until(lambda: container.state().status == EXITED, "it was started again as often as it may be")
                assert container.state().restarts == 2, container.state()
            assert container.wait(PATIENCE) == known.code

    def forget(self, name: str, with_volume: bool = False) -> None:
        """It is gone; and its anonymous volume, if it was removed with that and nobody else has it."""
        known = self.known.pop(name)
        if with_volume and known.is_anonymous:
            del self.volumes[known.volume]

    # Clients that are processes of their own.

    def client(self, act: Callable[[Any], object], container: Any) -> tuple[int, int]:
        """Fork one: its pid and the end of a pipe that will say how it was."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            return pid, reading
        said = "crashed"
        try:
            act(container)
            said = "done"
        except errors.Error as error:
            said = f"refused: {type(error).__name__}: {error}"
        except BaseException as error:  # noqa: BLE001 - a forked child ends here, and says so
            said = f"crashed: {type(error).__name__}: {error}"
        finally:
            os.write(writing, said.encode())
            os._exit(0)

    @staticmethod
    def said(client: tuple[int, int], meanwhile: Callable[[], object] = lambda: None) -> str:
        """What it said at its end; `meanwhile` is called as long as it is waited for."""
        pid, reading = client
        end = time.monotonic() + PATIENCE
        with open(reading, "rb") as file:
            while not select.select([reading], [], [], 0.1)[0]:
                meanwhile()
                if time.monotonic() > end:
                    os.kill(pid, 9)
                    raise AssertionError(f"a client hangs for {PATIENCE:g} s")
            said = file.read().decode()
        os.waitpid(pid, 0)
        return said

    def take_what_is_there(self, name: str) -> None:
        """When nothing moves any more: gone, or in a state that could be."""
        known = self.known[name]
        before, end = self._seen(name), time.monotonic() + PATIENCE
        quiet = time.monotonic()
        while time.monotonic() - quiet < _QUIET:
            time.sleep(0.02)
            now = self._seen(name)
            if now != before or (now is not None and now[0] == RESTARTING):
                before, quiet = now, time.monotonic()
            assert time.monotonic() < end, f"{name} does not come to rest: {now}"
        say("    found", before)
        if before is None:
            self.forget(name)
            there = {volume.name for volume in self.engine.volumes.list()}
            if known.is_anonymous and known.volume not in there:
                del self.volumes[known.volume]  # it was removed with it
            return
        status, code = before
        could_be = {KILLED, known.own_code, known.code}
        assert status != EXITED or code in could_be, f"an exit code that nobody can have seen: {before}"
        assert status != UNKNOWN or known.status == UNKNOWN, f"its monitor lived: {before}"
        container = self.engine.get(name)
        known.status, known.code = status, code
        known.restarts = container.state().restarts
        known.by_hand = stopped.read(container.folder) == stopped.FINAL

    def _seen(self, name: str) -> tuple[str, int | None] | None:
        try:
            state = self.engine.get(name).state()
        except errors.NoSuchContainer:
            return None
        known = self.known[name]
        if state.status in (RUNNING, RESTARTING) and known.own_code is not None:
            # One that is started again a few times only is on its way to its last end.
            return (CYCLES, None) if known.cycles else (RESTARTING, None)
        return state.status, state.exit_code

    # What must hold after each step.

    @invariant()
    def agree(self) -> None:
        """Record, lock, process, cgroup, mounts and volumes are as the model has them."""
        if not self.changed:
            return
        self.changed = False
        found = {container.name: container for container in self.engine.containers(all=True)}
        assert found.keys() == self.known.keys(), f"records: {sorted(found)}, and should be {sorted(self.known)}"
        for name, known in self.known.items():
            self._agrees(found[name], known)
        if os.geteuid() == 0:
            # Each overlay is a file system, with a number of its own.
            steady = [name for name, known in self.known.items() if known.status in (RUNNING, PAUSED)]
            steady = [name for name in steady if self.known[name].own_code is None]
            roots = [os.stat(f"/proc/{found[name].pid}/root").st_dev for name in steady]
            assert len(set(roots)) == len(roots), f"two containers have one root: {roots}"
        living = {found[name].run_folder for name, known in self.known.items() if known.status in LIVING}

        def only_living() -> bool:
            self.engine.containers(all=True)  # whoever looks sweeps what is dead by then
            return set(self.engine.directory.run_folders()) <= living

        until(only_living, f"run folders are left: {self.engine.directory.run_folders()}")
        volumes = {volume.name for volume in self.engine.volumes.list()}
        assert volumes == self.volumes.keys(), f"volumes: {volumes}, and should be {set(self.volumes)}"

    def _agrees(self, container: Any, known: Known) -> None:
        state = container.state()
        told = f"{container.name}: {state}, and should be {known.status} {known.code}"
        assert state.status in known.could_be, told
        assert state.runs or state.exit_code == (known.code if known.status == EXITED else None), told
        assert not state.runs or is_alive(container.run_folder), told
        if known.status not in (RUNNING, PAUSED):
            return
        os.close(os.pidfd_open(state.pid))
        for leaf in state.cgroups:
            members = f"{leaf}/{'tasks' if os.path.exists(f'{leaf}/tasks') else 'cgroup.procs'}"
            with open(members, encoding="ascii") as file:
                assert str(state.pid) in file.read().split(), f"{leaf}: {told}"

    def teardown(self) -> None:
        """An empty store, and nothing left of it."""
        if isinstance(sys.exc_info()[1], Exception):
            # Hypothesis would do it all once more, in a store that is another by now, and tell of that.
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        for container in self.engine.containers(all=True):
            container.remove(force=True)
        self.engine.volumes.prune(all=True)
        assert not self.engine.volumes.list()
        self.engine.shutdown()
        for folder in ("containers", "names", "trash", "volumes"):
            path = os.path.join(self.store, folder)
            left = os.listdir(path) if os.path.isdir(path) else []
            assert not left, f"{folder}: {left}"
