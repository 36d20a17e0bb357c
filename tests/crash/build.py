"""A test build: a copy of the package with the fault switch beside its code, which the shipped one never has."""

from __future__ import annotations

import compileall
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.crash.points import BECOMES, WALK, every_row
from tests.hostile.copies import Copy, Edit, copy_with
from tests.personas import Persona

HERE = Path(__file__).parent
LAID_BESIDE = {"fault_switch.py": "ipycontainer/fault_switch.py", "points.py": "ipycontainer/fault_points.py"}

# For code that a build runs before its launcher: the cold way.
NO_SLOTS = 'os.environ["IPYCONTAINER_SLOTS"] = "0"; '

_HOOK = """

from ipycontainer import fault_switch as _fault_switch

_fault_switch.instrument({module!r}, globals())
"""


def modules() -> list[str]:
    """The modules that hold a point."""
    seams = {WALK, *BECOMES, *(row[1] for row in every_row().values())}
    return sorted({seam.partition(":")[0] for seam in seams})


@contextmanager
def built(persona: Persona, edits: Sequence[Edit] = (), beside: Sequence[Path] = ()) -> Iterator[Copy]:
    """Such a copy, in a folder of the persona's, with the driver (and the files `beside`) beside it."""
    with copy_with(persona, edits) as copy:
        for name, place in LAID_BESIDE.items():
            shutil.copy(HERE / name, copy.package / place)
        for module in modules():
            file = copy.package / "ipycontainer" / (module.replace(".", "/") + ".py")
            file.write_text(file.read_text() + _HOOK.format(module=module))
        switch = copy.package / "switch"
        switch.write_bytes(bytes(4096))
        switch.chmod(0o666)
        for name in ("driver.py", "forked.py", "step_points.py", "victims.py"):
            shutil.copy(HERE / name, copy.package / name)
        for path in beside:
            shutil.copy(path, copy.package / path.name)
        compileall.compile_dir(copy.package, quiet=1)
        yield copy
