"""docker's restart policies: whether a container that has ended is started again, and after which wait.

RUN/launch      the Launch of its next start, written by the job "limit" when `update` changes a container that runs;
                read by its monitor at its end.  It goes with the run folder.
"""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError
from ipycontainer.json_text import dumps, loads
from ipycontainer.linux.durability import write_file
from ipycontainer.runtime.inside import stopped
from ipycontainer.runtime.launch import Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FIRST_WAIT, LONGEST_WAIT = 0.1, 60.0
# Who has run for so long has started well: the next wait is the first again.
RAN_WELL = 10.0
_RENEWED = "launch"


class Restarts:
    """The restarts of one container, from one start by hand to the next.

    count: how many there were.
    """

    def __init__(self) -> None:
        self.count = 0
        self._wait = 0.0

    def wait_after(self, policy: str, most: int, exit_code: int, ran: float, mark: str = "") -> float | None:
        """Seconds until it is started again; None if it is not.  docker's restart manager does the same.

        policy: "always", "unless-stopped", "on-failure" or ""; most: restarts of the last, 0 for any number;
        ran: for how many seconds it ran; mark: what `stopped.read` says.
        """
        self._wait = FIRST_WAIT if ran >= RAN_WELL or not self._wait else min(2 * self._wait, LONGEST_WAIT)
        if mark == stopped.FINAL:
            return None
        wanted = {
            "always": True,
            "unless-stopped": not mark,
            "on-failure": exit_code != 0 and (not most or self.count < most),
        }
        if not wanted.get(policy, False):
            return None
        self.count += 1
        return self._wait


def renew(run: str, launch: Mapping[str, Any]) -> None:
    """The next start of the container that runs is this one (Launch.as_dict)."""
    path = os.path.join(run, _RENEWED)
    try:
        write_file(path, [dumps(launch).encode()], 0o600, durable=False)
    except OSError as error:
        raise KernelError("write", error.errno or 0, path) from None


def renewed(run: str) -> Launch | None:
    """What `renew` wrote."""
    try:
        with open(os.path.join(run, _RENEWED), "rb") as file:
            return Launch.from_dict(loads(file.read()))
    except FileNotFoundError:
        return None


def next_launch(launch: Launch, kept: Mapping[str, int]) -> Launch:
    """The Launch of a start that nobody waits for, in the namespaces behind these descriptors (by their OCI names)."""
    linux = dict(launch.spec.get("linux", {}))
    made = [item for item in linux.get("namespaces", ()) if item["type"] not in kept]
    joined = tuple((kind, f"/proc/self/fd/{descriptor}") for kind, descriptor in kept.items())
    there = [{"type": kind, "path": path} for kind, path in joined]
    spec = {**launch.spec, "linux": {**linux, "namespaces": [*made, *there]}}
    return launch.replace(spec=spec, kept=joined, attach=False, hold=False)
