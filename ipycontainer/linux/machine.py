"""What this machine really allows, found out by trial, once for each boot.

"root" is what a child could do, not a number: uid 0 in a hosted notebook can often do nothing.  The trial
itself is in trial.py; here are its parent (which writes id maps and keeps the time), its result, and the file
in which the result is kept until something changes that it depends on.
"""

from __future__ import annotations

import errno
import os
import select
import time

from ipycontainer.errors import KernelError
from ipycontainer.json_text import dumps, loads
from ipycontainer.linux import idmaps
from ipycontainer.linux.trial import Climber, Rung, clear
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Without these there is no container; what else is missing is degraded or refused by whoever needs it.
ESSENTIAL = (
    "openat2",
    "close_range",
    "clone3",
    "pidfd",
    "mount namespace",
    "pid namespace",
    "private mounts",
    "overlay on the store",
    "deleted files stay deleted",
    "tmpfs",
    "bind",
    "mount attributes",
    "pivot_root",
)

# What a result depends on besides the kernel: it is thrown away when one of these changes, so that whoever
# mends something need not restart the machine.
DEPENDS_ON_FILES = ("/etc/subuid", "/etc/subgid")  # beside the programs of idmaps.mappers
DEPENDS_ON_VALUES = (
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/self/uid_map",
)
DEPENDS_ON_STATUS = ("CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp_filters:")


