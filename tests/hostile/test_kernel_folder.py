"""The folder that a kernel's container shares with its launcher: what the kernel puts there is never followed."""

from __future__ import annotations

import json

import pytest

from ipycontainer.commands.kernels.connection import CHANNELS
from tests.hostile.copies import Edit, copy_with
from tests.personas import Persona

# The last word of a kernel, written where the kernel can reach.
_WITHIN_REACH: Edit = (
    "commands/kernels/connection.py",
    "_write(os.path.join(self.path, LAST_WORD), dumps(document))",
    "_write(os.path.join(self.sockets, LAST_WORD), dumps(document))",
)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_the_last_word_follows_no_link_of_the_kernels(persona: Persona, guarded: bool):
    """Its container makes a link of that name to a file of the host, and ends."""
    victim = persona.path("victim", "dear")
    ports = {name: number for number, name in enumerate(CHANNELS, 1)}
    file = persona.path("connection.json", json.dumps({"transport": "tcp", "ip": "127.0.0.1", **ports}))
    with copy_with(persona, [] if guarded else [_WITHIN_REACH]) as copy:
        copy.told(
            f"""
            from ipycontainer.commands.kernels.connection import INSIDE, Connection, KernelFolder
            folder = KernelFolder(Connection({str(file)!r}))
            folder.fill()
            link = f"ln -s {victim} {{INSIDE}}/ended.json"
            engine.run("base", ["sh", "-c", link], remove=True, volumes=[f"{{folder.sockets}}:{{INSIDE}}"])
            folder.write_last_word({{"reason": "ended"}})
            folder.clear()
            folder.remove()
            tell(True)
            """
        )
    assert (victim.read_text() == "dear") == guarded
    for path in (victim, file):
        path.unlink()
