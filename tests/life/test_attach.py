"""attach: any number of clients on one container, what each sees and gives, how each leaves (no terminal here)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.life.inside import alive_record, detached, one_sentence, state, until, with_engine
from tests.personas import Persona

ECHO = "echo ready; while read line; do echo got $line; done; echo end; exit 5"


@pytest.fixture
def clients(persona: Persona) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Ended afterwards, whatever they do."""
    found: list[subprocess.Popen[bytes]] = []
    yield found
    for client in found:
        client.kill()
        client.wait(60)
        for pipe in (client.stdin, client.stdout, client.stderr):
            if pipe is not None:
                pipe.close()


def join(persona: Persona, clients: list[subprocess.Popen[bytes]], name: str, *options: str) -> subprocess.Popen[bytes]:
    """An `attach` that the monitor knows: the journal has one more of this name, which others may have had before."""
    before = attached(persona, name)
    client = persona.popen(["ipycontainer", "attach", *options, name], stdin=subprocess.PIPE)
    clients.append(client)
    until(lambda: attached(persona, name) > before, "it is attached")
    return client


def attached(persona: Persona, name: str) -> int:
    words = ("events", "--since", "2000-01-01T00:00:00Z", "--until", "0s", "--filter", "event=attach")
    lines = persona.ok(*words, "--filter", f"container={name}", "--format", "{{.Action}}").splitlines()
    return len(lines)


def test_every_client_sees_all_from_then_on(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        """
        import threading
        from ipycontainer.engine.request import RunRequest
        script = "read a; echo before; read b; i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exit 3"
        container = engine.create(RunRequest("base", ("sh", "-c", script), interactive=True, attach=()))
        container.start()
        first = container.attach(stdin=True)
        first.write(b"1\\n")
        assert first.read() == ("stdout", b"before\\n")
        others = [container.attach() for _ in range(7)]
        seen = {}
        def read(number, attachment):
            seen[number] = b"".join(data for _, data in attachment), attachment.exit_code, attachment.lost
        threads = [threading.Thread(target=read, args=pair) for pair in enumerate([first, *others])]
        for thread in threads: thread.start()
        others[3].close()                    # one leaves: nobody minds
        first.write(b"2\\n")
        for thread in threads: thread.join(60)
        del seen[4]
        whole = b"".join(b"line %d\\n" % number for number in range(2000))
        container.remove()
        tell([len(seen), all(value == (whole, 3, 0) for value in seen.values())])
        """.replace("others[3].close()", "pass"),
    )
    assert told == [7, True]


def test_a_slow_client_and_a_dead_one_hold_nobody_up(persona: Persona, clients: list[subprocess.Popen[bytes]]):
    script = "read a; dd if=/dev/zero bs=65536 count=128 2>/dev/null | tr '\\0' x; echo; echo done; read b; exit 4"
    container = detached(persona, "-i", "--name", "flood", "base", "sh", "-c", script)
    slow = join(persona, clients, "flood", "--no-stdin")
    dead = join(persona, clients, "flood", "--no-stdin")
    quick = join(persona, clients, "flood")
    slow.send_signal(signal.SIGSTOP)
    dead.kill()
    assert quick.stdin is not None and quick.stdout is not None
    quick.stdin.write(b"go\n")
    quick.stdin.flush()
    seen = 0
    while (data := os.read(quick.stdout.fileno(), 1 << 20)) and not data.endswith(b"done\n"):
        seen += len(data)
    assert seen + len(data) == 128 * 65536 + len("\ndone\n"), "all of it, while one stands still"
    assert state(persona, container)["Running"]
    quick.stdin.write(b"end\n")
    quick.stdin.flush()
    assert quick.wait(60) == 4
    # Its end is known although one has not read it.
    assert persona.ok("wait", container) == "4"
    slow.send_signal(signal.SIGCONT)
    out, err = slow.communicate(timeout=60)
    assert slow.returncode == 4
    assert 0 < len(out) < 128 * 65536 and "bytes are missing here" in err.decode()
    missing = int(err.decode().split("[")[1].split()[0])
    assert len(out) + missing == 128 * 65536 + len("\ndone\n"), "what is missing is counted"


