"""The life of a forked child: nothing of the frame that forked it may go on in it."""

from __future__ import annotations

import os
import sys

from ipycontainer.linux import prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

_SIGKILL = 9


def die_with(parent: int) -> None:
    """Be killed when `parent`, who forked this process, dies: from now on, and at once if it has died already."""
    prctl.set_parent_death_signal(_SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def live(act: Callable[[], None]) -> NoReturn:
    """Do `act` and end, with 1 if it raised: whoever waits for this process knows then that it left things undone."""
    status = 1
    try:
        act()
        status = 0
    except BaseException:  # noqa: BLE001 - a forked child: whatever it was, it ends here
        # The interpreter's own printer: `traceback` is a module, and no more are imported where this runs.
        sys.__excepthook__(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)
