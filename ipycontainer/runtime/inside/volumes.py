"""The volumes of a store as files, for whoever makes, uses and removes them.

    volumes/NAME/volume.json   what it is; written once, before the folder has its name
    volumes/NAME/_data         what is in it: containers write here
    volumes/NAME/filling       an image's files on their way into it (steps/volume.py); without a container that is
    volumes/NAME/filled        being started nobody writes here, and the next start goes on or begins again
    volumes/.new-…             what a kill -9 in the middle of a create left; a later create removes it

A volume appears and goes by one rename of its folder: what has a name is whole.  Who uses one stands in the records
of the containers alone.  A lock on the folder of volumes keeps the two apart: whoever makes a container that uses
volumes shares it from the look for them to the record's end, whoever removes a volume has it alone.
"""

from __future__ import annotations

import fcntl
import os
from errno import ENAMETOOLONG

from ipycontainer.errors import KernelError, WrongState
from ipycontainer.json_text import loads
from ipycontainer.runtime.inside.journal import append

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Self

DATA = "_data"
RECORD = "volume.json"
NEW = ".new-"

_CONTAINER_RECORD = "container.jsonl"  # engine/directory.py writes it


class Lock:
    """In a `with`: the lock on the folder of volumes; shared by those who use volumes, `alone` for who removes one.

    It is the kernel's, and goes with its holder.  flock(2).
    """

    def __init__(self, folder: str, alone: bool) -> None:
        self._folder = folder
        self._kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._descriptor, self._kind)
        except OSError as error:
            raise KernelError("flock", error.errno or 0, self._folder) from None
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def users(root: str, names: Iterable[str], but: str = "") -> dict[str, list[str]]:
    """Volume -> the containers that use it, for those of `names` that are used; but: a container that does not count.

    root: the store's folder.  A container whose record cannot be read uses none that anybody could know of.
    """
    wanted, found = set(names), dict[str, list[str]]()
    folder = os.path.join(root, "containers")
    try:
        listed = os.listdir(folder)
    except FileNotFoundError:
        return found
    for container in listed:
        if container == but:
            continue
        for name in wanted.intersection(used_by(os.path.join(folder, container, _CONTAINER_RECORD))):
            found.setdefault(name, []).append(container)
    return found


def used_by(record: str) -> list[str]:
    """The names of the volumes of the container with this record."""
    try:
        with open(record, "rb") as file:
            line = file.readline()
        if b'"volumes"' not in line:
            return []
        volumes = loads(line)["request"]["volumes"]
        return [str(item["name"]) for item in volumes]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def discard(root: str, name: str) -> str:
    """Let the volume vanish in one instant; gives where its files are to be removed, "" where there is none.

    The caller has the lock alone.  After a kill -9 the next launcher removes the files.
    """
    gone = os.path.join(root, "trash", f"volume-{name[:100]}-{os.urandom(6).hex()}")
    try:
        os.rename(os.path.join(root, "volumes", name), gone)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise KernelError("rename", error.errno or 0, name) from None
    return gone


def take_along(names: Sequence[str], folder: str, container: str, journal: str) -> None:
    """Move those of the volumes `names` that only this container uses into its folder, which is about to go.

    What goes with its container: --rm, rm -v.  However often it is begun and killed, the rest is done by the next.
    Raises KernelError.
    """
    root = os.path.dirname(os.path.dirname(folder))
    place = os.path.join(root, "volumes")
    gone = []
    with Lock(place, alone=True):
        kept = users(root, names, container)
        for name in names:
            if name in kept:
                continue
            try:
                os.rename(os.path.join(place, name), os.path.join(folder, f"volume-{name}"))
            except FileNotFoundError:
                continue  # it, or the container, is gone already
            except OSError as error:
                raise KernelError("rename", error.errno or 0, name) from None
            gone.append(name)
    note(journal, [("destroy", name, {"driver": "local"}) for name in gone])


def refuse_used(root: str, name: str) -> None:
    """docker's refusal.  Raises WrongState while a container uses the volume; the caller has the lock alone."""
    held = users(root, [name]).get(name)
    if held:
        raise WrongState(f"remove {name}: volume is in use - [{', '.join(held)}]")


def note(journal: str, events: Iterable[tuple[str, str, dict[str, str]]]) -> None:
    """Append (action, volume, attributes) to the journal."""
    append(journal, [("volume", action, name, attributes) for action, name, attributes in events])


def read_record(root: str, name: str) -> dict[str, Any] | None:
    """What the volume is; None where there is none of that name."""
    if not name or name[0] == "." or "/" in name or "\0" in name:
        return None
    try:
        with open(os.path.join(root, "volumes", name, RECORD), "rb") as file:
            found = loads(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == ENAMETOOLONG:
            return None
        raise
    except ValueError:
        found = {}
    # One whose record is damaged is still shown, so that it can be removed.
    return found if _is_whole(found) else {"created": 0.0}


def _is_whole(record: Any) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("created"), (int, float)):
        return False
    pairs = [record.get("labels") or {}, record.get("options") or {}]
    texts = [text for item in pairs if isinstance(item, dict) for pair in item.items() for text in pair]
    return (
        0 <= record["created"] < 1e11
        and all(isinstance(item, dict) for item in pairs)
        and all(isinstance(text, str) for text in texts)
    )
