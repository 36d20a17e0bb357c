"""exec: one more program in what is there already, with the same powers and no more."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.life.inside import alive_record, attempt, detached, one_sentence, sh, until, with_engine
from tests.personas import Persona

SLEEP = ("base", "sleep", "1000")


def test_output_errors_and_exit_code(persona: Persona):
    container = detached(persona, *SLEEP)
    done = persona.cli("exec", container, "sh", "-c", "echo out; echo err >&2; exit 9")
    assert (done.exit_code, done.out, done.err) == (9, "out\n", "err\n")


def test_what_is_not_there_or_cannot_be_executed(persona: Persona):
    container = detached(persona, *SLEEP)
    assert "nosuch" in one_sentence(persona.cli("exec", container, "nosuch"), code=127)
    assert "/etc" in one_sentence(persona.cli("exec", container, "/etc"), code=126)
    assert persona.cli("exec", container, "sh", "-c", "kill -TERM $$").exit_code == 143


def test_a_working_folder_that_is_not_there_is_not_made(persona: Persona):
    container = detached(persona, *SLEEP)
    assert "/none/such" in one_sentence(persona.cli("exec", "-w", "/none/such", container, "true"), code=126)
    assert persona.cli("exec", container, "ls", "-d", "/none").exit_code != 0
    assert "is a file" in one_sentence(persona.cli("exec", "-w", "/etc/passwd", container, "true"), code=126)
    # docker's number for whoever the image does not know; a start's is 125, docker's too.
    assert "unable to find user" in one_sentence(persona.cli("exec", "-u", "nosuch", container, "true"), code=126)
    assert "unable to find group" in one_sentence(persona.cli("exec", "-u", "0:nosuch", container, "true"), code=126)
    assert "unable to find user" in one_sentence(persona.cli("run", "--rm", "-u", "nosuch", "base", "true"), code=125)
    assert persona.ok("exec", "-w", "/tmp", container, "pwd") == "/tmp"
    assert persona.ok("run", "--rm", "-w", "/none/such", "base", "pwd") == "/none/such"


def test_it_needs_a_running_container(persona: Persona):
    container = persona.ok("create", *SLEEP)
    for _ in range(2):
        assert "not running" in one_sentence(persona.cli("exec", container, "true"), code=1)
        persona.ok("start", container)
        persona.ok("kill", container)
        persona.ok("wait", container)
    assert "No such container" in one_sentence(persona.cli("exec", "nobody", "true"), code=1)


def test_it_is_in_the_same_namespaces_and_root(persona: Persona):
    script = "for n in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$n; readlink /proc/1/ns/$n; done"
    container = detached(persona, "-h", "box", *SLEEP)
    links = persona.ok("exec", container, "sh", "-c", script).split()
    assert links[0::2] == links[1::2] and len(links) == 14
    persona.ok("exec", container, "sh", "-c", "echo x > /dev/shm/f; echo y > /f")
    assert persona.ok("exec", container, "sh", "-c", "cat /dev/shm/f /f; uname -n").split() == ["x", "y", "box"]


def test_it_has_the_same_powers(persona: Persona):
    fields = "grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status; ulimit -n; umask; ls /proc/self/fd | wc -l"
    options = ("--cap-drop", "ALL", "--cap-add", "KILL", "--ulimit", "nofile=77:77")
    container = detached(persona, *options, *SLEEP)
    assert persona.ok("exec", container, "sh", "-c", fields) == sh(persona, fields, *options)


def test_its_environment_folder_and_user(persona: Persona):
    container = detached(persona, "-e", "A=1", "-w", "/tmp", *SLEEP)
    script = "echo $A $B $HOME $(pwd)"
    assert persona.ok("exec", container, "sh", "-c", script) == "1 /root /tmp"
    words = ("-e", "A=2", "-e", "B=3", "-w", "/usr")
    assert persona.ok("exec", *words, container, "sh", "-c", script) == "2 3 /root /usr"
    if persona.name != "solo":
        assert persona.ok("exec", "-u", "12:34", container, "sh", "-c", "id -u; id -g; echo $HOME") == "12\n34\n/"
    else:
        assert "subordinate" in one_sentence(persona.cli("exec", "-u", "12", container, "id"), code=125)


def test_input(persona: Persona):
    container = detached(persona, *SLEEP)
    data = os.urandom(300_000)
    assert persona.cli("exec", "-i", container, "cat", input=data).out_bytes == data
    assert persona.cli("exec", container, "cat", input=b"unseen").out == ""


def test_detached_it_goes_on_alone(persona: Persona):
    container = detached(persona, *SLEEP)
    assert persona.ok("exec", "-d", container, "sh", "-c", "echo on > /mark; sleep 1000") == ""
    until(lambda: persona.cli("exec", container, "cat", "/mark").out == "on\n", "it has begun")
    assert "sleep 1000" in persona.ok("exec", container, "ps", "-ef")


def test_it_dies_with_its_container(persona: Persona):
    container = detached(persona, *SLEEP)
    process = persona.popen(["ipycontainer", "exec", container, "sh", "-c", "echo on; sleep 1000"])
    assert process.stdout is not None and process.stdout.readline() == b"on\n"
    persona.ok("kill", container)
    process.communicate(timeout=10)
    assert process.returncode == 137


def test_it_is_told_by_a_signal(persona: Persona):
    container = detached(persona, *SLEEP)
    script = "trap 'echo got; exit 4' TERM; echo on; while :; do sleep 0.02; done"
    process = persona.popen(["ipycontainer", "exec", container, "sh", "-c", script])
    assert process.stdout is not None and process.stdout.readline() == b"on\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=10)
    assert (out, process.returncode) == (b"got\n", 4)


def test_what_it_leaves_in_the_background_holds_nobody(persona: Persona):
    """The pipe never ends, for somebody writes into it for ever: exec ends with its program all the same."""
    container = detached(persona, *SLEEP)
    start = time.monotonic()
    done = persona.cli("exec", container, "sh", "-c", "yes & exit 3", timeout=20)
    assert done.exit_code == 3 and time.monotonic() - start < 10


def test_its_output_is_not_the_containers_log(persona: Persona):
    container = detached(persona, "base", "sh", "-c", "echo mine; sleep 1000")
    persona.ok("exec", container, "echo", "other")
    until(lambda: persona.ok("logs", container) == "mine", "the container has spoken")


def test_many_at_once(persona: Persona):
    told = with_engine(
        persona,
        """
        from concurrent.futures import ThreadPoolExecutor
        container = engine.run("base", ["sleep", "1000"], detach=True)
        with ThreadPoolExecutor(16) as pool:
            texts = list(pool.map(lambda n: container.exec(["echo", str(n)]).text.strip(), range(32)))
        container.remove(force=True)
        tell(texts)
        """,
    )
    assert told == [str(number) for number in range(32)]


@pytest.mark.personas("root", "user")
def test_nobody_in_the_container_can_look_into_it_before_it_is_the_program(persona: Persona):
    """Until its execve it holds the launcher's memory; a watcher tries all the time."""
    watch = """
import os, time
seen, own = set(), {1, os.getpid()}
print("on", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end and not os.path.exists("/stop"):
    for name in os.listdir("/proc"):
        if not name.isdecimal() or int(name) in own: continue
        for what in ("exe", "cwd", "root"):
            try: seen.add(os.readlink(f"/proc/{name}/{what}"))
            except OSError: pass
        try: seen.add(open(f"/proc/{name}/maps").read(40)[:0] + open(f"/proc/{name}/environ").read()[:0])
        except OSError: pass
print(sorted(seen), flush=True)
"""
    container = detached(persona, "base", "python3", "-c", watch)
    until(lambda: persona.ok("logs", container).startswith("on"), "it watches")
    for _ in range(10):
        persona.ok("exec", container, "sleep", "0.02")
    persona.ok("exec", container, "touch", "/stop")
    persona.ok("wait", container)
    seen = persona.ok("logs", container).splitlines()[1]
    assert "sleep" in seen, "it has seen none of them: the test shows nothing"
    assert "ipycontainer" not in seen and "site-packages" not in seen and str(persona.folder) not in seen, seen


