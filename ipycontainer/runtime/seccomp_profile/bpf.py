"""Classic BPF as seccomp takes it, put together from its end: a jump only goes forward, to what is there already.

A place is an instruction's distance from the end.  A conditional jump reaches 255 instructions; whatever lies
further is reached by a copy of it (a return) or through an unconditional jump.

Source: Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/{seccomp,filter,bpf_common}.h.
"""

from __future__ import annotations

import struct

from ipycontainer.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS: A = the word at k of struct seccomp_data
AND = 0x54  # A &= k
JUMP = 0x05
EQUAL, GREATER, AT_LEAST = 0x15, 0x25, 0x35  # compare A with k
RETURN = 0x06

NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Where struct seccomp_data has the call's number, the architecture, and six arguments of 64 bits."""

LONGEST = 4096  # BPF_MAXINSNS
_INSTRUCTION = struct.Struct("<HBBI")
_REACH = 255


class Program:
    """A program that grows at its beginning.  Every method gives the place of what it has put there.

    All raise InputError when the program gets longer than the kernel takes.
    """

    def __init__(self) -> None:
        self._backwards: list[tuple[int, int, int, int]] = []
        self._returns: dict[int, int] = {}

    def end(self, action: int) -> int:
        """RET action; the nearest one is used again."""
        place = self._returns.get(action)
        if place is None:
            place = self._returns[action] = self._put(RETURN, action)
        return place

    def load(self, offset: int, following: int) -> int:
        """A = the word at `offset`, then go on at `following`."""
        self._fall_to(following)
        return self._put(LOAD, offset)

    def mask(self, bits: int, following: int) -> int:
        """A &= bits."""
        self._fall_to(following)
        return self._put(AND, bits)

    def branch(self, test: int, value: int, yes: int, no: int) -> int:
        """To `yes` where the test of A against `value` holds, else to `no`."""
        if yes == no:
            return yes
        while True:
            here = len(self._backwards)
            far = next((place for place in (yes, no) if here - place - 1 > _REACH), None)
            if far is None:
                return self._put(test, value, here - yes - 1, here - no - 1)
            near = self._closer(far)
            yes, no = (near if place == far else place for place in (yes, no))

    def over_ranges(self, ranges: Sequence[tuple[int, int]]) -> int:
        """A binary search in A: ranges are (first value, place), ascending from 0."""
        if len(ranges) == 1:
            return ranges[0][1]
        middle = len(ranges) // 2
        above = self.over_ranges(ranges[middle:])
        below = self.over_ranges(ranges[:middle])
        return self.branch(AT_LEAST, ranges[middle][0], above, below)

    def assembled(self, start: int) -> bytes:
        """The program that begins at `start`, as an array of struct sock_filter."""
        self._fall_to(start)
        return b"".join(_INSTRUCTION.pack(code, yes, no, k) for code, k, yes, no in reversed(self._backwards))

    def _put(self, code: int, k: int, yes: int = 0, no: int = 0) -> int:
        if len(self._backwards) == LONGEST:
            raise InputError(f"the seccomp profile makes too many instructions; {LONGEST} are the kernel's limit")
        self._backwards.append((code, k, yes, no))
        return len(self._backwards) - 1

    def _fall_to(self, place: int) -> None:
        """The next instruction that is put will be followed by `place`."""
        if place != len(self._backwards) - 1:
            self._closer(place)

    def _closer(self, place: int) -> int:
        code, k, _, _ = self._backwards[place]
        if code == RETURN:
            self._returns[k] = self._put(RETURN, k)
            return self._returns[k]
        return self._put(JUMP, len(self._backwards) - place - 1)


def instructions(program: bytes) -> list[tuple[int, int, int, int]]:
    """(code, jump if true, jump if false, k) of each instruction."""
    return list(_INSTRUCTION.iter_unpack(program))
