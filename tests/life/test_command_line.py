"""The command line itself: streams, signals, a real terminal, listings."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.life.inside import until
from tests.personas import BIN, Persona


@pytest.fixture
def web(persona: Persona) -> Iterator[str]:
    """A container that says tick on stdout and tock on stderr five times a second."""
    name = f"web-{os.getpid()}"
    loop = "while :; do echo tick; echo tock >&2; sleep 0.2; done"
    persona.ok("run", "-d", "--name", name, "-l", "tier=front", "base", "sh", "-c", loop, timeout=120)
    yield name
    persona.cli("rm", "-f", name)


def _catches(process: subprocess.Popen[bytes], number: int) -> bool:
    """Whether it has a handler for that signal; proc_pid_status(5)."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        caught = next(int(line.split()[1], 16) for line in file if line.startswith("SigCgt"))
    return bool(caught >> number - 1 & 1)


def _waits(process: subprocess.Popen[bytes]) -> bool:
    """Whether it waits for something, at each of ten looks; proc_pid_stat(5)."""
    for _ in range(10):
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
            if file.read().rpartition(")")[2].split()[0] != "S":
                return False
        time.sleep(0.05)
    return True


def _wait_for(process: subprocess.Popen[bytes], part: bytes) -> bytes:
    """Reads the process's stdout up to `part`."""
    assert process.stdout is not None
    seen = b""
    end = time.monotonic() + 20
    while part not in seen:
        ready = select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]
        data = os.read(process.stdout.fileno(), 4096) if ready else b""
        assert data, f"{part!r} never came after {seen!r}"
        seen += data
    return seen


class TestStreams:
    def test_output_errors_and_exit_code(self, persona: Persona) -> None:
        done = persona.cli("run", "--rm", "base", "sh", "-c", "echo out; echo err >&2; exit 3")
        assert (done.exit_code, done.out, done.err) == (3, "out\n", "err\n")

    def test_bytes_go_through_as_they_are(self, persona: Persona) -> None:
        data = bytes(range(256)) * 4096
        done = persona.cli("run", "--rm", "-i", "base", "cat", input=data)
        assert done.exit_code == 0 and hashlib.sha256(done.out_bytes).digest() == hashlib.sha256(data).digest()

    def test_without_i_the_program_reads_nothing(self, persona: Persona) -> None:
        assert persona.ok("run", "--rm", "base", "cat", input="unseen") == ""

    def test_input_that_is_not_read_holds_no_output_back(self, persona: Persona) -> None:
        program = "sleep 0.3; head -c 3000000 /dev/zero"
        done = persona.cli("run", "--rm", "-i", "base", "sh", "-c", program, input=b"x" * 5_000_000, timeout=30)
        assert done.exit_code == 0 and len(done.out_bytes) == 3_000_000

    def test_a_reader_that_has_seen_enough_ends_the_program(self, persona: Persona) -> None:
        start = time.monotonic()
        done = persona.run(["sh", "-c", "ipycontainer run --rm base yes | head -n 1"])
        assert done.out == "y\n" and not done.err
        assert time.monotonic() - start < 5

    def test_a_closed_stdout_is_no_place_for_other_files(self, persona: Persona) -> None:
        done = persona.run(["sh", "-c", "ipycontainer run --rm base echo hi >&-"])
        assert done.exit_code == 0 and not done.err, done

    def test_a_full_stdout_is_told(self, persona: Persona) -> None:
        for line in ("ps", "run --rm base echo hi"):
            done = persona.run(["sh", "-c", f"ipycontainer {line} >/dev/full"])
            assert done.exit_code != 0
            assert done.err == "Error: standard output cannot be written: No space left on device\n"


