"""What a container wrote, and what it weighs with its image, as everyone."""

from __future__ import annotations

import json

from tests.personas import Persona


def test_what_was_written_is_weighed(persona: Persona, nothing_left: None):
    persona.ok("run", "--name", "wrote", "base", "sh", "-c", "printf 12345 > /a; ln /a /b; rm /bin/ls; mkdir /d")
    try:
        [shown] = json.loads(persona.ok("inspect", "-s", "wrote"))
        image = int(persona.ok("image", "inspect", "-f", "{{.Size}}", "base"))
        # Hard links count once, folders and what says that a file is gone do not count.
        assert shown["SizeRw"] == 5 and shown["SizeRootFs"] == image + 5
        assert persona.ok("ps", "-as", "--filter", "name=wrote", "--format", "{{.Size}}").startswith("5B (virtual ")
        heading, row = persona.ok("ps", "-a", "--size", "--filter", "name=wrote").splitlines()
        assert heading.endswith("NAMES     SIZE") and "wrote     5B (virtual " in row
        [unweighed] = json.loads(persona.ok("inspect", "wrote"))
        assert "SizeRw" not in unweighed
    finally:
        persona.ok("rm", "wrote")
