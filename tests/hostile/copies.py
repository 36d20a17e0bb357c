"""A copy of the package with a guard taken out: only there an attack may work."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.personas import CHECKOUT, Finished, Persona

Edit = tuple[str, str, str]  # a file of the package, what stands there once, what shall stand there

_HEAD = """
import json, os, sys
sys.path.insert(0, {package!r})
from ipycontainer import Engine, errors
engine = Engine({store!r})
def tell(value):
    print(json.dumps(value))
def outcome(act):
    try:
        done = act()
        return [done.exit_code, done.text, done.stderr.decode()]
    except errors.Error as error:
        return [error.exit_code, "", str(error)]
try:
{code}
finally:
    engine.shutdown()
"""


class Copy:
    """One such copy; `told` runs code with its Engine."""

    def __init__(self, persona: Persona, package: Path, python: Path | None) -> None:
        self.persona = persona
        self.package = package
        self.python = python or Path("/usr/bin/python3")

    def run(self, code: str, timeout: float = 60) -> Finished:
        """Code with an `engine` of the copy, in a process of the persona; its launcher leaves at the end."""
        body = textwrap.indent(textwrap.dedent(code), "    ")
        text = _HEAD.format(package=str(self.package), store=str(self.persona.store), code=body)
        return self.persona.run([self.python, "-I", "-c", text], timeout=timeout)

    def told(self, code: str, timeout: float = 60) -> Any:
        """The same; what it gave to `tell`."""
        done = self.run(code, timeout)
        assert done.exit_code == 0, done
        return json.loads(done.out)


@contextmanager
def copy_with(persona: Persona, edits: Sequence[Edit] = (), python: Path | None = None) -> Iterator[Copy]:
    """The package with `edits`, in a folder of the persona's."""
    folder = persona.folder / "copy"
    source = CHECKOUT / "ipycontainer"
    shutil.copytree(source, folder / "ipycontainer", ignore=shutil.ignore_patterns("__pycache__"))
    try:
        for name, old, new in edits:
            file = folder / "ipycontainer" / name
            text = file.read_text()
            assert text.count(old) == 1, f"{name} has not just one {old!r}: the guard is elsewhere now"
            file.write_text(text.replace(old, new))
        yield Copy(persona, folder, python)
    finally:
        shutil.rmtree(folder)
