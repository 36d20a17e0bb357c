"""Jobs in a plain fork, as any account: what the launcher does, for tests of the images' room alone."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ipycontainer.errors import Error, from_wire, to_wire
from ipycontainer.images.feed import feed
from ipycontainer.images.inside.jobs import jobs
from ipycontainer.json_text import dumps, loads
from ipycontainer.launcher import store_namespace
from ipycontainer.linux.descriptors import close_all_but
from tests.personas import Persona

MODES = {"root": "root", "user": "range", "solo": "one"}


def in_store_namespace(persona: Persona, work: Callable[[], Any], keep: Sequence[int] = ()) -> Any:
    """What `work` gives, run in a child that is where the persona's launcher would be."""
    return Child(persona, work, keep).answer()


class Child:
    """A job in a fork, as launcher/pending.py describes one that was asked for."""

    def __init__(self, persona: Persona, work: Callable[[], Any], keep: Sequence[int] = ()) -> None:
        self._reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _work(persona, work, keep, writing)
        os.close(writing)

    def fileno(self) -> int:
        return self._reading

    def over(self) -> bool:
        return True

    def answer(self) -> Any:
        with open(self._reading, "rb") as file:
            raw = file.read()
        os.waitpid(self._pid, 0)
        found = loads(raw)
        if "error" in found:
            raise from_wire(found["error"])
        return found["answer"]


def _work(persona: Persona, work: Callable[[], Any], keep: Sequence[int], writing: int) -> NoReturn:
    """The child's part."""
    try:
        close_all_but([writing, *keep])  # a pipe's other end held here would never end
        _become(persona)
        answer = {"answer": work()}
    except Error as error:
        answer = {"error": to_wire(error)}
    except BaseException:  # noqa: BLE001  # raised again by the parent
        answer = {"error": {"class": "Error", "sentence": traceback.format_exc()}}
    try:
        with open(writing, "wb") as file:
            file.write(dumps(answer).encode())
    finally:
        os._exit(0)  # also where nobody is there to read it: else it would go on in the frame that forked it


def _become(persona: Persona) -> None:
    if persona.is_root:
        return
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(persona.gid, persona.gid, persona.gid)
        os.setresuid(persona.uid, persona.uid, persona.uid)
        os.chdir("/")
        _dumpable()
    entered = store_namespace._unshare_as_user()
    assert entered == MODES[persona.name], entered


def _dumpable() -> None:
    """After setresuid a process may not write its own id map until it is dumpable again: prctl(2)."""
    from ipycontainer.linux.syscalls import libc

    assert libc.prctl(4, 1, 0, 0, 0) == 0


def ask_as(persona: Persona) -> Any:
    """An `ask` for Store and Layers."""

    def ask(job: str, request: dict[str, Any], descriptors: Sequence[int] = ()) -> Child:
        def work() -> Any:
            return jobs(MODES[persona.name])[job](request, [os.dup(item) for item in descriptors], None)  # type: ignore[arg-type]

        return Child(persona, work, descriptors)

    return ask


class Bench:
    """A place where a persona unpacks layers."""

    def __init__(self, persona: Persona, folder: Path) -> None:
        self.persona = persona
        self.mode = MODES[persona.name]
        self.folder = folder
        os.chown(folder, persona.uid, persona.gid)
        self._ask = ask_as(persona)
        self._count = 0

    def unpack(self, raw: bytes | Iterable[bytes], without: Sequence[str] = (), **request: Any) -> dict[str, Any]:
        """Unpack a plain tar; `self.tree` is where."""
        layer = self.folder / f"layer-{self._count}"
        self._count += 1
        layer.mkdir()
        os.chown(layer, self.persona.uid, self.persona.gid)
        self.layer = layer
        self.tree = layer / "tree"
        descriptor = os.open(layer, os.O_RDONLY | os.O_DIRECTORY)
        request |= {"without": list(without)}
        try:
            return feed(self._ask, "images.unpack", request, descriptor, [raw] if isinstance(raw, bytes) else raw)
        finally:
            os.close(descriptor)

    def inside(self, work: Callable[[], Any]) -> Any:
        """What `work` gives in the persona's store namespace."""
        return in_store_namespace(self.persona, work)

    def remove(self, *names: str) -> None:
        """The job `images.remove` on folders of this bench."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._ask("images.remove", {"names": list(names)}, [descriptor]).answer()
        finally:
            os.close(descriptor)

    def clear(self) -> None:
        """Remove everything."""
        self.remove(*os.listdir(self.folder))
