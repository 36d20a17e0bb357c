"""The real docker client, asked through a socket that does not exist: it reads its words and then cannot connect."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
_CLOSED = "unix:///nonexistent/docker.sock"


def docker() -> str:
    """The client's path; the test is skipped where there is none (which fails under CI)."""
    unpacked = CHECKOUT / ".venv/peers/usr/bin/docker"
    found = shutil.which("docker") or (str(unpacked) if unpacked.exists() else None)
    if found is None:
        pytest.skip("no docker client to compare with (make setup unpacks Debian's)")
    return found


def ask(*words: str) -> subprocess.CompletedProcess[str]:
    """What the client answers without a daemon."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "DOCKER_CONFIG": home}
        return subprocess.run(
            [docker(), "-H", _CLOSED, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            timeout=30,
            check=False,
        )


def accepts(answer: subprocess.CompletedProcess[str]) -> bool:
    """Whether it had nothing against the words, and only the daemon was missing."""
    return any(sign in answer.stderr for sign in ("Cannot connect to the Docker daemon", "error during connect"))
