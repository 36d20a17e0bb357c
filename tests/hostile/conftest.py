"""As in the suite of a container's life: every test leaves its persona's store without containers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compatibility.evidence import Compared
from tests.hostile.beside import Beside
from tests.hostile.disks import disk as disk
from tests.hostile.docker_daemon import DockerDaemon
from tests.life.conftest import _no_containers_left as _no_containers_left
from tests.personas import Persona


@pytest.fixture(scope="session")
def docker_daemon(_everybody: dict[str, Persona]) -> Iterator[DockerDaemon]:
    """A dockerd of its own with our base image, for root alone."""
    daemon = DockerDaemon()
    try:
        daemon.import_base(_everybody["root"])
        yield daemon
    finally:
        daemon.close()


@pytest.fixture
def beside(persona: Persona, docker_daemon: DockerDaemon, compared: Compared, tmp_path: Path) -> Beside:
    """Runs lines with docker and with ours, and records those that came out the same."""
    return Beside(persona, docker_daemon, compared, tmp_path)
