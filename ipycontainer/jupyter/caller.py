"""What becomes of a magic's value: `%container ps` alone, shown, or `ids = %container ps -q`.

IPython tells a magic nothing about it, yet a person expects `ps` in the middle
of a cell to print, the last one to show a table, and an assignment to be
silent.  The answer stands in the calling code: the instruction after the call.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

DROPPED, SHOWN, USED = "dropped", "shown", "used"

_ENTRANCES = ("run_line_magic", "run_cell_magic")
_PRINTS = 1
"""`INTRINSIC_PRINT`, the argument of CALL_INTRINSIC_1 from Python 3.12 on."""


def fate_of_value() -> str:
    """DROPPED, SHOWN (a cell's last expression) or USED, for the magic that is running now."""
    frame: FrameType | None = sys._getframe(1)
    inside = False
    while frame is not None:
        # An alias of a magic goes through IPython's entrance twice; the caller is beyond the outer one.
        if inside and not str(frame.f_globals.get("__name__", "")).startswith("IPython."):
            return _fate(frame)
        inside = inside or frame.f_code.co_name in _ENTRANCES
        frame = frame.f_back
    return USED


def _fate(frame: FrameType) -> str:
    import dis

    following = (step for step in dis.get_instructions(frame.f_code) if step.offset > frame.f_lasti)
    step = next(following, None)
    if step is None:
        return USED
    if step.opname == "PRINT_EXPR" or (step.opname == "CALL_INTRINSIC_1" and step.arg == _PRINTS):
        return SHOWN
    if step.opname == "RETURN_VALUE" and frame.f_code.co_name == "<module>":
        # `%time %container …` evaluates its line and gives the value to the cell.
        return SHOWN
    return DROPPED if step.opname == "POP_TOP" else USED