class TestSignals:
    LOOP = "trap 'echo got; exit 4' {0}; echo ready; while :; do sleep 0.05; done"

    @pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "USR1"])
    def test_run_passes_them_on(self, persona: Persona, name: str) -> None:
        process = persona.popen(["ipycontainer", "run", "--rm", "base", "sh", "-c", self.LOOP.format(name)])
        _wait_for(process, b"ready\n")
        process.send_signal(getattr(signal, "SIG" + name))
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (4, b"got\n", b"")

    def test_an_interrupt_that_does_not_help_becomes_kill(self, persona: Persona) -> None:
        process = persona.popen(
            ["ipycontainer", "run", "--rm", "base", "sh", "-c", "trap '' INT; echo ready; sleep 100"]
        )
        _wait_for(process, b"ready\n")
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 137
        assert 1.5 < time.monotonic() - start < 5

    def test_a_second_press_kills_at_once(self, persona: Persona, web: str) -> None:
        process = persona.popen(["ipycontainer", "exec", web, "sh", "-c", "trap '' INT; echo ready; sleep 100"])
        _wait_for(process, b"ready\n")
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 137
        assert time.monotonic() - start < 1.5

    @pytest.mark.parametrize("words", [["logs", "-f"], ["wait"], ["events"]])
    def test_interrupting_what_only_looks_detaches(self, persona: Persona, web: str, words: list[str]) -> None:
        process = persona.popen(["ipycontainer", *words, *([] if words == ["events"] else [web])])
        until(lambda: _waits(process) and _catches(process, signal.SIGINT), "it has begun")
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=10)
        assert process.returncode == 130, err
        assert b"Traceback" not in err
        assert persona.ok("inspect", "-f", "{{.State.Status}}", web) == "running"

    @pytest.mark.parametrize("name", ["cli.__main__", "cli.console", "commands"])
    @pytest.mark.parametrize("ignored", [False, True])
    def test_an_interrupt_while_it_is_still_being_loaded(self, name: str, ignored: bool) -> None:
        """It ends the process without a word; one that a shell has put into the background goes on."""
        code = [
            "import builtins, os, runpy, sys",
            "real = builtins.__import__",
            "def interrupted(name, *more):",
            f"    if name == 'ipycontainer.{name}':",
            "        os.kill(os.getpid(), 2)",
            "    return real(name, *more)",
            "builtins.__import__ = interrupted",
            f"sys.argv = [{str(BIN / 'ipycontainer')!r}, '--version']",
            "runpy.run_path(sys.argv[0], run_name='__main__')",
        ]
        words = ["sh", "-c", ("trap '' INT; " if ignored else "") + 'exec "$@"', "sh"]
        python = [BIN / "python3", "-IS", "-c", "\n".join(code)]
        done = subprocess.run([*words, *map(str, python)], capture_output=True, check=False)
        assert done.stderr == b""
        assert (done.returncode, done.stdout == b"") == ((0, False) if ignored else (-signal.SIGINT, True))

    def test_a_killed_client_leaves_its_container_running(self, persona: Persona) -> None:
        process = persona.popen(["ipycontainer", "run", "--name", "left", "base", "sh", "-c", "echo ready; sleep 100"])
        try:
            _wait_for(process, b"ready\n")
            process.kill()
            process.communicate()
            assert persona.ok("inspect", "-f", "{{.State.Status}}", "left") == "running"
        finally:
            persona.ok("rm", "-f", "left")


