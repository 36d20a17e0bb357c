"""A person at a terminal, for tests: a real pseudo-terminal whose keys are typed and whose screen is read, bounded."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from tests.personas import Persona

PATIENCE = 30.0
OURS = ("ipycontainer",)


class Terminal:
    """One command of ours at a terminal of its own, as its controlling one.

    >>> with Terminal(persona, "run", "-it", "base", "sh") as terminal:   # doctest: +SKIP
    ...     terminal.expect("# ")
    ...     terminal.type("exit 3\\n")
    ...     assert terminal.end() == 3
    """

    def __init__(
        self, persona: Persona, *words: str, rows: int = 24, columns: int = 80, command: Sequence[str] = OURS
    ) -> None:
        self._master, self._peer = os.openpty()
        os.fchown(self._peer, persona.uid, -1)
        self.resize(rows, columns)
        self.before = self.settings()
        self._seen = b""
        peer = self._peer
        self.process = persona.popen(
            [*command, *words],
            stdin=peer,
            stdout=peer,
            stderr=peer,
            preexec_fn=lambda: fcntl.ioctl(peer, termios.TIOCSCTTY, 0),
        )

    def settings(self) -> list[Any]:
        """As termios(3) has them: raw while a container has the keys."""
        return termios.tcgetattr(self._peer)

    def resize(self, rows: int, columns: int) -> None:
        """The window has another size now; the kernel tells the command by SIGWINCH."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str | bytes) -> None:
        """Press keys."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def expect(self, text: str) -> str:
        """Read until `text` is on the screen, after what was expected before; all up to it."""
        wanted, end = text.encode(), time.monotonic() + PATIENCE
        while wanted not in self._seen:
            left = end - time.monotonic()
            assert left > 0 and self._read(left), f"{text!r} is not among {self._seen!r}"
        seen, _, self._seen = self._seen.partition(wanted)
        return (seen + wanted).decode("utf-8", "replace")

    def ask(self, command: str, answer: str) -> str:
        """Type a line and read up to its answer, which is no part of the line itself."""
        assert answer not in command
        self.type(f"{command}\n")
        return self.expect(answer)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:
            data = b""  # EIO: nobody has the other side open
        self._seen += data
        return bool(data)

    def end(self) -> int:
        """The command's exit code; what it still had to say is in `rest`."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end: {self._seen!r}"
            self._read(0.05)
        while self._read(0):
            pass
        assert self.process.returncode is not None
        return self.process.returncode

    @property
    def rest(self) -> str:
        """What has been read and not been expected yet."""
        return self._seen.decode("utf-8", "replace")

    def kill(self) -> None:
        """As if the window's machine had vanished."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        for descriptor in (self._master, self._peer):
            os.close(descriptor)
