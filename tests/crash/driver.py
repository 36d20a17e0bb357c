"""What walks the points, as a persona, with the engine of a test build: one act, one fault, then what is left.

It runs in a process of the persona's (tests/crash/build.py lays it beside the copy), and forks its clients.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import victims
from forked import Client, Trouble, await_slot, need, until
from ipycontainer.fault_switch import SWITCH, Switch

from ipycontainer import Engine, errors
from ipycontainer.engine.request import Bind, RunRequest, Tmpfs, Ulimit, VolumeMount
from ipycontainer.launcher import folders

CODE = 7  # what every program of ours ends with
OUTPUT = b"out\n"
PROGRAM = ("sh", "-c", f"echo out; exit {CODE}")
_SIGKILL = 9
_ENOUGH = 5  # troubles, each of which has waited for something in vain


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


class Driver:
    """One store's engine and its switch."""

    def __init__(self, engine: Engine, switch: Switch = SWITCH) -> None:
        self.engine = engine
        self.switch = switch
        self.child_was_killed = self.may_be_killed = self.alone = False
        self.root = os.geteuid() == 0

    # The acts, by the names of `POINTS`; each gives an exit code.

    def request(self, remove: bool, command: Sequence[str] = PROGRAM) -> RunRequest:
        """What fits a slot."""
        return RunRequest(image="base", command=tuple(command), remove=remove)

    def everything(self, remove: bool, command: Sequence[str] = PROGRAM) -> RunRequest:
        """What adds a step to a plan, all of it."""
        return self.request(remove, command).replace(
            tty=True, init=True, read_only=True, hostname="box", binds=(Bind("/tmp", "/mnt/tmp", True),),
            memory=(64 << 20) * self.root, tmpfs=(Tmpfs("/run"),), ulimits=(Ulimit("nofile", 100, 100),),
        )  # fmt: skip

    def beside(self) -> RunRequest:
        """The same, among the processes of another one, which is made here and ends with all that run."""
        other = self.engine.create(self.request(True, ("sleep", "1000")))
        other.start()
        return self.everything(False).replace(init=False, pid_mode=f"container:{other.id}", pids_limit=1 * self.root)

    def filled(self, command: Sequence[str]) -> RunRequest:
        """What begins with a volume where the image has its programs."""
        return self.request(False, command).replace(volumes=(VolumeMount(self.volume, "/usr/bin"),))

    def _see_volumes(self, kind: str) -> None:
        """One whose filling was killed is filled by the next start, whole; one without a name is gone."""
        if kind == "filled":
            listing = ["ls", "-lR", "/usr/bin"]
            names = (f"{self.volume}:/usr/bin",)
            here: Any = self.engine.run("base", listing, remove=True, volumes=names)
            image: Any = self.engine.run("base", listing, remove=True)
            ours, theirs = ([line for line in one.text.splitlines() if "total" not in line] for one in (here, image))
            need(ours == theirs and len(ours) > 10, f"the volume is not as the image: {set(ours) ^ set(theirs)}")
            folder = os.path.join(self.engine.volumes.folder, self.volume)
            need(sorted(os.listdir(folder)) == ["_data", "volume.json"], f"left: {os.listdir(folder)}")
            self.engine.volumes.remove(self.volume)
        left = os.listdir(self.engine.volumes.folder)
        need(not left, f"volumes are left: {left}")

    def run(self, request: RunRequest) -> int:
        """Run to the end."""
        # A volume is filled by the start, as with `run`; a create alone would fill it already.
        make = self.engine._create(request, "missing", None, True) if request.volumes else self.engine.create(request)
        return self._to_the_end(make.start(attach=True))

    @staticmethod
    def _to_the_end(attachment: Any) -> int:
        with attachment:
            for _ in attachment:
                pass
        return int(attachment.exit_code)

    def act(self, kind: str) -> Callable[[], int]:
        """Make ready for an act of this kind; gives what the client does."""
        engine = self.engine
        if kind in ("kept", "removed"):
            return lambda: self.run(self.request(kind == "removed"))
        if kind == "filled":
            self.volume = f"fresh-{os.urandom(4).hex()}"
            return lambda: self.run(self.filled(PROGRAM))
        if kind == "anonymous":
            return lambda: self.run(self.request(True).replace(volumes=(VolumeMount("", "/usr/bin"),)))
        if kind == "everything":
            return lambda: self.run(self.everything(False))
        if kind == "beside":
            return lambda: self.run(self.beside())
        if kind == "missing":
            return lambda: self.run(self.request(False, ("/not/there",)))
        if kind == "launched":
            engine.shutdown()
            return lambda: self.run(self.request(False))
        if kind == "left":
            engine.launcher.connect().close()
            return lambda: engine.shutdown() or CODE  # type: ignore[func-returns-value]
        if kind == "deleted":
            self.run(self.request(False))
            return lambda: engine.containers(all=True)[0].remove() or CODE  # type: ignore[func-returns-value]
        if kind == "restarted":
            return lambda: self.run(self.request(False).replace(restart="on-failure:1"))
        if kind == "probed":
            return self._probed()
        if kind in ("rotated", "rotated first"):
            return self._rotated(kind == "rotated")
        if kind == "frozen":
            return self._outliving()
        full = self.everything if kind == "executed in full" else self.request
        container = engine.create(full(False, ("sleep", "1000")))
        container.start()
        if kind == "executed in full":
            return lambda: self._to_the_end(container.exec_start(PROGRAM, tty=True))
        if kind == "executed":
            return lambda: container.exec(PROGRAM).exit_code
        assert kind == "swept", kind
        monitor = container.state().monitor

        def look() -> int:
            if self.alone:
                os.kill(engine.launcher.running_pid() or 0, _SIGKILL)  # else it sweeps before anybody looks
            os.kill(monitor, _SIGKILL)
            until(lambda: container.status == "unknown", "the container is dead")
            return len(engine.containers(all=True)) + CODE - 1

        return look

    def _probed(self) -> Callable[[], int]:
        """One whose health is checked again and again; the client waits until something has happened to it."""
        request = self.request(False, ("sleep", "1000")).replace(health_cmd="true", health_interval=0.02)
        container = self.engine.create(request)
        container.start()

        def look() -> int:
            until(lambda: self.switch.reached, "a probe comes to the point")
            return CODE

        return look

    def _rotated(self, is_created: bool) -> Callable[[], int]:
        """One whose first event (of its start, if it is created already) brings the journal over its bound."""
        container = self.engine.create(self.request(False)) if is_created else None
        journal, self.full = self.engine.journal, []
        while (left := folders.EVENTS_BOUND - _size(journal.path)) > 200:  # no event of a container is shorter
            self.full.append(f"{len(self.full)}-{os.urandom(4).hex()}")
            journal.append("test", "full", self.full[-1], {"much": "x" * min(max(left - 150, 0), 1 << 16)})
        if container is None:
            return lambda: self.run(self.request(False))
        return lambda: self._to_the_end(container.start(attach=True))

    def _see_events(self) -> None:
        """All that was told before the fault is told once, and behind it what has happened."""
        told = list(self.engine.events(since=0.0, follow=False))
        full = [event.id for event in told if event.action == "full" and event.id in self.full]
        need(full == self.full, f"events: {len(full)} of {len(self.full)}")
        need(told[-1].type == "container", f"the last event: {told[-1].type} {told[-1].action}")

    def _outliving(self) -> Callable[[], int]:
        """One whose second process does not end with the first: it is in the host's PID namespace."""
        script = ("sh", "-c", "sleep 1000 & sleep 1000")
        container = self.engine.create(self.request(False, script).replace(pid_mode="host"))
        container.start()
        until(lambda: len(container.top().rows) >= 3, "both are there")
        monitor = container.state().monitor

        def look() -> int:
            os.kill(monitor, _SIGKILL)
            until(lambda: container.status == "unknown", "the container is dead")
            return len(self.engine.containers(all=True)) + CODE - 1

        return look

    # One fault, and what is left of it.

    def one(self, name: str, action: str, kind: str) -> bool:
        """Act, with a fault at `name`; whether the point was reached.  Raises Trouble."""
        self.child_was_killed = False
        self.may_be_killed = name.startswith(("child.", "slot.")) and action == "kill"
        self.switch.disarm()
        self.alone = name.startswith("client.")
        act = self.act(kind)
        if name.startswith("slot."):
            await_slot(self.engine.launcher)
        self.switch.arm(name, action)
        client = Client(act)
        client.see_to_the_end(self._kill_who_halts)
        try:
            # What is done when the client has its answer already: sweeping, and the launcher's refill.
            until(lambda: self.switch.reached or self.child_was_killed, "", 2.0)
        except Trouble:
            pass
        reached = self.switch.reached or self.child_was_killed
        self._kill_who_halts()
        self.switch.disarm()
        if reached and action == "fail" and name.startswith("child.") and name.count(".") == 4:
            _, part, number, step, _ = name.split(".")
            said = f"{step}: a failure was injected at step {number} of {part}"
            need(said in (client.said or ""), f"the client: {client.said}")
        self.agree(client, kind)
        return reached

    def _kill_who_halts(self) -> None:
        pid = self.switch.halted
        if pid:
            need(pid > 1, f"who halts is not {pid}")
            self.child_was_killed = True
            os.kill(pid, _SIGKILL)
            self.switch.disarm()

    def agree(self, client: Client, kind: str = "kept") -> None:
        """Record, lock, processes and files agree, nothing is left, and the next run works.  Raises Trouble."""
        engine = self.engine
        if kind.startswith("executed") or kind in ("probed", "beside"):
            for container in engine.containers():
                try:
                    container.kill()
                except errors.WrongState:
                    continue  # with its monitor gone, who was forked for a probe held its lock a moment longer
        until(lambda: not engine.ps(), "every program has ended")
        self._age_unfinished()

        def is_swept() -> bool:
            engine.ps(all=True)  # whoever looks sweeps what is dead by then
            return not engine.directory.run_folders()

        until(is_swept, f"run folders are left: {engine.directory.run_folders()}", 5)
        for container in engine.containers(all=True):
            self._judge(container, self._settled(container), client, kind)
            container.remove(force=client.killed)
        need(not engine.containers(all=True), "a container cannot be removed")
        if kind in ("filled", "anonymous"):
            self._see_volumes(kind)
        if kind.startswith("rotated"):
            self._see_events()
        result: Any = engine.run("base", ["echo", "next"], remove=True)
        need((result.exit_code, result.text) == (0, "next\n"), f"the next run: {result}")
        until(lambda: not self.leavings(), f"left: {self.leavings()}", 5)

    def _settled(self, container: Any) -> Any:
        """Its state at rest.  A request whose client was killed may be carried out only now, so this very one is
        judged: at the next look it may have been started."""
        end = time.monotonic() + 10
        while (state := container.state()).status == "running":
            need(time.monotonic() < end, f"a late program has not ended: {state}")
            time.sleep(0.002)
        return state

    def _age_unfinished(self) -> None:
        """What a create left without its record is taken for dead after a minute: let it be one."""
        for identity in self.engine.directory.ids():
            folder = self.engine.directory.folder(identity)
            if self.engine.directory.read(identity) is None:
                try:
                    os.utime(folder, (0, 0))
                except FileNotFoundError:
                    pass  # a sweeper has removed it meanwhile

    def _judge(self, container: Any, state: Any, client: Client, kind: str) -> None:
        """What the record says is what has happened, or that nobody knows."""
        told = f"{state} after {client.said}"
        need(state.status in ("created", "exited", "unknown"), told)
        if kind.startswith("executed") or kind == "probed":
            need(state.exit_code in (None, 137), told)
            return
        known = {CODE, 137} if self.may_be_killed else {CODE}
        if state.error:
            known = {None} if state.status == "unknown" else {125, 126, 127}
        need(state.status != "exited" or state.exit_code in known, told)
        if (client.said or "").startswith("ended") and kind in ("kept", "everything", "launched"):
            code = int((client.said or "").split()[1])
            need(code in known and state.exit_code == code, f"the client was told, the record says: {told}")
        if state.status == "exited" and state.exit_code == CODE and kind in ("kept", "launched"):
            need(container.logs() == OUTPUT, f"the log of an exit that is known: {container.logs()!r}")

    def leavings(self) -> list[str]:
        """Folders of containers, names, what waits in the trash, run folders."""
        root, run = self.engine.root, self.engine.launcher.run
        found = []
        for folder in (f"{root}/containers", f"{root}/names", f"{root}/trash", f"{run}/containers"):
            if os.path.isdir(folder):
                found += [f"{folder}/{name}" for name in os.listdir(folder)]
        return found

    def walk(self, cases: Sequence[tuple[str, str, str]]) -> dict[str, list[str]]:
        """One fault after the other: (point, action, act) each.  What was never reached, and what is amiss."""
        said: dict[str, list[str]] = {"missed": [], "troubles": []}
        for name, action, kind in cases:
            label = f"{kind}: {name}={action}"
            begin = time.monotonic()
            try:
                if not self.one(name, action, kind):
                    said["missed"].append(label)
            except (Trouble, errors.Error, OSError) as error:
                said["troubles"].append(f"{label}: {type(error).__name__}: {error}")
                self.calm()
            amiss = said["troubles"][-1] if said["troubles"] and said["troubles"][-1].startswith(label) else ""
            print(f"{time.monotonic() - begin:.3f} s {amiss or label}", file=sys.stderr, flush=True)
        return said

    def instants(self, seed: int, count: int) -> dict[str, Any]:
        """SIGKILL at random instants of runs of all kinds.  How often each role was hit, and what is amiss."""
        chance = random.Random(seed)
        said: dict[str, Any] = {"hit": dict.fromkeys(victims.ROLES, 0), "troubles": []}
        lengths = {kind: self._length(kind) for kind in ("kept", "removed", "everything")}
        for _ in range(8 * count):
            if sum(said["hit"].values()) >= count or len(said["troubles"]) > _ENOUGH:
                break
            role, kind = chance.choice(victims.ROLES), chance.choice(list(lengths))
            delay = chance.uniform(0, lengths[kind])
            label = f"{kind}: SIGKILL to the {role} after {delay * 1000:.1f} ms (seed {seed})"
            try:
                said["hit"][role] += self._kill_after(delay, role, kind, chance)
            except (Trouble, errors.Error, OSError) as error:
                said["troubles"].append(f"{label}: {type(error).__name__}: {error}")
                self.calm()
        return said

    def _length(self, kind: str) -> float:
        begin = time.monotonic()
        client = Client(self.act(kind))
        client.see_to_the_end(lambda: None)
        length = time.monotonic() - begin
        self.agree(client, kind)
        return length

    def _kill_after(self, delay: float, role: str, kind: str, chance: random.Random) -> bool:
        """Whether there was such a process at that instant."""
        launcher = self.engine.launcher.running_pid() or 0
        act = self.act(kind)
        self.may_be_killed = role == "child"
        begin = time.monotonic()
        client = Client(act)
        # Not time.sleep to the end: the clock's last millisecond is what the instants differ in.
        while time.monotonic() - begin < delay:
            time.sleep(0.0001)
        victim = client.pid if role == "client" else victims.find(role, launcher, chance)
        if victim:
            try:
                os.kill(victim, _SIGKILL)
                # The next run is judged too, and its request must not come to one that is half dead.
                until(lambda: not victims.is_running(victim), "the victim is dead")
            except (ProcessLookupError, PermissionError):
                victim = 0  # it has ended, and its number may be another account's by now
        client.see_to_the_end(lambda: None)
        self.agree(client, kind)
        return bool(victim)

    def calm(self) -> None:
        """After a trouble: as far as may be, an empty store, so that the next case is told apart."""
        self.switch.disarm()
        for container in self.engine.containers(all=True):
            try:
                container.remove(force=True)
            except errors.Error:
                continue
