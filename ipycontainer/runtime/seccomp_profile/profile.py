"""A seccomp profile as it is compiled: rules by name of call, conditions on arguments, actions as the kernel's words.

Sources: the OCI runtime spec, config-linux.md "Seccomp"; seccomp(2).
"""

from __future__ import annotations

from ipycontainer.record import Record

KILL_PROCESS, KILL_THREAD, TRAP, ERRNO = 0x80000000, 0x00000000, 0x00030000, 0x00050000
TRACE, LOG, ALLOW = 0x7FF00000, 0x7FFC0000, 0x7FFF0000

EPERM, ENOSYS = 1, 38


class Condition(Record):
    """Argument `index` (0 to 5), as an unsigned number of 64 bits, compared with `value`.

    operator: NE, LT, LE, EQ, GE, GT, or MASKED_EQ: (argument & value) == value_two.
    """

    index: int
    operator: str
    value: int
    value_two: int = 0


class Rule(Record):
    """What happens to calls of these names where all conditions hold.  action: a word that a filter returns."""

    names: tuple[str, ...]
    action: int
    conditions: tuple[Condition, ...] = ()


class Profile(Record):
    """default: the action for calls that no rule names; architectures: OCI's names, the machine's own first.

    gaps_are_unknown: numbers that no kernel has given to a call answer ENOSYS, not the default.
    """

    default: int
    architectures: tuple[str, ...]
    rules: tuple[Rule, ...]
    gaps_are_unknown: bool = False


def severity(action: int) -> int:
    """The kernel's own order of actions: the smaller one wins.  seccomp(2), "Return value"."""
    word = action & 0xFFFF0000
    return word - (1 << 32) if word >> 31 else word


def lets_through(action: int) -> bool:
    """Whether a call with this action may be carried out (TRACE: a tracer says)."""
    return severity(action) >= TRACE
