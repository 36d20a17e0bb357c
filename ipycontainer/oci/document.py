"""A JSON document as it came, and a view of it.

A document is its verbatim bytes: they alone decide its digest, and fields that
this version does not know stay in them.  An edit patches the raw mapping and
gives a new document; nothing is ever written back from a typed view.
"""

from __future__ import annotations

from ipycontainer.errors import DocumentError
from ipycontainer.json_text import dumps, loads
from ipycontainer.oci.digest import Digest, compute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

LIMIT = 4 * 1024 * 1024
"""The largest document that is read, in bytes: what registries agree on for manifests."""

_DEEPEST = 100
"""Levels of objects and lists: no document has a tenth of them, and Python's stack ends at a thousand."""

_FrozenMapping = type(type.__dict__)


class Document:
    """The bytes of one JSON object and a read-only view of it.

    what: how an error sentence calls it ("the manifest of base:latest").
    """

    __slots__ = ("raw", "view", "what")

    raw: bytes
    view: Mapping[str, Any]
    what: str

    def __init__(self, raw: bytes, what: str = "the document") -> None:
        self.raw = raw
        self.what = what
        value = _read(raw, what)
        self.view = _freeze(value, what)
        if b"\\u" in raw and not _is_text(value):
            raise DocumentError(f"{what} has half of a surrogate pair in a string, which is no character")

    @classmethod
    def build(cls, mapping: Mapping[str, Any], what: str = "the document") -> Document:
        """A new document from plain data."""
        return cls(dumps(mapping).encode(), what)

    @property
    def digest(self) -> Digest:
        """The sha256 of the bytes."""
        return compute(self.raw)

    @property
    def size(self) -> int:
        """The length in bytes."""
        return len(self.raw)

    @property
    def node(self) -> Node:
        """The view, with typed access that names the JSON path when something does not fit."""
        return Node(self.view, "", self.what)

    def mapping(self) -> dict[str, Any]:
        """A fresh, plain copy of the content, which the caller may change."""
        return _read(self.raw, self.what)

    def patched(self, edit: Callable[[dict[str, Any]], object]) -> Document:
        """A new document after `edit` has changed the raw mapping in place.

        Fields that `edit` does not touch, known or not, keep their order and values.
        """
        mapping = self.mapping()
        edit(mapping)
        return Document.build(mapping, self.what)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and other.raw == self.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"<Document {self.what}: {self.size} bytes>"


class Node:
    """One place in a document: typed access, and the JSON path for the sentence if it does not fit."""

    __slots__ = ("path", "value", "what")

    def __init__(self, value: Any, path: str, what: str) -> None:
        self.value = value
        self.path = path
        self.what = what

    def refuse(self, wanted: str) -> DocumentError:
        """The error for a value that does not fit here."""
        return DocumentError(f"{self.what}: {self.path or 'the whole'} must be {wanted}, not {_shown(self.value)}")

    def has(self, name: str) -> bool:
        """Whether the field is there and is not null."""
        return self.object().get(name) is not None

    def at(self, name: str) -> Node:
        """The field `name` of this object; its value is None where it is missing."""
        path = f"{self.path}.{name}" if self.path else name
        return Node(self.object().get(name), path, self.what)

    def object(self) -> Mapping[str, Any]:
        """This value as an object."""
        if not isinstance(self.value, (dict, _FrozenMapping)):
            raise self.refuse("an object")
        mapping: Mapping[str, Any] = self.value
        return mapping

    def text(self, default: str | None = None) -> str:
        """This value as a string; `default`, if given, where it is missing."""
        value = self._or(default)
        if not isinstance(value, str):
            raise self.refuse("a string")
        return value

    def integer(self, default: int | None = None) -> int:
        """This value as a whole number."""
        value = self._or(default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse("a whole number")
        return value

    def boolean(self, default: bool | None = None) -> bool:
        """This value as true or false."""
        value = self._or(default)
        if not isinstance(value, bool):
            raise self.refuse("true or false")
        return value

    def items(self) -> Iterator[Node]:
        """The elements of this list; none where it is missing."""
        if self.value is None:
            return
        if not isinstance(self.value, (list, tuple)):
            raise self.refuse("a list")
        for position, value in enumerate(self.value):
            yield Node(value, f"{self.path}[{position}]", self.what)

    def texts(self) -> tuple[str, ...]:
        """This list of strings; empty where it is missing."""
        return tuple(item.text() for item in self.items())

    def fields(self) -> Iterator[tuple[str, Node]]:
        """The fields of this object; none where it is missing."""
        if self.value is None:
            return
        for name in self.object():
            yield name, self.at(name)

    def text_map(self) -> dict[str, str]:
        """This object of strings; empty where it is missing."""
        return {name: node.text() for name, node in self.fields()}

    def _or(self, default: Any) -> Any:
        return default if self.value is None and default is not None else self.value


def _read(raw: bytes, what: str) -> dict[str, Any]:
    if len(raw) > LIMIT:
        raise DocumentError(f"{what} has {len(raw)} bytes; documents of more than {LIMIT} bytes are refused")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(found)
        if len(mapping) != len(found):
            last = {name: position for position, (name, _) in enumerate(found)}
            twice = next(name for position, (name, _) in enumerate(found) if last[name] != position)
            # Two readers of such a document can take different values: a way past whoever checked it.
            raise DocumentError(f"{what}: the field {twice!r} stands twice in one object")
        return mapping

    try:
        value = loads(raw, pairs)
    except DocumentError:
        raise
    except ValueError as error:
        raise DocumentError(f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise DocumentError(f"{what} is not a JSON object")
    return value


def _is_text(value: Any) -> bool:
    """Whether every string in `value` can be written as UTF-8; JSON's escapes can also write what cannot."""
    if isinstance(value, dict):
        return all(_is_text(name) and _is_text(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(_is_text, value))
    return not (isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value))


def _freeze(value: Any, what: str, depth: int = _DEEPEST) -> Any:
    if not depth:
        raise DocumentError(f"{what} is nested more than {_DEEPEST} levels deep; that is refused")
    if isinstance(value, dict):
        return _FrozenMapping({name: _freeze(inner, what, depth - 1) for name, inner in value.items()})
    if isinstance(value, list):
        return tuple(_freeze(inner, what, depth - 1) for inner in value)
    return value


def thaw(value: Any) -> Any:
    """A part of a view as plain dicts and lists."""
    if isinstance(value, (dict, _FrozenMapping)):
        return {name: thaw(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [thaw(inner) for inner in value]
    return value


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    text = repr(thaw(value))
    return text if len(text) <= 60 else text[:57] + "..."
