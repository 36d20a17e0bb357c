"""A contender as a process that waits for a line, does one round and answers how long it took.

All contenders speak these words: `floor.c`, `stopwatch.c` (any command line), and
`warm_engine.py`.  Each times itself, so the pipe to it is never in the figure.
"""

from __future__ import annotations

import os
import subprocess
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self


class Ticking:
    """Call it for one round: the milliseconds that the round took."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str] | None = None, user: int = 0) -> None:
        self.words = list(words)
        whole = {**os.environ, **(environment or {})}
        other = {"user": user, "group": user, "extra_groups": []} if user else {}
        self.errors = tempfile.TemporaryFile()  # a pipe that nobody reads would fill up and stop the contender
        self.process = subprocess.Popen(  # type: ignore[call-overload]
            self.words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=whole,
            bufsize=0,
            **other,
        )

    def line(self) -> str:
        """One round; the answer as it came."""
        try:
            self.process.stdin.write(b"\n")
            answer = self.process.stdout.readline().decode()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"{self.words[0]} ended: {self._last_words()}")
        return str(answer)

    def __call__(self) -> float:
        nanoseconds, status = self.line().split("\t")[0].split()
        if status != "0":
            self.process.stdin.close()
            raise RuntimeError(f"exit code {status}: {self._last_words()}")
        return int(nanoseconds) / 1e6

    def _last_words(self) -> str:
        self.process.wait(30)
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"exit code {self.process.returncode}"

    def close(self) -> None:
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
