"""An image taken apart: what each layer added, changed and removed, and what it wastes.

image.layers[2]["/etc/passwd"]       a file as that layer has it
image.tree()                         all layers with their sums; prints as a table
"""

from __future__ import annotations

from ipycontainer.control_characters import on_one_line
from ipycontainer.errors import NotFound
from ipycontainer.images.trees import Trees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ipycontainer.images.records import ImageRecord
    from ipycontainer.images.store import Store
    from ipycontainer.images.trees import FileRecord


class Layer:
    """One layer of an image.

    number: 0 is the lowest; diff_id: digest of the plain tar; digest: of the blob as it lies in the store;
    size: bytes of its files; packed: bytes of the blob; created_by: the step that made it.
    """

    def __init__(self, tree: Tree, number: int, diff_id: str, digest: str, size: int, packed: int, by: str) -> None:
        self._tree = tree
        self.number = number
        self.diff_id = diff_id
        self.digest = digest
        self.size = size
        self.packed = packed
        self.created_by = by

    @property
    def files(self) -> list[FileRecord]:
        """Every name in it, whiteouts included, sorted by path."""
        return self._tree.files(self.number)

    @property
    def added(self) -> dict[str, int]:
        """path -> bytes of what no layer below has."""
        return self._tree.account(self.number).added

    @property
    def changed(self) -> dict[str, int]:
        """path -> bytes of what replaces something of a layer below."""
        return self._tree.account(self.number).changed

    @property
    def removed(self) -> dict[str, int]:
        """path -> bytes of what this layer hides of those below."""
        return self._tree.account(self.number).removed

    @property
    def wasted(self) -> int:
        """Bytes of this layer that later ones replace or remove: they travel, and nobody sees them."""
        return self._tree.account(self.number).wasted

    def __getitem__(self, path: str) -> bytes:
        """The content of a file.  Raises NotFound where this layer has none of that name."""
        return self._tree.read(self.number, path)

    def __contains__(self, path: str) -> bool:
        wanted = path.strip("/")
        return any(record.path == wanted and record.kind != "gone" for record in self.files)

    def __repr__(self) -> str:
        return f"<Layer {self.number} {self.diff_id.partition(':')[2][:12]}: {self.size} bytes>"


class _Account:
    def __init__(self) -> None:
        self.added: dict[str, int] = {}
        self.changed: dict[str, int] = {}
        self.removed: dict[str, int] = {}
        self.wasted = 0


class Tree:
    """The layers of an image, read once when they are first asked about."""

    def __init__(self, record: ImageRecord, store: Store) -> None:
        self._store = store
        self._hexes = [diff_id.hex for diff_id in record.config.diff_ids]
        self._found: list[list[FileRecord]] | None = None
        self._accounts: list[_Account] = []
        steps = [entry for entry in record.config.history if not entry.get("empty_layer")]
        layers = store.layers_for_reading()
        self._opaque = [layers.record(diff_id).opaque for diff_id in record.config.diff_ids]
        self.layers = tuple(
            Layer(
                self,
                number,
                str(diff_id),
                str(descriptor.digest),
                layers.record(diff_id).size,
                descriptor.size,
                str(steps[number].get("created_by", "")) if number < len(steps) else "",
            )
            for number, (diff_id, descriptor) in enumerate(zip(record.config.diff_ids, record.manifest.layers))
        )

    @property
    def wasted(self) -> int:
        """Bytes that travel with the image and that no container sees."""
        return sum(layer.wasted for layer in self.layers)

    def files(self, number: int) -> list[FileRecord]:
        """What the layer `number` holds."""
        return self._survey()[number]

    def account(self, number: int) -> _Account:
        """What the layer `number` adds, changes, removes and wastes."""
        if not self._accounts:
            self._accounts = _accounts(self._survey(), self._opaque)
        return self._accounts[number]

    def read(self, number: int, path: str) -> bytes:
        """A file of the layer `number`."""
        try:
            return self._trees([self._hexes[number]]).read(path)
        except NotFound:
            raise NotFound(f"{path} is no file of layer {number}; `.files` lists what it holds") from None

    def _survey(self) -> list[list[FileRecord]]:
        if self._found is None:
            distinct = list(dict.fromkeys(self._hexes))
            by_layer: list[list[FileRecord]] = [[] for _ in distinct]
            for record in self._trees(distinct).survey() if distinct else ():
                by_layer[record.layer].append(record)
            for records in by_layer:
                records.sort(key=lambda record: record.path)
            self._found = [by_layer[distinct.index(name)] for name in self._hexes]
        return self._found

    def _trees(self, names: Sequence[str]) -> Trees:
        return self._store.trees(names)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        lines = [f"{'LAYER':6}{'SIZE':>12}{'PACKED':>12}{'ADDED':>8}{'CHANGED':>9}{'REMOVED':>9}{'WASTED':>12}  STEP"]
        for layer in self.layers:
            counts = f"{len(layer.added):>8}{len(layer.changed):>9}{len(layer.removed):>9}{layer.wasted:>12}"
            step = on_one_line(layer.created_by[:60])
            lines.append(f"{layer.number:<6}{layer.size:>12}{layer.packed:>12}{counts}  {step}")
        return "\n".join(lines)


