"""One kernel: its container from start to end, as the process that a front end takes for the kernel.

front end -> connection file -> this process -> container: python3 -m ipykernel_launcher -f …
             signals          ->              -> the kernel's own

It ends when the kernel ends, with its exit code; it ends the kernel when the server that asked for it has gone.
Whatever it was that ended them, nothing is left: the guard sees to that when this process itself is killed.
"""

from __future__ import annotations

import os
import select

from ipycontainer.commands.kernels.connection import CHANNELS, INSIDE, Connection, KernelFolder
from ipycontainer.commands.kernels.guard import Guard
from ipycontainer.engine.request import Bind
from ipycontainer.errors import Error, LauncherError, NoSuchContainer
from ipycontainer.linux.signal_pipe import SignalPipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Sequence

    from ipycontainer.commands.kernels.relay import Relay
    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine
    from ipycontainer.engine.request import RunRequest
    from ipycontainer.runtime.attachment import Attachment
else:
    import _signal  # `signal` itself costs 5.6 ms, for its enums

LABEL = "ipycontainer.kernel"
PACKAGES = "/opt/host-packages"
_FORWARDED = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGUSR1, _signal.SIGUSR2)
_LOOK = 20  # milliseconds between two looks for the kernel's sockets


def launch(engine: Engine, request: RunRequest, connection: Connection, packages: Sequence[str]) -> int:
    """Run the kernel to its end; its exit code.  packages: folders of the host's Python packages."""
    folder = KernelFolder(connection)
    parent = _parent()
    try:
        folder.fill()
        container = engine.create(kernel_request(request, folder.sockets, packages))
        guard = Guard(lambda: _tidy(container, folder, connection, all_of_it=_gone(parent)))
        try:
            return _stay(container, connection, folder, parent)
        finally:
            _tidy(container, folder, connection, all_of_it=_gone(parent))
            guard.dismiss()
    except BaseException as error:
        if folder.ours:
            folder.remove()
        elif isinstance(error, Error):
            folder.write_last_word({"exit_code": error.exit_code, "oom_killed": False, "reason": str(error)})
        raise


def kernel_request(request: RunRequest, folder: str, packages: Sequence[str]) -> RunRequest:
    """`request` for a kernel whose sockets are in `folder`."""
    inside = [PACKAGES if not number else f"{PACKAGES}-{number}" for number in range(len(packages))]
    binds = [Bind(folder, INSIDE), *(Bind(path, there, True) for path, there in zip(packages, inside))]
    # Under an init the parent's number is 1, which ipykernel would take for a parent that has gone.
    variables = ["JPY_PARENT_PID=1", *([f"PYTHONPATH={':'.join(inside)}"] if inside else [])]
    return request.replace(
        command=("python3", "-m", "ipykernel_launcher", "-f", f"{INSIDE}/connection.json"),
        entrypoint=(),
        binds=(*request.binds, *binds),
        env=(*variables, *request.env),
        labels=(*request.labels, f"{LABEL}=true"),
        init=True,  # so that the kernel may kill itself and its orphans are reaped
        remove=True,
    )


def _parent() -> int:
    """A pidfd of the server that this kernel shall not outlive; -1 for a kernel that nobody's end ends."""
    try:
        return os.pidfd_open(int(os.environ.get("JPY_PARENT_PID", "")))
    except ValueError:
        return -1
    except OSError:
        raise LauncherError("the server that asked for this kernel has gone") from None


def _gone(parent: int) -> bool:
    return parent >= 0 and bool(select.select([parent], [], [], 0)[0])


def _stay(container: Container, connection: Connection, folder: KernelFolder, parent: int) -> int:
    """Start it and stay with it."""
    poll = select.poll()
    relay: Relay | None = None
    with SignalPipe(_FORWARDED) as interrupts:
        poll.register(interrupts.reader, select.POLLIN)
        attachment = container.start(attach=True)
        assert attachment is not None
        poll.register(attachment.fileno(), select.POLLIN)
        if parent >= 0:
            poll.register(parent, select.POLLIN)
        if connection.over_tcp:
            from ipycontainer.commands.kernels.relay import Relay

            relay = Relay(poll, connection.ip, [(connection.ports[name], folder.socket(name)) for name in CHANNELS])
        try:
            _until_the_end(attachment, poll, interrupts, parent, relay)
        finally:
            attachment.close()
            if relay is not None:
                relay.close()
    return _last_word(container, attachment, folder)


def _until_the_end(
    attachment: Attachment, poll: select.poll, interrupts: SignalPipe, parent: int, relay: Relay | None
) -> None:
    output = attachment.fileno()
    while True:
        if relay is not None and not relay.complete:
            relay.look()
        for descriptor, events in poll.poll(None if relay is None or relay.complete else _LOOK):
            if descriptor == output:
                chunk = attachment.read()
                if chunk is None:
                    return
                os.write(2 if chunk[0] == "stderr" else 1, chunk[1])
            elif descriptor == interrupts.reader:
                for number in interrupts.arrived():
                    attachment.signal(number)
            elif descriptor == parent:
                poll.unregister(parent)
                attachment.signal(_signal.SIGKILL)
            elif relay is not None:
                relay.handle(descriptor, events)


def _last_word(container: Container, attachment: Attachment, folder: KernelFolder) -> int:
    """Why it ended, for whoever reads the server's log, and for the provisioner."""
    code = attachment.exit_code if attachment.exit_code is not None else 1
    reason = ""
    if code and attachment.oom_killed:
        limit = int(container.config["request"]["memory"])
        allowed = f" of {limit >> 20} MB" if limit else ""
        reason = f"out of memory: a process in the kernel's container was killed for its limit{allowed}"
    elif code > 128:
        reason = f"the kernel was ended by signal {code - 128}"
    elif code:
        reason = f"the kernel ended with exit code {code}"
    if reason:
        os.write(2, f"ipycontainer kernel: {reason}\n".encode())
    folder.write_last_word({"exit_code": code, "oom_killed": attachment.oom_killed, "reason": reason})
    return code


def _tidy(container: Container, folder: KernelFolder, connection: Connection, all_of_it: bool) -> None:
    """Remove what is left; all of it, where no server is there to do its own part."""
    try:
        container.remove(force=True)
    except NoSuchContainer:
        pass  # --rm has done it
    except Error as error:
        os.write(2, f"ipycontainer kernel: {error}\n".encode())
    if folder.ours or all_of_it:
        folder.remove()
    else:
        folder.clear()
    if all_of_it:
        try:
            os.unlink(connection.path)
        except FileNotFoundError:
            pass
