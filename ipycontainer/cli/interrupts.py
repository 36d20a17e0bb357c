"""Ctrl-C, before and after something is under way."""

from __future__ import annotations

import _signal


def heed() -> None:
    """From here on it is a KeyboardInterrupt, for whoever has something to end or to leave as it was.

    Before, it ends the process (bin/ipycontainer says why).  Whoever started us without it, as a shell does with what
    is to run in the background, has it ignored; that stays.
    """
    if _signal.getsignal(_signal.SIGINT) == _signal.SIG_DFL:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
