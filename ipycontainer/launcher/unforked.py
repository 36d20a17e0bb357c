"""One request where no process can be forked for it: what makes room is done by the launcher itself, the rest refused.

At an account's limit of processes nothing else would help: whatever has used them up is ended by the jobs "kill" and
"remove".
"""

from __future__ import annotations

import select
import sys

from ipycontainer.errors import Error, LauncherError, to_wire
from ipycontainer.launcher.waiting import NO_PROCESS
from ipycontainer.launcher.wire import adopt

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import Any

    from ipycontainer.launcher.server import Job
    from ipycontainer.launcher.wire import Channel

# Milliseconds: who has connected is about to send his request; who does not shall not hold up the launcher.
_PATIENCE = 200


def serve_next(listener: _socket.socket, urgent: dict[str, Job]) -> None:
    """Serve the next one in the queue, if his job is one of `urgent`.

    None of those may wait for somebody who waits for the launcher.
    """
    try:
        descriptor, _ = listener._accept()  # type: ignore[attr-defined]
    except OSError:
        return  # he has gone away again
    client = adopt(descriptor)
    try:
        client.send(_answer(client, urgent))
    except LauncherError:
        pass
    finally:
        client.close()


def _answer(client: Channel, urgent: dict[str, Job]) -> dict[str, Any]:
    refusal = {"error": to_wire(LauncherError(NO_PROCESS))}
    poll = select.poll()
    poll.register(client.fileno(), select.POLLIN)
    if not poll.poll(_PATIENCE):
        return refusal
    try:
        message = client.receive()
        if message is None:
            return refusal
        message.refuse_descriptors()
        document = message.document or {}
        job = urgent.get(str(document.get("job")))
        return {"answer": job(document["request"], [], client)} if job else refusal
    except Error as error:
        return {"error": to_wire(error)}
    except Exception:  # noqa: BLE001 - no request may end the launcher
        sys.__excepthook__(*sys.exc_info())
        return refusal
