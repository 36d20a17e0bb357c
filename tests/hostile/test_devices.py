"""Device nodes: with CAP_MKNOD root in a container can make one of any disk; nothing in there may open it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.life.inside import attempt, sh
from tests.personas import Persona

pytestmark = pytest.mark.personas("root")

PLACES = "/x /dev/x /dev/shm/x /tmp/x /run/x /bound/x"
SCRIPT = f"""
for place in {PLACES}; do
    mknod $place b 7 0 || echo not made
    (exec 3<$place) 2>/dev/null && echo opened $place
done
"""
OFF: list[Edit] = [
    ("runtime/inside/steps/root.py", '"overlay", mounts.MS_NODEV, data)', '"overlay", 0, data)'),
    ("runtime/inside/steps/root.py", "attributes |= mounts.MOUNT_ATTR_NODEV", "pass"),
    ("engine/specification.py", '"nodev", "strictatime"', '"strictatime"'),
]


def test_a_node_of_a_disk_opens_nothing(persona: Persona):
    folder = persona.path("bound/f", "").parent
    assert sh(persona, SCRIPT + "ls -l /x | cut -c1", "-v", f"{folder}:/bound", "--tmpfs", "/run") == "b"
    (folder / "x").unlink()


def test_without_nodev_it_does(persona: Persona):
    folder = persona.path("bound/f", "").parent
    with copy_with(persona, OFF) as copy:
        said = copy.told(f"tell(engine.run('base', ['sh', '-c', {SCRIPT!r}], volumes=['{folder}:/bound']).text)")
    assert {"opened /x", "opened /dev/x", "opened /bound/x"} <= set(said.splitlines()), said
    (folder / "x").unlink()


def test_the_hosts_null_is_not_the_containers_to_change(persona: Persona):
    """Masked files and the nodes of /dev are the host's own inodes."""
    before = os.stat("/dev/null")
    done = attempt(persona, "chmod 0 /dev/null /proc/keys /dev/zero; chown 7 /proc/keys /dev/tty; rm -f /dev/null; :")
    after = os.stat("/dev/null")
    assert (before.st_mode, before.st_uid, before.st_ctime) == (after.st_mode, after.st_uid, after.st_ctime)
    assert stat.S_ISCHR(after.st_mode) and done.err.count("Read-only") == 5, done


def test_a_node_in_a_layer_opens_nothing(persona: Persona):
    from tests.hostile.images import create_hostile

    container, upper = create_hostile(persona, "sh", "-c", "exec 3</disk && echo opened")
    os.mknod(upper / "disk", stat.S_IFBLK | 0o666, os.makedev(7, 0))
    assert "opened" not in persona.cli("start", "-a", container).out
    assert Path(upper / "disk").is_block_device()
