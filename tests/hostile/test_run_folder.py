"""Where everybody may make folders somebody makes a store's run folder before its owner does, after a restart, say.

What lies there says which processes are to be killed and which folders to be removed, and who listens there is asked.
"""

from __future__ import annotations

import shutil

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.personas import Persona

NOBODY = 65534
_LISTENER: Edit = ("launcher/client.py", "        if _account_of(sock) != os.geteuid():\n", "        if False:\n")
_TRAPS: list[Edit] = [("launcher/folders.py", "    _refuse_trap(above)\n", ""), _LISTENER]

# As nobody, in the place that is chosen where /run is no tmpfs: a slot whose monitor has died, and had such a layer.
_TRAP = """
import json, os, sys
above, digest, layer = sys.argv[1:]
os.setgid({nobody}), os.setuid({nobody})
run = os.path.join(above, digest)
for name in ("containers", "slots/one", "root", "etc"):
    os.makedirs(os.path.join(run, name), 0o777)
with open(os.path.join(run, "slots/one/alive"), "w") as file:
    file.write(json.dumps(dict(cgroups=[], devices="", layer=layer, first=[1, 0], boot_id="")) + "\\n")
for path, folders, files in os.walk(above):
    os.chmod(path, 0o777)
    for name in files:
        os.chmod(os.path.join(path, name), 0o666)
"""


@pytest.mark.personas("root")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="util-linux's unshare is not here")
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_a_run_folder_that_somebody_else_made_is_no_word_of_ours(fresh_persona: Persona, guarded: bool):
    """Root's in /dev/shm; its store has been used before, so nothing seems to be missing."""
    dear = fresh_persona.path("dear/file", "dear")
    fresh_persona.python(f"from ipycontainer.launcher.folders import prepare; prepare({str(fresh_persona.store)!r})")
    trap = fresh_persona.path("trap.py", _TRAP.format(nobody=NOBODY))
    with copy_with(fresh_persona, [] if guarded else _TRAPS) as copy:
        told = copy.told(f"""
        import subprocess
        from ipycontainer.linux import mounts, namespaces
        from ipycontainer.launcher.client import Launcher
        from ipycontainer.launcher.folders import digest
        namespaces.unshare(namespaces.CLONE_NEWNS)
        mounts.mount("none", "/", flags=mounts.MS_REC | mounts.MS_PRIVATE)
        mounts.mount("tmpfs", "/dev/shm", "tmpfs", data="mode=1777")
        from ipycontainer.launcher import folders
        folders._on_the_root_disk = lambda path: path == "/run"
        above, name = "/dev/shm/ipycontainer-0", digest(os.path.realpath({str(fresh_persona.store)!r}))
        subprocess.run(["/usr/bin/python3", {str(trap)!r}, above, name, {str(dear.parent)!r}], check=True)
        try:
            launcher = Launcher({str(fresh_persona.store)!r})
            launcher.facts()
            launcher.leave()
            tell("asked")
        except errors.Error as error:
            tell(str(error))
        """)
    assert ("belongs to somebody else" in told) if guarded else told == "asked"
    assert dear.exists() == guarded


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_who_listens_must_be_the_same_account(persona: Persona, guarded: bool):
    """Else he is given what a container is to be started with, and its input."""
    place = persona.path("listener/socket").parent
    place.mkdir(exist_ok=True)
    place.chmod(0o777)
    with copy_with(persona, [] if guarded else [_LISTENER]) as copy:
        told = copy.told(f"""
        import socket
        ready, said = os.pipe()
        listener = os.fork()
        if listener == 0:
            os.setgid({NOBODY}), os.setuid({NOBODY})
            made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            made.bind({str(place / "socket")!r})
            made.listen()
            os.write(said, b".")
            made.accept()[0].recv(1)
            os._exit(0)
        os.read(ready, 1)
        try:
            found = engine.launcher._try_connect({str(place / "socket")!r})
            found.close()
            tell("connected")
        except errors.LauncherError as error:
            tell(str(error))
        os.waitpid(listener, 0)
        """)
    assert ("somebody else listens" in told) if guarded else told == "connected"
    shutil.rmtree(place)
