"""Limits: what root asks for is kept by the kernel; what an ordinary user cannot have on cgroup v1 is refused."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.life.inside import alive_record, detached, one_sentence, state, with_engine
from tests.personas import Persona

V1 = Path("/sys/fs/cgroup/memory/memory.limit_in_bytes").exists()
ROOT = pytest.mark.personas("root")

HOG = "x = bytearray()\nwhile True: x += bytes(1 << 20)"


def _groups(persona: Persona, container: str) -> dict[str, str]:
    """Controller -> the container's folder: one for each in v1, the same for all in v2."""
    folders = alive_record(persona, container)["cgroups"]
    if V1:
        return {path.split("/")[4]: path for path in folders}
    return dict.fromkeys(("memory", "cpu", "pids"), folders[0])


def _read(*names: str) -> str:
    return Path(*names).read_text().strip()


@ROOT
def test_a_memory_hog_is_killed_and_said_to_be(persona: Persona):
    name = persona.ok("create", "-m", "32m", "base", "python3", "-c", HOG)
    assert persona.cli("start", "-a", name).exit_code == 137
    told = state(persona, name)
    assert (told["OOMKilled"], told["ExitCode"], told["Status"]) == (True, 137, "exited")
    assert "oom" in persona.ok("events", "--since", "1m", "--until", "0s", "--filter", f"container={name}")


@ROOT
def test_the_engine_says_so_too(persona: Persona):
    told = with_engine(
        persona,
        f"""
        done = engine.run("base", ["python3", "-c", {HOG!r}], memory="32m", remove=True)
        tell([done.exit_code, done.oom_killed])
        """,
    )
    assert told == [137, True]


@ROOT
def test_a_hog_among_others_takes_only_itself(persona: Persona):
    script = f"python3 -c '{HOG}' & wait $!; echo hog ended with $?; echo alive"
    name = persona.ok("create", "-m", "48m", "base", "sh", "-c", script)
    assert persona.ok("start", "-a", name) == "hog ended with 137\nalive"


def test_a_container_without_a_limit_is_not_oom_killed(persona: Persona):
    name = persona.ok("create", "base", "sh", "-c", "exit 137")
    assert persona.cli("start", "-a", name).exit_code == 137
    assert state(persona, name)["OOMKilled"] is False


@ROOT
def test_a_fork_bomb_stops_at_its_limit(persona: Persona):
    bomb = """
import os, time
count = 0
while True:
    try:
        if os.fork() == 0: time.sleep(100)
    except OSError as error:
        print(count, error.strerror, flush=True); break
    count += 1
time.sleep(100)
"""
    container = detached(persona, "--pids-limit", "20", "base", "python3", "-c", bomb)
    end = time.monotonic() + 20
    while not (said := persona.ok("logs", container)):
        assert time.monotonic() < end
    assert said == "19 Resource temporarily unavailable"
    assert int(_read(_groups(persona, container)["pids"], "pids.current")) == 20
    # The host is healthy: other processes can be made, and all of the container's are gone at once.
    assert subprocess.run(["true"], check=False).returncode == 0
    pids = _read(_groups(persona, container)["pids"], "cgroup.procs").split()
    persona.ok("rm", "-f", container)
    assert len(pids) == 20 and not any(os.path.exists(f"/proc/{pid}") for pid in pids)


@ROOT
def test_what_is_asked_for_is_written(persona: Persona):
    words = ("-m", "64m", "--cpus", "0.5", "--cpu-shares", "512", "--pids-limit", "50")
    groups = _groups(persona, detached(persona, *words, "base", "sleep", "100"))
    assert _read(groups["pids"], "pids.max") == "50"
    if V1:
        assert _read(groups["memory"], "memory.limit_in_bytes") == str(64 << 20)
        assert _read(groups["cpu"], "cpu.cfs_quota_us") == "50000"
        assert _read(groups["cpu"], "cpu.cfs_period_us") == "100000"
        assert abs(int(_read(groups["cpu"], "cpu.shares")) - 512) < 60  # by way of v2's weight
    else:
        assert _read(groups["memory"], "memory.max") == str(64 << 20)
        assert _read(groups["cpu"], "cpu.max") == "50000 100000"
        assert _read(groups["cpu"], "cpu.weight") == "20"  # docker's 512 of 262144 on v2's scale of 10000


@ROOT
def test_half_a_cpu_is_half_a_cpu(persona: Persona):
    # From here on: on a slow machine the interpreter's own start is a good part of a second.
    burn = (
        "import time\nbegin, end = time.process_time(), time.monotonic() + 1\n"
        "while time.monotonic() < end: pass\nprint(time.process_time() - begin)"
    )
    assert float(persona.ok("run", "--rm", "--cpus", "0.25", "base", "python3", "-c", burn)) < 0.6


@ROOT
def test_usage_is_read_back(persona: Persona):
    from ipycontainer.linux.cgroups import usage

    script = "x = bytearray(b'x') * (20 << 20); print(1, flush=True); import time; time.sleep(100)"
    container = detached(persona, "-m", "64m", "base", "python3", "-c", script)
    while persona.ok("logs", container) != "1":
        pass
    found = usage(alive_record(persona, container)["cgroups"])
    assert 20 << 20 < (found.memory_current or 0) < 64 << 20 == found.memory_max
    assert found.pids_current == 1 and (found.cpu_usec or 0) > 1000 and found.oom_kills == 0


@ROOT
def test_the_monitor_sits_outside_and_an_exec_inside(persona: Persona):
    container = detached(persona, "-m", "64m", "base", "sleep", "100")
    groups, record = _groups(persona, container), alive_record(persona, container)
    persona.ok("exec", "-d", container, "sleep", "99")
    members = {_read(f"/proc/{pid}/comm") for pid in _read(groups["memory"], "cgroup.procs").split()}
    assert members == {"sleep"} and len(_read(groups["memory"], "cgroup.procs").split()) == 2
    assert str(record["monitor"]) not in _read(groups["memory"], "cgroup.procs").split()


NESTS = """
cd /sys/fs/cgroup && if [ -e cgroup.subtree_control ]; then
    mkdir init && echo 1 >init/cgroup.procs && echo +pids >cgroup.subtree_control || exit 3
fi
echo nested; exec sleep 1000
"""


@ROOT
def test_an_exec_into_a_container_that_has_groups_of_its_own(persona: Persona):
    """As systemd and dockerd in one: on v2 nobody may sit in the group that it was given any more."""
    container = detached(persona, "--privileged", "base", "sh", "-c", NESTS)
    with_engine(persona, f"for _ in engine.get({container!r}).follow(): break")
    assert persona.ok("exec", container, "cat", "/proc/self/cgroup") == persona.ok(
        "exec", container, "cat", "/proc/1/cgroup"
    )
    persona.ok("rm", "-f", container)


@pytest.mark.personas("user", "solo")
@pytest.mark.skipif(not V1, reason="cgroup v2 may be delegated")
@pytest.mark.parametrize("words", [("-m", "64m"), ("--cpus", "0.5"), ("--pids-limit", "10"), ("--cpu-shares", "512")])
def test_an_ordinary_user_is_refused_a_limit_on_v1_in_one_sentence(
    persona: Persona, words: tuple[str, str], nothing_left: None
):
    sentence = one_sentence(persona.cli("run", "--rm", *words, "base", "true"), code=125)
    assert words[0].strip("-")[0] in sentence and "cgroup v1" in sentence and "run as root" in sentence
