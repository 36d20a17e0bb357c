"""CVE-2019-5736: a program in a container reaches what executes it through /proc/self/exe, and overwrites it.

Only a copy of the interpreter is ever at stake here.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.personas import Persona

# As an interpreter line, /proc/self/exe is whoever calls execve: our own process, on the host's file.
EVIL = """#!/proc/self/exe
import os
held = os.open("/proc/self/exe", os.O_PATH)
os.set_inheritable(held, True)
code = '''
import os, sys
try:
    target = os.open("/proc/self/fd/" + sys.argv[1], os.O_WRONLY)
    print(os.pwrite(target, b"OVERWRITTEN", 0))
except OSError as error:
    print(error.strerror)
'''
os.execv("/usr/bin/python3", ["python3", "-c", code, str(held)])
"""

ATTACK = f"""
evil = {EVIL!r}
write = "import os, sys; open('/evil', 'w').write(sys.argv[1]); os.chmod('/evil', 0o755)"
container = engine.run("base", ["sleep", "1000"], detach=True)
container.exec(["python3", "-c", write, evil]).check()
done = container.exec(["/evil"])
tell(done.text.strip() or done.stderr.decode())
container.remove(force=True)
"""

OFF: Edit = ("launcher/store_namespace.py", "    mounts.set_read_only(program)\n", "")


@pytest.fixture
def interpreter(persona: Persona) -> Path:
    """A copy of Python that the persona owns and may write."""
    path = persona.work / "python3-of-its-own"
    shutil.copy("/usr/bin/python3", path)
    persona.path(path.name)
    return path


@pytest.mark.parametrize("guarded", [True, False])
def test_the_interpreter_cannot_be_overwritten(persona: Persona, interpreter: Path, guarded: bool):
    persona.ok("run", "--rm", "base", "true")
    with copy_with(persona, [] if guarded else [OFF], interpreter) as copy:
        said = copy.told(ATTACK)
    overwritten = interpreter.read_bytes()[:11] == b"OVERWRITTEN"
    if guarded:
        assert (said, overwritten) == ("Read-only file system", False)
    else:
        assert (said, overwritten) == ("11", True), "the attack does not work: the test shows nothing"
    interpreter.unlink()
