"""The caller's side: find the launcher of this store, start it if there is none, hand it a job."""

from __future__ import annotations

import _socket
import fcntl
import os
import time

from ipycontainer.errors import LauncherError, from_wire
from ipycontainer.json_text import loads
from ipycontainer.launcher import folders
from ipycontainer.launcher.pending import BREATH, PATIENCE, Pending
from ipycontainer.launcher.wire import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ipycontainer.launcher.wire import Message

_START_LIMIT = 30.0
_SOCKET = ".sock"
_SIGKILL = 9
_FIRST_FREE = 5  # of the launcher's descriptors: 0, 1, 2, what it says that it is ready on, the lock
# The job that has a queue of its own, in which prepared processes wait.
START = "run"

# A signal that whoever starts us ignores (SIGHUP under nohup) would stay ignored in every container.  Signals 9 and
# 19 cannot be, and 32 and 33, which are libc's own, the launcher resets (linux/signals.py).
_EVERY_SIGNAL = tuple(number for number in range(1, 65) if number not in (9, 19, 32, 33))


class Launcher:
    """The launcher of the store at `root`.  Every call opens its own connection, so threads may share this."""

    def __init__(self, root: str) -> None:
        from ipycontainer.launcher.identity import launcher_digest

        self.root = root
        self.run = folders.run_folder(root)
        self._name = f"launcher-{launcher_digest()}"

    @property
    def socket_path(self) -> str:
        """Where the launcher listens."""
        return os.path.join(self.run, self._name + _SOCKET)

    @property
    def start_path(self) -> str:
        """Where it takes starts of containers."""
        return os.path.join(self.run, self._name + ".start")

    def facts(self) -> dict[str, Any]:
        """What the launcher says of itself (mode, pid), starting it if need be."""
        self.connect().close()
        return self._written(self._name)

    def _written(self, name: str) -> dict[str, Any]:
        with open(os.path.join(self.run, name + ".json"), encoding="utf-8") as file:
            found: dict[str, Any] = loads(file.read())
        return found

    @property
    def mode(self) -> str:
        """How ids are mapped in the store namespace: "root", "range" or "one"."""
        return str(self.facts()["mode"])

    def running_pid(self, path: str = "") -> int | None:
        """The process id of the launcher at the socket `path`, this release's if none is given; starts nothing."""
        sock = self._try_connect(path)
        if sock is None:
            return None
        sock.close()
        try:
            return int(self._written(_name_of(path) if path else self._name)["pid"])
        except FileNotFoundError:
            return None  # it is just leaving

    def sockets(self) -> list[str]:
        """Where launchers of this store listen, or have: other releases' too, which go on until they are idle."""
        try:
            names = os.listdir(self.run)
        except FileNotFoundError:
            return []  # there never was one
        return [os.path.join(self.run, name) for name in names if name.endswith(_SOCKET)]

    def _try_connect(self, path: str = "") -> _socket.socket | None:
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
        try:
            sock.connect(path or self.socket_path)
        except (FileNotFoundError, ConnectionRefusedError):
            sock.close()
            return None
        except OSError as error:
            sock.close()
            raise LauncherError(f"cannot reach the launcher at {path or self.socket_path}: {error.strerror}") from None
        if _account_of(sock) != os.geteuid():
            sock.close()
            raise LauncherError(f"at {path or self.socket_path} somebody else listens; is {self.run} yours?")
        return sock

    def connect(self, path: str = "") -> Channel:
        """A connection to a living launcher, started under a lock where there is none.

        path: one of its sockets; the one for jobs if none is given.
        """
        sock = self._try_connect(path)
        if sock is None:
            folders.prepare(self.root)
            lock = self._lock()
            try:
                sock = self._try_connect(path)  # somebody else may have started it while we waited
                if sock is None:
                    self._start(lock)
                    sock = self._try_connect(path)
            finally:
                os.close(lock)
        if sock is None:
            raise LauncherError(f"the launcher started but does not listen at {self.socket_path}; try again")
        return Channel(sock)

    def _start(self, lock: int) -> None:
        """Spawn the launcher in a session of its own, and in a scope where systemd gives one; wait till it listens.

        Until it does it holds `lock` too: if we are killed meanwhile, whoever asks next waits and starts no other.
        """

        from ipycontainer.launcher import scope
        from ipycontainer.launcher.identity import PACKAGE, interpreter, launcher_digest

        if self._name != f"launcher-{launcher_digest()}":
            raise LauncherError("ipycontainer was changed on disk after this process loaded it; restart the kernel")
        program = interpreter()
        main = os.path.join(PACKAGE, "launcher", "__main__.py")
        arguments = [program, "-I", "-S", "-X", "utf8", main, self.root, self.run, self._name]
        within = scope.words(f"{folders.digest(self.root)}-{os.getpid()}-{time.monotonic_ns()}")
        # A manager that does not answer or may not give a scope costs survival and limits, not the launcher.
        if not (within and self._spawn([*within, *arguments], scope.environment(), lock)):
            self._spawn(arguments, {}, lock, last=True)

    def _spawn(self, arguments: list[str], more: Mapping[str, str], lock: int, last: bool = False) -> bool:
        """Whether a launcher started.  One that says why not, or not one word at the `last` attempt, is an error."""
        program = arguments[0]
        reading, writing = os.pipe()
        # Above all that is made there: whoever has closed its standard output would give this pipe that number.
        said = fcntl.fcntl(writing, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)
        os.close(writing)
        held = fcntl.fcntl(lock, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)
        log = os.path.join(self.run, "launcher.log")
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            (os.POSIX_SPAWN_DUP2, said, 3),
            (os.POSIX_SPAWN_DUP2, held, 4),
        ]
        environment = {"PATH": os.environ.get("PATH", os.defpath), **more}
        for name in ("IPYCONTAINER_IDLE", "IPYCONTAINER_SLOTS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        try:
            pid = os.posix_spawn(
                program,
                arguments,
                environment,
                file_actions=actions,
                setsid=True,
                setsigmask=(),
                setsigdef=_EVERY_SIGNAL,
            )
        except OSError as error:
            os.close(reading)
            raise LauncherError(f"cannot run {program} for the launcher: {error.strerror}") from None
        finally:
            os.close(said)
            os.close(held)
        try:
            answer = _read_all(reading, _START_LIMIT)
        except BaseException as error:
            os.kill(pid, _SIGKILL)  # nobody else has that number as long as we have not reaped it
            os.waitpid(pid, 0)
            if last or not isinstance(error, LauncherError):
                raise
            return False
        finally:
            os.close(reading)
        # The launcher's first process forks the real one and ends, so it is reaped here at once.
        os.waitpid(pid, 0)
        if answer or last:
            self._judge(answer, log)
        return bool(answer)

    def _judge(self, answer: bytes, log: str) -> None:
        if answer == b"ready":
            return
        if answer:
            raise from_wire(loads(answer))
        with open(log, encoding="utf-8", errors="replace") as file:
            words = file.read().strip().splitlines()
        raise LauncherError(f"the launcher did not start: {words[-1] if words else 'no word from it'} (see {log})")

    def ask(self, job: str, request: dict[str, Any], descriptors: Sequence[int] = ()) -> Pending:
        """Have `job` done; its answer is to be waited for (Pending.answer), and the descriptors kept open till then."""
        return Pending(self, self.start_path if job == START else self.socket_path, job, request, descriptors)

    def call(self, job: str, request: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        """Do `job` and wait for its answer.  Raises the Error that the job raised, or LauncherError: it went away."""
        return self.ask(job, request, descriptors).answer()

    def begin(
        self, job: str, request: dict[str, Any], meanwhile: Callable[[], None] | None = None
    ) -> tuple[Channel, Message]:
        """A job that is a conversation: the connection, and the message that says that it has begun.

        meanwhile: done between the request and that message.  Raises the job's error, LauncherError.
        """
        pending = self.ask(job, request)
        try:
            if meanwhile is not None:
                meanwhile()
            message = pending.first()
        except BaseException:
            pending.close()
            raise
        return pending.channel, message

    def forget(self) -> None:
        """Remove what launchers that have gone left: their sockets, and the run folder unless a container needs it."""
        try:
            lock = self._lock()
        except FileNotFoundError:
            return  # there never was one
        try:
            if not any(self._is_there(path) for path in self.sockets()):  # one started meanwhile
                folders.remove_run(self.run)
        finally:
            os.close(lock)

    def _is_there(self, path: str) -> bool:
        """Whether a launcher listens, and not just those who waited with one that was killed."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not _listens(path):
                return False
            try:
                if os.path.exists(f"/proc/{int(self._written(_name_of(path))['pid'])}"):
                    return True
            except FileNotFoundError:
                return True
            time.sleep(BREATH)
        return True

    def _lock(self) -> int:
        """The lock under which launchers are started and run folders removed; a descriptor to be closed."""
        path = os.path.join(self.run, "launcher.lock")
        while True:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                if os.stat(path).st_ino == os.fstat(lock).st_ino:
                    return lock
            except FileNotFoundError:
                pass
            os.close(lock)  # while we waited, whoever had it removed the folder
            folders.prepare(self.root)

    def leave(self, path: str = "") -> None:
        """Ask the launcher at the socket `path` to go, this release's if none is given; containers stay."""
        sock = self._try_connect(path)
        if sock is None:
            return
        channel = Channel(sock)
        try:
            channel.send({"job": "launcher.leave", "request": {}})
            channel.receive()
        finally:
            channel.close()


def _account_of(sock: _socket.socket) -> int:
    """Whose process listens there: where the run folder lies below /tmp, another could have made it.  unix(7)."""
    return memoryview(sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)).cast("I")[1]


def _name_of(path: str) -> str:
    return os.path.basename(path)[: -len(_SOCKET)]


def _listens(path: str) -> bool:
    """Whether a living process listens at the socket `path`; one that was killed left only the name."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    try:
        sock.connect(path)
    except OSError:
        return False
    finally:
        sock.close()
    return True


def _read_all(descriptor: int, limit: float) -> bytes:
    """Everything until the end, within `limit` seconds."""
    import select

    deadline = time.monotonic() + limit
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    parts: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise LauncherError(f"the launcher did not start within {limit:.0f} s")
        part = os.read(descriptor, 65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
