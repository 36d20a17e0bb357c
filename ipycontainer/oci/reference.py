"""Names of images, normalised as docker does it.

    ubuntu               docker.io/library/ubuntu:latest
    bitnami/redis:7      docker.io/bitnami/redis:7
    localhost:5000/a/b   localhost:5000/a/b:latest

The grammar is docker's (`reference` in its distribution project); it is read by
hand here because `re` costs more to import than a lean command takes in all.
"""

from __future__ import annotations

from ipycontainer.errors import DocumentError, ImageNameError
from ipycontainer.oci.digest import Digest
from ipycontainer.oci.digest import parse as parse_digest
from ipycontainer.record import Record

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"

_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ALNUM = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORD = _ALNUM | {"_"}
_TAG = _WORD | {".", "-"}
_HEX = frozenset("0123456789abcdef")


class Reference(Record):
    """domain/path, and a tag, a digest, or both ("" where there is none)."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Domain and path: the repository."""
        return f"{self.domain}/{self.path}"

    @property
    def repository(self) -> str:
        """The repository as docker shows it: without what is understood."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        return self.path.removeprefix("library/") if self.path.count("/") == 1 else self.path

    @property
    def familiar(self) -> str:
        """The whole name as docker shows it."""
        return self.repository + self._tail()

    def tagged(self) -> Reference:
        """With `latest` where there is neither tag nor digest."""
        return self if self.tag or self.digest else self.replace(tag=DEFAULT_TAG)

    def _tail(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.name + self._tail()


def normalise(text: str) -> Reference:
    """The reference that `text` means, with `latest` where it names no tag or digest."""
    return parse(text).tagged()


def parse(text: str) -> Reference:
    """The reference that `text` means; ImageNameError where docker would refuse it too.

    >>> str(parse("ubuntu"))
    'docker.io/library/ubuntu'
    """
    if len(text) == 64 and _HEX.issuperset(text):
        raise ImageNameError(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings;"
            f" an image's id is written sha256:{text[:12]}… or by its first digits"
        )
    domain, remainder = _split_domain(text)
    path, tag, digest = _split_tail(remainder, text)
    if path.lower() != path:
        raise ImageNameError(
            f"invalid reference format: repository name ({repr(path)[1:-1]}) must be lowercase; try {path.lower()!r}"
        )
    if not _is_domain(domain) or not all(_is_path_component(part) for part in path.split("/")):
        raise _bad(text)
    if len(path) > 255:
        raise ImageNameError("invalid reference format: repository name must not be more than 255 characters")
    return Reference(domain, path, tag, digest)


def is_reference(text: str) -> bool:
    """Whether `text` can be an image's name."""
    try:
        parse(text)
    except ImageNameError:
        return False
    return True


def _bad(text: str) -> ImageNameError:
    return ImageNameError(
        f"invalid reference format: {text!r} is no image name; write it as [HOST/]NAME[:TAG][@DIGEST]"
    )


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    named = "." in first or ":" in first or first == "localhost" or first.lower() != first
    domain, remainder = (first, rest) if slash and named else (DEFAULT_DOMAIN, text)
    if domain == "index.docker.io":
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in remainder:
        remainder = f"library/{remainder}"
    return domain, remainder


def _split_tail(remainder: str, text: str) -> tuple[str, str, str]:
    before, at, digest = remainder.partition("@")
    path, colon, tag = before.partition(":")
    if colon and not (tag and tag[0] in _WORD and len(tag) <= 128 and _TAG.issuperset(tag)):
        raise _bad(text)
    if not at:
        return path, tag, ""
    try:
        checked: Digest = parse_digest(digest)
    except DocumentError as error:
        raise ImageNameError(f"invalid reference format: {text!r}: {error}") from None
    return path, tag, str(checked)


def _is_domain(domain: str) -> bool:
    host, colon, port = domain, "", ""
    if domain.startswith("["):
        inner, bracket, tail = domain[1:].partition("]")
        if not bracket or not inner or not (frozenset("abcdefABCDEF:") | _DIGITS).issuperset(inner):
            return False
        return not tail or (tail[0] == ":" and tail[1:] != "" and _DIGITS.issuperset(tail[1:]))
    host, colon, port = domain.partition(":")
    if colon and (not port or not _DIGITS.issuperset(port)):
        return False
    return all(
        part and part[0] in _ALNUM and part[-1] in _ALNUM and (_ALNUM | {"-"}).issuperset(part)
        for part in host.split(".")
    )


_DIGITS = frozenset("0123456789")


def _is_path_component(part: str) -> bool:
    """Letters and digits, held together by one `.`, one or two `_`, or any number of `-`."""
    if not part or part[0] not in _LOWER or part[-1] not in _LOWER:
        return False
    separator = ""
    for character in part:
        if character in _LOWER:
            if separator not in ("", ".", "_", "__") and separator.strip("-"):
                return False
            separator = ""
        else:
            separator += character
    return True
