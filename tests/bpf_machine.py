"""A machine for seccomp's BPF, so that a filter can be asked for its verdict on calls that nobody should make."""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence

X86_64, I386, AARCH64 = 0xC000003E, 0x40000003, 0xC00000B7
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050001, 0x00050026
X32 = 0x40000000


class Malformed(Exception):
    """A program that the kernel's checker would refuse."""


@functools.cache
def _decoded(program: bytes) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("<HBBI", program))


def check(program: bytes) -> list[tuple[int, int, int, int]]:
    """The instructions, after what the kernel asks of them: jumps forward and inside, a return at the end."""
    code = list(struct.iter_unpack("<HBBI", program))
    if not 0 < len(code) <= 4096:
        raise Malformed(f"{len(code)} instructions")
    for place, (what, yes, no, k) in enumerate(code):
        if what in (0x15, 0x25, 0x35, 0x45):
            if place + 1 + max(yes, no) >= len(code):
                raise Malformed(f"{place}: a jump over the end")
        elif what == 0x05:
            if place + 1 + k >= len(code):
                raise Malformed(f"{place}: a jump over the end")
        elif what == 0x20:
            if k % 4 or k >= 64:
                raise Malformed(f"{place}: load at {k}")
        elif what not in (0x54, 0x06):
            raise Malformed(f"{place}: {what:#x}")
    if code[-1][0] != 0x06:
        raise Malformed("no return at the end")
    return code


def run(program: bytes, number: int, architecture: int, arguments: Sequence[int] = ()) -> int:
    """The word that the program returns for this call."""
    return trace(program, number, architecture, arguments)[0]


def trace(program: bytes, number: int, architecture: int, arguments: Sequence[int] = ()) -> tuple[int, bool]:
    """The same, and whether any argument was looked at."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, architecture, 0, *(value & (1 << 64) - 1 for value in padded))
    code = _decoded(program)
    word, place, looked = 0, 0, False
    while True:
        what, yes, no, k = code[place]
        place += 1
        if what == 0x20:
            (word,) = struct.unpack_from("<I", data, k)
            looked = looked or k >= 16
        elif what == 0x54:
            word &= k
        elif what == 0x05:
            place += k
        elif what == 0x06:
            return int(k), looked
        else:
            holds = {0x15: word == k, 0x25: word > k, 0x35: word >= k, 0x45: bool(word & k)}[what]
            place += yes if holds else no
