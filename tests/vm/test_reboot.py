"""A start of the machine: nothing runs by itself, `ps -a` tells the truth, `system boot` brings back what shall run,
and a process that has an old number is nobody's victim.

Twice: after an end in order, in which everybody gets SIGTERM as from any init, and after a power cut.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.vm import disks
from tests.vm.conftest import Disks
from tests.vm.guest import Guest, PowerCut

COMMAND = "/checkout/.venv/bin/ipycontainer"
PYTHON = "/checkout/.venv/bin/python"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PATIENT = 240
SLEEPS = ("base", "sleep", "1000")
TRAPS = ("base", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done")
BOOTED = ["always", "unless-stopped", "traps"]

pytestmark = pytest.mark.timeout(1200)

# In the guest: a process for each number that a container or a monitor had, of the same account.
TAKE_NUMBERS = """
import os, sys
user, taken = int(sys.argv[1]), []
for number in map(int, sys.argv[2:]):
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(number - 1))
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.setresuid(user, user, user)
        null = os.open("/dev/null", os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.execvp("sleep", ["sleep", "3000"])
    if pid == number:
        taken.append(pid)
    else:
        os.kill(pid, 9)
print(*taken)
"""

# What every container's processes were, as their monitors wrote it.
NUMBERS = """
import json, sys
from ipycontainer import Engine
from ipycontainer.launcher import alive
found = [alive.read(container.run_folder) for container in Engine(sys.argv[1]).containers()]
print(json.dumps([number for one in found for number in (one["pid"], one["monitor"])]))
"""


class Machine:
    """A guest that is booted again and again, and one account's store on the disk that lasts."""

    def __init__(self, guest_disks: Disks, state: Path, user: str) -> None:
        self._disks, self._state = guest_disks, state
        self.user = user
        self.store = f"/state/{user}/store"
        self.boot()

    def boot(self) -> None:
        self.guest = Guest(*self._disks, state=self._state)
        if self.user != "root":
            self.guest.ok("useradd", "--create-home", "--uid", "1700", self.user)
        self.guest.ok("sh", "-c", f"mkdir -p /state/{self.user} && chown {self.user} /state/{self.user}")

    def run(self, *command: str) -> str:
        home = self.guest.ok("sh", "-c", f"echo ~{self.user}")
        env = {"HOME": home, "USER": self.user, "PATH": PATH, "IPYCONTAINER_ROOT": self.store}
        return self.guest.ok(*command, user=self.user, env=env, cwd="/checkout", timeout=PATIENT)

    def ok(self, *words: str) -> str:
        return self.run(COMMAND, *words)

    def statuses(self) -> dict[str, str]:
        lines = self.ok("ps", "-a", "--format", "{{.Names}}\t{{.Status}}").splitlines()
        return dict(line.split("\t") for line in lines)

    def end_in_order(self) -> None:
        """What an init does; the agent's end is the guest's, and everything is written."""
        with pytest.raises(PowerCut):
            self.guest.run("sh", "-c", "sync; kill -TERM -1; sleep 60", timeout=PATIENT)
        self.guest.cut()

    def cut(self) -> None:
        self.guest.cut()

    def take_numbers(self, numbers: list[int]) -> list[int]:
        """Processes of the account that have these numbers now; those that are free."""
        uid = self.guest.ok("id", "-u", self.user)
        return [int(one) for one in self.guest.ok(PYTHON, "-c", TAKE_NUMBERS, uid, *map(str, numbers)).split()]

    def living(self, numbers: list[int]) -> list[int]:
        """Those of them that are still the sleeping bystanders."""
        script = 'for n; do grep -q "(sleep) S" /proc/$n/stat 2>/dev/null && echo $n; done; true'
        return [int(one) for one in self.guest.ok("sh", "-c", script, "-", *map(str, numbers)).split()]


@pytest.fixture(params=[pytest.param("root", marks=pytest.mark.whole), "user"])
def machine(request: pytest.FixtureRequest, guest_disks: Disks) -> Iterator[Machine]:
    state = disks.make(guest_disks.folder / f"reboot-{request.param}.img", 1024)
    found = Machine(guest_disks, state, request.param)
    yield found
    found.guest.cut()
    state.unlink()


def test_who_runs_after_a_start_of_the_machine(machine: Machine) -> None:
    for policy in ("always", "unless-stopped"):
        machine.ok("run", "-d", "--restart", policy, "--name", policy, *SLEEPS)
        machine.ok("run", "-d", "--restart", policy, "--name", f"halted-{policy}", *SLEEPS)
        machine.ok("stop", "-t", "0", f"halted-{policy}")
        machine.ok("create", "--restart", policy, "--name", f"never-{policy}", *SLEEPS)
    machine.ok("run", "-d", "--restart", "always", "--name", "traps", *TRAPS)
    machine.ok("run", "-d", "--restart", "on-failure", "--name", "on-failure", *SLEEPS)
    machine.ok("run", "-d", "--name", "plain", *SLEEPS)
    machine.ok("run", "--name", "ended", "base", "sh", "-c", "true")
    machine.ok("run", "-d", "--rm", "--name", "passing", *SLEEPS)
    _see(machine, machine.end_in_order)

    # What is stopped at the last moment stays so, though the power goes with the answer.
    machine.ok("start", "plain", "on-failure")
    machine.ok("stop", "-t", "0", "traps")
    _see(machine, machine.cut, [name for name in BOOTED if name != "traps"])


def _see(machine: Machine, ends: Callable[[], None], wanted: list[str] = BOOTED) -> None:
    """The end, the start, and what is told and done then."""
    numbers = json.loads(machine.run(PYTHON, "-c", NUMBERS, machine.store))
    boot = machine.guest.ok("cat", "/proc/sys/kernel/random/boot_id")
    assert len(numbers) >= 2 * len(wanted)
    ends()
    machine.boot()
    assert machine.guest.ok("cat", "/proc/sys/kernel/random/boot_id") != boot
    bystanders = machine.take_numbers(numbers)
    assert len(bystanders) >= len(numbers) - 2, "hardly any of the old numbers could be had"

    found = machine.statuses()
    assert "passing" not in found, "one with --rm goes with the machine"
    assert not [name for name, status in found.items() if status.startswith(("Up", "Restarting"))], found
    assert machine.ok("ps", "-q") == "", "looking starts nothing"
    told = {name: " ".join(status.split()[:2]).rstrip(",") for name, status in found.items()}
    assert {name: told[name] for name in ("ended", "halted-always", "never-always", "never-unless-stopped")} == {
        "ended": "Exited (0)",
        "halted-always": "Exited (137)",
        "never-always": "Created",
        "never-unless-stopped": "Created",
    }
    # Nobody was there to see these end; one that had a moment to end in may have said how.
    assert {told[name] for name in ("always", "unless-stopped", "on-failure", "plain")} <= {"Exited (unknown)"}, told
    assert told["traps"] in ("Exited (unknown)", "Exited (3)", "Exited (137)"), told

    assert sorted(machine.ok("system", "boot").split()) == sorted(wanted)
    assert sorted(machine.ok("ps", "--format", "{{.Names}}").split()) == sorted(wanted)
    for name in wanted:
        assert machine.ok("exec", name, "echo", "on") == "on"
    assert machine.ok("system", "boot") == "", "they run already"
    machine.ok("rm", "-f", "never-always", "plain")
    machine.ok("create", "--restart", "always", "--name", "never-always", *SLEEPS)
    machine.ok("run", "-d", "--name", "plain", *SLEEPS)
    machine.ok("stop", "-t", "0", "plain")
    assert machine.living(bystanders) == bystanders, "an old number was signalled"


@pytest.mark.whole
@pytest.mark.parametrize("machine", ["user"], indirect=True)
def test_without_the_guards_an_old_number_is_signalled(machine: Machine) -> None:
    """An ordinary user's run folder lies on the disk, and what a monitor wrote there outlasts the machine."""
    machine.ok("run", "-d", "--name", "plain", *SLEEPS)
    numbers = json.loads(machine.run(PYTHON, "-c", NUMBERS, machine.store))
    machine.guest.ok("sync")
    machine.cut()
    machine.boot()
    bystanders = machine.take_numbers(numbers)
    assert bystanders
    for guard, gap in (
        ('if state.get("boot_id") == alive.boot_id():', 'if "pid" in state:'),
        ("if pidfd.start_time(pid) == start_time:", "if True:"),
    ):
        code = f"""
path = "/checkout/ipycontainer/runtime/inside/sweep.py"
text = open(path).read()
assert text.count({guard!r}) == 1
open(path, "w").write(text.replace({guard!r}, {gap!r}))
"""
        machine.guest.ok(PYTHON, "-c", code)
    machine.ok("ps", "-a")
    assert machine.living(bystanders) != bystanders
