"""CVE-2019-5736: a program in a container reaches what executes it through /proc/self/exe, and overwrites it.

Only a copy of the interpreter is ever at stake here.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.life.inside import until
from tests.personas import Persona

# As an interpreter line, /proc/self/exe is whoever calls execve: our own process, on the host's file.  While that
# file is executed by anybody it is busy, so the program outlives them all and waits.
EVIL = """#!/proc/self/exe
import os
held = os.open("/proc/self/exe", os.O_PATH)
os.set_inheritable(held, True)
code = '''
import ctypes, errno, os, sys, time
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
open("/ready", "w").close()
while True:
    try:
        said = str(os.pwrite(os.open("/proc/self/fd/" + sys.argv[1], os.O_WRONLY), b"OVERWRITTEN", 0))
        break
    except OSError as error:
        said = error.strerror
        if error.errno != errno.ETXTBSY:
            break
    time.sleep(0.02)
open("/said.new", "w").write(said)
os.rename("/said.new", "/said")
'''
os.execv("/usr/bin/python3", ["python3", "-c", code, str(held)])
"""

ATTACK = f"""
import time
evil = {EVIL!r}
write = "import os, sys; open('/evil', 'w').write(sys.argv[1]); os.chmod('/evil', 0o755)"
stay = "import ctypes, time; ctypes.CDLL(None).prctl(1, 0, 0, 0, 0); open('/stays', 'w'); time.sleep(1000)"
container = engine.run("base", ["python3", "-c", stay], detach=True)
container.exec(["python3", "-c", write, evil]).check()
container.exec_start(["/evil"], detach=True)
end = time.monotonic() + 20
while container.exec(["ls", "/ready", "/stays"]).exit_code:
    assert time.monotonic() < end
tell(container.id)
"""

OFF: Edit = ("launcher/store_namespace.py", "    mounts.set_read_only(program)\n", "")


@pytest.fixture
def interpreter(persona: Persona) -> Path:
    """A copy of Python that the persona owns and may write."""
    path = persona.work / "python3-of-its-own"
    shutil.copy("/usr/bin/python3", path)
    return persona.path(path.name)


def _end_all_that_run(interpreter: Path) -> None:
    """Launcher, spares, monitors: whoever executes the copy."""
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{name}/exe") == str(interpreter):
                os.kill(int(name), signal.SIGKILL)
        except OSError:
            continue


@pytest.mark.parametrize("guarded", [True, False])
def test_the_interpreter_cannot_be_overwritten(persona: Persona, interpreter: Path, guarded: bool):
    persona.ok("run", "--rm", "base", "true")
    with copy_with(persona, [] if guarded else [OFF], interpreter) as copy:
        container = copy.told(ATTACK)
        _end_all_that_run(interpreter)
    said = persona.store / "containers" / container / "0" / "upper" / "said"
    until(said.exists, "the attacker has tried")
    found = said.read_text(), interpreter.read_bytes()[:11] == b"OVERWRITTEN"
    interpreter.unlink()
    if guarded:
        assert found == ("Read-only file system", False)
    else:
        assert found == ("11", True), "the attack does not work: the test shows nothing"
