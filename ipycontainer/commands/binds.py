"""What `-v`, `--mount` and `--tmpfs` ask for."""

from __future__ import annotations

import os

from ipycontainer.engine.request import Bind, Tmpfs
from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_HARMLESS = ("rw", "rprivate", "private", "nocopy", "consistent", "cached", "delegated", "z", "Z", "")


def mounts(
    volumes: Iterable[str], typed: Iterable[Bind | Tmpfs], tmpfs: Iterable[Tmpfs], cwd: str
) -> tuple[tuple[Bind, ...], tuple[Tmpfs, ...]]:
    """All binds, with absolute sources, and all tmpfs."""
    binds = [_volume(text, cwd) for text in volumes]
    others = list(tmpfs)
    for entry in typed:
        if isinstance(entry, Bind):
            binds.append(entry.replace(source=_absolute(entry.source, cwd)))
        else:
            others.append(entry)
    return tuple(binds), tuple(others)


def _volume(text: str, cwd: str) -> Bind:
    """`SOURCE:TARGET[:OPTIONS]`."""
    parts = text.split(":")
    if not text:
        raise OptionError("-v: the volume is empty; it is SOURCE:TARGET")
    if len(parts) == 1:
        raise OptionError(f"-v {text} is refused: volumes come in a later release; a folder works: -v DIR:{text}")
    if len(parts) > 3 or not parts[0] or not parts[1]:
        raise OptionError(f"-v {text}: it is SOURCE:TARGET or SOURCE:TARGET:ro")
    source, target = parts[:2]
    read_only = False
    for option in parts[2].split(",") if len(parts) == 3 else ():
        if option == "ro":
            read_only = True
        elif option not in _HARMLESS:
            raise OptionError(f"-v {text}: {option!r} is refused; this release knows ro and rw")
    if source[0] not in "./~":
        raise OptionError(
            f"-v {text} is refused: {source!r} would be a named volume, which come in a later release; "
            f"for the folder write ./{source}"
        )
    return Bind(_absolute(source, cwd), target, read_only=read_only)


def _absolute(path: str, cwd: str) -> str:
    return os.path.normpath(os.path.join(cwd, os.path.expanduser(path)))
