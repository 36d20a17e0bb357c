"""A disk of the host that no container may read: a loop device of the tests' own, read only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

SECRET = "what is on the host's disk"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its device number; its first bytes are SECRET."""
    file = tmp_path_factory.mktemp("disk") / "file"
    file.write_bytes(SECRET.encode().ljust(1 << 20, b"\0"))
    found = subprocess.run(["losetup", "-r", "-f", "--show", file], capture_output=True, text=True, check=True)
    yield os.stat(found.stdout.strip()).st_rdev
    subprocess.run(["losetup", "-d", found.stdout.strip()], check=True)
