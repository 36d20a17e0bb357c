"""What the life machine expects of one container: its program, its policy, and what they make of an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ipycontainer.engine.request import RunRequest, VolumeMount
from ipycontainer.runtime.container_state import CREATED, EXITED, PAUSED, RESTARTING, RUNNING

NAMES = ("ape", "bee", "cat", "dog")
VOLUMES = ("ant", "bug")
SLEEPS, ANSWERS = "exec sleep 1000", "while read line; do echo got $line; done"
PROGRAMS: dict[str, int | None] = {SLEEPS: None, ANSWERS: None, "exit 0": 0, "exit 7": 7}
POLICIES = ("no", "no", "no", "always", "unless-stopped", "on-failure", "on-failure:2")
# It ends at once and is started again, for ever: now it runs, now it waits.
CYCLES = "cycles"
LIVING = (RUNNING, PAUSED, CYCLES)
KILLED = 137
PATIENCE = 20.0
HEALTH = "test ! -e /sick"


class Known:
    """What the model knows of one container.

    volume: the name of what it has at /data, "" for nothing; restarts: by its policy since it was last started by
    hand; by_hand: somebody has stopped it since, which its policy has to mind.
    """

    def __init__(self, program: str, policy: str = "no", health: bool = False) -> None:
        self.program = program
        self.policy = policy
        self.health = health
        self.volume = ""
        self.is_anonymous = False
        self.status = CREATED
        self.code: int | None = None
        self.restarts = 0
        self.by_hand = False

    def request(self, name: str, volume: str) -> RunRequest:
        """volume: a name, "" for one without, None for none."""
        health = {"health_cmd": HEALTH, "health_interval": 0.2, "health_retries": 1} if self.health else {}
        mounts = () if volume is None else (VolumeMount(volume, "/data"),)
        return RunRequest(
            image="base", command=("sh", "-c", self.program), name=name, restart=self.policy, volumes=mounts,
            interactive=self.program == ANSWERS, attach=(), **health,
        )  # fmt: skip

    @property
    def own_code(self) -> int | None:
        """What its program ends with if nobody ends it."""
        return PROGRAMS[self.program]

    def goes_on(self, code: int) -> bool:
        """Whether its policy starts it again after an end with `code`."""
        if self.policy in ("always", "unless-stopped"):
            return True
        most = int(self.policy.partition(":")[2] or 1 << 30)
        return self.policy.startswith("on-failure") and code != 0 and self.restarts < most

    @property
    def cycles(self) -> bool:
        """Whether it ends and is started again for ever."""
        return self.own_code is not None and self.policy != "on-failure:2" and self.goes_on(self.own_code)

    @property
    def could_be(self) -> set[str]:
        """What a look may find it to be now."""
        return {RUNNING, RESTARTING} if self.status == CYCLES else {self.status}

    def ends(self, code: int | None) -> None:
        """Somebody has ended it for good."""
        self.status, self.code, self.by_hand = EXITED, code, self.policy != "no"

    def is_wanted(self) -> bool:
        """Whether `system boot` starts it."""
        kept = self.policy in ("always", "unless-stopped") and not self.by_hand
        return kept and self.status not in (CREATED, *LIVING)


def say(*words: object) -> None:
    """One step, for whoever reads what failed."""
    print(*words, flush=True)


def until(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> Any:
    """Waits, polling, for what is true, and gives it."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.005)
    return found