class _Terminal:
    """A pseudo-terminal with one of our commands at its other end."""

    def __init__(self, persona: Persona, *words: str) -> None:
        self.master, slave = os.openpty()
        self.resize(30, 100)
        self.before = termios.tcgetattr(slave)
        self.process = persona.popen(
            ["ipycontainer", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.slave = slave
        self.seen = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def until(self, part: str) -> str:
        end = time.monotonic() + 20
        while part.encode() not in self.seen:
            ready = select.select([self.master], [], [], max(0, end - time.monotonic()))[0]
            assert ready, f"{part!r} never came after {self.seen!r}"
            self.seen += os.read(self.master, 4096)
        before, _, self.seen = self.seen.partition(part.encode())
        return before.decode()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@contextmanager
def _terminal(persona: Persona, *words: str) -> Iterator[_Terminal]:
    found = _Terminal(persona, *words)
    try:
        yield found
    finally:
        found.close()


class TestTerminal:
    def test_size_resize_interrupt_and_the_end(self, persona: Persona) -> None:
        with _terminal(persona, "run", "--rm", "-it", "base", "sh") as terminal:
            terminal.type("stty size; echo do''ne\r")
            assert "30 100" in terminal.until("done\r\n")
            terminal.resize(40, 120)
            time.sleep(0.3)
            terminal.type("stty size; echo ag''ain\r")
            assert "40 120" in terminal.until("again\r\n")
            terminal.type("sh -c 'echo sl''eeps; exec sleep 100'\r")
            terminal.until("sleeps\r\n")
            terminal.type("\x03")  # Ctrl-C goes inside: the shell lives, its sleep does not
            terminal.type("echo ali''ve; exit 7\r")
            terminal.until("alive\r\n")
            assert terminal.process.wait(timeout=10) == 7
            assert termios.tcgetattr(terminal.slave) == terminal.before

    def test_exec_in_a_terminal(self, persona: Persona, web: str) -> None:
        with _terminal(persona, "exec", "-it", web, "sh") as terminal:
            terminal.type("stty size; test -t 0 && echo ye''s; exit 3\r")
            assert "30 100" in terminal.until("yes\r\n")
            assert terminal.process.wait(timeout=10) == 3
            assert termios.tcgetattr(terminal.slave) == terminal.before

    def test_a_terminal_inside_without_one_outside(self, persona: Persona) -> None:
        done = persona.cli("run", "--rm", "-t", "base", "sh", "-c", "test -t 1 && echo yes")
        assert done.exit_code == 0 and done.out == "yes\r\n"


class TestListings:
    def test_ps(self, persona: Persona, web: str) -> None:
        headings, *rows = persona.ok("ps").splitlines()
        assert headings.split("   ")[0] == "CONTAINER ID" and headings.split()[-1] == "NAMES"
        row = next(row for row in rows if row.endswith(web))
        assert headings.index("NAMES") == row.index(web)
        assert row[headings.index("COMMAND") :].startswith('"sh -c \'while :; do …"')
        assert row[headings.index("STATUS") :].startswith("Up ")
        whole = persona.ok("ps", "-q", "--no-trunc", "-f", f"name={web}")
        assert len(whole) == 64 and persona.ok("ps", "-qf", f"name={web}") == whole[:12]

    def test_formats_and_filters(self, persona: Persona, web: str) -> None:
        form = '{{.Names}}|{{.Image}}|{{.State}}|{{.Label "tier"}}|{{.Labels}}'
        shown = persona.ok("ps", "-f", f"name={web}", "--format", form)
        assert shown.startswith(f"{web}|base|running|front|") and "tier=front" in shown
        assert persona.ok("ps", "-f", f"name={web}", "--format", "table {{.Names}}\\t{{.State}}") == (
            f"{'NAMES':<{max(10, len(web) + 3)}}STATE\n{web:<{max(10, len(web) + 3)}}running"
        )
        document = json.loads(persona.ok("ps", "-f", "label=tier=front", "-f", f"name={web}", "--format", "json"))
        assert document["Names"] == web and document["Networks"] == "none"
        assert persona.ok("ps", "-q", "-f", "status=exited", "-f", f"name={web}") == ""
        assert persona.ok("ps", "-lq") == persona.ok("ps", "-n", "1", "-q")

    def test_inspect(self, persona: Persona, web: str) -> None:
        [document] = json.loads(persona.ok("inspect", web))
        assert document["Name"].strip("/") == web and document["State"]["Running"] is True
        assert persona.ok("inspect", "-f", '{{.State.Status}} {{index .Config.Labels "tier"}}', web) == "running front"
        done = persona.cli("inspect", web, "nope")
        assert done.exit_code == 1 and len(json.loads(done.out)) == 1 and done.err == "Error: No such object: nope\n"

    def test_images(self, persona: Persona, web: str) -> None:
        headings, *rows = persona.ok("images").splitlines()
        assert headings.split("   ")[0] == "REPOSITORY" and any(row.startswith("base ") for row in rows)
        assert persona.ok("images", "--format", "{{.Repository}}:{{.Tag}}", "base") == "base:latest"
        identity = persona.ok("images", "-q", "base")
        assert persona.ok("image", "inspect", "-f", "{{.Id}}", "base").startswith("sha256:" + identity)

    def test_logs(self, persona: Persona, web: str) -> None:
        time.sleep(1)
        done = persona.cli("logs", "--tail", "2", web)
        assert sorted((done.out + done.err).split()) == ["tick", "tock"]
        stamped = persona.cli("logs", "-t", "-n", "1", web)
        assert (stamped.out + stamped.err).split()[0].endswith("Z")
        process = persona.popen(["ipycontainer", "logs", "-f", "--since", "0s", web])
        _wait_for(process, b"tick\ntick\n")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)

    def test_the_states_and_what_moves_them(self, persona: Persona) -> None:
        identity = persona.ok("create", "--name", "mover", "base", "sh", "-c", "echo hi; exit 5")
        try:
            state = "{{.State.Status}} {{.State.ExitCode}}"
            assert len(identity) == 64
            assert persona.ok("inspect", "-f", state, "mover") == "created 0"
            done = persona.cli("start", "-a", "mover")
            assert (done.exit_code, done.out) == (5, "hi\n")
            assert persona.ok("inspect", "-f", state, identity[:12]) == "exited 5"
            assert persona.ok("start", "mover") == "mover"
            assert persona.ok("wait", "mover") == "5"
            assert persona.ok("logs", "mover") == "hi\nhi"
        finally:
            assert persona.ok("rm", "mover") == "mover"

    def test_kill_and_stop(self, persona: Persona, web: str) -> None:
        assert persona.ok("kill", "-s", "9", web) == web
        assert persona.ok("wait", web) == "137"
        assert persona.ok("start", web) == web
        assert persona.ok("start", web) == web  # it runs already, which is what was asked for
        assert persona.ok("stop", "-t", "0", web) == web
        assert persona.ok("ps", "-aq", "-f", f"name={web}", "-f", "exited=137") != ""

    def test_stop_may_wait_for_ever(self, persona: Persona) -> None:
        for words, option in ((["-t", "-1"], []), ([], ["--stop-timeout", "-1"])):
            loop = "trap 'sleep 1; exit 6' TERM; while :; do sleep 0.05; done"
            persona.ok("run", "-d", "--name", "slow", *option, "base", "sh", "-c", loop)
            try:
                time.sleep(0.3)
                assert persona.ok("stop", *words, "slow") == "slow"
                assert persona.ok("inspect", "-f", "{{.State.ExitCode}}", "slow") == "6"
            finally:
                persona.ok("rm", "-f", "slow")

    def test_events(self, persona: Persona) -> None:
        start = time.time() - 0.001
        persona.ok("run", "--rm", "--name", "noted", "base", "true")
        time.sleep(0.2)
        words = ["events", "--since", f"{start:.6f}", "--until", "0s", "-f", "container=noted"]
        actions = persona.ok(*words, "--format", "{{.Action}}").split()
        assert [action for action in ("create", "start", "die", "destroy") if action in actions] == [
            "create", "start", "die", "destroy",
        ]  # fmt: skip
        line = persona.ok(*words).splitlines()[0]
        assert " container create " in line and "name=noted" in line

    def test_a_relative_bind_is_where_the_command_was_called(self, persona: Persona) -> None:
        persona.path("here.txt", "found me\n")
        assert persona.ok("run", "--rm", "-v", ".:/work", "-w", "/work", "base", "cat", "here.txt") == "found me"
