"""Restart policies beside the real docker: what it takes, what it says, what happens, in which order."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable

import pytest

from tests.compatibility.evidence import Compared
from tests.hostile.docker_daemon import DockerDaemon
from tests.personas import Finished, Persona

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(600)]

WARNING = "IPv4 forwarding is disabled. Networking will not work.\n"
SHOWN = (
    "{{.State.Status}} {{.State.Running}} {{.State.Restarting}} {{.State.ExitCode}} {{.RestartCount}} "
    "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}"
)
# Words of run after which nothing is left to happen: exit code, output, the record.
TAKEN = (
    "--restart no base true",
    "--restart= base true",
    "--restart on-failure base true",
    "--restart on-failure:2 base false",
    "--restart on-failure:0 base true",
    "--restart on-failure:-1 base true",
    "--restart on-failure:x base true",
    "--restart on-failure:1:2 base true",
    "--restart always:3 base true",
    "--restart always:0 base sleep 99",
    "--restart unless-stopped:1 base true",
    "--restart no:1 base true",
    "--restart sometimes base true",
    "--rm --restart always base true",
    "--rm --restart no base sleep 99",
    "--restart always base nosuchprogram",
)
# Lines, each with what it is waited for after it (a status, or nothing), and then everything is compared.
LIFE = (
    ("run -d --network none --name web --restart always base sleep 99", "running"),
    ("kill -s KILL web", "exited"),
    ("start web", "running"),
    ("exec web sh -c 'kill -9 1'", "running"),
    ("stop -t 0 web", "exited"),
    ("update --restart on-failure:1 web", ""),
    ("update --restart sometimes web", ""),
    ("update --restart always:2 web", ""),
    ("restart -t 0 web", "running"),
    ("rm -f web", ""),
    ("run -d --network none --name web --restart on-failure:2 base sh -c 'exit 3'", "exited"),
    ("update --restart no web", ""),
    ("start web", "exited"),
    ("update --restart unless-stopped web", ""),
    ("rm web", ""),
    ("run -d --network none --name web --restart always base sh -c 'exit 3'", "restarting"),
    ("rm web", "restarting"),
    ("stop web", "exited"),
    ("start web", "restarting"),
    ("kill web", "exited"),
    ("rm web", ""),
    ("run --network none --name web --restart always base sh -c 'echo once; exit 3'", ""),
    ("rm -f web", ""),
)


_MANY = 5  # it waits for seconds then


def _until(look: Callable[[], str], status: str) -> str:
    """What is shown once it is in that status; a short wait for a restart may be missed, a long one not."""
    end = time.monotonic() + 30
    while True:
        found = look().strip()
        waits = status != "restarting" or int(found.split()[4]) >= _MANY
        if not status or (found.split()[:1] == [status] and waits) or time.monotonic() > end:
            return found
        time.sleep(0.02)


def _plain(shown: str, counted: bool) -> str:
    """The number of restarts of one that goes on restarting is a matter of the moment, as soon as it was so many."""
    fields = shown.split()
    if not counted and len(fields) > 4 and int(fields[4]) >= _MANY:
        fields[4] = "many"
    return " ".join(fields)


def test_words_beside_dockers(
    persona: Persona, docker_daemon: DockerDaemon, compared: Compared, capsys: pytest.CaptureFixture[str]
):
    different = []
    for words in TAKEN:
        make = ("run", "-d", "--network", "none", "--name", "made", *words.split())
        mine, his = persona.cli(*make), docker_daemon.run(*make)
        look = ("inspect", "-f", SHOWN, "made")
        status = "running" if "sleep" in words else "exited"
        if his.returncode == 0:
            shown = (
                _until(lambda: persona.cli(*look).out, status),  # noqa: B023
                _until(lambda: docker_daemon.run(*look).stdout.decode(), status),  # noqa: B023
            )
        else:
            shown = ("", "")
        said = his.stderr.decode().replace("docker: ", "").replace("Error response from daemon: ", "").split("\n")[0]
        first = said.rstrip(".").partition(": ")[0]
        same = mine.exit_code == his.returncode and shown[0] == shown[1]
        if not same or (his.returncode == 125 and first.lower() not in mine.err.lower()):
            different.append((words, mine, his, shown))
        else:
            compared(make, his)
        persona.cli("rm", "-f", "made")
        docker_daemon.run("rm", "-f", "made")
    with capsys.disabled():
        print(f"\n{len(TAKEN)} lines, {len(different)} different")
    assert not different, "\n\n".join(map(str, different))


def test_life_beside_dockers(
    persona: Persona, docker_daemon: DockerDaemon, compared: Compared, capsys: pytest.CaptureFixture[str]
):
    different, before = [], ""
    look = ("inspect", "-f", SHOWN, "web")
    try:
        for line, status in LIFE:
            mine, his = persona.cli(*shlex.split(line)), docker_daemon.run(*shlex.split(line))
            # Until somebody ends it, and what ends it may come a restart later here than there.
            counted = "restarting" not in (status, before)
            before = status
            shown = [
                _plain(_until(looks, status) if status else looks().strip(), counted)
                for looks in (lambda: persona.cli(*look).out, lambda: docker_daemon.run(*look).stdout.decode())
            ]
            said = his.stdout.decode().replace(WARNING, "")
            identical = mine.out == said or (line.startswith("run -d") and len(mine.out) == len(said))
            if "once" in line:
                shown = ["", ""]  # both go on restarting
            if mine.exit_code != his.returncode or not identical or shown[0] != shown[1]:
                different.append((line, mine, his, shown))
            else:
                compared(shlex.split(line), his)
    finally:
        persona.cli("rm", "-f", "web")
        docker_daemon.run("rm", "-f", "web")
    with capsys.disabled():
        print(f"\n{len(LIFE)} lines, {len(different)} different")
    assert not different, "\n\n".join(map(str, different))


def test_events_beside_dockers(persona: Persona, docker_daemon: DockerDaemon, capsys: pytest.CaptureFixture[str]):
    """The order of a container's events, and what kill and die say."""
    begin = str(int(time.time()))
    script = "trap 'exit 7' TERM; echo on; while :; do sleep 0.05; done"
    lines = (
        ("run", "-d", "--network", "none", "--name", "told", "base", "sh", "-c", script),
        ("kill", "-s", "HUP", "told"),
        ("start", "told"),
        ("stop", "-t", "60", "told"),
        ("start", "told"),
        ("restart", "-t", "60", "told"),
        ("kill", "told"),
        ("wait", "told"),
        ("rm", "told"),
    )
    for line in lines:
        for run in (persona.cli, docker_daemon.run):
            run(*line)
            end = time.monotonic() + 30
            # The trap is set before anybody asks for the end.
            while line[0] in ("run", "start", "restart") and time.monotonic() < end:
                said = run("logs", "told")
                out = said.out if isinstance(said, Finished) else said.stdout.decode()
                if out.endswith("on\n") and out.count("on") >= 1:
                    break
                time.sleep(0.02)
            time.sleep(0.2)
    look = ("events", "--since", begin, "--until", str(int(time.time()) + 1), "--filter", "container=told")
    listed = persona.cli(*look, "--format", "{{json .}}").out, docker_daemon.ok(*look, "--format", "{{json .}}")
    mine, his = ([_told(line) for line in said.splitlines()] for said in listed)
    with capsys.disabled():
        print(f"\n{len(his)} lines, {sum(one != other for one, other in zip(mine, his, strict=False))} different")
    assert mine == his


def _told(line: str) -> tuple[str, ...]:
    event = json.loads(line)
    attributes = event["Actor"]["Attributes"]
    return event["Type"], event["Action"], attributes["name"], attributes.get("signal"), attributes.get("exitCode")