class Machine(Record):
    """mode: "root" (no user namespace is needed), "range" (a user namespace with subordinate ids), "one" (with
    the one id that anybody may map), "none" (no container can be made; the last rung says why)."""

    mode: str
    rungs: tuple[Rung, ...] = ()
    depends_on: str = ""

    def rung(self, name: str) -> Rung | None:
        """What was found about `name`; None when the trial did not come so far."""
        return next((rung for rung in self.rungs if rung.name == name), None)

    def can(self, name: str) -> bool:
        """Whether `name` was tried and worked."""
        rung = self.rung(name)
        return rung is not None and rung.ok

    def lacks(self) -> tuple[str, ...]:
        """What is essential and was not reached."""
        return tuple(name for name in ESSENTIAL if not self.can(name))

    def to_document(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {**self.as_dict(), "rungs": [rung.as_dict() for rung in self.rungs]}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Machine:
        """What `to_document` gave."""
        rungs = tuple(Rung.from_dict(rung) for rung in document["rungs"])
        return cls(str(document["mode"]), rungs, str(document["depends_on"]))


def machine(run: str, store: str) -> Machine:
    """What is known in the run folder, or else a new trial in the store's folder, whose result is kept there.

    Forks: to be called from a process with one thread.
    """
    known = read(f"{run}/machine.json")
    if known is not None and known.depends_on == fingerprint():
        return known
    return renew(run, store)


def renew(run: str, store: str) -> Machine:
    """A new trial, whatever is known; its result is kept in the run folder."""
    found = probe(store).replace(depends_on=fingerprint())
    # A failure may have been the moment's (memory, processes, time): it is found out again.
    if found.mode != "none":
        _write(f"{run}/machine.json", dumps(found.to_document()))
    return found


def read(path: str) -> Machine | None:
    """The machine in the file at `path`; None when there is none or it was written by another version."""
    try:
        with open(path, encoding="utf-8") as file:
            return Machine.from_document(loads(file.read()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fingerprint() -> str:
    """Everything that a result depends on, as text."""
    words = [os.uname().release, str(os.geteuid())]
    for path in (*idmaps.mappers(), *DEPENDS_ON_FILES):
        try:
            found = os.stat(path)
            words.append(f"{found.st_mtime_ns},{found.st_size},{found.st_mode}")
        except OSError:
            words.append("-")
    words += [" ".join(_first_bytes(path).split()) for path in DEPENDS_ON_VALUES]
    lines = _first_bytes("/proc/self/status").splitlines()
    words += [" ".join(line.split()) for line in lines if line.startswith(DEPENDS_ON_STATUS)]
    return ";".join(words)


def probe(store: str, patience: float = 10.0) -> Machine:
    """Try it all in forked children, with the store's folder as the place of overlay's upper folders.

    patience: seconds after which a child that hangs is killed; what it reached by then counts.
    """
    if os.geteuid() == 0:
        power = idmaps.power_of_root(idmaps.read_own("uid_map"), idmaps.read_own("gid_map"))
        found = Machine(power, _trial(store, user=power != "root", own=False, patience=patience))
        if not found.lacks():
            return found
    found = Machine("none", _trial(store, user=True, own=True, patience=patience))
    if found.lacks():
        return found
    return found.replace(mode="range" if found.can("ids of the range") else "one")


def _trial(store: str, user: bool, own: bool, patience: float) -> tuple[Rung, ...]:
    folder = f"{store}/.trial-{os.getpid()}-{time.monotonic_ns()}"
    try:
        os.mkdir(folder, 0o700)
    except OSError as error:
        raise KernelError("mkdir", error.errno or 0, folder) from None
    try:
        return _watch(folder, user, own, time.monotonic() + patience)
    finally:
        _clear_away(folder)


def _watch(folder: str, user: bool, own: bool, end: float) -> tuple[Rung, ...]:
    lines, output = os.pipe()
    answers, answer = os.pipe()
    if not (pid := os.fork()):
        try:
            os.close(lines)
            os.close(answer)
            Climber(output, answers, folder, user, own).climb()
        except BaseException as error:  # noqa: BLE001  whatever happens here, it never goes back into the caller's program
            os.write(output, Rung("the trial itself", False, words=repr(error)).to_line().encode())
        finally:
            os._exit(0)
    os.close(output)
    os.close(answers)
    rungs: list[Rung] = []
    text = b""
    try:
        while chunk := _read_before(lines, end):
            text += chunk
            *whole, text = text.split(b"\n")
            for line in whole:
                rungs.append(Rung.from_line(line.decode()))
                if rungs[-1].name == "user namespace" and rungs[-1].ok:
                    ids = _map_range(pid, end)
                    rungs.append(ids)
                    os.write(answer, b"r" if ids.ok else b"o")
    finally:
        os.close(lines)
        os.close(answer)
        hangs = _end(pid)
    if hangs:
        words = f"after {rungs[-1].name if rungs else 'nothing'}"
        rungs.append(Rung("in time", False, "wait", errno.ETIMEDOUT, words))
    return tuple(rungs)


def _read_before(descriptor: int, end: float) -> bytes:
    """What comes before `end`; b"" at the writer's end or when the time is over."""
    left = end - time.monotonic()
    if left <= 0 or not select.select([descriptor], [], [], left)[0]:
        return b""
    return os.read(descriptor, 65536)


def _end(pid: int) -> bool:
    """Wait for the child, which is at its end or hangs; True if it had to be killed."""
    for attempt in range(200):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return attempt > 100
        if attempt == 100:
            os.kill(pid, 9)
        time.sleep(0.001 if attempt < 100 else 0.01)
    return True  # it does not even die (a file system that hangs): nobody waits for that


def _map_range(pid: int, end: float) -> Rung:
    """Give the child in its user namespace the caller's subordinate ids, by the programs that may do that."""
    name = "id range"
    uid = os.geteuid()
    programs = idmaps.mappers()
    for program in programs:
        if not os.access(program, os.X_OK):
            return Rung(name, False, words=f"{program} is not installed")
    own = idmaps.account(uid)
    for program, path, number in zip(programs, ("/etc/subuid", "/etc/subgid"), (uid, os.getegid())):
        found = idmaps.subordinate(path, own, uid)
        if found is None:
            return Rung(name, False, words=f"{path} has no line for {own}")
        words = _run(program, pid, idmaps.rootless(number, found), end)
        if words:
            return Rung(name, False, os.path.basename(program), 0, words)
    return Rung(name, True)


def _run(program: str, pid: int, extents: list[idmaps.Extent], end: float) -> str:
    """Run newuidmap or newgidmap; what it complains, or ""."""
    numbers = [str(number) for item in extents for number in (item.inside, item.outside, item.length)]
    readable, writable = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writable, 1), (os.POSIX_SPAWN_DUP2, writable, 2)]
    child = os.posix_spawn(program, [program, str(pid), *numbers], {}, file_actions=actions)
    os.close(writable)
    said = b""
    while chunk := _read_before(readable, end):
        said += chunk
    os.close(readable)
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(child, 9)
            os.waitpid(child, 0)
            return "it did not end in time"
        time.sleep(0.0005)
    code = os.waitstatus_to_exitcode(ended[1])
    return f"it ended with {code}: {said.decode('utf-8', 'replace').strip()}" if code else ""


def _clear_away(folder: str) -> None:
    """What the child could not take away itself: a leftover here must not hide what was found out."""
    try:
        clear(folder)
        os.rmdir(folder)
    except OSError:
        return


def _write(path: str, text: str) -> None:
    temporary = f"{path}.{os.urandom(6).hex()}"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        raise KernelError("write", error.errno or 0, path) from None


def _first_bytes(path: str) -> str:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(65536).decode("utf-8", "replace")
    except OSError:
        return "-"
