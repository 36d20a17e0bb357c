"""Which shared libraries a program needs, read from the files (ld.so(8), elf(5)).

`ldd` would do it too, but it runs the program's loader, once for each file:
ten seconds where reading takes a tenth of one.
"""

from __future__ import annotations

import glob
import os
import struct

from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 10, 14, 15, 29
_TRIPLETS = {62: "x86_64-linux-gnu", 183: "aarch64-linux-gnu", 3: "i386-linux-gnu", 243: "riscv64-linux-gnu"}


class Elf(Record):
    """What the dynamic section says. machine: 62 is x86-64, 183 aarch64; bits: 32 or 64."""

    machine: int
    bits: int
    needed: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    interpreter: str = ""


def read(path: str) -> Elf | None:
    """The ELF file at `path`; None where it is something else, or damaged."""
    with open(path, "rb") as file:
        descriptor = file.fileno()
        start = os.pread(descriptor, 64, 0)
        if len(start) < 52 or start[:4] != b"\x7fELF":
            return None
        try:
            return _read(descriptor, start)
        except (struct.error, ValueError, IndexError, OverflowError, OSError):
            return None


def _read(descriptor: int, start: bytes) -> Elf:
    bits = 64 if start[4] == 2 else 32
    order = "<" if start[5] == 1 else ">"
    machine: int = struct.unpack_from(order + "H", start, 18)[0]
    if bits == 64:
        (table,) = struct.unpack_from(order + "Q", start, 32)
        size, count = struct.unpack_from(order + "HH", start, 54)
    else:
        (table,) = struct.unpack_from(order + "I", start, 28)
        size, count = struct.unpack_from(order + "HH", start, 42)
    raw = os.pread(descriptor, min(size * count, 1 << 20), table)
    segments = [_segment(raw, at, order, bits) for at in range(0, len(raw), size)]
    interpreter = ""
    dynamic: list[tuple[int, int]] = []
    for kind, offset, _, length in segments:
        if kind == _PT_INTERP:
            interpreter = os.fsdecode(os.pread(descriptor, min(length, 4096), offset).rstrip(b"\0"))
        elif kind == _PT_DYNAMIC:
            data = os.pread(descriptor, min(length, 1 << 20), offset)
            form = order + ("qQ" if bits == 64 else "iI")
            dynamic = list(struct.iter_unpack(form, data[: len(data) - len(data) % struct.calcsize(form)]))
    strings = _strings(descriptor, dynamic, segments)
    return Elf(
        machine,
        bits,
        tuple(strings(value) for tag, value in dynamic if tag == _DT_NEEDED),
        tuple(part for tag, value in dynamic if tag == _DT_RUNPATH for part in strings(value).split(":") if part),
        tuple(part for tag, value in dynamic if tag == _DT_RPATH for part in strings(value).split(":") if part),
        interpreter,
    )


def _segment(raw: bytes, at: int, order: str, bits: int) -> tuple[int, int, int, int]:
    """kind, offset in the file, address, length in the file."""
    if bits == 64:
        kind, _, offset, address, _, length = struct.unpack_from(order + "IIQQQQ", raw, at)
    else:
        kind, offset, address, _, length = struct.unpack_from(order + "IIIII", raw, at)
    return kind, offset, address, length


class _Strings:
    def __init__(self, table: bytes) -> None:
        self._table = table

    def __call__(self, offset: int) -> str:
        return os.fsdecode(self._table[offset : self._table.index(b"\0", offset)])


def _strings(descriptor: int, dynamic: list[tuple[int, int]], segments: list[tuple[int, int, int, int]]) -> _Strings:
    values = dict(dynamic)
    address = values.get(_DT_STRTAB)
    if address is None:
        return _Strings(b"\0")
    for kind, offset, start, length in segments:
        if kind == _PT_LOAD and start <= address < start + length:
            return _Strings(os.pread(descriptor, min(values.get(_DT_STRSZ, 0), 1 << 22), offset + address - start))
    return _Strings(b"\0")


class Finder:
    """Finds libraries as the loader would, without its cache."""

    def __init__(self, configuration: str = "/etc/ld.so.conf") -> None:
        self._configured = list(dict.fromkeys(_configured(configuration, 0)))
        self._found: dict[tuple[str, int, int], str | None] = {}

    def default_folders(self, elf: Elf) -> list[str]:
        """Where the loader looks when nobody tells it anything."""
        triplet = _TRIPLETS.get(elf.machine, "")
        named = [f"/lib/{triplet}", f"/usr/lib/{triplet}"] if triplet else []
        wide = ["/lib64", "/usr/lib64"] if elf.bits == 64 else ["/lib32", "/usr/lib32"]
        return [folder for folder in (*named, *wide, "/lib", "/usr/lib") if os.path.isdir(folder)]

    def needed(self, path: str, elf: Elf, inherited: tuple[str, ...] = ()) -> Iterator[tuple[str, str | None]]:
        """(name, path or None) of each library that the file at `path` names.

        inherited: the RPATHs of those who load it, which count unless it has a RUNPATH of its own.
        """
        origin = os.path.dirname(os.path.realpath(path))
        own = elf.runpath or (*elf.rpath, *inherited)
        special = [_expand(folder, origin) for folder in own]
        for name in elf.needed:
            if "/" in name:
                yield name, name if os.path.exists(name) else None
                continue
            yield name, self._in(special, name, elf) or self._standard(name, elf)

    def _standard(self, name: str, elf: Elf) -> str | None:
        key = (name, elf.machine, elf.bits)
        if key not in self._found:
            self._found[key] = self._in([*self._configured, *self.default_folders(elf)], name, elf)
        return self._found[key]

    def _in(self, folders: list[str], name: str, elf: Elf) -> str | None:
        for folder in folders:
            path = os.path.join(folder, name)
            if os.access(path, os.R_OK) and os.path.isfile(path):
                found = read(path)
                if found is not None and (found.machine, found.bits) == (elf.machine, elf.bits):
                    return path
        return None


def _expand(folder: str, origin: str) -> str:
    return folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)


def _configured(path: str, depth: int) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        words = line.partition("#")[0].split()
        if words[:1] == ["include"] and depth < 5:
            for pattern in words[1:]:
                for found in sorted(glob.glob(os.path.join(os.path.dirname(path), pattern))):
                    yield from _configured(found, depth + 1)
        elif words and words[0].startswith("/"):
            yield words[0]
