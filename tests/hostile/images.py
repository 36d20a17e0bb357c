"""Containers whose files are an attacker's: what lies in the writable layer hides the image's own."""

from __future__ import annotations

import os
from pathlib import Path

from tests.personas import Persona


def create_hostile(persona: Persona, *words: str, options: tuple[str, ...] = ()) -> tuple[str, Path]:
    """A created container, and the folder of its writable layer, to be filled before it starts."""
    container = persona.ok("create", *options, "base", *words)
    generation = persona.store / "containers" / container / "0"
    upper = generation / "upper"
    upper.mkdir(parents=True)
    own(persona, generation)
    return container, upper


def own(persona: Persona, path: Path) -> None:
    """Give a tree to the persona."""
    for each in (path, *path.rglob("*")):
        os.chown(each, persona.uid, persona.gid, follow_symlinks=False)


def replace(persona: Persona, upper: Path, name: str, link: str | None = None, text: str | bytes | None = None) -> Path:
    """Put a link or a file there in place of what the image has."""
    path = upper / name
    for folder in reversed([each for each in path.parents if upper in each.parents]):
        folder.mkdir(exist_ok=True)
    if link is not None:
        path.symlink_to(link)
    else:
        path.write_bytes(text.encode() if isinstance(text, str) else text or b"")
    own(persona, upper)
    return path
