"""What a killed or hostile process left in the state folder: cut anywhere, damaged, not ours.

Looking never fails because of one file, and nobody but our own errors speaks.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.engine.directory import Directory
from ipycontainer.engine.engine import Engine
from ipycontainer.engine.events import Journal
from ipycontainer.errors import Error
from ipycontainer.launcher import alive
from ipycontainer.linux.cgroups import files, layout
from ipycontainer.linux.cgroups.devices import folder_of
from ipycontainer.linux.idmaps import parse_subordinate
from ipycontainer.linux.mountinfo import parse_mountinfo
from ipycontainer.runtime.container_state import STATUSES, read_state
from ipycontainer.runtime.inside.log import HEADER, STDOUT
from ipycontainer.runtime.inside.steps.identity import look_up, read_table
from ipycontainer.runtime.log_reader import count_lines, read_entries
from tests.fuzz.some import damaged, text_like

NAMES = {"cgroups": ["/sys/fs/cgroup/x/ipycontainer/1"], "remove": {"folder": "/x", "id": "1"}}
STATE = {
    "id": "1" * 64, "pid": 1, "start_time": 5, "monitor": 1, "started": 1.5, "mode": "root", "kinds": ["pid"],
    "joins": [], "boot_id": "x",
}  # fmt: skip
LIFE = {"started": 1.5, "finished": 2.5, "exit_code": 7, "oom_killed": False, "error": ""}
WHAT = {"image": "base", "image_id": "1", "command": ["sh"], "created": 1.5, "labels": {"a": "b"}, "stop_signal": ""}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ipyc-fuzz-") as name:
        yield Path(name)


def lines(*strategies: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*strategies).map(lambda parts: b"".join(part + b"\n" for part in parts)).flatmap(damaged)


def test_the_state_of_a_container(folder: Path):
    run = folder / "run"
    run.mkdir()

    @given(lines(text_like(NAMES), text_like(STATE)), st.none() | text_like(LIFE))
    def each(living: bytes, life: bytes | None) -> None:
        (run / "alive").write_bytes(living)
        (folder / "life.json").unlink(missing_ok=True)
        if life is not None:
            (folder / "life.json").write_bytes(life)
        assert isinstance(alive.read(str(run)), dict)
        found = read_state(str(folder), str(run))
        assert found.status in STATUSES
        assert found.exit_code is None or (found.status == "exited" and isinstance(found.exit_code, int))

    each()


def test_a_folder_of_containers(folder: Path):
    """One that is damaged hides none of the others."""
    engine = Engine(str(folder))
    good, bad = "1" * 64, "2" * 64
    for place in (folder / "containers" / good, folder / "containers" / bad, folder / "names"):
        place.mkdir(parents=True)
    (folder / "containers" / good / "container.jsonl").write_text(f"{json.dumps(WHAT)}\n{{}}\n")

    @given(lines(text_like(WHAT), text_like({"spec": {"process": {}}})))
    def each(record: bytes) -> None:
        (folder / "containers" / bad / "container.jsonl").write_bytes(record)
        found = engine.containers(all=True)
        assert good in [container.id for container in found]
        for container in found:
            assert isinstance(container.status_text, str) and isinstance(container.image, str)
            container.stop()
        try:
            engine.directory.read_launch(bad)
        except Error:
            pass

    each()


@given(st.lists(st.tuples(st.text("ab.-_/\n" + "\u202e", min_size=1, max_size=5), st.booleans()), max_size=6))
def test_a_folder_of_names(entries: list[tuple[str, bool]]):
    with tempfile.TemporaryDirectory(prefix="ipyc-fuzz-") as name:
        folder = Path(name)
        (folder / "names").mkdir()
        for text, is_link in entries:
            place = folder / "names" / text.replace("/", "")
            if place.name in ("", ".", "..", "names") or place.exists() or place.is_symlink():
                continue
            if is_link:
                os.symlink("../../../etc", place)
            else:
                place.mkdir()
        directory = Directory(name, name)
        assert isinstance(directory.names(), dict)
        for text, _ in entries:
            try:
                directory.find(text)
            except Error:
                pass


def log_of(texts: list[bytes]) -> bytes:
    return b"".join(HEADER.pack(1.5, len(text), STDOUT) + text for text in texts)


LOG = log_of([b"one\ntwo\n", b"thr", b"ee\n", b"x" * 2000]) + HEADER.pack(1.0, 8, 3) + struct.pack("<Q", 9)


def test_a_log(folder: Path):
    @given(damaged(LOG), damaged(LOG))
    def each(first: bytes, second: bytes) -> None:
        (folder / "1.chunks").write_bytes(first)
        (folder / "2.chunks").write_bytes(second)
        for _, entry in zip(range(5000), read_entries(str(folder))):
            assert isinstance(entry.data, bytes)
        assert count_lines(str(folder)) >= 0

    each()


EVENT = {"time": 1.5, "type": "container", "action": "die", "id": "1", "attributes": {"exitCode": "7"}}


def test_the_journal(folder: Path):
    @given(lines(text_like(EVENT), text_like(EVENT)))
    def each(raw: bytes) -> None:
        (folder / "events").write_bytes(raw)
        journal = Journal(str(folder / "events"))
        for event in journal.read(since=0.0):
            assert isinstance(event.action, str)
        code = journal.exit_code("1")
        assert code is None or isinstance(code, int)

    each()


PASSWD = b"root:x:0:0:root:/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n"
GROUP = b"root:x:0:\nwheel:x:10:me,root\n"


def test_passwd_and_group_files(folder: Path):
    wanted = st.sampled_from(["", "me", "1000", "me:wheel", "1:", ":1", "0:10", "4294967296", "²", "nobody", "a:b:c"])

    @given(damaged(PASSWD), damaged(GROUP), wanted)
    def each(passwd: bytes, group: bytes, user: str) -> None:
        (folder / "passwd").write_bytes(passwd)
        (folder / "group").write_bytes(group)
        try:
            found = look_up(user, read_table(str(folder / "passwd")), read_table(str(folder / "group")))
        except Error:
            return
        assert all(0 <= number < 2**32 - 1 for number in (found.uid, found.gid, *found.groups))

    each()


@given(damaged(b"me:100000:65536\n1000:200000:65536\nother:1:2:3\n"))
def test_subordinate_ids(raw: bytes):
    try:
        found = parse_subordinate(raw.decode("utf-8", "replace"), "me", 1000)
    except Error:
        return
    assert found is None or (found.first >= 0 and found.count > 0)


MOUNTS = (
    b"24 1 0:22 / /sys/fs/cgroup/memory rw,nosuid shared:5 - cgroup cgroup rw,memory\n"
    b"25 1 0:23 /a /sys/fs/cgroup/dev\\040ices rw - cgroup cgroup rw,devices\n"
    b"26 1 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
OWN = b"3:memory:/a\n2:devices:/a/b\n0::/x\n"


@given(damaged(MOUNTS), damaged(OWN))
def test_mounts_and_cgroups(mounts: bytes, own: bytes):
    table, groups = mounts.decode("utf-8", "surrogateescape"), own.decode("utf-8", "surrogateescape")
    try:
        parse_mountinfo(table)
        layout.match(table, groups)
        folder_of(table, groups)
    except ValueError:
        pass  # what the kernel does not write; the sentence names the line


def test_files_of_a_cgroup(folder: Path):
    @given(damaged(b"oom_kill 3\nusage_usec 55\n17\n"))
    def each(raw: bytes) -> None:
        (folder / "file").write_bytes(raw)
        assert isinstance(files.table(str(folder / "file")), dict)
        found = files.number(str(folder / "file"))
        assert found is None or found >= 0

    each()
