"""A container's output on disk: chunks as they came, in files that are rotated.

    FOLDER/log/NUMBER.chunks      a run of chunks; the highest number is being written

A chunk is a header (time as a double, length as 32 bits, stream as a byte; little-endian) and its bytes.
Lines are made by the reader: splitting here would cost every container for a reader that most never have.
"""

from __future__ import annotations

import os
import struct
import time

from ipycontainer.linux.durability import sync_file, sync_folder

HEADER = struct.Struct("<dIB")
STDOUT, STDERR, DROPPED, END = 1, 2, 3, 4


class LogWriter:
    """Appends chunks.  A full disk drops and counts; it never stops the container.

    size_limit: bytes of one file; files: how many are kept, none for no log at all; durable: `end` returns once all
    of it would survive a power cut.
    """

    def __init__(self, folder: str, size_limit: int, files: int, *, durable: bool = False) -> None:
        self._folder = folder
        self.durable = durable
        self._limit = size_limit
        self._files = files
        self._descriptor = -1
        self._number = 0
        self._size = 0
        self._dropped = 0

    def write(self, stream: int, data: bytes) -> None:
        """Append one chunk.  A lost one is counted, and the count is written as soon as anything can be."""
        if not self._files:
            return
        most = max(self._limit - HEADER.size, 1)
        while len(data) > most:  # one chunk may not be more than a file
            self._write(stream, data[:most])
            data = data[most:]
        self._write(stream, data)

    def _write(self, stream: int, data: bytes) -> None:
        if self._dropped:
            count = struct.pack("<Q", self._dropped)
            if not self._append(DROPPED, count):
                self._dropped += len(data)
                return
            self._dropped = 0
        if not self._append(stream, data):
            self._dropped += len(data)

    def end(self) -> None:
        """Say that nothing more comes, so that a follower need not wait; only where something was written."""
        if self._descriptor >= 0:
            self.write(END, b"")
            os.close(self._descriptor)
            self._descriptor = -1
            if self.durable:
                self._make_durable()

    def _make_durable(self) -> None:
        """A record that says how the container ended, beside a log that a power cut has emptied, would be half true."""
        try:
            for number in chunk_files(self._folder):
                sync_file(os.path.join(self._folder, f"{number}.chunks"))
            sync_folder(self._folder)
        except OSError:
            pass  # EIO: the container has ended all the same, and its record says how

    def _append(self, stream: int, data: bytes) -> bool:
        raw = HEADER.pack(time.time(), len(data), stream) + data
        try:
            if self._descriptor < 0:
                self._go_on()
            if self._descriptor < 0 or self._size + len(raw) > self._limit:
                self._rotate()
            written = os.write(self._descriptor, raw)
            if written == len(raw):
                self._size += written
                return True
            # Half a chunk would break every reader: take it back.
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            pass  # ENOSPC, EDQUOT, EIO, EFBIG: what the caller counts
        return False

    def _rotate(self) -> None:
        descriptor = os.open(
            os.path.join(self._folder, f"{self._number + 1}.chunks"),
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC,
            0o600,
        )
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._size = descriptor, 0
        self._number += 1
        for old in chunk_files(self._folder)[: -self._files]:
            os.unlink(os.path.join(self._folder, f"{old}.chunks"))

    def _go_on(self) -> None:
        """In the file that the last start wrote, if it is whole: else a few starts would rotate everything away."""
        os.makedirs(self._folder, 0o700, exist_ok=True)
        numbers = chunk_files(self._folder)
        self._number = numbers[-1] if numbers else 0
        try:
            descriptor = os.open(
                os.path.join(self._folder, f"{self._number}.chunks"), os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
            )
        except FileNotFoundError:
            return
        size = os.fstat(descriptor).st_size
        if _is_end(os.pread(descriptor, HEADER.size, max(size - HEADER.size, 0))):
            self._descriptor, self._size = descriptor, size
        else:
            os.close(descriptor)


def _is_end(chunk: bytes) -> bool:
    return len(chunk) == HEADER.size and HEADER.unpack(chunk)[1:] == (0, END)


def chunk_files(folder: str) -> list[int]:
    """The numbers of the log's files, oldest first."""
    found = []
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    for name in names:
        number, _, kind = name.partition(".")
        if kind == "chunks" and number.isdecimal():
            found.append(int(number))
    return sorted(found)
