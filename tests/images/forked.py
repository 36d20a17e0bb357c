"""Jobs in a plain fork, for tests of the images' room alone: what the launcher does, without a launcher."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ipycontainer.errors import Error, from_wire, to_wire
from ipycontainer.images.inside.jobs import JOBS
from ipycontainer.json_text import dumps, loads
from ipycontainer.launcher import store_namespace
from ipycontainer.linux.descriptors import close_all_but


def forked_call(user_mode: str = "") -> Any:
    """A `call` for Store.  user_mode "range" or "one": the job runs in a user namespace of this user's."""

    def call(job: str, request: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            answer: dict[str, Any]
            try:
                close_all_but([writing, *descriptors])  # a pipe's other end held here would never end
                if user_mode:
                    entered = store_namespace._unshare_as_user()
                    assert entered == user_mode, entered
                answer = {"answer": JOBS[job](request, [os.dup(item) for item in descriptors], None)}  # type: ignore[arg-type]
            except Error as error:
                answer = {"error": to_wire(error)}
            except BaseException as error:
                answer = {"error": {"class": "Error", "sentence": f"{type(error).__name__}: {error}"}}
            os.write(writing, dumps(answer).encode())
            os._exit(0)
        os.close(writing)
        with open(reading, "rb") as file:
            raw = file.read()
        os.waitpid(pid, 0)
        found = loads(raw)
        if "error" in found:
            raise from_wire(found["error"])
        return dict(found["answer"])

    return call
