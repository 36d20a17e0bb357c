"""Every test of this suite leaves its persona's store without containers; and a Debian for those who want one."""

from __future__ import annotations

import os
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.personas import Persona


@pytest.fixture(autouse=True)
def _no_containers_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "persona" not in request.fixturenames:
        return
    persona: Persona = request.getfixturevalue("persona")
    folder = persona.store / "containers"
    if folder.exists() and os.listdir(folder):
        persona.remove_containers()


MIRROR = "http://deb.debian.org/debian"
IMAGE = "debian:bookworm"
PACKAGES = "vim-tiny,procps,nginx-light,redis-server,postgresql-15"


@pytest.fixture(scope="session")
def debian_archive(_everybody: dict[str, Persona]) -> Path:
    """Debian with an editor, top and three servers, from its packages: made once a run, by whoever may."""
    maker = _everybody.get("root") or _everybody.get("user")
    if maker is None or not shutil.which("mmdebstrap"):
        pytest.skip("needs mmdebstrap (apt-get install mmdebstrap), and more ids than one")
    try:
        urllib.request.urlopen(f"{MIRROR}/dists/bookworm/InRelease", timeout=10).close()
    except OSError as error:
        pytest.skip(f"needs a Debian mirror: {error}")
    maker.ok("image", "bootstrap", "-q", "--variant", "apt", "--include", PACKAGES, IMAGE, timeout=280)
    path = maker.work / "debian.tar"
    maker.ok("save", "-o", path, IMAGE, timeout=120)
    path.chmod(0o644)
    return path


@pytest.fixture
def debian(persona: Persona, debian_archive: Path) -> str:
    """Its name in this persona's store; it stays there for the session."""
    if not persona.ok("images", "-q", IMAGE):
        persona.ok("load", "-q", "-i", debian_archive, timeout=120)
    return IMAGE
