"""Processes and descriptors that are used up: one sentence, no loop, and what uses them can be ended."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time

import pytest

from tests.life.inside import alive_record, detached, one_sentence, until, with_engine
from tests.personas import Persona


def tasks(uid: int) -> int:
    """What RLIMIT_NPROC counts of an account: getrlimit(2)."""
    found = 0
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == uid:
                found += len(os.listdir(f"/proc/{entry}/task"))
        except OSError:
            continue  # it has just ended
    return found


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.personas("user", "solo")
def test_a_launcher_that_may_fork_nobody_says_so_and_stays(fresh_persona: Persona):
    """It inherits the limit of whoever starts it; root has none."""
    persona = fresh_persona
    persona.ok("run", "--rm", "base", "true", timeout=120)
    persona.ok("system", "shutdown")
    most = tasks(persona.uid) + 16
    start = ["prlimit", f"--nproc={most}:{most}", "ipycontainer", "run", "-d", "base", "sleep", "1000"]
    assert persona.run(start).exit_code == 0
    launcher = int(persona.ok("info", "--format", "{{.Launcher.Pid}}"))
    for _ in range(20):
        begun = time.monotonic()
        done = persona.cli("run", "-d", "base", "sleep", "1000")
        if done.exit_code:
            break
    said = one_sentence(done, code=125)
    assert "can make no process for this request" in said or "EAGAIN" in said, said
    assert time.monotonic() - begun < 10
    before = cpu_seconds(launcher)
    time.sleep(1)
    assert cpu_seconds(launcher) - before < 0.3
    # A removal needs a process too, which may not be there to be had: what helps for sure is to end a program.
    for container in persona.ok("ps", "-q").split():
        os.kill(int(persona.ok("inspect", "-f", "{{.State.Pid}}", container)), signal.SIGKILL)
    until(lambda: not persona.ok("ps", "-q"), "their programs have ended")
    persona.remove_containers()
    # Whoever ends counts until it is gone.
    until(lambda: persona.cli("run", "--rm", "base", "echo", "again").out == "again\n", "there is room again")
    assert int(persona.ok("info", "--format", "{{.Launcher.Pid}}")) == launcher


@pytest.mark.personas("user", "solo")
def test_what_runs_is_killed_and_removed_where_the_launcher_may_fork_nobody(fresh_persona: Persona):
    persona = fresh_persona
    killed, stopped, removed = (persona.ok("run", "-d", "base", "sleep", "1000", timeout=120) for _ in range(3))
    launcher = int(persona.ok("info", "--format", "{{.Launcher.Pid}}"))
    # Its own account may, and this machine's root perhaps not.
    before = persona.run(["prlimit", "--pid", str(launcher), "--nproc", "--noheadings", "-o", "SOFT"]).out.strip()
    assert persona.run(["prlimit", "--pid", str(launcher), "--nproc=0:"]).exit_code == 0
    try:
        # Whoever waits at the queue already is used up.
        until(lambda: "can make no process" in persona.cli("exec", killed, "true").err, "nobody is forked any more")
        persona.ok("kill", killed)
        persona.ok("stop", "-t", "0", stopped)
        persona.ok("rm", "-f", removed, stopped)
        assert persona.ok("ps", "-aq", "--no-trunc") == killed
        until(lambda: not persona.ok("ps", "-q"), "its program has ended")
        persona.ok("rm", killed)
        one_sentence(persona.cli("kill", killed), code=1)
        until(lambda: "can make no process" in persona.cli("run", "--rm", "base", "true").err, "no slot waits any more")
    finally:
        assert persona.run(["prlimit", "--pid", str(launcher), f"--nproc={before}:"]).exit_code == 0
    assert persona.ok("run", "--rm", "base", "echo", "again") == "again"
    assert int(persona.ok("info", "--format", "{{.Launcher.Pid}}")) == launcher


@pytest.mark.personas("user", "solo")
def test_a_monitor_whose_descriptors_are_used_up_takes_nobody_in_and_rests(fresh_persona: Persona):
    persona = fresh_persona
    persona.ok("run", "--rm", "base", "true", timeout=120)
    persona.ok("system", "shutdown")
    start = ["prlimit", "--nofile=48:48", "ipycontainer", "run", "-d", "--name", "crowded", "base", "sleep", "1000"]
    container = persona.run(start).out.strip()
    monitor = int(alive_record(persona, container)["monitor"])
    crowd = """
import sys, time
from ipycontainer import Engine
container = Engine().get("crowded")
kept = []
import threading
def join():
    kept.append(container.attach())
for _ in range(60):
    threading.Thread(target=join, daemon=True).start()
print("there", flush=True)
sys.stdin.read()
"""
    joined = persona.popen(["python3", "-I", "-c", crowd], stdin=subprocess.PIPE)
    try:
        assert joined.stdout is not None and joined.stdout.readline() == b"there\n"
        until(lambda: len(os.listdir(f"/proc/{monitor}/fd")) == 48, "as many are in as may be")
        before = cpu_seconds(monitor)
        time.sleep(2)
        assert cpu_seconds(monitor) - before < 0.3
    finally:
        joined.kill()
        joined.communicate()
    until(lambda: len(os.listdir(f"/proc/{monitor}/fd")) < 40, "they are let go of")
    with_engine(persona, "engine.get('crowded').attach().close(); tell(None)")
    persona.ok("rm", "-f", container)


def test_an_engine_whose_standard_descriptors_are_closed_starts_a_launcher(fresh_persona: Persona):
    """As in a daemon: what it opens then has their numbers."""
    fresh_persona.ok("run", "--rm", "base", "true", timeout=120)
    fresh_persona.ok("system", "shutdown")
    code = """