def test_input_of_several_goes_in_in_order(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        """
        from ipycontainer.engine.request import RunRequest
        container = engine.create(RunRequest("base", ("sh", "-c", "while read a; do echo got $a; done"),
                                             interactive=True, attach=()))
        container.start()
        clients = [container.attach(stdin=True) for _ in range(3)]
        seen = b""
        for number in range(30):
            clients[number % 3].write(b"%d\\n" % number)
            while b"got %d\\n" % number not in seen:
                seen += clients[0].read()[1]
        # One that ends its input ends nobody else's: it was left running when it was made (docker's StdinOnce).
        clients[1].close_stdin()
        clients[1].close()
        clients[2].write(b"last\\n")
        while b"got last\\n" not in seen:
            seen += clients[0].read()[1]
        container.remove(force=True)
        tell(seen.decode())
        """,
    )
    assert told == "".join(f"got {number}\n" for number in range(30)) + "got last\n"


def test_where_it_was_made_to_be_stayed_with_its_input_ends_with_its_client(
    persona: Persona, clients: list[subprocess.Popen[bytes]]
):
    container = persona.ok("create", "-i", "--name", "once", "base", "sh", "-c", ECHO)
    assert json.loads(persona.ok("inspect", container))[0]["Config"]["StdinOnce"] is True
    persona.ok("start", container)
    client = join(persona, clients, "once")
    out, _ = client.communicate(b"one\ntwo\n", timeout=60)
    assert out.decode().splitlines()[-3:] == ["got one", "got two", "end"] and client.returncode == 5
    open_ended = detached(persona, "-i", "--name", "open", "base", "sh", "-c", ECHO)
    assert json.loads(persona.ok("inspect", open_ended))[0]["Config"]["StdinOnce"] is False
    client = join(persona, clients, "open")
    assert client.stdin is not None
    client.stdin.write(b"one\n")
    client.stdin.close()
    until(lambda: "got one" in persona.ok("logs", open_ended), "it has read it")
    assert client.poll() is None and state(persona, open_ended)["Running"]


def test_a_killed_clients_container_goes_on(persona: Persona, clients: list[subprocess.Popen[bytes]]):
    client = persona.popen(["ipycontainer", "run", "--name", "web", "base", "sh", "-c", "echo up; sleep 1000"])
    clients.append(client)
    assert client.stdout is not None and client.stdout.readline() == b"up\n"
    client.kill()
    client.wait(60)
    assert state(persona, "web")["Running"]
    again = join(persona, clients, "web")
    persona.ok("stop", "-t", "0", "web")
    assert again.wait(60) == 137


def test_its_words_and_exit_codes(persona: Persona, nothing_left: None):
    made = persona.ok("create", "--name", "web", "base", "sleep", "1000")
    stopped = "You cannot attach to a stopped container, start it first"
    assert one_sentence(persona.cli("attach", "web"), code=1) == f"Error: {stopped}"
    assert one_sentence(persona.cli("attach", "nobody"), code=1) == "Error: No such container: nobody"
    assert "requires 1 argument" in one_sentence(persona.cli("attach"), code=1)
    persona.ok("start", made)
    if persona.cli("pause", "web").exit_code == 0:
        paused = "Error: You cannot attach to a paused container, unpause it first"
        assert one_sentence(persona.cli("attach", "web"), code=1) == paused
        persona.ok("unpause", "web")
    persona.ok("kill", "web")
    persona.ok("wait", "web")
    assert stopped in one_sentence(persona.cli("attach", "web"), code=1)
    assert "Invalid escape keys (shift-x) provided" in persona.cli("attach", "--detach-keys", "shift-x", "web").err
    persona.ok("rm", "web")