class _Visible:
    """What is to be seen so far: path -> (layer, kind, bytes).  Folders know their names: an image may remove many."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, str, int]] = {}
        self._names: dict[str, dict[str, None]] = {}

    def put(self, path: str, layer: int, kind: str, size: int) -> None:
        self.found[path] = (layer, kind, size)
        self._names.setdefault(path.rpartition("/")[0], {})[path] = None

    def pop(self, path: str) -> tuple[int, str, int] | None:
        self._names.get(path.rpartition("/")[0], {}).pop(path, None)
        return self.found.pop(path, None)

    def below(self, folder: str) -> Iterator[str]:
        """Every path below the folder ("" for the root), which may be taken away meanwhile."""
        pending = list(self._names.get(folder, ()))
        while pending:
            path = pending.pop()
            pending += self._names.get(path, ())
            yield path


def _accounts(found: Sequence[Sequence[FileRecord]], opaque: Sequence[bool]) -> list[_Account]:
    """Layer by layer from the bottom, with what is visible so far."""
    accounts = [_Account() for _ in found]
    visible = _Visible()
    for number, records in enumerate(found):
        own = {record.path for record in records}
        if opaque[number]:
            _hide(accounts, visible, number, "", own)
        for record in records:
            if record.kind in ("gone", "opaque"):
                _hide(accounts, visible, number, record.path, own)
            if record.kind == "gone":
                _hide_one(accounts, visible, number, record.path)
        for record in records:
            if record.kind != "gone":
                _show(accounts, visible, number, record)
    return accounts


def _show(accounts: list[_Account], visible: _Visible, number: int, record: FileRecord) -> None:
    known = visible.found.get(record.path)
    folder = record.kind in ("folder", "opaque")
    if known is None:
        accounts[number].added["/" + record.path] = record.size
    elif not (folder and known[1] == "folder"):
        accounts[number].changed["/" + record.path] = record.size
        accounts[known[0]].wasted += known[2]
        if known[1] == "folder":
            _hide(accounts, visible, number, record.path, set())
    visible.put(record.path, number, "folder" if folder else record.kind, record.size)


def _hide(accounts: list[_Account], visible: _Visible, number: int, folder: str, own: set[str]) -> None:
    for path in visible.below(folder):
        if path not in own:
            _hide_one(accounts, visible, number, path)


def _hide_one(accounts: list[_Account], visible: _Visible, number: int, path: str) -> None:
    known = visible.pop(path)
    if known is not None:
        accounts[number].removed["/" + path] = known[2]
        accounts[known[0]].wasted += known[2]
