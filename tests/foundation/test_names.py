"""The guard against leavings turns red for every kind of thing that can be left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import names

ROOT = os.geteuid() == 0
# An ordinary user makes namespaces inside a user namespace of its own.
UNSHARE = ["unshare"] if ROOT else ["unshare", "--user", "--map-root-user"]


def ended(*command: str, **options: object) -> Callable[[], None]:
    """Starts a process; gives what ends it."""
    process = subprocess.Popen(command, **options)  # type: ignore[call-overload]
    return lambda: (process.kill(), process.wait())  # type: ignore[return-value]


def a_mount(folder: Path) -> Callable[[], None]:
    (folder / "m").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "left", folder / "m"], check=True)
    return lambda: subprocess.run(["umount", folder / "m"], check=True)  # type: ignore[return-value]


def a_cgroup(folder: Path) -> Callable[[], None]:
    lines = [line.partition(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    hierarchies = [left.split()[4] for left, _, right in lines if right.startswith("cgroup")]
    made = Path(hierarchies[0]) / names.OURS / folder.name
    made.parent.mkdir(exist_ok=True)
    made.mkdir()
    return made.rmdir


def a_process(folder: Path) -> Callable[[], None]:
    return ended(sys.executable, "-c", "import time; time.sleep(100)", str(folder))


def a_namespace(folder: Path) -> Callable[[], None]:
    return ended(*UNSHARE, "--uts", "sh", "-c", "read never", str(folder), stdin=subprocess.PIPE)


def an_orphan(folder: Path) -> Callable[[], None]:
    """In a mount namespace of its own, with nothing of ours in its words, its parent gone."""
    command = [*UNSHARE, "--mount", "sleep", "100"]
    code = f"import subprocess as s; print(s.Popen({command}, env={{}}, stdout=s.DEVNULL).pid)"
    pid = int(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout)
    return lambda: os.kill(pid, 9)


def a_link(folder: Path) -> Callable[[], None]:
    subprocess.run(["ip", "link", "add", "ipyc-left", "type", "veth", "peer", "name", "ipyc-peer"], check=True)
    return lambda: subprocess.run(["ip", "link", "del", "ipyc-left"], check=True)  # type: ignore[return-value]


def a_socket(folder: Path) -> Callable[[], None]:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(folder / "s"))
    return sock.close


def shared_memory(folder: Path) -> Callable[[], None]:
    file = Path("/dev/shm") / f"left-{folder.name}"
    file.write_text("")
    return file.unlink


def a_folder(folder: Path) -> Callable[[], None]:
    made = folder / "store" / "containers" / "0123"
    made.mkdir(parents=True)
    return lambda: (made.rmdir(), made.parent.rmdir())  # type: ignore[return-value]


KINDS = {
    "mounts": a_mount,
    "cgroups": a_cgroup,
    "processes": a_process,
    "namespaces": a_namespace,
    "links": a_link,
    "sockets": a_socket,
    "shared memory": shared_memory,
    "folders": a_folder,
}
POSSIBLE = [kind for kind in KINDS if ROOT or kind not in ("mounts", "cgroups", "links")]


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Callable[[], names.Names]]:
    (tmp_path / "store").mkdir()
    journal = tmp_path / "events"
    journal.write_text(tmp_path.name)
    yield lambda: names.snapshot(str(tmp_path), [tmp_path / "store"], journal)


def _calm(look: Callable[[], names.Names]) -> names.Names:
    """What is there once nothing of another test is just ending: a namespace's number is given to the next one."""
    before = look()
    for _ in range(50):
        time.sleep(0.1)
        now = look()
        if now == before:
            break
        before = now
    return before


@pytest.mark.parametrize("kind", POSSIBLE)
def test_what_is_left_is_named(kind: str, tmp_path: Path, look: Callable[[], names.Names]):
    before = _calm(look)
    with ExitStack() as stack:
        stack.callback(KINDS[kind](tmp_path))
        with pytest.raises(AssertionError, match=f"left: {kind}: "):
            names.assert_same(before, look, seconds=0.3)
    names.assert_same(before, look)


def test_an_orphan_is_found_without_any_word_of_ours(tmp_path: Path, look: Callable[[], names.Names]):
    before = look()
    end = an_orphan(tmp_path)
    try:
        with pytest.raises(AssertionError, match=r"left: processes: \d+ sleep"):
            names.assert_same(before, look, seconds=0.3)
    finally:
        end()
    names.assert_same(before, look)


def test_what_is_gone_is_named(tmp_path: Path, look: Callable[[], names.Names]):
    end = a_folder(tmp_path)
    before = look()
    end()
    with pytest.raises(AssertionError, match="gone: folders: "):
        names.assert_same(before, look, seconds=0.1)


def test_a_monitor_at_its_end_may_go_and_a_program_may_not(look: Callable[[], names.Names]):
    now = look()
    for name in ("7 ipycontainer (started 5)", "7 sleep (started 5)"):
        before = {**now, "processes": now["processes"] | {name}}
        if "sleep" in name:
            with pytest.raises(AssertionError, match="gone: processes: "):
                names.assert_same(before, look, seconds=0.1)
        else:
            names.assert_same(before, look, seconds=0.1)


def test_other_programs_do_not_matter(look: Callable[[], names.Names]):
    before = look()
    end = ended("sleep", "100")
    try:
        names.assert_same(before, look, seconds=0.3)
    finally:
        end()
