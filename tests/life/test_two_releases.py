"""Two releases, or one in two environments, with the same store: each can do what it likes with the other's containers.

Each has a launcher of its own, and only who is in a container's store namespace may enter it.
"""

from __future__ import annotations

from tests.hostile.copies import copy_with
from tests.personas import Persona

DETACHED = "print(engine.run('base', ['sleep', '1000'], detach=True).id, flush=True)\nos._exit(0)"


def test_what_one_has_started_the_other_enters(fresh_persona: Persona):
    """Both launchers are there before the first container is."""
    persona = fresh_persona
    persona.ok("run", "--rm", "base", "true", timeout=120)
    with copy_with(persona) as older:
        container = older.run(DETACHED, timeout=120).out.strip()
        assert persona.ok("exec", container, "echo", "here") == "here"
        assert "root:" in persona.ok("cp", f"{container}:/etc/passwd", "-")
        assert persona.ok("run", "--rm", "--network", f"container:{container}", "base", "echo", "beside") == "beside"
        persona.remove_containers()
        persona.ok("system", "shutdown")
