"""Verbs in any order on a few containers, while launcher, monitors and clients are killed: what the engine says must
be what a model says, and record, lock, process, cgroup and mounts must agree after each step.

    life_machine.py STORE SEED STEPS

It runs in a process of the persona's and prints each step.  A verb whose client was killed, or that two clients asked
for at once, may have been done or not: there the model takes what it finds, if that could be.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ipycontainer import Engine, errors
from ipycontainer.engine.request import RunRequest
from ipycontainer.launcher.alive import is_alive
from ipycontainer.runtime.container_state import CREATED, EXITED, PAUSED, RUNNING, UNKNOWN

NAMES = ("ape", "bee", "cat", "dog")
LIVING = (RUNNING, PAUSED)
PROGRAMS: dict[str, int | None] = {"sleep 1000": None, "exit 0": 0, "exit 7": 7}
_SIGKILL = 9
PATIENCE = 20.0

# The first examples are the simplest ones, one verb over and over: they do nothing here.
_SIMPLE = 2


class Known:
    """What the model knows of one container."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.status = CREATED
        self.code: int | None = None


def say(*words: object) -> None:
    """One step, for whoever reads what failed."""
    print(*words, flush=True)


def until(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Waits, polling."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.005)


class Life(RuleBasedStateMachine):
    """One store.  Hypothesis chooses the rules; what they draw is the seed's."""

    store, seed, examples = "", 0, 0

    def __init__(self) -> None:
        super().__init__()
        Life.examples += 1
        self.chance = random.Random(self.seed)
        self.engine = Engine(self.store)
        self.known: dict[str, Known] = {}
        self.changed = False

    # Verbs, one client at a time.

    @rule()
    def create(self) -> None:
        if not (chance := self._begin()):
            return
        name, program = chance.choice(NAMES), chance.choice(list(PROGRAMS))
        say("create", name, program)
        request = RunRequest(
            image="base", command=("sh", "-c", f"exec {program}" if "sleep" in program else program), name=name
        )
        if name in self.known:
            self._refused(errors.NameTaken, lambda: self.engine.create(request))
            return
        self.engine.create(request)
        self.known[name] = Known(program)

    @rule()
    def start(self) -> None:
        if not (found := self._one("start")):
            return
        name, known, container = found
        if known.status in LIVING:
            self._refused(errors.WrongState, container.start)
            return
        container.start()
        self._is_started(name, container)

    @rule()
    def restart(self) -> None:
        if not (found := self._one("restart")):
            return
        name, _, container = found
        container.restart(timeout=0)
        self._is_started(name, container)

    @rule()
    def stop(self) -> None:
        if not (found := self._one("stop")):
            return
        _, known, container = found
        container.stop(timeout=0)
        if known.status in LIVING:
            known.status, known.code = EXITED, 137

    @rule()
    def kill(self) -> None:
        if not (found := self._one("kill")):
            return
        _, known, container = found
        if known.status not in LIVING:
            self._refused(errors.WrongState, container.kill)
            return
        container.kill()
        assert container.wait(PATIENCE) == 137
        known.status, known.code = EXITED, 137

    @rule()
    def pause(self) -> None:
        if not (found := self._one("pause")):
            return
        _, known, container = found
        if known.status != RUNNING:
            self._refused(errors.WrongState, container.pause)
        elif not container.can_pause:
            self._refused(errors.Refused, container.pause)
        else:
            container.pause()
            known.status = PAUSED

    @rule()
    def unpause(self) -> None:
        if not (found := self._one("unpause")):
            return
        _, known, container = found
        if known.status != PAUSED:
            self._refused(errors.WrongState, container.unpause)
            return
        container.unpause()
        known.status = RUNNING

    @rule()
    def look(self) -> None:
        if not (found := self._one("look at")):
            return
        _, known, container = found
        state = container.inspect()["State"]
        assert state["Status"] == {UNKNOWN: "dead"}.get(known.status, known.status), (state, known.status)
        try:
            code: int | None = container.wait(0)
        except errors.TimedOut:
            code = None
            assert known.status in (*LIVING, CREATED)
        except errors.WrongState:
            code = None
            assert known.status == UNKNOWN
        assert code == (known.code if known.status == EXITED else None)
        container.usage()
        container.logs()

    @rule()
    def execute(self) -> None:
        if not (found := self._one("exec in")):
            return
        _, known, container = found
        if known.status != RUNNING:
            self._refused(errors.WrongState, lambda: container.exec(["true"]))
            return
        assert container.exec(["sh", "-c", "exit 5"]).exit_code == 5

    @rule()
    def rename(self) -> None:
        if not (found := self._one("rename")):
            return
        name, _, container = found
        other = self.chance.choice(NAMES)
        if other == name:
            self._refused(errors.InputError, lambda: container.rename(other))
        elif other in self.known:
            self._refused(errors.NameTaken, lambda: container.rename(other))
        else:
            container.rename(other)
            self.known[other] = self.known.pop(name)

    @rule()
    def remove(self) -> None:
        if not (found := self._one("rm")):
            return
        name, known, container = found
        if known.status in LIVING:
            self._refused(errors.WrongState, container.remove)
            return
        container.remove()
        del self.known[name]

    @rule()
    def remove_by_force(self) -> None:
        if not (found := self._one("rm -f")):
            return
        name, _, container = found
        container.remove(force=True)
        del self.known[name]

    # Deaths.

    @rule()
    def kill_the_launcher(self) -> None:
        if not self._begin():
            return
        pid = self.engine.launcher.running_pid()
        say("SIGKILL to the launcher", pid)
        if pid:
            os.kill(pid, _SIGKILL)

    @rule()
    def kill_a_monitor(self) -> None:
        if not (found := self._one("SIGKILL to the monitor of")):
            return
        _, known, container = found
        if known.status not in LIVING:
            return
        os.kill(container.state().monitor, _SIGKILL)
        until(lambda: container.status == UNKNOWN, "the container is dead")
        known.status, known.code = UNKNOWN, None

    @rule()
    def kill_a_client(self) -> None:
        if not (found := self._one("a client is killed, with")):
            return
        name, _, container = found
        chance = self.chance
        verb = chance.choice(list(VERBS))
        delay = chance.uniform(0, 0.03)
        say("   ", verb, "after", round(delay * 1000, 1), "ms")
        client = self._client(VERBS[verb], container)
        time.sleep(delay)
        os.kill(client[0], _SIGKILL)
        self._said(client)
        self._take_what_is_there(name)

    @rule()
    def two_clients(self) -> None:
        if not (found := self._one("two clients at once, with")):
            return
        name, _, container = found
        chance = self.chance
        verbs = [chance.choice(list(VERBS)) for _ in range(2)]
        say("   ", *verbs)
        clients = [self._client(VERBS[verb], container) for verb in verbs]
        for verb, client in zip(verbs, clients, strict=True):
            said = self._said(client)
            say("   ", verb, "->", said)
            # A right answer or a clear refusal.
            assert said == "done" or (said.startswith("refused") and "\n" not in said), said
        self._take_what_is_there(name)

    # What they share.

    def _begin(self) -> random.Random | None:
        if Life.examples <= _SIMPLE:
            return None
        self.changed = True
        return self.chance

    def _one(self, word: str) -> tuple[str, Known, Any] | None:
        chance = self._begin()
        if chance is None:
            return None
        if not self.known:
            self.create()  # a machine may never choose that rule
        name = chance.choice(sorted(self.known))
        say(word, name, f"({self.known[name].status})")
        return name, self.known[name], self.engine.get(name)

    def _refused(self, kind: type[errors.Error], act: Callable[[], object]) -> None:
        try:
            act()
        except kind as error:
            assert "\n" not in str(error)
        else:
            raise AssertionError(f"no {kind.__name__}")

    def _is_started(self, name: str, container: Any) -> None:
        known = self.known[name]
        known.status, known.code = RUNNING, PROGRAMS[known.program]
        if known.code is not None:
            assert container.wait(PATIENCE) == known.code
            known.status = EXITED

    def _client(self, act: Callable[[Any], object], container: Any) -> tuple[int, int]:
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
    def _said(client: tuple[int, int]) -> str:
        pid, reading = client
        with open(reading, "rb") as file:
            said = file.read().decode()
        os.waitpid(pid, 0)
        return said

    def _take_what_is_there(self, name: str) -> None:
        """When nothing moves any more: gone, or in a state that could be."""
        known = self.known[name]
        before, end = self._seen(name), time.monotonic() + PATIENCE
        quiet = time.monotonic()
        while time.monotonic() - quiet < 0.2:
            time.sleep(0.02)
            now = self._seen(name)
            if now != before:
                before, quiet = now, time.monotonic()
            assert time.monotonic() < end, f"{name} does not come to rest: {now}"
        say("    found", before)
        if before is None:
            del self.known[name]
            return
        status, code = before
        could_be = {137, PROGRAMS[known.program], known.code}
        assert status != EXITED or code in could_be, f"an exit code that nobody can have seen: {before}"
        assert status != UNKNOWN or known.status == UNKNOWN, f"its monitor lived: {before}"
        known.status, known.code = status, code

    def _seen(self, name: str) -> tuple[str, int | None] | None:
        try:
            state = self.engine.get(name).state()
        except errors.NoSuchContainer:
            return None
        return state.status, state.exit_code

    # What must hold after each step.

    @invariant()
    def agree(self) -> None:
        if not self.changed:
            return
        self.changed = False
        found = {container.name: container for container in self.engine.containers(all=True)}
        assert found.keys() == self.known.keys(), f"records: {sorted(found)}, and should be {sorted(self.known)}"
        for name, known in self.known.items():
            self._agrees(found[name], known)
        if os.geteuid() == 0:
            # Each overlay is a file system, with a number of its own.
            pids = [found[name].pid for name, known in self.known.items() if known.status in LIVING]
            roots = [os.stat(f"/proc/{pid}/root").st_dev for pid in pids]
            assert len(set(roots)) == len(roots), f"two containers have one root: {roots}"
        living = {found[name].run_folder for name, known in self.known.items() if known.status in LIVING}

        def only_living() -> bool:
            self.engine.containers(all=True)  # whoever looks sweeps what is dead by then
            return set(self.engine.directory.run_folders()) <= living

        until(only_living, f"run folders are left: {self.engine.directory.run_folders()}")

    def _agrees(self, container: Any, known: Known) -> None:
        state = container.state()
        told = f"{container.name}: {state}, and should be {known.status} {known.code}"
        assert (state.status, state.exit_code) == (known.status, known.code if known.status == EXITED else None), told
        assert state.status not in LIVING or is_alive(container.run_folder), told
        if state.status not in LIVING:
            return
        os.close(os.pidfd_open(state.pid))
        for leaf in state.cgroups:
            with open(
                f"{leaf}/{'tasks' if os.path.exists(f'{leaf}/tasks') else 'cgroup.procs'}", encoding="ascii"
            ) as file:
                assert str(state.pid) in file.read().split(), f"{leaf}: {told}"

    def teardown(self) -> None:
        """An empty store, and nothing left of it."""
        for container in self.engine.containers(all=True):
            container.remove(force=True)
        self.engine.shutdown()
        for folder in ("containers", "names", "trash"):
            path = os.path.join(self.store, folder)
            left = os.listdir(path) if os.path.isdir(path) else []
            assert not left, f"{folder}: {left}"


VERBS: dict[str, Callable[[Any], object]] = {
    "start": lambda container: container.start(),
    "stop": lambda container: container.stop(timeout=0),
    "kill": lambda container: container.kill(),
    "restart": lambda container: container.restart(timeout=0),
    "pause": lambda container: container.pause(),
    "unpause": lambda container: container.unpause(),
    "rm": lambda container: container.remove(),
    "rm -f": lambda container: container.remove(force=True),
    "exec": lambda container: container.exec(["true"]),
}


def main() -> None:
    """One machine."""
    store, number, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    Life.store, Life.seed = store, number
    seed(number)(Life)
    run_state_machine_as_test(
        Life,
        settings=settings(
            # Shrinking would need time that stands still.
            max_examples=_SIMPLE + 1,
            stateful_step_count=steps,
            phases=(Phase.generate,),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    main()
