"""Walking a list of steps: the one loop, in the monitor and in the child."""

from __future__ import annotations

import sys

from ipycontainer.errors import KernelError, StartError
from ipycontainer.runtime.inside.step import Place, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def forbid_imports() -> None:
    """From here on only built-in and frozen modules are found: files are about to be the image's.

    An empty sys.path is not enough: packages that are loaded (encodings, ours) look for what they miss in their
    own folders, by paths that the image then fills.
    """
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]


def walk(part: str, steps: Sequence[Step], place: Place, first: int = 0) -> None:
    """Take `steps` in order.  A refusal by the kernel becomes a StartError that names the step.

    part and first say which of the plan's steps these are, for a fault that a test injects.
    """
    fault = place.launch.fault
    for number, step in enumerate(steps, first):
        name = type(step).__name__
        if fault and list(fault) == [part, number]:
            raise StartError(f"{name}: a failure was injected at step {number} of {part}")
        try:
            step.take(place)
        except KernelError as error:
            raise StartError(f"{name}: {error}") from error
        except OSError as error:
            raise StartError(f"{name}: {error.strerror} ({error.filename or 'no path'})") from error
