"""How much of a program's output a cell keeps, whatever the program does.

`yes` writes gigabytes a minute, and a notebook keeps all that it is shown.  A
flood is let through up to a budget; what comes then is counted, and only its
end is kept, to be shown when the flood is over.  Slow chatter goes on for hours
before it meets a limit, because the budget grows back.

It works on bytes, before decoding: what is never shown need not be decoded.
"""

from __future__ import annotations

from collections import deque

from ipycontainer.record import Record

BURST = 512 * 1024
GROWTH = 16 * 1024
TOTAL = 4 * 1024 * 1024
TAIL = 64 * 1024
LINE = 16
CALM = 1.0


class Cut(Record):
    """What was left out between what was shown and `tail`."""

    size: int
    lines: int
    tail: bytes

    def __str__(self) -> str:
        lines = f" in {self.lines:,} lines" if self.lines > 1 else ""
        return f"[… {sized(self.size)}{lines} cut here: a cell keeps the beginning and the end …]"


def sized(count: int) -> str:
    """1,300,000 as `1.3 MB`, as docker writes sizes."""
    number, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{number:.3g} {unit}"


class Flood:
    """Decides, chunk by chunk, what is shown and what is only counted.

    burst: bytes that may come at once; growth: bytes a second by which the
    budget grows back; total: bytes shown in a cell's whole life; tail: bytes
    kept of the end of a flood; line: bytes that a line counts for beside its
    own: a quarter of a million lines of one letter stop a browser for seconds.
    """

    def __init__(
        self, burst: int = BURST, growth: int = GROWTH, total: int = TOTAL, tail: int = TAIL, line: int = LINE
    ) -> None:
        self._line = line
        self._burst, self._growth, self._total, self._tail = burst, growth, total, tail
        self._budget = float(burst)
        self._counted_at = 0.0
        self._kept: deque[bytes] = deque()
        self._kept_size = 0
        self._dropped = 0
        self._dropped_lines = 0
        self._cutting = False
        self._window_start = 0.0
        self._window_size = 0

    @property
    def cutting(self) -> bool:
        """Whether what arrives is kept back at the moment."""
        return self._cutting

    @property
    def spent(self) -> bool:
        """Whether nothing more is shown before the program's end; where nothing grows back nobody looks on."""
        return self._cutting and self._growth > 0 and self._total <= self._tail

    def admit(self, chunk: bytes, now: float) -> bytes:
        """The part of `chunk` that is to be shown at once."""
        if self._cutting:
            self._keep(chunk)
            return b""
        if self._counted_at:
            self._budget = min(self._burst, self._budget + self._growth * (now - self._counted_at))
        self._counted_at = now
        allowed = min(int(self._budget), self._total)
        cost = len(chunk) + self._line * chunk.count(b"\n")
        if cost <= allowed:
            self._budget -= cost
            self._total -= cost
            return chunk
        # At a line's end, so that neither a character nor an escape sequence is cut in two.
        most = allowed * len(chunk) // cost
        end = chunk.rfind(b"\n", 0, most) + 1 or most
        self._budget, self._total = 0.0, self._total - end
        self._cutting = True
        self._window_start, self._window_size = now, 0
        self._keep(chunk[end:])
        return chunk[:end]

    def _keep(self, chunk: bytes) -> None:
        self._window_size += len(chunk)
        self._kept.append(chunk)
        self._kept_size += len(chunk)
        while self._kept_size - len(self._kept[0]) >= self._tail:
            self._drop(self._kept.popleft())

    def _drop(self, chunk: bytes) -> None:
        self._kept_size -= len(chunk)
        self._dropped += len(chunk)
        self._dropped_lines += chunk.count(b"\n")

    def calm(self, now: float) -> Cut | None:
        """What a flood left, once a second has passed with little in it; None before.  To be asked now and then."""
        if not self._cutting or now - self._window_start < CALM:
            return None
        arrived = self._window_size
        self._window_start, self._window_size = now, 0
        if arrived > self._growth * CALM or self._total <= self._tail:
            return None
        return self.end()

    def end(self) -> Cut | None:
        """What was kept back, or None if nothing was."""
        if not self._cutting:
            return None
        tail = b"".join(self._kept)
        excess = len(tail) - self._tail
        start = max(excess, 0)
        if start or self._dropped:
            start = _line_start(tail, start)
        cut = Cut(self._dropped + start, self._dropped_lines + tail.count(b"\n", 0, start), tail[start:])
        self._total = max(0, self._total - len(cut.tail))
        self._budget = float(self._growth)
        self._kept.clear()
        self._kept_size = self._dropped = self._dropped_lines = 0
        self._cutting = False
        return cut


def _line_start(text: bytes, start: int) -> int:
    """The first beginning of a line at or after `start`; else of a character."""
    for ending in (b"\n", b"\r"):
        found = text.find(ending, start)
        if 0 <= found < len(text) - 1:
            return found + 1
    while start < len(text) and text[start] & 0xC0 == 0x80:
        start += 1
    return start
