"""Devices on cgroup v2: the program that the kernel runs, and whole containers where v2 is all that is mounted.

On a host with both versions the v2 tree has no controllers, but programs can be attached in it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipycontainer.linux import bpf
from ipycontainer.linux.cgroups.devices import EVERYTHING, USUAL, DeviceRule
from tests.hostile.copies import Edit, copy_with
from tests.hostile.disks import SECRET
from tests.personas import Persona

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root attaches programs to cgroups")


def _unified() -> Path | None:
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        targets = [line.split()[4] for line in file if " - cgroup2 " in line]
    return Path(targets[0]) if targets else None


@pytest.fixture
def group() -> Iterator[Path]:
    tree = _unified()
    assert tree is not None, "this machine mounts no cgroup v2 anywhere"
    folder = tree / f"ipyc-programs-{os.getpid()}"
    folder.mkdir()
    yield folder
    folder.rmdir()


def _errors(group: Path, nodes: list[tuple[int, int, int]], flags: int) -> list[int]:
    """errno of opening each node in a process that has joined the group; 0 where it opens, or has no driver."""
    readable, writable = os.pipe()
    if (child := os.fork()) == 0:
        try:
            (group / "cgroup.procs").write_text("0")
            for kind, major, minor in nodes:
                path = f"/dev/shm/ipyc-node-{os.getpid()}"
                found = 0
                try:
                    os.mknod(path, kind | 0o600, os.makedev(major, minor))
                    os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))
                except OSError as error:
                    found = error.errno or -1
                finally:
                    if os.path.lexists(path):
                        os.unlink(path)
                os.write(writable, found.to_bytes(4, "little"))
        finally:
            os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as file:
        raw = file.read()
    os.waitpid(child, 0)
    return [int.from_bytes(raw[at : at + 4], "little") for at in range(0, len(raw), 4)]


NULL, KMSG, LOOP = (stat.S_IFCHR, 1, 3), (stat.S_IFCHR, 1, 11), (stat.S_IFBLK, 7, 0)


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no folder where nodes open")
@pytest.mark.parametrize(
    ("rules", "flags", "refused"),
    [
        (USUAL, os.O_RDONLY, [False, True, True]),
        (EVERYTHING, os.O_RDONLY, [False, False, False]),
        ((), os.O_RDONLY, [True, True, True]),
        ((DeviceRule("c", 1, None, "mr"),), os.O_RDONLY, [False, False, True]),
        ((DeviceRule("c", 1, None, "mr"),), os.O_RDWR, [True, True, True]),
        ((DeviceRule("c", 1, 11, "rwm"), DeviceRule("c", 1, 3, "m")), os.O_RDONLY, [True, False, True]),
        ((DeviceRule("a", 7, 0, "rwm"),), os.O_RDONLY, [True, True, False]),
        ((*USUAL, DeviceRule("b", 7, None, "r")), os.O_RDONLY, [False, True, False]),
    ],
)
def test_the_kernel_decides_as_the_rules_say(
    group: Path, rules: tuple[DeviceRule, ...], flags: int, refused: list[bool]
):
    # /dev/shm may be nodev; a bind of it in a namespace of this process's own would hide what others see.
    program = bpf.load(bpf.assemble(rules))
    try:
        bpf.attach(program, str(group))
    finally:
        os.close(program)
    found = _errors(group, [NULL, KMSG, LOOP], flags)
    assert [error == errno.EPERM for error in found] == refused, found


UNIFIED = """#!/bin/sh
exec unshare -m --propagation private sh -c '
umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec /usr/bin/python3 "$@"' sh "$@"
"""
OFF: Edit = ("runtime/plan.py", "if host.devices == cgroups.devices.PROGRAMS and group.clone_into:", "if False:")


@pytest.fixture
def python(persona: Persona) -> Path:
    """An interpreter that meets a machine with cgroup v2 alone."""
    return persona.path("python-of-a-unified-host", UNIFIED, 0o755)


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False])
def test_a_container_on_v2_alone_opens_no_disk(fresh_persona: Persona, python: Path, disk: int, guarded: bool):
    node = f"mknod /x b {os.major(disk)} {os.minor(disk)}; head -c {len(SECRET)} /x"
    with copy_with(fresh_persona, [] if guarded else [OFF], python) as copy:
        said = copy.told(f"tell(engine.run('base', ['sh', '-c', {node!r}], remove=True).text)")
    assert (said == SECRET) is not guarded, said


@pytest.mark.personas("root")
def test_its_group_is_shown_and_what_is_asked_for_is_given(fresh_persona: Persona, python: Path, disk: int):
    node = f"mknod /k b {os.major(disk)} {os.minor(disk)}; (: </k) && echo disk"
    node += "; grep ' - cgroup2 ' /proc/self/mountinfo | cut -d' ' -f4-6"
    write = "mkdir /sys/fs/cgroup/below && echo made; rmdir /sys/fs/cgroup/below"
    null = "mknod /n c 1 3 && echo x > /n && echo null"
    with copy_with(fresh_persona, [], python) as copy:
        usual, given, everything, own, executed = copy.told(
            f"""
            run = lambda words, **more: engine.run("base", ["sh", "-c", words], remove=True, **more).text
            container = engine.run("base", ["sleep", "100"], detach=True)
            executed = container.exec(["sh", "-c", {node!r}]).text
            container.remove(force=True)
            given = run({node!r}, devices=["/dev/loop{os.minor(disk)}:rm"])
            everything = run({node + ";" + write!r}, privileged=True)
            tell([run({node!r}), given, everything, run({null!r}), executed])
            """
        )
    assert usual == executed == "/ /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime\n"
    assert given == "disk\n" + usual
    assert everything == "disk\n" + usual.replace(" ro,", " rw,") + "made\n"
    assert own == "null\n"
