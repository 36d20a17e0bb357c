"""An image that means harm, and an empty volume: no link of the image leads the copy to the host's files.

The guard is shown with the guard off too.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipycontainer.runtime.inside import copy_up
from tests.personas import Persona

pytestmark = pytest.mark.personas("root", "user", "solo")


@pytest.mark.parametrize("link", ["{secrets}", "../../../../../../../..{secrets}"])
@pytest.mark.parametrize("guard", [True, False])
def test_a_link_leads_to_no_folder_of_the_host(tmp_path: Path, guard: bool, link: str):
    secrets, root, volume = tmp_path / "host", tmp_path / "root", tmp_path / "volume"
    for folder in (secrets, root, volume / "_data"):
        folder.mkdir(parents=True)
    (secrets / "secret").write_text("of the host\n")
    (root / "data").symlink_to(link.format(secrets=secrets))
    descriptor = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        copy_up.fill(descriptor, "/data", str(volume), guard)
    finally:
        os.close(descriptor)
    copied = os.listdir(volume / "_data")
    if guard:
        assert copied == []
    else:
        assert copied == ["secret"], "the attack works, so the guard is what keeps it off"


def test_holes_and_attributes_are_copied(tmp_path: Path):
    root, volume = tmp_path / "root", tmp_path / "volume"
    for folder in (root / "data", volume / "_data"):
        folder.mkdir(parents=True)
    with open(root / "data/hole", "wb") as file:
        file.seek(8 << 20)
        file.write(b"end")
        file.truncate(16 << 20)
    os.setxattr(root / "data/hole", "user.told", b"so")
    os.setxattr(root / "data", "user.folder", b"too")
    descriptor = os.open(root, os.O_PATH | os.O_DIRECTORY)
    copy_up.fill(descriptor, "/data", str(volume))
    os.close(descriptor)
    copied = volume / "_data/hole"
    assert copied.read_bytes() == (root / "data/hole").read_bytes()
    assert copied.stat().st_blocks == (root / "data/hole").stat().st_blocks < 100
    assert (os.getxattr(copied, "user.told"), os.getxattr(volume / "_data", "user.folder")) == (b"so", b"too")
    assert os.listdir(volume) == ["_data"]


def test_a_hostile_image_gets_nothing_into_a_volume(persona: Persona):
    secret = persona.path("host-only/secret", "of the host\n")
    script = f"ln -s {secret.parent} /evil; mkdir /deep; ln -s {secret} /deep/evil"
    persona.ok("run", "--name", "maker", "base", "sh", "-c", script)
    persona.ok("commit", "maker", "evil")
    persona.ok("rm", "maker")
    # Where the link leads to nothing of the image, there is no place for a mount.
    done = persona.cli("run", "--rm", "-v", "stolen:/evil", "evil", "ls", "/evil")
    assert "secret" not in done.out
    assert os.listdir(persona.store / "volumes/stolen/_data") == []
    assert persona.ok("run", "--rm", "-v", "links:/deep", "evil", "readlink", "/deep/evil") == str(secret)
    assert (persona.store / "volumes/links/_data/evil").is_symlink()
    persona.ok("volume", "rm", "stolen", "links")
    persona.ok("rmi", "evil")
    persona.run(["rm", "-r", secret.parent])
