"""What a program finds in our container and in docker's: every difference is in a table, stricter or explained.

The table (docker_differences.json) is data: [what, ours, docker's, "stricter" or "explained", why], and where it is so
only with some options, those.  A difference that is not in it fails, and so does one that is in it and gone.  System
calls have a test of their own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.docker_daemon import DockerDaemon
from tests.personas import Persona

pytestmark = pytest.mark.personas("root")

LIBRARYS_OWN = 1 << 31 | 1 << 32  # signals 32 and 33
FACTS = Path(__file__).with_name("facts_inside.py")
TABLE = Path(__file__).with_name("docker_differences.json")
ABSENT = "-"

OPTIONS = [
    (),
    ("--user", "1234:5678"),
    ("--read-only", "--tmpfs", "/t"),
    ("--device", "/dev/fuse:/dev/some/fuse:r"),
    ("--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=4096"),
    ("--security-opt", "systempaths=unconfined"),
    ("--cap-drop", "ALL", "--ulimit", "nofile=100:200", "--ulimit", "core=1000", "--workdir", "/some/folder"),
]


def _rows() -> list[list[str]]:
    rows: list[list[str]] = json.loads(TABLE.read_text())
    return rows


def _own_or_hosts(facts: dict[str, str]) -> dict[str, str]:
    """Namespaces by whose they are: their numbers are nobody's business."""
    for name, value in facts.items():
        if name.startswith("namespace "):
            host = os.readlink(f"/proc/self/ns/{name.removeprefix('namespace ')}")
            facts[name] = "the host's" if value == host else "its own"
    return facts


def _ours(persona: Persona, options: tuple[str, ...]) -> dict[str, str]:
    said = persona.ok("run", "--rm", "-i", *options, "base", "python3", "-I", "-", input=FACTS.read_text())
    found: dict[str, str] = json.loads(said)
    return _own_or_hosts(found)


def _dockers(daemon: DockerDaemon, options: tuple[str, ...]) -> dict[str, str]:
    words = ("run", "--rm", "-i", "--network", "none", *options, "base", "python3", "-I", "-")
    found: dict[str, str] = json.loads(daemon.ok(*words, input=FACTS.read_bytes()))
    # What whoever started dockerd ignored stays ignored in its containers: of these two we know that libc's
    # posix_spawn leaves them so.  Ours resets them.
    found["status SigIgn"] = f"{int(found['status SigIgn'], 16) & ~LIBRARYS_OWN:016x}"
    return _own_or_hosts(found)


def _differences(ours: dict[str, str], dockers: dict[str, str]) -> dict[str, tuple[str, str]]:
    names = sorted(ours.keys() | dockers.keys())
    pairs = {name: (ours.get(name, ABSENT), dockers.get(name, ABSENT)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@pytest.mark.parametrize("options", OPTIONS, ids=lambda words: " ".join(words) or "usual")
@pytest.mark.timeout(300)
def test_every_difference_is_in_the_table(
    persona: Persona, docker_daemon: DockerDaemon, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    ours, dockers = _ours(persona, options), _dockers(docker_daemon, options)
    found = _differences(ours, dockers)
    words = " ".join(options)
    # A row without options is about every container, but only where the options leave it so.
    known = {(row[0], row[1], row[2]): row for row in _rows() if row[5:] in ([], [words])}
    table = [(known.get((name, *pair)), name, pair) for name, pair in found.items()]
    with capsys.disabled():
        print(f"\n{words or '(no options)'}: {len({**ours, **dockers}) - len(found)} things alike")
        for row, name, pair in table:
            print(f"  {name} | {pair[0]} | {pair[1]} | {': '.join(row[3:5]) if row else 'NOT IN THE TABLE'}")
    assert not [(name, *pair) for row, name, pair in table if row is None]
    alike = [row[:3] for row in known.values() if (row[1], row[2]) != found.get(row[0])]
    if options:
        alike = [row for row in alike if known[row[0], row[1], row[2]][5:]]
    assert not alike, "these are listed, and are no such difference now"


def test_the_table_gives_a_reason_for_each():
    for row in _rows():
        assert len(row) in (5, 6) and row[3] in ("stricter", "explained") and len(row[4]) > 10, row
        assert row[1] != row[2]


def test_a_container_that_is_laxer_is_noticed(persona: Persona, docker_daemon: DockerDaemon):
    """The comparison itself: with a guard off it is not silent."""
    laxer: dict[str, Any] = _ours(persona, ("--security-opt", "systempaths=unconfined", "--cap-add", "SYS_ADMIN"))
    found = _differences(laxer, _dockers(docker_daemon, ()))
    assert {"read-only /proc/sys", "masked /proc/keys", "status CapEff"} <= found.keys()
