"""With systemd in charge: an ordinary user's limits hold, and containers outlive what started them.

`ann` has a user manager (she lingers), `bob` has none: what she gets from the delegated scope, he shows the lack of.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.vm.guest import Guest, Result

COMMAND = "/checkout/.venv/bin/ipycontainer"
HOG = "x = []\nwhile True: x.append(bytearray(1 << 20))"
# Software emulation on a busy machine: a start of Python takes a second or more.
PATIENT = 240

pytestmark = pytest.mark.timeout(900)


class Account:
    """The command as one account of the guest, with the bare environment of a service."""

    def __init__(self, guest: Guest, name: str) -> None:
        self.guest = guest
        self.name = name
        home = "/root" if name == "root" else f"/home/{name}"
        self.env = {"HOME": home, "USER": name, "PATH": "/checkout/.venv/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

    def run(self, *words: str) -> Result:
        return self.guest.run(COMMAND, *words, user=self.name, env=self.env, timeout=PATIENT)

    def ok(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 0, done
        return done.out.strip()

    def shell(self, script: str) -> str:
        """A script as this account; its manager is found as systemd's own tools find it."""
        uid = self.guest.ok("id", "-u", self.name)
        env = {**self.env, "XDG_RUNTIME_DIR": f"/run/user/{uid}"}
        return self.guest.ok("sh", "-c", script, user=self.name, env=env, timeout=PATIENT)

    def inspect(self, container: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ok("inspect", container))[0]
        return found


@pytest.fixture
def ann(with_systemd: Guest) -> Account:
    return Account(with_systemd, "ann")


@pytest.fixture
def bob(with_systemd: Guest) -> Account:
    return Account(with_systemd, "bob")


def group_of(guest: Guest, pid: int) -> str:
    """The unified group of a process."""
    return guest.ok("cat", f"/proc/{pid}/cgroup").strip().removeprefix("0::")


def test_an_ordinary_users_hog_is_killed_at_its_limit(ann: Account) -> None:
    assert ann.run("run", "--name", "hog", "-m", "32m", "base", "python3", "-c", HOG).exit_code == 137
    told = ann.inspect("hog")["State"]
    assert (told["OOMKilled"], told["ExitCode"]) == (True, 137)
    ann.ok("rm", "hog")


@pytest.mark.whole
def test_without_a_manager_the_limit_is_refused_and_nothing_made(bob: Account) -> None:
    done = bob.run("run", "--name", "hog", "-m", "32m", "base", "python3", "-c", HOG)
    assert done.exit_code == 125
    assert "no control group is delegated to this user" in done.err
    assert bob.ok("ps", "-aq") == ""


def test_all_limits_are_in_the_delegated_group(ann: Account) -> None:
    words = ("-m", "64m", "--cpus", "0.5", "--cpu-shares", "512", "--pids-limit", "50")
    container = ann.ok("run", "-d", "--name", "limited", *words, "base", "sleep", "1000")
    group = group_of(ann.guest, ann.inspect(container)["State"]["Pid"])
    assert "/user@1500.service/" in group and group.endswith(f".scope/ipycontainer/{container}")
    files = [f"/sys/fs/cgroup{group}/{name}" for name in ("memory.max", "cpu.max", "cpu.weight", "pids.max")]
    assert ann.guest.ok("cat", *files).split("\n") == [str(64 << 20), "50000 100000", "20", "50"]
    # Another launcher, in a scope of its own, still reaches what the first one left.
    ann.ok("system", "shutdown")
    assert ann.ok("exec", "limited", "echo", "in") == "in"
    assert ann.ok("run", "--rm", "-m", "64m", "base", "echo", "beside") == "beside"
    ann.ok("rm", "-f", "limited")


@pytest.mark.parametrize("name", ["ann", pytest.param("root", marks=pytest.mark.whole)])
def test_containers_outlive_the_service_that_started_them(with_systemd: Guest, name: str) -> None:
    """What is merely in a session of its own does not: that is what systemd does to a notebook server's children."""
    account = Account(with_systemd, name)
    account.ok("system", "shutdown")  # the first launcher shall be started by the service
    user = "" if name == "root" else "--user"
    script = f"setsid sleep 1234 & {COMMAND} run -d --name survivor base sleep 1000; exec sleep 1000"
    account.shell(f"systemd-run {user} --quiet --collect --unit=notebook --setenv=HOME --setenv=PATH sh -c '{script}'")
    end = time.monotonic() + PATIENT
    while account.run("inspect", "--format", "{{.State.Running}}", "survivor").out.strip() != "true":
        assert time.monotonic() < end
    assert with_systemd.run("pgrep", "-f", "^sleep 1234").exit_code == 0
    account.shell(f"systemctl {user} stop notebook")
    assert with_systemd.run("pgrep", "-f", "^sleep 1234").exit_code == 1
    assert account.inspect("survivor")["State"]["Running"] is True
    assert account.ok("exec", "survivor", "echo", "alive") == "alive"
    account.ok("rm", "-f", "survivor")
    account.ok("system", "shutdown")


@pytest.mark.whole
def test_doctor_says_which_limits_and_which_survival(ann: Account, bob: Account) -> None:
    lines = ann.run("doctor").out.splitlines()
    assert any(line.startswith("ok   limits: ") for line in lines), lines
    assert any(line.startswith("ok   survival: ") and "unit apart" in line for line in lines), lines
    told = bob.run("doctor").out
    assert "lack limits: " in told and "enable-linger bob" in told
    assert "lack survival: " in told
    for account in (ann, bob):
        account.ok("system", "shutdown")


@pytest.mark.whole
def test_nothing_is_left_of_a_scope(ann: Account) -> None:
    ann.ok("run", "--rm", "-m", "32m", "base", "true")
    ann.ok("system", "shutdown")
    end = time.monotonic() + PATIENT
    while ann.shell("systemctl --user --no-legend --plain list-units 'ipycontainer-*'"):
        assert time.monotonic() < end
        time.sleep(0.5)
    assert ann.guest.run("sh", "-c", "ls -d /sys/fs/cgroup/user.slice/*/*/app.slice/ipycontainer-*").out == ""
