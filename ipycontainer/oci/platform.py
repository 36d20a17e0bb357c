"""Platforms: `linux/arm64/v8`, the one of this machine, and the choice among those an index offers."""

from __future__ import annotations

from ipycontainer.errors import InputError, NoSuchImage
from ipycontainer.oci.document import Node
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MACHINES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "i686": ("386", ""),
    "aarch64": ("arm64", ""),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "loongarch64": ("loong64", ""),
}
# Go's words (its list of ports), for one that stands alone.
_SYSTEMS = "aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris windows".split()
_ARCHITECTURES = "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm".split()
_IMPLIED = {"arm64": "v8", "arm": "v7", "amd64": "v1"}


class Platform(Record):
    """Operating system and machine, in Go's words."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def same(self, other: Platform) -> bool:
        """Whether both mean the same machine; a variant that is understood need not be written."""
        return (self.os, self.architecture, self._variant()) == (other.os, other.architecture, other._variant())

    def _variant(self) -> str:
        return self.variant or _IMPLIED.get(self.architecture, "")


def _named(os: str, machine: str, variant: str) -> Platform:
    architecture, implied = _MACHINES.get(machine.lower(), (machine.lower(), ""))
    variant = variant or implied
    return Platform(os.lower(), architecture, "" if variant == _IMPLIED.get(architecture) != "v7" else variant)


def host() -> Platform:
    """The platform of this machine."""
    from os import uname

    return _named("linux", uname().machine, "")


def _of_one_word(word: str) -> list[str]:
    """A machine's, or a system's on a machine like this."""
    if word.lower() in _SYSTEMS:
        return [word, host().architecture]
    if word.lower() in (*_MACHINES, *_ARCHITECTURES):
        return ["linux", word]
    raise InputError(f"{word!r}: unknown operating system or architecture; write OS/ARCHITECTURE, such as linux/amd64")


def parse(text: str) -> Platform:
    """`linux/arm64/v8`, `linux/x86_64`, `arm64` (the system is then linux), `linux` (this machine's architecture)."""
    parts = text.split("/")
    if len(parts) == 1:
        parts = _of_one_word(parts[0])
    if not 2 <= len(parts) <= 3 or not all(part.replace("-", "").replace("_", "").isalnum() for part in parts):
        raise InputError(f"{text!r} is no platform; write it as OS/ARCHITECTURE, for example linux/amd64")
    return _named(parts[0], parts[1], parts[2] if len(parts) == 3 else "")


def read(node: Node) -> Platform:
    """The platform that a descriptor or an image config states."""
    return _named(node.at("os").text("linux"), node.at("architecture").text("unknown"), node.at("variant").text(""))


def choose(offered: Sequence[Platform | None], wanted: Platform, what: str = "the image") -> int:
    """The position of the offer that fits `wanted`; one that states nothing fits where none fits better."""
    for position, platform in enumerate(offered):
        if platform is not None and platform.same(wanted):
            return position
    for position, platform in enumerate(offered):
        # arm v7 machines run v6 code, and so on downwards.
        if platform is not None and wanted.architecture == platform.architecture == "arm":
            if wanted.os == platform.os and platform._variant() <= wanted._variant():
                return position
    for position, platform in enumerate(offered):
        if platform is None:
            return position
    # Words of whoever made the index: shown as long as they can do nothing to a terminal.
    names = sorted({str(platform) for platform in offered if platform})
    there = ", ".join(name if name.isprintable() else repr(name) for name in names)[:400] or "none"
    raise NoSuchImage(f"{what} has nothing for {wanted}; it offers: {there}")
