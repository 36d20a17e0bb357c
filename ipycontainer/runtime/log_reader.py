"""Reading a container's log: chunks become lines, in the order in which they came."""

from __future__ import annotations

import os
import struct
import time

from ipycontainer.record import Record
from ipycontainer.runtime.inside.log import DROPPED, END, HEADER, STDERR, STDOUT, chunk_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = {STDOUT: "stdout", STDERR: "stderr"}
_READ = 1 << 20
# A line without an end is handed on in parts, so that one of a gigabyte costs no gigabyte here.
LONGEST_LINE = 1 << 20
# A Chunk of this stream is in no file: so many files were rotated away before this reader came to them.
MISSED = -1
_COUNT = struct.Struct("<Q")
_NOTES = {
    DROPPED: "{} bytes of output were lost: the disk was full",
    MISSED: "output was lost: {} of the log's files were rotated away before they were read; see --log-opt max-file",
}


class LogEntry(Record):
    """One line (its newline included, where it had one): when its first byte came, from which stream."""

    time: float
    stream: str
    data: bytes


class Chunk(Record):
    """One chunk as it was written; stream is a number of runtime/inside/log.py, or MISSED."""

    time: float
    stream: int
    data: bytes


class LogReader:
    """Reads the chunks of the log in `folder`, oldest first, and goes on where it was when called again."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._number = self._missed = 0
        self._descriptor = -1
        self._offset = 0

    def chunks(self) -> Iterator[Chunk]:
        """What is there now and was not given yet."""
        while True:
            if self._descriptor < 0 and not self._open_next():
                return
            if self._missed:
                missed, self._missed = self._missed, 0
                yield Chunk(time.time(), MISSED, _COUNT.pack(missed))
            found = self._whole(os.pread(self._descriptor, _READ, self._offset))
            for chunk in found:
                # Before it is given: who takes no more for now finds the next one later.
                self._offset += HEADER.size + len(chunk.data)
                yield chunk
            if not found and not self._open_next():
                return

    def _whole(self, data: bytes) -> list[Chunk]:
        """The chunks that are whole.  What is behind them is read again: on a full disk half a chunk is taken back."""
        found = []
        start = 0
        while len(data) - start >= HEADER.size:
            when, size, stream = HEADER.unpack_from(data, start)
            end = start + HEADER.size + size
            if end > len(data):
                break
            found.append(Chunk(when, stream, data[start + HEADER.size : end]))
            start = end
        return found

    def _open_next(self) -> bool:
        """Go to the next file.  A rotated one that is open keeps its bytes until it is read to the end."""
        later = [number for number in chunk_files(self._folder) if number > self._number]
        for number in later:
            try:
                descriptor = os.open(os.path.join(self._folder, f"{number}.chunks"), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # rotated away a moment ago
            self.close()
            if self._number:  # what was gone before the first look is nobody's loss
                self._missed += number - self._number - 1
            self._descriptor, self._number, self._offset = descriptor, number, 0
            return True
        return False

    def close(self) -> None:
        """Close the file that is open."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Lines:
    """Splits chunks into lines, each stream by itself; passes over the first `skip`, unsplit where possible."""

    def __init__(self, skip: int = 0) -> None:
        # In pieces, as they came: a program may write a megabyte's line byte by byte.
        self._open: dict[int, tuple[float, list[bytes], int]] = {}
        self._skip = skip

    def feed(self, chunk: Chunk) -> Iterator[LogEntry]:
        """The lines that end with this chunk."""
        if chunk.stream in _NOTES:
            if chunk.stream == MISSED:  # the end of what is open is gone: what comes next is not its end
                yield from (LogEntry(entry.time, entry.stream, entry.data + b"\n") for entry in self.flush())
            if self._skip:
                self._skip -= 1
                return
            note = _NOTES[chunk.stream].format(_COUNT.unpack(chunk.data)[0])
            yield LogEntry(chunk.time, "stderr", f"[{note}]\n".encode())
            return
        if chunk.stream not in _NAMES:
            return
        when, pieces, size = self._open.pop(chunk.stream, (chunk.time, [], 0))
        ends = chunk.data.count(b"\n")
        if not ends:
            pieces.append(chunk.data)
            yield from self._keep(chunk.stream, when, pieces, size + len(chunk.data))
            return
        if ends <= self._skip:
            self._skip -= ends
            when, pieces, data = chunk.time, [], chunk.data.rpartition(b"\n")[2]
        else:
            data = chunk.data
        *whole, last = b"".join((*pieces, data)).split(b"\n")
        for line in whole[self._skip :]:
            yield LogEntry(when, _NAMES[chunk.stream], line + b"\n")
            when = chunk.time
        self._skip -= min(self._skip, len(whole))
        yield from self._keep(chunk.stream, when, [last], len(last))

    def _keep(self, stream: int, when: float, pieces: list[bytes], size: int) -> Iterator[LogEntry]:
        """What has no end yet waits for it, unless it is too long for that."""
        if size >= LONGEST_LINE:
            yield LogEntry(when, _NAMES[stream], b"".join(pieces))
        elif size:
            self._open[stream] = (when, pieces, size)

    def flush(self) -> Iterator[LogEntry]:
        """What has no end yet, as it is."""
        for stream, (when, pieces, _size) in sorted(self._open.items()):
            if self._skip:
                self._skip -= 1
            else:
                yield LogEntry(when, _NAMES[stream], b"".join(pieces))
        self._open.clear()


def count_lines(folder: str) -> int:
    """How many entries the log has now, without making them."""
    reader = LogReader(folder)
    total, unfinished = 0, {STDOUT: False, STDERR: False}
    try:
        for chunk in reader.chunks():
            if chunk.stream == DROPPED:
                total += 1
            elif chunk.stream in (END, MISSED):
                total += sum(unfinished.values()) + (chunk.stream == MISSED)
                unfinished = {STDOUT: False, STDERR: False}
            elif chunk.stream in unfinished and chunk.data:
                total += chunk.data.count(b"\n")
                unfinished[chunk.stream] = not chunk.data.endswith(b"\n")
    finally:
        reader.close()
    return total + sum(unfinished.values())


def read_entries(folder: str, skip: int = 0) -> Iterator[LogEntry]:
    """Every line that is there now, but for the first `skip`."""
    reader, lines = LogReader(folder), Lines(skip)
    try:
        for chunk in reader.chunks():
            if chunk.stream == END:  # what the next start says begins a line of its own
                yield from lines.flush()
            yield from lines.feed(chunk)
        yield from lines.flush()
    finally:
        reader.close()