@pytest.mark.parametrize(
    ("options", "number", "code", "runs"),
    [
        ((), signal.SIGTERM, 7, False),
        ((), signal.SIGINT, 8, False),
        (("--sig-proxy=false",), signal.SIGTERM, -15, True),
        (("--sig-proxy=false",), signal.SIGINT, 130, True),
    ],
)
def test_signals(
    persona: Persona,
    clients: list[subprocess.Popen[bytes]],
    options: tuple[str, ...],
    number: int,
    code: int,
    runs: bool,
):
    script = "trap 'exit 7' TERM; trap 'exit 8' INT; while :; do echo up; sleep 0.05; done"
    container = detached(persona, "--name", "web", "base", "sh", "-c", script)
    client = join(persona, clients, "web", "--no-stdin", *options)
    assert client.stdout is not None and client.stdout.readline() == b"up\n", "the signals are its own by now"
    client.send_signal(number)
    assert client.wait(60) == code
    assert state(persona, container)["Running"] is runs


def test_the_monitor_is_killed(persona: Persona, clients: list[subprocess.Popen[bytes]], nothing_left: None):
    container = detached(persona, "--name", "web", "base", "sleep", "1000")
    client = join(persona, clients, "web", "--no-stdin")
    os.kill(alive_record(persona, container)["monitor"], signal.SIGKILL)
    _, err = client.communicate(timeout=60)
    assert client.returncode != 0 and "the monitor went away" in err.decode() and "Traceback" not in err.decode()
    assert "You cannot attach to a stopped container" in one_sentence(persona.cli("attach", "web"), code=1)
    persona.ok("start", "web")  # the socket of the one before is in nobody's way
    join(persona, clients, "web", "--no-stdin")
    persona.ok("rm", "-f", "web")


STREAMS = (
    (("-a", "stdout"), "out\n", "", 3),
    (("-a", "STDERR"), "", "err\n", 3),
    (("-a", "stdout", "-a", "stderr"), "out\n", "err\n", 3),
    (("-i", "-a", "stdout"), "out\nin\n", "", 3),
)


def test_run_with_some_of_its_streams(persona: Persona, nothing_left: None):
    script = "echo out; echo err >&2; cat; exit 3"
    for options, out, err, code in STREAMS:
        done = persona.cli("run", "--rm", *options, "base", "sh", "-c", script, input="in\n")
        assert (done.out, done.err, done.exit_code) == (out, err, code), options
    fed = persona.cli("run", "-i", "-a", "stdin", "base", "sh", "-c", script, input="in\n")
    container = fed.out.strip()
    assert (fed.exit_code, len(container)) == (0, 64), fed
    assert persona.ok("wait", container) == "3" and persona.cli("logs", container).out == "out\nin\n"
    persona.ok("rm", container)
    both = persona.cli("run", "-d", "-a", "stdout", "base", "true")
    assert "Conflicting options: -a and -d" in one_sentence(both, code=1)
    wrong = one_sentence(persona.cli("run", "-a", "bogus", "base", "true"), code=125)
    assert "valid streams are STDIN, STDOUT and STDERR" in wrong


def test_start_and_stay(persona: Persona, clients: list[subprocess.Popen[bytes]]):
    job = persona.ok("create", "-i", "--name", "job", "base", "sh", "-c", ECHO)
    done = persona.cli("start", "-a", "-i", "job", input="one\n")
    assert done.out.splitlines() == ["ready", "got one", "end"] and done.exit_code == 5
    persona.ok("start", "job")
    # One that runs already is joined.
    client = persona.popen(["ipycontainer", "start", "-a", "-i", "job"], stdin=subprocess.PIPE)
    clients.append(client)
    until(lambda: attached(persona, job) == 2, "it is attached beside the one before")
    out, _ = client.communicate(b"two\n", timeout=60)
    assert out.decode().splitlines()[-2:] == ["got two", "end"] and client.returncode == 5


def test_start_i_gives_no_input_to_what_was_made_without(persona: Persona):
    for made, out in (((), ""), (("-i",), "fed")):
        container = persona.ok("create", *made, "base", "cat")
        done = persona.cli("start", "-a", "-i", container, input=b"fed")
        assert (done.exit_code, done.out.strip()) == (0, out)


def test_logout_says_the_same_whoever_was_logged_in(persona: Persona):
    assert persona.ok("logout", "nowhere.example:5000") == "Removing login credentials for nowhere.example:5000"
