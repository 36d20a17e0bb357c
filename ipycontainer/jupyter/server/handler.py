"""What every handler shares: who may ask, work off the event loop, our errors as a status and a sentence."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import web

from ipycontainer import errors
from ipycontainer.jupyter.server.plain import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ipycontainer.engine.engine import Engine

    Answer = TypeVar("Answer")

SETTING = "ipycontainer"
RESOURCE = "containers"  # for whoever writes an authorizer
_THREADS = 16  # a stop waits up to ten seconds in one of them

_STATUS = (
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.InputError, 400),
    (errors.StartError, 400),
    (errors.TimedOut, 504),
    (errors.Refused, 501),
    (errors.StoreError, 507),
)


def status_of(error: BaseException) -> int:
    """The HTTP status for one of our errors; 500 for any other."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def sentence_of(error: BaseException) -> str:
    """What to tell a person: our errors are sentences already, in which an image's own words may stand."""
    if isinstance(error, errors.Error):
        return printable(str(error))
    if isinstance(error, web.HTTPError):
        return str(error.log_message or error.reason or error)
    return f"ipycontainer failed in a way that it does not know ({type(error).__name__}); the server's log says more"


class Room:
    """What the handlers of one server share: the engine and the threads in which it is asked.

    Raises nothing where the engine cannot be had: each question then answers with the reason.
    """

    def __init__(self, make_engine: Callable[[], Engine]) -> None:
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ipycontainer")

    @property
    def engine(self) -> Engine:
        """The engine; made at the first question.  Raises Refused where this machine cannot have one."""
        if self._engine is None:
            try:
                self._engine = self._make_engine()
            except (ImportError, OSError, AttributeError) as error:
                raise errors.Refused(f"the container engine cannot be loaded here ({error}); it needs Linux") from None
        return self._engine

    async def ask(self, work: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
        """`work` in a thread: the engine waits for disks, processes and locks."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments, **named))

    def close(self) -> None:
        """Wait for nobody: what the threads have begun ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class RoomMixin(JupyterHandler):
    """A handler that reaches the room."""

    auth_resource = RESOURCE

    @property
    def room(self) -> Room:
        """What the handlers of this server share."""
        found: Room = self.settings[SETTING]
        return found


class RoomHandler(RoomMixin, APIHandler):
    """A question with one answer, in JSON."""

    def write_error(self, status_code: int, **named: Any) -> None:
        """A status and `{"message": sentence, "kind": class}`."""
        error = named.get("exc_info", (None, web.HTTPError(status_code)))[1]
        if isinstance(error, errors.Error):
            self.set_status(status_of(error))
        self.set_header("Content-Type", "application/json")
        kind = type(error).__name__
        self.finish(json.dumps({"message": sentence_of(error), "kind": kind, "traceback": ""}))

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Our own errors are answers, not faults of the server: no traceback in its log."""
        if isinstance(error, errors.Error):
            self.log.info("ipycontainer: %s", sentence_of(error))
        else:
            super().log_exception(kind, error, trace)

    def text(self, body: dict[str, Any], name: str) -> str:
        """A text of the body, "" where it is missing.  Raises InputError for anything else."""
        value = body.get(name, "")
        if not isinstance(value, str):
            raise errors.InputError(f"{name} must be text, not {type(value).__name__}")
        return value.strip()

    def body(self) -> dict[str, Any]:
        """The request's JSON object.  Raises InputError."""
        try:
            found = json.loads(self.request.body or b"{}")
        except ValueError as error:
            raise errors.InputError(f"the request's body is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise errors.InputError("the request's body must be a JSON object")
        return found
