"""Device nodes: with CAP_MKNOD root in a container can make one of any disk; nothing in there may open it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.hostile.disks import SECRET
from tests.life.inside import attempt, sh
from tests.personas import Persona

pytestmark = pytest.mark.personas("root")

PLACES = "/x /dev/x /dev/shm/x /tmp/x /run/x /bound/x"


def _script(disk: int) -> str:
    return f"""
for place in {PLACES}; do
    mknod $place b {os.major(disk)} {os.minor(disk)} || echo not made
    (exec 3<$place; head -c {len(SECRET)} <&3 | grep -q "{SECRET}" && echo read $place) 2>/dev/null
done
"""


@pytest.fixture
def bound(persona: Persona) -> Iterator[Path]:
    """A folder of the host that is shown at /bound."""
    folder = persona.path("bound/f", "").parent
    yield folder
    (folder / "x").unlink(missing_ok=True)


# The two guards: the list of devices (a cgroup's), and where there is none, mounts on which nodes open nothing.
NO_LIST: Edit = ("runtime/inside/jobs.py", 'cgroups.devices.control(mode == "root", layout.kind == "unified")', '""')
NO_JOIN: Edit = ("runtime/device_plan.py", "UNLISTED and not rules(launch)", "UNLISTED and False")
DEV_MOUNTS: list[Edit] = [
    ("runtime/plan.py", "kept = device_plan.kept(group, host)", "kept = True"),
]


def test_a_node_of_a_disk_opens_nothing(persona: Persona, disk: int, bound: Path):
    said = sh(persona, _script(disk) + "ls -l /x | cut -c1", "-v", f"{bound}:/bound", "--tmpfs", "/run")
    assert said == "b"


@pytest.mark.parametrize(
    ("edits", "read"),
    [([NO_LIST], False), ([NO_JOIN], True), ([NO_LIST, *DEV_MOUNTS], True)],
    ids=["no list: nodev", "no list joined", "no list, no nodev"],
)
def test_with_each_guard_off(persona: Persona, disk: int, bound: Path, edits: list[Edit], read: bool):
    with copy_with(persona, edits) as copy:
        code = (
            f"tell(engine.run('base', ['sh', '-c', {_script(disk)!r}], volumes=['{bound}:/bound'], remove=True).text)"
        )
        said = set(copy.told(code).splitlines())
    assert said == ({"read /x", "read /dev/x", "read /tmp/x", "read /run/x", "read /bound/x"} if read else set())


def test_an_exec_has_the_same_list(persona: Persona, disk: int):
    container = persona.ok("run", "-d", "base", "sleep", "100")
    script = f"mknod /x b {os.major(disk)} {os.minor(disk)} && exec 3</x"
    done = persona.cli("exec", container, "sh", "-c", script)
    assert "Operation not permitted" in done.err, done


def test_nodes_of_its_own_work_as_dockers(persona: Persona):
    """What debootstrap does: a null in a root below the root."""
    assert sh(persona, "mkdir -p /r/dev; mknod /r/dev/null c 1 3 && echo x > /r/dev/null && echo written") == "written"
    assert "Operation not permitted" in attempt(persona, "mknod /control c 10 237; cat /control").err


def test_the_hosts_null_is_not_the_containers_to_change(persona: Persona):
    """Masked files are the host's own inode; the nodes of /dev are the container's."""
    before = os.stat("/dev/null")
    done = attempt(persona, "chmod 0 /proc/keys; chown 7 /proc/keys /proc/timer_list; chmod 0 /dev/null; rm /dev/null")
    after = os.stat("/dev/null")
    assert (before.st_mode, before.st_uid, before.st_ctime) == (after.st_mode, after.st_uid, after.st_ctime)
    assert stat.S_ISCHR(after.st_mode) and done.err.count("Read-only") == 3, done


NULL: Edit = ("launcher/__main__.py", "        store_namespace.protect_null()\n", "")
CHANGE = """
import os
for change in (lambda: os.fchmod(0, os.fstat(0).st_mode), lambda: os.fchown(0, 0, 0), lambda: os.utime(0)):
    try:
        change()
        print("changed")
    except OSError as error:
        print(error.strerror)
with open("/dev/stdin", "r+b", 0) as null: print(null.read(), null.write(b"x"))
"""


@pytest.mark.parametrize("guarded", [True, False])
def test_nor_is_the_null_that_is_its_standard_input(persona: Persona, guarded: bool):
    """fchmod(2) of descriptor 0, which is the host's file: without /dev/null for others few programs run."""
    code = f"""
    words = ["python3", "-c", {CHANGE!r}]
    container = engine.run("base", ["sleep", "100"], detach=True)
    tell([engine.run("base", words, remove=True).text, container.exec(words).text])
    container.remove(force=True)
    """
    with copy_with(persona, [] if guarded else [NULL]) as copy:
        said = copy.told(code)
    assert said == [("Read-only file system\n" if guarded else "changed\n") * 3 + "b'' 1\n"] * 2


GIVE: Edit = (
    "runtime/inside/steps/identity.py",
    "if own or stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode):",
    "if True:",
)


@pytest.mark.parametrize("guarded", [True, False])
def test_nor_given_to_the_programs_user(persona: Persona, guarded: bool):
    """A program's standard streams are made its user's; its standard input is the host's /dev/null."""
    before = os.stat("/dev/null")
    try:
        with copy_with(persona, [] if guarded else [GIVE, NULL]) as copy:
            copy.run("engine.run('base', ['true'], user='4321', remove=True)")
        assert os.stat("/dev/null").st_uid == (before.st_uid if guarded else 4321)
    finally:
        if os.stat("/dev/null").st_uid == 4321:
            os.chown("/dev/null", before.st_uid, before.st_gid)


def test_a_node_in_a_layer_opens_nothing(persona: Persona):
    from tests.hostile.images import create_hostile

    container, upper = create_hostile(persona, "sh", "-c", "exec 3</disk && echo opened")
    os.mknod(upper / "disk", stat.S_IFBLK | 0o666, os.makedev(7, 0))
    assert "opened" not in persona.cli("start", "-a", container).out
    assert Path(upper / "disk").is_block_device()
