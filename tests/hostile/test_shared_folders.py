"""A container that has a folder together with one that is being started: what it does there in the middle of that."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ipycontainer.engine import creation
from tests.hostile.copies import Edit, copy_with
from tests.personas import Persona

_STEP = "runtime/inside/steps/root.py"
_ATTACH = "            mounts.attach(tree, target, self.target)"
_BY_NAME = "mounts.set_attributes(self.found(), attributes, self.recursive)"
_LATER: list[Edit] = [
    (_STEP, "mounts.set_attributes(tree, attributes, self.recursive)", "pass"),
    (_STEP, _ATTACH, f"{_ATTACH}, {_BY_NAME}"),
]

# The neighbour stands in a mount namespace of its own, where the folder is no mount point: so it may be renamed.
_ATTACK = """
import os
from ipycontainer.launcher.wire import pair
from ipycontainer.linux import mounts, namespaces
from ipycontainer.linux.descriptors import open_in_root
from ipycontainer.runtime.inside.steps.root import Bind
shared, dear = {shared!r}, {dear!r}
ours, theirs = pair()
if os.fork() == 0:
    theirs.receive()
    os.rename(shared + "/data/sub", shared + "/data/moved")
    os.symlink("other", shared + "/data/sub")
    theirs.send(dict(swapped=True))
    os._exit(0)
namespaces.unshare(namespaces.CLONE_NEWNS)
mounts.mount("none", "/", flags=mounts.MS_REC | mounts.MS_PRIVATE)
mounts.bind(shared + "/data/other", shared + "/data/other")
def attach(tree, target, shown="", attach=mounts.attach):
    attach(tree, target, shown)
    ours.send(dict(swap=True))
    ours.receive()
mounts.attach = attach
class Place:
    root = os.open(shared, os.O_PATH | os.O_DIRECTORY)
    kernels_own = set()
Bind.found = lambda self: open_in_root(Place.root, self.target)
Bind(dear, "/data/sub", read_only=True).take(Place)
try:
    open(shared + "/data/moved/file", "w").close()
    tell("written")
except OSError as error:
    tell(error.strerror)
"""


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_what_is_read_only_stays_so_where_a_neighbour_swaps_its_place(persona: Persona, guarded: bool):
    """A volume at /data of both, and for the new one a folder of the host, read-only, at /data/sub."""
    dear = persona.path("shared-folders/dear/file", "dear").parent
    shared = persona.path("shared-folders/root/data/sub/file", "").parents[2]
    persona.path("shared-folders/root/data/other/file", "")
    with copy_with(persona, [] if guarded else _LATER) as copy:
        told = copy.told(_ATTACK.format(shared=str(shared), dear=str(dear)))
    assert told == ("Read-only file system" if guarded else "written")
    assert (dear / "file").read_text() == ("dear" if guarded else "")
    persona.run(["rm", "-r", dear.parent])


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_a_folder_that_is_made_for_a_bind_is_made_public_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
):
    """-v SHARED/new:/x; a container that has SHARED too puts a link in its place, which leads on on the host."""
    dear, new = tmp_path / "dear", tmp_path / "new"
    dear.touch(0o600)
    mkdir = os.mkdir

    def swapped(path: str, mode: int) -> None:
        mkdir(path, mode)
        os.rmdir(path)
        os.symlink(dear, path)

    monkeypatch.setattr(os, "mkdir", swapped)
    if guarded:
        with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
            creation._make_folder(str(new))
    else:
        monkeypatch.setattr(os, "open", lambda path, flags: os.path.realpath(path))
        monkeypatch.setattr(os, "fchmod", os.chmod)
        monkeypatch.setattr(os, "close", lambda path: None)
        creation._make_folder(str(new))
    assert stat.S_IMODE(dear.stat().st_mode) == (0o600 if guarded else 0o755)
