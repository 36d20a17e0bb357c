"""Verbs in any order on a few containers, while launcher, monitors, programs and clients are killed: what the engine
says must be what a model says, and record, lock, process, cgroup, mounts and volumes must agree after each step.

    life_machine.py STORE SEED STEPS

It runs in a process of the persona's and prints each step.  A verb whose client was killed, or that two clients asked
for at once, may have been done or not: there the model takes what it finds, if that could be.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import rule, run_state_machine_as_test
from life_beside import Beside, hear
from life_model import CYCLES, KILLED, LIVING, say, until
from life_store import SIMPLE, Store
from life_verbs import Verbs

from ipycontainer import errors
from ipycontainer.launcher import alive
from ipycontainer.runtime.container_state import EXITED, PAUSED, RUNNING, UNKNOWN

_SIGKILL = 9
_MOST_TURNS = 100
_MOST_RESTARTS = 3  # its policy waits twice as long each time


class Life(Verbs, Beside):
    """The verbs, and the deaths."""

    @rule()
    def kill_the_launcher(self) -> None:
        if not self.begin():
            return
        pid = self.engine.launcher.running_pid()
        say("SIGKILL to the launcher", pid)
        if pid:
            os.kill(pid, _SIGKILL)

    @rule()
    def kill_a_monitor(self) -> None:
        if not (found := self.one("SIGKILL to the monitor of")):
            return
        _, known, container = found
        if known.status not in LIVING:
            return
        client = container.attach() if known.status == RUNNING else None
        until(lambda: container.state().monitor, "it has a monitor")
        os.kill(container.state().monitor, _SIGKILL)
        until(lambda: not container.state().runs, "the container is dead")
        if client is not None:
            self.refused(errors.LauncherError, lambda: [hear(client)])
            client.close()
        state = container.state()
        if known.status == CYCLES and state.status == EXITED:
            # It waited to be started again, and how it had ended was known.
            assert state.exit_code == known.own_code, state
            known.status, known.code = EXITED, known.own_code
            return
        assert state.status == UNKNOWN, state
        known.status, known.code = UNKNOWN, None

    @rule()
    def kill_a_program(self) -> None:
        """Nobody has stopped it: its policy has the word."""
        if not (found := self.one("SIGKILL to the program of")):
            return
        _, known, container = found
        if known.status != RUNNING or known.restarts >= _MOST_RESTARTS:
            return
        os.kill(container.pid, _SIGKILL)
        # A killed client may have marked it as stopped, and never have sent the signal that ends it.
        if known.goes_on(KILLED) and not known.by_hand:
            known.restarts += 1

            def runs_again() -> bool:
                state = container.state()
                is_new = state.status == RUNNING and state.restarts == known.restarts
                return is_new and "runs" in alive.read(container.run_folder)

            until(runs_again, "its policy has started it again")
        else:
            assert container.wait() == KILLED
            known.status, known.code = EXITED, KILLED

    @rule()
    def kill_a_client(self) -> None:
        if not (found := self.one("a client is killed, with")):
            return
        name, _, container = found
        chance = self.chance
        verb = chance.choice(list(VERBS))
        self._kill_after(VERBS[verb], verb, container)
        self.take_what_is_there(name)

    @rule()
    def kill_who_creates(self) -> None:
        """There is a container, whole, or none; and perhaps its volume."""
        if not self.begin():
            return
        name, known, volume = self.draw()
        if name in self.known:
            return
        say("a client is killed that creates", name, volume)
        before = set(self.volumes)
        self._kill_after(lambda engine: engine.create(known.request(name, volume)), "create", self.engine)
        self._age_unfinished()
        made = [container for container in self.engine.containers(all=True) if container.name not in self.known]
        there = {one.name for one in self.engine.volumes.list()}
        say("    found", made, there - before)
        assert len(made) <= 1 and len(there - before) <= 1
        for container in made:
            if not container.name:
                container.remove()  # it never got one
            else:
                self.known[name] = known
                self.settle_volume(known, container)
        for one in there - before:
            self.volumes[one] = ""

    def _age_unfinished(self) -> None:
        """What has no record is taken for a dead one's after a minute: let it be one."""
        directory, volumes = self.engine.directory, self.engine.volumes.folder
        unfinished = [directory.folder(one) for one in directory.ids() if directory.read(one) is None]
        if os.path.isdir(volumes):
            unfinished += [os.path.join(volumes, one) for one in os.listdir(volumes) if one.startswith(".")]
        for folder in unfinished:
            os.utime(folder, (0, 0))

    def _kill_after(self, act: Callable[[Any], object], verb: str, what: Any) -> None:
        delay = self.chance.uniform(0, 0.03)
        say("   ", verb, "after", round(delay * 1000, 1), "ms")
        client = self.client(act, what)
        time.sleep(delay)
        os.kill(client[0], _SIGKILL)
        self.said(client)

    @rule()
    def two_clients(self) -> None:
        if not (found := self.one("two clients at once, with")):
            return
        name, _, container = found
        verbs = [self.chance.choice(list(VERBS)) for _ in range(2)]
        say("   ", *verbs)
        clients = [self.client(VERBS[verb], container) for verb in verbs]

        def let_go_on() -> None:
            """Whoever is in a container that the other one pauses stands still with it."""
            if container.status == PAUSED:
                try:
                    container.unpause()
                except errors.WrongState:
                    pass

        for verb, client in zip(verbs, clients, strict=True):
            said = self.said(client, let_go_on)
            say("   ", verb, "->", said)
            # A right answer or a clear refusal.
            assert said == "done" or (said.startswith("refused") and "\n" not in said), said
        self.take_what_is_there(name)


VERBS: dict[str, Callable[[Any], object]] = {
    "start": lambda container: container.start(),
    "stop": lambda container: container.stop(timeout=0),
    "kill": lambda container: container.kill(),
    "restart": lambda container: container.restart(timeout=0),
    "pause": lambda container: container.pause(),
    "unpause": lambda container: container.unpause(),
    "rm": lambda container: container.remove(),
    "rm -v": lambda container: container.remove(volumes=True),
    "rm -f": lambda container: container.remove(force=True),
    "exec": lambda container: container.exec(["true"]),
    "attach": lambda container: container.attach().close(),
}


def main() -> None:
    """One machine."""
    store, number, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    Store.store = store
    # Hypothesis ends one early, once it has drawn much; another one, with other rules, then takes the rest.
    for turn in range(_MOST_TURNS):
        if Store.steps == steps:
            break
        Store.seed, Store.examples = f"{number}/{turn}", 0
        seed(number * _MOST_TURNS + turn)(Life)
        run_state_machine_as_test(
            Life,
            settings=settings(
                # Shrinking would need time that stands still.
                max_examples=SIMPLE + 1,
                stateful_step_count=steps - Store.steps,
                phases=(Phase.generate,),
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    say(Store.steps, "steps")


if __name__ == "__main__":
    main()