def test_the_monitor_of_the_container_is_not_the_execs(persona: Persona):
    container = detached(persona, *SLEEP)
    process = persona.popen(["ipycontainer", "exec", container, "sh", "-c", "echo on; sleep 1000"])
    assert process.stdout is not None and process.stdout.readline() == b"on\n"
    process.kill()
    process.communicate()
    assert attempt(persona, "exit 0").exit_code == 0
    assert alive_record(persona, container)["monitor"] and persona.ok("ps", "-q") == container[:12]


# One process from beginning to end; the program ends between two looks of an exec that is on its way.
MEETS_THE_END = """
import os, signal, threading
from ipycontainer import Engine
from ipycontainer.errors import WrongState

engine, said = Engine(), []
for turn in range(40):
    container = engine.run("base", ["sleep", "1000"], detach=True)
    container.exec(["true"])
    first = os.pidfd_open(container.pid)
    ender = threading.Timer(turn * 0.0002, lambda: signal.pidfd_send_signal(first, 9))
    ender.start()
    try:
        said.append(container.exec(["true"]).exit_code)
    except WrongState:
        said.append("ended")
    ender.join()
    os.close(first)
    container.remove(force=True)
print(*sorted(set(map(str, said))))
"""


def test_an_exec_that_meets_the_end_of_its_container(persona: Persona):
    said = set(str(persona.python(MEETS_THE_END)).split())
    assert said <= {"0", "137", "ended"} and "ended" in said, said