import os
out = os.dup(1)
from ipycontainer import Engine
for standard in (0, 1, 2):
    os.close(standard)
os.write(out, Engine().run("base", ["echo", "here"], remove=True).text.encode())
"""
    assert fresh_persona.python(code, timeout=120) == "here\n"


def test_a_manager_that_does_not_answer_costs_a_scope_and_no_launcher(fresh_persona: Persona):
    """What was to ask it for one is ended, and has the lock no more under which launchers start."""
    fresh_persona.ok("run", "--rm", "base", "true", timeout=120)
    fresh_persona.ok("system", "shutdown")
    said = with_engine(
        fresh_persona,
        """
        from ipycontainer.launcher import client, scope
        client._START_LIMIT = 8.0
        scope.words = lambda _name: ["/bin/sh", "-c", "echo $$ > hanging; exec sleep 1000", "systemd-run"]
        found = engine.run("base", ["echo", "here"], remove=True).text
        with open("hanging") as file:
            number = file.read().strip()
        tell([found, os.path.exists(f"/proc/{number}")])
        """,
    )
    assert said == ["here\n", False]


def test_watches_that_are_used_up_are_no_missing_container(persona: Persona):
    """A user namespace has a limit of its own, so nobody else's is touched."""
    persona.ok("create", "--name", "unwatched", "base", "true")
    said = with_engine(
        persona,
        """
        from ipycontainer.engine.log_watch import LogWatch
        from ipycontainer.linux import idmaps, namespaces
        container, uid, gid = engine.get("unwatched"), os.geteuid(), os.getegid()
        namespaces.unshare(namespaces.CLONE_NEWUSER)
        idmaps.deny_setgroups("self")
        idmaps.write_map("self", "uid_map", [idmaps.Extent(0, uid, 1)])
        idmaps.write_map("self", "gid_map", [idmaps.Extent(0, gid, 1)])
        idmaps.write_proc("/proc/sys/user/max_inotify_watches", "0")
        try:
            LogWatch(container)
        except errors.Error as error:
            tell([type(error).__name__, str(error)])
        """,
    )
    assert said[0] == "KernelError" and "inotify_add_watch" in said[1] and "ENOSPC" in said[1], said
    persona.ok("rm", "unwatched")


def test_what_was_never_started_is_not_left_of_a_run_that_is_removed(persona: Persona):
    said = with_engine(
        persona,
        """
        from ipycontainer.runtime import lifecycle
        start = lifecycle.start
        def lost(*_):
            raise errors.LauncherError("the launcher was killed")
        before = len(engine.containers(all=True))
        lifecycle.start = lost
        for detach in (True, False):
            try:
                engine.run("base", ["true"], remove=True, detach=detach)
            except errors.LauncherError:
                pass
        lifecycle.start = start
        tell(len(engine.containers(all=True)) - before)
        """,
    )
    assert said == 0


# Puts as many descriptors on their way as the kernel lets it: into sockets that nobody reads.
ON_THEIR_WAY = """
import array, os, socket, time
null, kept, rights = os.open("/dev/null", os.O_RDONLY), [], (socket.SOL_SOCKET, socket.SCM_RIGHTS)
try:
    while True:
        kept.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        kept[-1][0].setblocking(False)
        try:
            while True:
                kept[-1][0].sendmsg([b"x"], [(*rights, array.array("i", 253 * [null]))])
        except BlockingIOError:
            pass
except OSError as error:
    print(error.strerror, flush=True)
time.sleep(1000)
"""


def _with_descriptors_on_their_way(persona: Persona, *options: str) -> str:
    container = detached(persona, *options, "base", "python3", "-c", ON_THEIR_WAY)
    until(lambda: persona.ok("logs", container).startswith("Too many references"), "no more can be")
    return container


@pytest.mark.personas("user", "solo")
def test_descriptors_that_a_container_has_on_their_way_keep_nobody_from_starting(persona: Persona):
    """They count for the account."""
    container = _with_descriptors_on_their_way(persona)
    for words in (
        ["run", "--rm", "base"],
        ["run", "--rm", "-t", "base"],
        ["exec", container],
        ["exec", "-t", container],
    ):
        assert persona.ok(*words, "echo", "here").strip() == "here"
    # What a session may have open, almost everywhere.
    copied = persona.run(["prlimit", "--nofile=1024:", "ipycontainer", "cp", f"{container}:/etc/passwd", "-"])
    assert copied.exit_code == 0 and "root" in copied.out, copied


@pytest.mark.personas("user", "solo")
def test_where_they_do_for_it_was_asked_for_one_is_told_so(persona: Persona):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    container = _with_descriptors_on_their_way(persona, "--ulimit", f"nofile={most}:{most}")
    for _ in range(2):
        done = persona.cli("run", "--rm", "-t", "base", "true")
        assert "ETOOMANYREFS" in one_sentence(done, code=125)
    persona.ok("rm", "-f", container)
    assert persona.ok("run", "--rm", "base", "echo", "again") == "again"
