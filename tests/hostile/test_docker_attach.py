"""attach, detach keys, `run -a` and `start -ai` beside the real docker: what is said, on which stream, exit codes.

At terminals the same keys are typed to both; what the screens show must be equal.
"""

from __future__ import annotations

import shlex
import signal
import subprocess

import pytest

from tests.compatibility.evidence import Compared
from tests.hostile.beside import Beside
from tests.hostile.docker_daemon import DockerDaemon
from tests.life.terminals import Terminal
from tests.personas import Persona

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

# In this order; | stands between the words of a shell's script.  Each gets a line of input.
LINES = """
attach
attach one two
attach nobody
create --network none --name job -i base sh -c echo|out;|echo|err|>&2;|cat;|exit|3
container attach job
inspect -f {{.Config.StdinOnce}},{{.Config.OpenStdin}},{{.Config.AttachStdin}},{{.Config.AttachStdout}} job
start -a -i job
start -a job other
attach job
inspect -f {{.State.ExitCode}} job
run -d --network none --name web base sleep 1000
inspect -f {{.Config.StdinOnce}},{{.Config.OpenStdin}},{{.Config.AttachStdin}},{{.Config.AttachStdout}} web
pause web
attach web
unpause web
exec --detach-keys shift-x web true
run -d -i --network none --name open base sh -c read|a;|echo|$a
inspect -f {{.Config.StdinOnce}},{{.Config.OpenStdin}},{{.Config.AttachStdin}},{{.Config.AttachStdout}} open
run --rm --network none -a stdout base sh -c echo|out;|echo|err|>&2;|exit|3
run --rm --network none -a STDERR base sh -c echo|out;|echo|err|>&2;|exit|3
run --rm --network none -a stdout -a stderr base sh -c echo|out;|echo|err|>&2;|exit|3
run --rm --network none -i -a stdout base sh -c echo|out;|cat;|exit|3
run --network none --name fed -i -a stdin base sh -c cat;|exit|3
wait fed
logs fed
run --rm --network none -a bogus base true
run -d --network none -a stdout base true
create --network none --name some -a stdout base true
inspect -f {{.Config.AttachStdin}},{{.Config.AttachStdout}},{{.Config.AttachStderr}} some
rm -f job web open fed some
"""
# (what is expected on the screen, what is typed then); the command's rest and exit code are compared too.
DETACH = "\x10\x11"
SCREENS: tuple[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], ...] = (
    (("run", "-it", "--network", "none", "--name", "tty", "base", "sh"), (("# ", DETACH),)),
    (("attach", "tty"), (("", "\n"), ("# ", DETACH))),
    (("attach", "--detach-keys", "ctrl-x,x", "tty"), (("", "\n"), ("# ", "\x10\x18x"))),
    (("exec", "-it", "tty", "sh"), (("# ", DETACH),)),
    (("exec", "-it", "--detach-keys", "a", "tty", "sh"), (("# ", "a"),)),
    (("start", "-a", "-i", "tty"), (("", "\n"), ("# ", DETACH))),
    (("attach", "tty"), (("", "\n"), ("# ", "exit 7\n"))),
    (("attach", "tty"), ()),
    (("start", "-a", "-i", "tty"), (("# ", DETACH),)),
    (("start", "-a", "-i", "--detach-keys", "DEL", "tty"), (("", "\n"), ("# ", "\x7f"))),
    (("attach", "tty"), (("", "\n"), ("# ", "exit 8\n"))),
    (("rm", "tty"), ()),
    (("run", "-it", "--detach-keys", "ctrl-x", "--network", "none", "--name", "tty", "base", "sh"), (("# ", "\x18"),)),
    (("rm", "-f", "tty"), ()),
    (("run", "-it", "--rm", "--sig-proxy=false", "--network", "none", "base", "sh"), (("# ", "exit 9\n"),)),
)
WARNING = "WARNING: IPv4 forwarding is disabled. Networking will not work."


def test_attach_beside_dockers(beside: Beside):
    try:
        for line in filter(None, LINES.splitlines()):
            beside.line(shlex.join(word.replace("|", " ") for word in line.split()), stdin=b"in\n", reasons=True)
    finally:
        beside.remove("job", "web", "open", "fed", "some")
    beside.end()


def test_terminals_beside_dockers(
    persona: Persona, docker_daemon: DockerDaemon, compared: Compared, capsys: pytest.CaptureFixture[str]
):
    different = []
    try:
        for words, keys in SCREENS:
            screens = []
            for command in (["ipycontainer"], docker_daemon.command):
                with Terminal(persona, *words, command=command) as terminal:
                    shown = ""
                    for expected, typed in keys:
                        shown += terminal.expect(expected) if expected else ""
                        terminal.type(typed)
                    code = terminal.end()
                    screens.append((code, _screen(shown + terminal.rest)))
            if screens[0] != screens[1]:
                different.append((words, screens))
            else:
                compared(words, subprocess.CompletedProcess(words, screens[1][0], b"", b""))
    finally:
        persona.cli("rm", "-f", "tty")
        docker_daemon.run("rm", "-f", "tty")
    with capsys.disabled():
        print(f"\n{len(SCREENS)} screens, {len(different)} different")
    assert not different, "\n\n".join(map(str, different))


def _screen(text: str) -> list[str]:
    """The lines that are not empty: how often a prompt was drawn anew depends on when the size came.

    Whether the echo of a key that began no sequence is still seen depends on who is quicker.
    """
    said = [
        line.strip()
        for line in text.replace("Error: ", "").replace("^P", "").splitlines()
        if line.strip() not in ("", "#")
    ]
    return [line for line in said if line != WARNING]


@pytest.mark.parametrize(("options", "code", "runs"), [((), 7, "false"), (("--sig-proxy=false",), -15, "true")])
def test_signals_beside_dockers(
    persona: Persona, docker_daemon: DockerDaemon, compared: Compared, options: tuple[str, ...], code: int, runs: str
):
    script = "trap 'exit 7' TERM; while :; do echo up; sleep 0.05; done"
    make = ("run", "-d", "--network", "none", "--name", "web", "base", "sh", "-c", script)
    look = ("inspect", "-f", "{{.State.Running}}", "web")
    persona.ok(*make)
    docker_daemon.ok(*make)
    try:
        for command, ask in ((["ipycontainer"], persona.ok), (docker_daemon.command, docker_daemon.ok)):
            client = persona.popen([*command, "attach", "--no-stdin", *options, "web"])
            assert client.stdout is not None and client.stdout.readline() == b"up\n"
            client.send_signal(signal.SIGTERM)
            while client.stdout.read(65536):
                pass
            assert client.wait(30) == code
            client.communicate()
            assert ask(*look) == runs
        compared(("attach", "--no-stdin", *options, "web"), subprocess.CompletedProcess((), code, b"", b""))
    finally:
        persona.cli("rm", "-f", "web")
        docker_daemon.run("rm", "-f", "web")
