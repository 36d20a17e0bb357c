"""Walks the points of pull, load, commit, rmi and prune, as a persona: one act, one fault, then the store is looked at.

Laid beside a test build, as tests/crash/driver.py is, whose client (forked.py) and switch it uses.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

import victims
from forked import Client, Trouble, need, until
from ipycontainer.fault_switch import SWITCH

from ipycontainer import Engine, errors
from ipycontainer.engine.upkeep import prune_images
from ipycontainer.images.verify import DAMAGED, check

_SIGKILL = 9
_ENOUGH = 5
NEW = "new:1"


class KillDriver:
    """One store.  about: pulled (a name at a registry), archive (a path) and loaded (the name in it)."""

    def __init__(self, engine: Engine, about: dict[str, str]) -> None:
        self.engine = engine
        self.about = about
        self.switch = SWITCH
        self._whole: dict[str, list[tuple[str, int]]] = {}

    # The acts: what is there before, what is done, what has to be there after it.

    def ready(self, verb: str) -> None:
        """What has to be there, and not, before the act."""
        if verb in ("rmi", "prune"):
            self.engine.load(self.about["archive"])
        elif verb == "commit":
            if not self.engine.containers(all=True):
                write = "mkdir /made; head -c 2000000 /dev/urandom > /made/big; rm /etc/group; echo hi > /made/f"
                self.engine.run("base", ["sh", "-c", write], name="writer")
        self._gone(verb)

    def _name(self, verb: str) -> str:
        return {"pull": self.about.get("pulled", ""), "commit": NEW}.get(verb, self.about["loaded"])

    def _gone(self, verb: str) -> None:
        """Without what the act will make, and so that nothing is left over."""
        if verb in ("pull", "load", "commit") and self.is_there(verb):
            self.engine.remove_image(self._name(verb), force=True)
        self.engine.store.collect()

    def is_there(self, verb: str) -> bool:
        """Whether the image that the act makes, or removes, has its name."""
        return self.engine.store.find(self._name(verb)) is not None

    def act(self, verb: str) -> int:
        """The act itself; 0."""
        engine = self.engine
        if verb == "pull":
            engine.pull(self._name(verb))
        elif verb == "load":
            engine.load(self.about["archive"])
        elif verb == "commit":
            engine.get("writer").commit(NEW)
        elif verb == "rmi":
            engine.remove_image(self._name(verb), force=True)
        elif verb == "prune":
            prune_images(engine, all=True)
        return 0

    def agree(self, verb: str, client: Client) -> None:
        """Nothing damaged is to be seen, what was reported done is done, the next try succeeds.  Raises Trouble."""
        makes = verb in ("pull", "load", "commit")
        self._nothing_damaged("at once")
        if client.said == "ended 0":
            need(self.is_there(verb) == makes, f"it was reported done, and the image is there: {not makes}")
        if makes and self.is_there(verb):
            self._is_whole(verb)
        try:
            self.act(verb)
        except errors.NoSuchImage:
            need(verb == "rmi", f"the next {verb} finds no image")
        self._nothing_damaged("after the next try")
        need(self.is_there(verb) == makes, f"after the next try the image is there: {not makes}")
        if makes:
            self._is_whole(verb)
        self._gone(verb)
        until(lambda: self._collected(), f"left over: {[item.what for item in check(self.engine.store)]}", 10)

    def _collected(self) -> bool:
        if not check(self.engine.store) and not self._strays():
            return True
        time.sleep(0.05)
        self.engine.store.collect()  # a process that fetches layers may outlive who asked for them by a layer
        return False

    def _strays(self) -> list[str]:
        """What `check` does not look for: temporary files beside documents."""
        images = self.engine.store.layout.folder
        return [name for folder, _, names in os.walk(images) for name in names if ".new-" in name]

    def _nothing_damaged(self, when: str) -> None:
        damaged = [finding.what for finding in check(self.engine.store) if finding.kind == DAMAGED]
        need(not damaged, f"{when}: {damaged}")

    def _is_whole(self, verb: str) -> None:
        """Every file of every layer, by name and length, is what it was the first time."""
        store = self.engine.store
        image = store.find(self._name(verb))
        assert image is not None
        for diff_id in image.config.diff_ids:
            need(store.layers.has(diff_id), f"the tree {diff_id} is missing")
        lowers = store.layers.lowers(image.config.diff_ids)
        found = sorted((one.path, one.size) for one in store.trees(lowers).survey())
        known = self._whole.setdefault(verb, found)
        need(known == found, f"{len(found)} files instead of {len(known)}")

    # Faults.

    def first(self, verb: str) -> float:
        """The act without a fault; how long it took."""
        self.ready(verb)
        begin = time.monotonic()
        client = Client(lambda: self.act(verb))
        client.see_to_the_end(lambda: None)
        length = time.monotonic() - begin
        need(client.said == "ended 0", f"without a fault: {client.said}")
        self.agree(verb, client)
        return length

    def walk(self, verb: str, cases: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
        """One fault after the other: (point, "kill" or "fail").  What was never reached, and what is amiss."""
        said: dict[str, list[str]] = {"missed": [], "troubles": []}
        self.first(verb)
        for name, action in cases:
            label = f"{verb}: {name}={action}"
            begin = time.monotonic()
            try:
                if not self.one(verb, name, action):
                    said["missed"].append(label)
            except (Trouble, errors.Error, OSError, ValueError) as error:
                said["troubles"].append(f"{label}: {type(error).__name__}: {error}")
            print(f"{time.monotonic() - begin:.3f} s {label}", file=sys.stderr, flush=True)
            if len(said["troubles"]) > _ENOUGH:
                break
        return said

    def one(self, verb: str, name: str, action: str) -> bool:
        """Whether the point was reached.  Raises Trouble."""
        self.switch.disarm()
        self.ready(verb)
        self.switch.arm(name, action)
        client = Client(lambda: self.act(verb))
        client.see_to_the_end(lambda: None)
        reached = self.switch.reached
        self.switch.disarm()
        if reached and action == "kill" and name.startswith("client."):
            need(client.killed, f"the client said: {client.said}")
        self.agree(verb, client)
        return reached

    def instants(self, verb: str, seed: int, count: int) -> dict[str, Any]:
        """SIGKILL at random instants, to whoever takes part.  How often each role was hit, and what is amiss."""
        chance = random.Random(seed)
        roles = ("client", "client", "job", "worker") if verb == "pull" else ("client", "client", "job")
        said: dict[str, Any] = {"hit": dict.fromkeys(roles, 0), "troubles": []}
        length = min(self.first(verb) for _ in range(2))
        for _ in range(20 * count):
            if sum(said["hit"].values()) >= count or len(said["troubles"]) > _ENOUGH:
                break
            role, delay = chance.choice(roles), chance.uniform(0, 1.1 * length)
            label = f"{verb}: SIGKILL to the {role} after {delay * 1000:.1f} ms (seed {seed})"
            try:
                said["hit"][role] += self._kill_after(verb, delay, role, chance)
            except (Trouble, errors.Error, OSError, ValueError) as error:
                said["troubles"].append(f"{label}: {type(error).__name__}: {error}")
        return said

    def _kill_after(self, verb: str, delay: float, role: str, chance: random.Random) -> bool:
        """Whether there was such a process at that instant."""
        self.ready(verb)
        launcher = self.engine.launcher.running_pid() or 0
        begin = time.monotonic()
        client = Client(lambda: self.act(verb))
        while time.monotonic() - begin < delay:
            time.sleep(0.0001)
        victim = client.pid
        if role != "client":
            victim = victims.busy_child(launcher if role == "job" else client.pid, chance)
        if victim and victims.is_running(victim):
            os.kill(victim, _SIGKILL)
        else:
            victim = 0
        client.see_to_the_end(lambda: None)
        self.agree(verb, client)
        return bool(victim)
