"""Layers as trees: `ROOT/layers/DIFFID/tree`, each stored once whoever's image it is in.

Beside the tree lie `layer.json` (what is known of it) and, where one id alone is
mapped, `owners`; all of it is written, and made durable, by the job that unpacks; and
`from-DIGEST` for each blob that was seen to unpack to it.  A
layer gets its name when it is whole and its diff id has been checked; until then it is
`.new-…`, locked by whoever makes it.
"""

from __future__ import annotations

import fcntl
import os

from ipycontainer.errors import Error, StoreError
from ipycontainer.images.decompress import setting
from ipycontainer.images.feed import feed
from ipycontainer.json_text import loads
from ipycontainer.linux.durability import sync_folder
from ipycontainer.oci.digest import Digest, Verifier
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ipycontainer.images.feed import Ask


class LayerRecord(Record):
    """What images/inside/unpack.py says of a layer, under its name.

    mode: of the launcher that unpacked it; size: bytes of file content; opaque: nothing below it is to be seen;
    left_out: attributes that could not be kept; folded: names that were given to root here, because their ids are
    outside of what this user has.
    """

    diff_id: str
    mode: str
    size: int
    entries: int
    opaque: bool = False
    left_out: int = 0
    folded: int = 0


class Layers:
    """The layers below `folder`; `ask` has jobs done in the store namespace, whose mode `mode` tells.

    ignore_ids: what belongs to ids outside of the map is given to root, instead of being refused.
    """

    def __init__(
        self, folder: str, ask: Ask, mode: Callable[[], str], without: Sequence[str] = (), ignore_ids: bool = False
    ) -> None:
        self.folder = folder
        self._ask = ask
        self._mode = mode
        self._without = list(without)
        self._ignore_ids = ignore_ids

    def prepare(self) -> None:
        """Make the folder.  Others may not look in: set-user-ID files of an image lie there."""
        os.makedirs(self.folder, 0o700, exist_ok=True)

    def path(self, diff_id: Digest) -> str:
        """The layer's folder."""
        return os.path.join(self.folder, diff_id.hex)

    def has(self, diff_id: Digest) -> bool:
        """Whether the layer is there, whole."""
        return os.path.exists(self.path(diff_id))

    def comes_from(self, diff_id: Digest, blob: Digest) -> bool:
        """Whether the layer is there and the blob is known to unpack to it."""
        return self.has(diff_id) and (diff_id == blob or os.path.exists(self._origin(diff_id, blob)))

    def note(self, diff_id: Digest, blob: Digest) -> None:
        """The blob was seen to unpack to the layer."""
        try:
            os.close(os.open(self._origin(diff_id, blob), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError:
            pass  # then it is looked at again

    def _origin(self, diff_id: Digest, blob: Digest) -> str:
        return os.path.join(self.path(diff_id), f"from-{blob.hex}")

    def record(self, diff_id: Digest) -> LayerRecord:
        """What is known of the layer."""
        try:
            with open(os.path.join(self.path(diff_id), "layer.json"), encoding="utf-8") as file:
                return LayerRecord.from_dict({**loads(file.read()), "diff_id": str(diff_id)})
        except (FileNotFoundError, ValueError):
            raise StoreError(f"the layer {diff_id} is damaged; remove its image and load it again") from None

    def lowers(self, diff_ids: Sequence[Digest]) -> list[str]:
        """The names (below `folder`) of the trees to stack, the top one first.

        A layer that stands twice counts once, at the top: overlayfs refuses a folder given twice, and all
        that the lower one could show is shown by the upper.
        """
        found: list[str] = []
        mode = self._mode() if diff_ids else ""
        for diff_id in reversed(diff_ids):
            if diff_id.hex not in found:
                found.append(diff_id.hex)
                record = self.record(diff_id)
                self._fits(record, mode)
                if record.opaque:
                    break
        if not found:
            os.makedirs(os.path.join(self.folder, "empty", "tree"), 0o755, exist_ok=True)
            found.append("empty")
        return found

    def _fits(self, record: LayerRecord, mode: str) -> None:
        """Root's trees and users' say "gone" in different words; the wrong reader would show deleted files again."""
        if mode not in (record.mode, "range" if record.mode == "one" else record.mode):
            raise StoreError(
                f"the layers in {self.folder} were unpacked in the mode {record.mode!r}, but this machine now gives"
                f" {mode!r} (`ipycontainer doctor` says why); use another IPYCONTAINER_ROOT, or `rmi` the image"
            )

    def add(
        self,
        diff_id: Digest | None,
        pieces: Iterable[bytes | memoryview],
        what: str = "the layer",
        meanwhile: Callable[[], object] | None = None,
    ) -> LayerRecord:
        """Unpack the plain tar in `pieces`, whose digest must be `diff_id`; None for a layer that is new.

        Its tree is durable then, but not its name, before sync_names.  meanwhile: as for `feed`.
        """
        self.prepare()
        name = f".new-{os.getpid()}-{os.urandom(6).hex()}"
        path = os.path.join(self.folder, name)
        descriptor = self._new(path)
        try:
            verifier = Verifier(diff_id, what=what)
            most = setting("IPYCONTAINER_LAYER_BYTES", 0)
            request = {
                "without": self._without,
                "most_bytes": most,
                "ignore_ids": self._ignore_ids,
            }
            checked = _checked(pieces, verifier)
            answer = feed(self._ask, "images.unpack", request, descriptor, checked, meanwhile)
            record = LayerRecord.from_dict({**answer, "diff_id": str(verifier.finish())})
            self._publish(path, Digest(record.diff_id))
        except BaseException:
            os.close(descriptor)
            try:
                self._remove([name])
            except Error:
                pass  # the launcher is gone; the next sweep finds it, and the first error is the one to tell
            raise
        os.close(descriptor)
        return record

    def _new(self, path: str) -> int:
        """A new folder, locked; the job's copy of the descriptor keeps the lock too.

        A sweep sees it either not at all or locked, for both hold the lock of the folder above.
        """
        above = _open_folder(self.folder)
        try:
            fcntl.flock(above, fcntl.LOCK_EX)
            os.mkdir(path, 0o700)
            descriptor = _open_folder(path)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return descriptor
        finally:
            os.close(above)

    def _publish(self, path: str, diff_id: Digest) -> None:
        try:
            os.rename(path, self.path(diff_id))
        except OSError:
            if not self.has(diff_id):
                raise
            self._remove([os.path.basename(path)])  # somebody else was first with the same layer

    def sync_names(self) -> None:
        """The names of the layers are durable, whoever put them there: from here on others may speak of them."""
        sync_folder(self.folder)

    def discard(self, keep: Iterable[Digest]) -> list[Digest]:
        """Remove all layers but these; gives those removed."""
        kept = {diff_id.hex for diff_id in keep}
        gone = []
        for name in self._names():
            if len(name) in (64, 128) and name not in kept:
                os.rename(os.path.join(self.folder, name), os.path.join(self.folder, f".gone-{name}"))
                gone.append(name)
        if gone:
            sync_folder(self.folder)
            self._remove([f".gone-{name}" for name in gone])
        return [Digest(f"sha{'256' if len(name) == 64 else '512'}:{name}") for name in gone]

    def forget(self, diff_id: Digest) -> None:
        """Remove one layer's tree, which is damaged; it is made again from its blob."""
        name = f".gone-{diff_id.hex}"
        try:
            os.rename(self.path(diff_id), os.path.join(self.folder, name))
        except FileNotFoundError:
            return
        sync_folder(self.folder)
        self._remove([name])

    def sweep(self) -> None:
        """Remove what makers and removers that were killed have left."""
        self.prepare()
        above = _open_folder(self.folder)
        try:
            fcntl.flock(above, fcntl.LOCK_EX)
            left = [name for name in self._names() if name.startswith((".new-", ".gone-"))]
            dead = [name for name in left if not is_locked(os.path.join(self.folder, name))]
        finally:
            os.close(above)
        self._remove(dead)

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.folder)
        except FileNotFoundError:
            return []

    def _remove(self, names: list[str]) -> None:
        if not names:
            return
        descriptor = _open_folder(self.folder)
        try:
            self._ask("images.remove", {"names": names}, [descriptor]).answer()
        finally:
            os.close(descriptor)


def _checked(pieces: Iterable[bytes | memoryview], verifier: Verifier) -> Iterator[bytes | memoryview]:
    for piece in pieces:
        verifier.update(piece)
        yield piece


def _open_folder(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def is_locked(path: str) -> bool:
    """Whether somebody still holds the lock of what is there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
