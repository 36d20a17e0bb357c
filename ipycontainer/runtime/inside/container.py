"""The child: from its first instruction in new namespaces to the program's."""

from __future__ import annotations

import _signal
import os

from ipycontainer.errors import Error, StartError, to_wire
from ipycontainer.linux import descriptors, prctl
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.walk import forbid_imports, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from ipycontainer.launcher.wire import Channel


# What a child says once nothing but its program is left; without it, a channel that ends is a child that was killed.
LAST_WORD = {"last": True}
KILLED_EARLY = "its first process was killed before the program ran: is the memory limit too low?"


def become(
    place: Place,
    stdio: Sequence[int],
    parts: Sequence[tuple[str, Sequence[Step]]],
    keep: Sequence[int] = (),
    alone: bool = False,
) -> NoReturn:
    """Walk `parts` and become the program; never returns.

    stdio: descriptors for 0, 1 and 2; keep: others that a step needs; alone: whether this process stands alone
    already.  A failing step goes to the monitor as
    an error document; success closes the channel, which is close-on-exec.
    """
    assert place.channel is not None
    try:
        forbid_imports()
        if not alone:
            stand_alone(place, [*stdio, *keep])
        for standard, descriptor in enumerate(stdio):
            os.dup2(descriptor, standard)
        descriptors.close_all_but([place.channel.fileno(), *keep, place.null, place.monitor])
        for part, steps in parts:
            walk(part, steps, place)
    except Error as error:
        say(place.channel, error)
    except BaseException as error:  # noqa: BLE001 - a forked child: whatever it was, the monitor is told
        say(place.channel, StartError(f"{type(error).__name__}: {error}"))
    finally:
        os._exit(125)


def stand_alone(place: Place, keep: Sequence[int] = ()) -> None:
    """Leave what came with the fork: the session, the signals, every descriptor but the channel and `keep`.

    Among them are the client's connection, the container's lock and its logs.
    """
    assert place.channel is not None
    os.setsid()
    _fresh_signals()
    descriptors.close_all_but([place.channel.fileno(), *keep, place.monitor])


def say(channel: Channel, error: Error) -> None:
    """Tell the monitor why this process cannot go on."""
    try:
        channel.send({"failed": to_wire(error)})
    except Error:
        pass  # the monitor is gone, and with it whoever asked


def _fresh_signals() -> None:
    """Python ignores SIGPIPE and SIGXFSZ; an ignored signal stays ignored over execve."""
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGINT):
        _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


def hide() -> None:
    """Let nobody look into this process, which still holds the launcher's memory, when it enters a container."""
    prctl.set_dumpable(False)
