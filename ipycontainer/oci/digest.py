"""Digests: `sha256:…` and `sha512:…`, and content checked against them as it streams."""

from __future__ import annotations

from ipycontainer.errors import DigestMismatch, DocumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class _Hash(Protocol):
        def update(self, data: bytes | memoryview, /) -> None: ...
        def hexdigest(self) -> str: ...


_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX = frozenset("0123456789abcdef")


class Digest(str):
    """A digest that has been checked for its shape; a string otherwise."""

    __slots__ = ()

    @property
    def algorithm(self) -> str:
        """`sha256` or `sha512`."""
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        """The part after the colon; safe as a file's name."""
        return self.partition(":")[2]

    @property
    def short(self) -> str:
        """The first 12 digits, as docker shows them."""
        return self.hex[:12]


def parse(text: str) -> Digest:
    """The digest that `text` writes; DocumentError where it is none.

    >>> parse("sha256:" + "0" * 64).short
    '000000000000'
    """
    algorithm, colon, digits = text.partition(":")
    if not colon:
        raise DocumentError(f"{text!r} is no digest: it has no colon; write sha256: and 64 digits")
    length = _LENGTHS.get(algorithm)
    if length is None:
        raise DocumentError(f"{text!r}: the digest algorithm {algorithm!r} is not supported; use sha256 or sha512")
    if len(digits) != length or not _HEX.issuperset(digits):
        raise DocumentError(f"{text!r} is no digest: {algorithm} has {length} lower-case hexadecimal digits")
    return Digest(text)


def is_digest(text: str) -> bool:
    """Whether `text` is a digest of a known algorithm."""
    algorithm, _, digits = text.partition(":")
    return len(digits) == _LENGTHS.get(algorithm, -1) and _HEX.issuperset(digits)


def hasher(algorithm: str = "sha256") -> _Hash:
    """A fresh hash object of that algorithm.

    OpenSSL's is used where it is there: the built-in one is eight times slower.
    """
    if algorithm not in _LENGTHS:
        raise DocumentError(f"the digest algorithm {algorithm!r} is not supported; use sha256 or sha512")
    try:
        import _hashlib
    except ImportError:
        import hashlib

        found: _Hash = hashlib.new(algorithm)
        return found
    found = _hashlib.new(algorithm)
    return found


def compute(data: bytes | memoryview, algorithm: str = "sha256") -> Digest:
    """The digest of `data`."""
    state = hasher(algorithm)
    state.update(data)
    return Digest(f"{algorithm}:{state.hexdigest()}")


class Verifier:
    """Content that streams past, and what it must turn out to be.

    digest: what is promised, or None if the content is only to be named;
    size: the promised length, or -1; what: how a sentence calls the content.
    """

    def __init__(self, digest: Digest | None = None, size: int = -1, what: str = "the content") -> None:
        self.expected = digest
        self.size = size
        self.what = what
        self.count = 0
        self._algorithm = digest.algorithm if digest else "sha256"
        self._state = hasher(self._algorithm)

    def update(self, data: bytes | memoryview) -> None:
        """Take the next piece; refuses as soon as there is more than was promised."""
        self.count += len(data)
        if 0 <= self.size < self.count:
            raise DigestMismatch(f"{self.what} is longer than the {self.size} bytes that were promised")
        self._state.update(data)

    def finish(self) -> Digest:
        """The digest of everything; DigestMismatch where it is not the promised one."""
        if 0 <= self.size != self.count:
            raise DigestMismatch(f"{self.what} ends after {self.count} of the {self.size} bytes that were promised")
        found = Digest(f"{self._algorithm}:{self._state.hexdigest()}")
        if self.expected is not None and found != self.expected:
            raise DigestMismatch(
                f"{self.what} is damaged or not what it claims to be: its digest is {found}, promised was"
                f" {self.expected}; get it again from where it came"
            )
        return found


def verify(data: bytes, digest: Digest, what: str = "the content") -> None:
    """DigestMismatch unless `data` has this digest."""
    verifier = Verifier(digest, what=what)
    verifier.update(data)
    verifier.finish()
