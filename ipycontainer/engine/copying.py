"""Copying files into and out of a container: docker's rules for what ends up where.

Inside the container every name is resolved by a job that has the container's root alone (runtime/inside/root_handle,
images/inside/copy_out, copy_in).  What comes out is an archive that may say anything: it is unpacked with the same
care, into a folder that the caller named.
"""

from __future__ import annotations

import os
import time

from ipycontainer.engine import kinds
from ipycontainer.errors import Error, InputError, LauncherError, NotFound, Refused, WrongState
from ipycontainer.images.drain import drain
from ipycontainer.images.feed import feed
from ipycontainer.images.inside.copy_in import Placer
from ipycontainer.images.inside.copy_out import pack
from ipycontainer.images.inside.tar_reader import TarReader
from ipycontainer.images.inside.tar_sources import DescriptorSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Self

    from ipycontainer.engine.container import Container
    from ipycontainer.launcher.wire import Channel

_PATIENCE = 10.0
_MOST_LINKS = 40  # the kernel's
_ALL_MODES, _NO_SET_ID = 0o7777, 0o1777


class Root:
    """The container's root, while a `with` lasts.  guard: off only in the test that shows what it is for."""

    def __init__(self, container: Container, guard: bool = True) -> None:
        from ipycontainer.engine.launches import launch_of

        self._container = container
        self._launcher = container.engine.launcher
        self._guard = guard
        container.sweep_if_dead()  # one that was made with --rm goes by that
        container.must_be_there()
        launch = launch_of(container.engine, container, False, False, None)
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self._channel, self._root = self._open(launch.as_dict())
                return
            except WrongState:
                # It does not run, and somebody else copies too, or has just started it.
                if time.monotonic() > end:
                    raise
            time.sleep(0.01)

    def _open(self, request: dict[str, Any]) -> tuple[Channel, int]:
        channel, message = self._launcher.begin("root", request)
        return channel, message.descriptors[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        os.close(self._root)
        try:
            self._channel.send({"word": "done"})
            self._channel.receive()  # it is given up: the container can be started and removed again
        except LauncherError:
            pass  # killed
        self._channel.close()

    def kind(self, path: str, follow: bool) -> str:
        """ "folder", "file", "link", "other", or "" where nothing is."""
        return str(self._look(path, follow)["kind"])

    def leads(self, path: str) -> str:
        """Where links from `path` on lead, if to nothing yet; each is looked at with the root as its end."""
        return end_of_links(path, lambda it: self._look(it, follow=False).get("target")) or path

    def _look(self, path: str, follow: bool) -> dict[str, Any]:
        request = {"path": path, "follow": follow, "guard": self._guard}
        return self._launcher.call("copy.look", request, [self._root])

    def pack(self, path: str, name: str, follow: bool) -> Iterator[bytes]:
        """What is at `path`, called `name` in the archive."""
        request = {"path": path, "name": name, "follow": follow, "guard": self._guard}
        return drain(self._launcher.ask, "copy.out", request, [self._root])

    def place(self, folder: str, owners: bool, pieces: Iterable[bytes]) -> None:
        """Unpack the pieces of an archive into a folder that is there."""
        request = {"path": folder, "owners": owners, "guard": self._guard}
        feed(self._launcher.ask, "copy.in", request, self._root, pieces)

    def missing(self, path: str) -> NotFound:
        """docker's sentence."""
        return NotFound(f"Could not find the file {path} in container {self._container.name}")


def end_of_links(path: str, target: Callable[[str], str | None]) -> str:
    """Where the links from `path` on lead; "" where they go round.  target: of a link, or None for what is none.

    Nothing is normalised: what `..` means behind a link the kernel alone can say, when the path is opened.
    """
    for _ in range(_MOST_LINKS):
        found = target(path)
        if found is None:
            return path
        path = os.path.join(os.path.dirname(path), found).rstrip("/") or "/"
    return ""


def target(
    path: str, is_folder: bool, name: str, merge: bool, kind: Callable[[str], str], leads: Callable[[str], str]
) -> tuple[str, str]:
    """docker's rules: the folder to unpack into, and what the source is called there ("." for what lies in it).

    path: where to; is_folder, name, merge: the source's kind and name, and whether "/." asks for its content alone;
    kind: of what a name at the target leads to; leads: where that is, for a link there stays.  Raises Error.
    """
    there = kind(path)
    if there == "folder":
        return path, "." if is_folder and merge else name
    if there and is_folder:
        raise Error(f"cannot copy directory: {path} is there, and is none")
    if path.endswith("/") and not is_folder:
        raise Error(f"no such directory: {path}")
    above, last = os.path.split(leads(path.rstrip("/")))
    return above or ("/" if path.startswith("/") else "."), last


def copy_out(
    container: Container, path: str, to: str | os.PathLike[str], archive: bool, follow: bool, guard: bool = True
) -> None:
    """From the container to the host."""
    path, to = _inside(path), kinds.text(to, "the target")
    inside = absolute(path)
    if not to:
        raise InputError("the target of a copy may not be empty: write . for the current folder")
    with Root(container, guard) as root:
        kind = root.kind(inside, follow)
        if not kind:
            raise root.missing(path)
        name = base_name(inside)
        folder, called = target(to, kind == "folder", name, merges(path), _kind_here, _leads_here)
        if _kind_here(folder) != "folder":
            raise Error(f'invalid output path: directory "{folder}" does not exist')
        _unpack_here(folder, root.pack(inside, called, follow), archive)
    _tell(container, "archive-path", inside)


def copy_in(
    container: Container, source: str | os.PathLike[str], path: str, archive: bool, follow: bool, guard: bool = True
) -> None:
    """From the host to the container."""
    path, source = _inside(path), kinds.text(source, "the source")
    inside = absolute(path)
    if archive and container.engine.launcher.mode == "one":
        raise Refused(
            "cp -a cannot keep owners here: your account has one id alone; give it subordinate ids "
            "(see `ipycontainer doctor`) or leave -a out"
        )
    try:
        whole = os.path.abspath(source)
        pinned = os.open(source, os.O_PATH | os.O_CLOEXEC | (0 if follow or source.endswith("/") else os.O_NOFOLLOW))
    except OSError as error:
        raise Error(f"lstat {source}: {(error.strerror or '').lower()}") from None
    try:
        import stat

        is_folder = stat.S_ISDIR(os.fstat(pinned).st_mode)
        with Root(container, guard) as root:
            name = base_name(whole)
            folder, called = target(inside, is_folder, name, merges(source), lambda it: root.kind(it, True), root.leads)
            if root.kind(folder, True) != "folder":
                raise root.missing(folder)
            root.place(folder, archive, _packed(pinned, called))
    finally:
        os.close(pinned)
    _tell(container, "extract-to-dir", inside)


def archive_of(container: Container, path: str, follow: bool) -> Iterator[bytes]:
    """What is at `path`, as pieces of a tar."""
    path = _inside(path)
    inside = absolute(path)
    with Root(container) as root:
        kind = root.kind(inside, follow)
        if not kind:
            raise root.missing(path)
        name = base_name(root.leads(inside) if follow else inside)  # docker's archive names what a link leads to
        yield from root.pack(inside, "." if kind == "folder" and merges(path) else name, follow)
    _tell(container, "archive-path", inside)


def unpack_into(container: Container, path: str, pieces: Iterable[bytes]) -> None:
    """A tar into the folder `path`; its owners are kept."""
    path = _inside(path)
    inside = absolute(path)
    with Root(container) as root:
        if root.kind(inside, True) != "folder":
            raise Error(f'destination "{container.name}:{path}" must be a directory')
        root.place(inside, True, pieces)
    _tell(container, "extract-to-dir", inside)


def _inside(path: str) -> str:
    return kinds.text(path, "a path in a container")


def absolute(path: str) -> str:
    """A path in a container, where a relative one begins at its root; a slash at the end says folder, and stays."""
    if not path or "\0" in path:
        raise InputError("a path in a container may not be empty: write NAME:/path")
    clean = "/" + os.path.normpath("/" + path).lstrip("/")
    return clean + "/" if path.endswith(("/", "/.")) and clean != "/" else clean


def base_name(path: str) -> str:
    """What an archive calls it."""
    return os.path.basename(path.rstrip("/")) or "."


def merges(path: str) -> bool:
    """Whether the content of a folder is meant, not the folder."""
    return path == "." or path.endswith("/.")


def _kind_here(path: str) -> str:
    return "folder" if os.path.isdir(path) else "file" if os.path.exists(path) else ""


def _leads_here(path: str) -> str:
    end = end_of_links(path, lambda it: os.readlink(it) if os.path.islink(it) else None)
    if not end:
        raise Error(f"stat {path}: too many levels of symbolic links")
    return end


class _Here:
    """What a thread of this process does, for `feed` and `drain` as if a job did it.

    work: with (folder, pipe), duplicates of its own as a job has: whoever waits may give up and close his, and their
    numbers be somebody else's then.
    """

    def __init__(self, work: Callable[[int, int], object], descriptors: Sequence[int]) -> None:
        from threading import Thread

        folder, pipe = map(os.dup, descriptors)
        self._failure: BaseException | None = None
        self._ended, ending = os.pipe2(os.O_CLOEXEC)

        def run() -> None:
            try:
                work(folder, pipe)
            except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits
                self._failure = error
            finally:
                for descriptor in (folder, pipe, ending):
                    os.close(descriptor)

        self._thread = Thread(target=run, name="copy", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """A pipe that ends with the work."""
        return self._ended

    def over(self) -> bool:
        """Wait for the end."""
        self._thread.join()
        return True

    def answer(self) -> dict[str, Any]:
        """Wait for the end; raises what the work raised."""
        self._thread.join()
        os.close(self._ended)
        if self._failure is not None:
            raise self._failure
        return {}


def _packed(pinned: int, name: str) -> Iterator[bytes]:
    """The host's side of the archive, written by a thread."""

    def ask(_job: str, _request: dict[str, Any], descriptors: Any = (), /) -> _Here:
        return _Here(lambda top, pipe: _pack(top, os.fsencode(name), os.dup(pipe)), descriptors)

    return drain(ask, "copy", {}, [pinned])


def _pack(top: int, name: bytes, pipe: int) -> None:
    try:
        pack(top, name, pipe)  # which ends with closing it
    except BaseException as error:
        os.close(pipe)
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            what = os.fsdecode(error.filename or name)
            raise Error(f"open {what}: {(error.strerror or '').lower()}") from None
        raise


def _unpack_here(folder: str, pieces: Iterable[bytes], archive: bool) -> None:
    """As the caller's own files; without -a nothing that came out of a container is set-user-ID here."""

    def ask(_job: str, _request: dict[str, Any], descriptors: Any = (), /) -> _Here:
        def work(there: int, pipe: int) -> None:
            placer = Placer(there, archive and os.geteuid() == 0, _ALL_MODES if archive else _NO_SET_ID)
            placer.place(TarReader(DescriptorSource(pipe), "what is copied"))

        return _Here(work, descriptors)

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Error(f"{folder} cannot be opened: {error.strerror}") from None
    try:
        feed(ask, "copy", {}, descriptor, pieces)
    finally:
        os.close(descriptor)


def _tell(container: Container, action: str, path: str) -> None:
    attributes = {**container.told, "path": path}
    container.engine.journal.append("container", action, container.id, attributes)
