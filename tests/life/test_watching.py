"""top, port, stats: what runs in a container and what it uses."""

from __future__ import annotations

import json
import os
import re

import pytest

from tests.life.inside import alive_record, detached, one_sentence, until, with_engine
from tests.personas import Persona

BUSY = ("base", "sh", "-c", "sleep 1000 & while :; do :; done")


def test_top_shows_the_containers_processes_and_no_others(persona: Persona, nothing_left: None):
    container = detached(persona, "--name", "busy", "base", "sh", "-c", "sleep 1001 & sleep 1002")
    until(lambda: len(persona.ok("top", "busy").splitlines()) == 4, "three processes")
    heading, *rows = persona.ok("top", "busy").splitlines()
    assert heading.split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert heading.startswith("UID                 PID                 PPID")
    assert {row.split(None, 7)[7] for row in rows} == {"sh -c sleep 1001 & sleep 1002", "sleep 1001", "sleep 1002"}
    pid = alive_record(persona, container)["pid"]
    assert str(pid) in [row.split()[1] for row in rows]
    asked = persona.ok("top", "busy", "-o", "pid,comm").splitlines()
    assert asked[0].split() == ["PID", "COMMAND"] and sorted(row.split()[1] for row in asked[1:]) == [
        "sh",
        "sleep",
        "sleep",
    ]
    assert persona.ok("container", "top", "busy", "aux").splitlines()[0].split()[:2] == ["USER", "PID"]
    assert with_engine(persona, "tell(engine.get('busy').top(['-o', 'pid,args']).titles)") == ["PID", "COMMAND"]
    persona.ok("rm", "-f", "busy")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("top", "made"), "is not running"),
        (("top", "nobody"), "No such container: nobody"),
        (("top", "runs", "-o", "comm"), "Couldn't find PID field in ps output"),
        (("top", "runs", "-zz"), "ps: error: unsupported SysV option"),
        (("port", "nobody"), "No such container: nobody"),
        (("port", "runs", "80"), "No public port '80' published for runs"),
        (("port", "runs", "abc"), "invalid port (abc)"),
        (("stats", "--no-stream", "nobody"), "No such container: nobody"),
        (("stats", "--no-stream", "--format", "{{.Nonsense"), "emplate"),
    ],
)
def test_what_cannot_be_is_one_sentence(persona: Persona, words: tuple[str, ...], says: str):
    persona.ok("create", "--name", "made", "base", "true")
    detached(persona, "--name", "runs", "base", "sleep", "1000")
    done = persona.cli(*words)
    assert says in one_sentence(done, code=done.exit_code) and done.exit_code in (1, 125)


def test_port_has_nothing_to_show(persona: Persona):
    persona.ok("create", "--name", "made", "base", "true")
    assert persona.ok("port", "made") == ""


def test_stats_are_dockers_columns(persona: Persona):
    busy = detached(persona, "--name", "busy", *BUSY)
    made = persona.ok("create", "--name", "made", "base", "true")
    heading, row = persona.ok("stats", "--no-stream").splitlines()
    assert re.split(r"\s{2,}", heading) == [
        "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS",
    ]  # fmt: skip
    assert row.split()[:2] == [busy[:12], "busy"]
    both = persona.ok(
        "stats", "--no-stream", "-a", "--no-trunc", "--format", "{{.ID}} {{.Name}} {{.PIDs}}"
    ).splitlines()
    assert both == [f"{made} made 0", f"{busy} busy 2"]
    found = json.loads(persona.ok("stats", "--no-stream", "--format", "json", "busy"))
    assert sorted(found) == ["BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs"]
    assert found["Container"] == "busy" and float(found["CPUPerc"].rstrip("%")) > 0
    assert re.fullmatch(r"[\d.]+[KM]iB / [\d.]+[MG]iB", found["MemUsage"])


@pytest.mark.personas("root")
def test_stats_agree_with_the_kernel(persona: Persona):
    container = detached(persona, "-m", "64m", "base", "sleep", "1000")
    used, limit = persona.ok("stats", "--no-stream", "--format", "{{.MemUsage}}", container).split(" / ")
    assert limit == "64MiB"
    leaves = alive_record(persona, container)["cgroups"]
    kernel = [
        int(open(f"{leaf}/{file}").read())
        for leaf in leaves
        for file in ("memory.usage_in_bytes", "memory.current")
        if os.path.exists(f"{leaf}/{file}")
    ]
    shown = float(used[:-3]) * {"KiB": 1 << 10, "MiB": 1 << 20}[used[-3:]]
    assert abs(shown - kernel[0]) < 1 << 20


def test_stats_go_on_until_what_was_asked_for_is_gone(persona: Persona):
    detached(persona, "--name", "busy", *BUSY)
    watcher = persona.popen(["ipycontainer", "stats", "--format", "{{.Name}} {{.PIDs}}", "busy"])
    assert watcher.stdout is not None
    try:
        assert [watcher.stdout.readline() for _ in range(2)] == [b"busy 2\n"] * 2
        persona.ok("rm", "-f", "busy")
        out, err = watcher.communicate(timeout=20)
    finally:
        watcher.kill()
        watcher.communicate()
    assert watcher.returncode == 0 and err == b"" and set(out.splitlines()) <= {b"busy 2", b"busy 0"}
