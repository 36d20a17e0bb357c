"""CVE-2021-41091: a set-user-ID program that a container made is no way for others on this machine to be its owner."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.life.inside import detached, until
from tests.personas import Persona

NOBODY = 65534
MAKE = "cp /usr/bin/id $place/as-me && chmod 4755 $place/as-me"


@pytest.fixture
def made(persona: Persona) -> Iterator[list[Path]]:
    """Such programs in a container's own layer and in a volume."""
    script = f"place=/ && {MAKE} && place=/vol && {MAKE} && echo made && sleep 1000"
    container = detached(persona, "--name", "suid-maker", "-v", "suid-there:/vol", "base", "sh", "-c", script)
    until(lambda: persona.ok("logs", container) == "made", "it has made them")
    store = persona.store
    yield [store / "containers" / container / "0/upper/as-me", store / "volumes/suid-there/_data/as-me"]
    persona.ok("rm", "-f", container)
    persona.ok("volume", "rm", "suid-there")


def _stranger(path: Path) -> str:
    """What a stranger is who executes it."""
    try:
        done = subprocess.run(
            [path, "-u"], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, check=False
        )
    except PermissionError:
        return "denied"
    return done.stdout.decode().strip()


@pytest.mark.as_root
@pytest.mark.parametrize("guarded", [True, False])
def test_a_set_user_id_program_of_a_container_is_out_of_reach(persona: Persona, made: list[Path], guarded: bool):
    assert all(path.stat().st_mode & 0o4000 and path.stat().st_uid == persona.uid for path in made)
    closed = [persona.store / name for name in ("containers", "volumes")]
    folders = [*closed, *(made[0].parents[2:3]), *(made[1].parents[1:2])]
    modes = [folder.stat().st_mode for folder in folders]
    try:
        if not guarded:
            for folder in folders:
                folder.chmod(0o711)
        found = [_stranger(path) for path in made]
    finally:
        for folder, mode in zip(folders, modes):
            folder.chmod(mode)
    assert found == (["denied"] * 2 if guarded else [str(persona.uid)] * 2)


def test_a_store_of_an_earlier_release_is_closed_by_the_next_launcher(fresh_persona: Persona):
    fresh_persona.ok("create", "-v", "old-one:/vol", "base", "true")
    folders = [fresh_persona.store / name for name in ("containers", "slots", "trash", "volumes")]
    fresh_persona.ok("system", "shutdown")
    for folder in folders:
        os.chmod(folder, 0o711)
    fresh_persona.ok("run", "--rm", "base", "true")
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
