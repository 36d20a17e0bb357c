"""Ordinary accounts for the tests: one with subordinate ids, one without.

They are made when root runs the tests and removed by the last test session that uses them: sessions
hold a shared lock, and who can have it alone at its end cleans up.  Two runs at once do not disturb
each other.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path("/run/lock")
WITH_RANGE = "ipycontainer-user"
WITHOUT = "ipycontainer-solo"
LENGTH = 65536


class Accounts:
    """The two accounts, for as long as this object is open."""

    def __init__(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        self._using = _open("ipycontainer-tests-using")
        with _changing():
            _make_account(WITH_RANGE)
            _make_account(WITHOUT)
            for file in (Path("/etc/subuid"), Path("/etc/subgid")):
                _give_range(file, WITH_RANGE)
                _take_range(file, WITHOUT)
            fcntl.flock(self._using, fcntl.LOCK_SH)

    def close(self) -> None:
        """Removes the accounts unless another session still uses them."""
        with _changing():
            try:
                fcntl.flock(self._using, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                os.close(self._using)
            for name in (WITH_RANGE, WITHOUT):
                subprocess.run(["userdel", name], capture_output=True, check=False)
                for file in (Path("/etc/subuid"), Path("/etc/subgid")):
                    _take_range(file, name)


def _open(name: str) -> int:
    return os.open(FOLDER / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


@contextmanager
def _changing() -> Iterator[None]:
    """One session at a time makes or removes accounts."""
    lock = _open("ipycontainer-tests-changing")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def has_range(name: str, uid: int) -> bool:
    """Whether this account could map subordinate ids."""
    if shutil.which("newuidmap") is None:
        return False
    return all(
        any(line.split(":")[0] in (name, str(uid)) for line in _lines(Path(file)))
        for file in ("/etc/subuid", "/etc/subgid")
    )


def _make_account(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        # A system account: it expires with nothing, has no password, and useradd gives it no range.
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/sh", name]
        subprocess.run(command, check=True, capture_output=True)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _give_range(file: Path, name: str) -> None:
    lines = _lines(file)
    if any(line.startswith(f"{name}:") for line in lines):
        return
    ends = [
        int(start) + int(length) for _, start, length in (line.split(":") for line in lines if line.count(":") == 2)
    ]
    start = max([100_000, *ends])
    file.write_text("\n".join([*lines, f"{name}:{start}:{LENGTH}"]) + "\n")


def _take_range(file: Path, name: str) -> None:
    lines = _lines(file)
    kept = [line for line in lines if not line.startswith(f"{name}:")]
    if kept != lines:
        file.write_text("".join(line + "\n" for line in kept))
