"""Looking into layers from outside: only jobs in the store namespace may touch their files."""

from __future__ import annotations

import os

from ipycontainer.errors import NotFound
from ipycontainer.images.drain import Drain
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ipycontainer.images.feed import Ask


class FileRecord(Record):
    """One name in a layer.

    kind: "file", "folder", "link", "gone" (a whiteout), "opaque" (a folder that hides what is below), "other";
    size: bytes of a file; when: seconds since the epoch; inode tells hard links; target: of a symbolic link.
    """

    layer: int
    kind: str
    path: str
    mode: int
    uid: int
    gid: int
    size: int
    when: float
    inode: int
    links: int
    target: str = ""


_UPPER = "0/upper"
_KINDS = {"f": "file", "d": "folder", "l": "link", "w": "gone", "o": "opaque", "s": "other"}


class Trees:
    """The trees below the folder of layers; container: whose writable layer lies on them, or "" for none."""

    def __init__(self, ask: Ask, folder: str, lowers: Sequence[str], container: str = "") -> None:
        self._ask = ask
        self._folder = folder
        # One that was never started has written nothing, and has no folder for it.
        self._container = container if container and os.path.exists(os.path.join(container, _UPPER)) else ""
        self._request = {"lowers": list(lowers), "upper": _UPPER}

    def changes(self) -> list[tuple[str, str]]:
        """("A", "C" or "D", path) of what the writable folder changed."""
        if not self._container:
            return []
        with self._open(upper=True) as descriptors:
            answer = self._ask("images.diff", self._request, descriptors).answer()
        return [(str(kind), str(path)) for kind, path in answer["changes"]]

    def weight(self, apparent: bool = False) -> int:
        """Bytes of disk that the writable layer takes; `apparent`: the lengths of its files, as docker counts."""
        if not self._container:
            return 0
        with self._open(upper=True) as descriptors:
            asked = self._ask("images.weigh", {**self._request, "apparent": apparent}, descriptors)
            return int(asked.answer()["bytes"])

    def layer(self) -> Drain:
        """The writable layer as a plain tar, of which the first pieces are made at once."""
        return self._begin("images.layer", upper=bool(self._container))

    def export(self) -> Iterator[bytes]:
        """Everything that is to be seen, as a plain tar."""
        return self._stream("images.export", upper=bool(self._container))

    def survey(self) -> Iterator[FileRecord]:
        """Every name of every layer, the top layer first."""
        rest = b""
        for piece in self._stream("images.survey", upper=False):
            parts = (rest + piece).split(b"\0")
            whole = (len(parts) - 1) // 2 * 2
            for at in range(0, whole, 2):
                yield _file_record(parts[at], parts[at + 1])
            rest = b"\0".join(parts[whole:])

    def read(self, path: str) -> bytes:
        """The content of a file of the one layer."""
        return b"".join(self._stream("images.read", upper=False, path=path.strip("/")))

    def _stream(self, job: str, upper: bool, **more: Any) -> Iterator[bytes]:
        with self._begin(job, upper, **more) as pieces:
            yield from pieces

    def _begin(self, job: str, upper: bool, **more: Any) -> Drain:
        with self._open(upper) as descriptors:
            return Drain(self._ask, job, {**self._request, **more}, descriptors)

    def _open(self, upper: bool) -> _Descriptors:
        return _Descriptors([self._folder, *([self._container] if upper else [])])


class _Descriptors:
    """Folders, open in a `with`."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths
        self._opened: list[int] = []

    def __enter__(self) -> list[int]:
        for path in self._paths:
            try:
                self._opened.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            except FileNotFoundError:
                self.__exit__()
                raise NotFound(f"the folder {path} is not there any more") from None
        return self._opened

    def __exit__(self, *_: object) -> None:
        while self._opened:
            os.close(self._opened.pop())


def _file_record(head: bytes, target: bytes) -> FileRecord:
    layer, kind, mode, uid, gid, size, when, inode, links, path = head.split(b" ", 9)
    return FileRecord(
        int(layer),
        _KINDS[kind.decode()],
        os.fsdecode(path),
        int(mode, 8),
        int(uid),
        int(gid),
        int(size),
        int(when) / 1e9,
        int(inode),
        int(links),
        os.fsdecode(target),
    )
