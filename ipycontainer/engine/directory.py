"""The containers of a store, as files.

    containers/ID/container.jsonl    line 1: what it is; line 2: how it starts (spec, layers, user); written here,
                                     and anew by a Revision alone
    names/NAME -> ID                 made with O_EXCL, here; the last thing that is made, the first that goes

Without a name a folder is what a kill -9 in the middle of a create left; it is shown by its id and can be removed.
Without a record it is shown to nobody, and whoever looks a while later removes it.
"""

from __future__ import annotations

import errno
import os
import time

from ipycontainer.engine import container_names
from ipycontainer.engine.asked import Asked
from ipycontainer.errors import InputError, KernelError, NameTaken, NoSuchContainer, StoreError, StoreUnwritable
from ipycontainer.json_text import dumps, loads
from ipycontainer.linux import small_files
from ipycontainer.linux.durability import sync_file, sync_folder, write_file, write_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.revision import Revision


RECORD = "container.jsonl"

# Between making its folder and writing its record a create takes milliseconds; whoever needs longer is dead.
_UNFINISHED_SECONDS = 60.0
_ID_LENGTH = 64

# So many containers' records are kept in memory; they change only by being made anew, as another file.
_KEPT = 4096

# What a record says in any case.
_NUMBER = (int, float)
_KINDS = (
    ("image", str), ("image_id", str), ("command", list), ("created", _NUMBER), ("labels", dict), ("stop_signal", str),
    ("stop_timeout", _NUMBER), ("request", dict),
)  # fmt: skip

_Mark = tuple[int, int, int]


def _mark(path: str) -> _Mark:
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_size


class Directory:
    """The containers of the store at `root`, with their run folders below `run`."""

    def __init__(self, root: str, run: str) -> None:
        self._containers = os.path.join(root, "containers")
        self.names_folder = os.path.join(root, "names")
        self._run = os.path.join(run, "containers")
        self._known: dict[str, tuple[_Mark, dict[str, Any]]] = {}

    def folder(self, container: str) -> str:
        """The container's folder in the store."""
        return f"{self._containers}/{container}"

    def run(self, container: str) -> str:
        """The container's folder in the run folder; it exists while there is something to sweep."""
        return f"{self._run}/{container}"

    def run_ids(self) -> list[str]:
        """Whose run folder exists: what lives, and what a killed monitor left."""
        try:
            return os.listdir(self._run)
        except FileNotFoundError:
            return []

    def run_folders(self) -> list[str]:
        """The run folders that exist."""
        return [self.run(container) for container in self.run_ids()]

    def choose_name(self, wanted: str) -> str:
        """`wanted` if it is well-formed and free, or one at random.  Raises InputError, NameTaken."""
        if wanted:
            name = without_slash(wanted)
            if not container_names.is_name(name):
                raise InputError(
                    f"Invalid container name ({wanted}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, 2 to 255; "
                    "choose another"
                )
            self._refuse_taken(name)
            return name
        while True:
            name = container_names.make_name()
            if not os.path.lexists(os.path.join(self.names_folder, name)):
                return name

    def _refuse_taken(self, name: str) -> None:
        try:
            owner = os.readlink(os.path.join(self.names_folder, name))
        except FileNotFoundError:
            return
        raise NameTaken(
            f'Conflict. The container name "/{name}" is already in use by container "{owner[:12]}". '
            "You have to remove (or rename) that container to be able to reuse that name."
        )

    def add(self, container: str, name: str, config: dict[str, Any], launch: dict[str, Any], durable: bool) -> None:
        """Make the container's folder with its record, then give it its name.

        Raises NameTaken if somebody was faster, and leaves nothing then.
        """
        folder = self.folder(container)
        record = os.path.join(folder, RECORD)
        try:
            os.mkdir(folder, 0o700)
            # Whoever reads it meanwhile takes what is not whole for not there.
            write = write_file if durable else write_once
            write(record, [f"{dumps(config)}\n{dumps(launch)}\n".encode()], 0o600)
            os.symlink(container, os.path.join(self.names_folder, name))
        except BaseException as error:
            # An interrupt too must leave nothing.
            self.forget(container, name)
            if isinstance(error, FileExistsError):
                self._refuse_taken(name)
                raise NameTaken(f"the name {name} was taken a moment ago; try again") from None
            if isinstance(error, OSError):
                raise StoreUnwritable(f"cannot make {record}: {error.strerror}; is the disk full?") from None
            raise
        if durable:
            for path in (self._containers, self.names_folder):
                sync_folder(path)

    def forget(self, container: str, name: str) -> None:
        """Remove what `add` made, or a part of it; nobody has been told of it."""
        link = os.path.join(self.names_folder, name)
        try:
            if os.readlink(link) == container:
                os.unlink(link)
        except FileNotFoundError:
            pass
        _forget(self.folder(container))

    def settle(self, container: str) -> None:
        """Make what was added without `durable` survive a power cut; its own folder is the monitor's to sync.

        Raises StoreUnwritable.
        """
        try:
            sync_file(os.path.join(self.folder(container), RECORD))
            for path in (self._containers, self.names_folder):
                sync_folder(path)
        except FileNotFoundError:
            pass  # removed meanwhile
        except OSError as error:
            raise StoreUnwritable(f"cannot make container {container[:12]} durable: {error.strerror}") from None

    def rename(self, container: str, new: str) -> str:
        """Give the container another name; the one that it had.  Raises InputError, NameTaken, NoSuchContainer."""
        from ipycontainer.runtime.inside import name as naming

        new = without_slash(new)
        if not new:
            raise InputError("Neither old nor new names may be empty: say what the container shall be called")
        held = naming.lock(self.names_folder)
        try:
            old = naming.listed(self.names_folder, container)
            if new == old:
                raise InputError("Renaming a container with the same name as its current name; choose another")
            self.choose_name(new)
            self._move_name(container, old, new)
        except FileExistsError:
            self._refuse_taken(new)
            raise NameTaken(f"the name {new} was taken a moment ago; try again") from None
        finally:
            os.close(held)
        sync_folder(self.names_folder)
        return old

    def _move_name(self, container: str, old: str, new: str) -> None:
        """One instant, so that whoever is killed leaves one name; one that never got a name is given its first."""
        new_path = os.path.join(self.names_folder, new)
        if not old:
            if not os.path.isdir(self.folder(container)):
                raise NoSuchContainer(f"No such container: {container[:12]}")
            os.symlink(container, new_path)
            return
        from ipycontainer.linux.renames import rename_new

        try:
            rename_new(os.path.join(self.names_folder, old), new_path)
        except KernelError as error:
            if error.errno == errno.EEXIST:
                raise FileExistsError from None
            if error.errno == errno.ENOENT:
                raise NoSuchContainer(f"No such container: {old}") from None
            raise

    def revising(self, container: str) -> Revision:
        """In a `with`: the container's record, to be changed."""
        from ipycontainer.engine.revision import Revision

        return Revision(self.folder(container), RECORD)

    def ids(self) -> list[str]:
        """The ids of all containers, in no order."""
        try:
            return os.listdir(self._containers)
        except FileNotFoundError:
            return []

    def names(self) -> dict[str, str]:
        """Id -> name, for all at once."""
        found = {}
        try:
            listed = os.listdir(self.names_folder)
        except FileNotFoundError:
            return {}
        for name in listed:
            try:
                found[os.readlink(f"{self.names_folder}/{name}")] = name
            except OSError:
                continue  # removed meanwhile
        return found

    def name_of(self, container: str, names: dict[str, str]) -> str:
        """Its name among `names`; one that is just being renamed may be missing there, and is looked for again."""
        if container in names:
            return names[container]
        from ipycontainer.runtime.inside import name as naming

        return naming.current(self.names_folder, "", container)

    def read(self, container: str) -> dict[str, Any] | None:
        """What the container is; None while it is being made or after it was removed."""
        path = f"{self._containers}/{container}/{RECORD}"
        known = self._known.get(container)
        try:
            # The mark first: what is read may be newer than it, and is then read once more.
            mark = _mark(path)
            if known is not None and known[0] == mark:
                return known[1]
            line = self._line(container, 0)
        except (FileNotFoundError, NotADirectoryError):
            line = None
        if line is None:
            self._known.pop(container, None)
            return _config(b"") if self._has_lost_its_record(container) else None
        if len(self._known) >= _KEPT:
            self._known.clear()
        config = _config(line)
        self._known[container] = (mark, config)
        return config

    def forget_unfinished(self, container: str) -> None:
        """Remove a folder that never got its record, once its maker cannot live any more."""
        folder = self.folder(container)
        try:
            if time.time() - os.stat(folder).st_mtime < _UNFINISHED_SECONDS:
                return
            names = os.listdir(folder)
            if self._line(container, 0) is not None or any(not name.startswith(RECORD) for name in names):
                return  # it has its record by now, or is what we do not know
            from ipycontainer.runtime.inside import name as naming

            # A power cut may have left the name of what nobody had made durable yet.
            naming.give_up(self.names_folder, "", container)
            for name in names:
                os.unlink(os.path.join(folder, name))
            os.rmdir(folder)
        except OSError:
            return  # somebody else was faster, or it is no folder: to look goes on

    def _has_lost_its_record(self, container: str) -> bool:
        """Whether it had begun to run: a power cut leaves a record empty that nobody had made durable yet.

        That is so with --rm, and it holds a name: it is shown, so that it can be removed.
        """
        folder = self.folder(container)
        try:
            age = time.time() - os.stat(folder).st_mtime
            begun = any(not name.startswith(RECORD) for name in os.listdir(folder))
        except OSError:
            return False
        return age >= _UNFINISHED_SECONDS and begun and len(container) == _ID_LENGTH

    def read_launch(self, container: str) -> dict[str, Any]:
        """How the container starts.  Raises NoSuchContainer when it was removed meanwhile."""
        line = self._line(container, 1)
        if line is None:
            raise NoSuchContainer(f"No such container: {container[:12]}")
        try:
            found = loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict) or "spec" not in found:
            raise StoreError(f"the record of container {container[:12]} is damaged; remove it with `ipycontainer rm`")
        return found

    def _line(self, container: str, number: int) -> bytes | None:
        try:
            lines = small_files.read(f"{self._containers}/{container}/{RECORD}").split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return lines[number] if len(lines) > 2 else None  # fewer: it is just being written

    def find(self, reference: str) -> str:
        """The id behind a name, an id, or the beginning of one.

        Raises NoSuchContainer, or InputError where several begin so.
        """
        digits = bool(reference) and all(letter in "0123456789abcdef" for letter in reference)
        if digits and len(reference) == _ID_LENGTH and os.path.isdir(self.folder(reference)):
            return reference  # before names: another container may be called by this very id
        name = without_slash(reference)
        if container_names.is_name(name):
            try:
                container = os.readlink(os.path.join(self.names_folder, name))
                if os.path.isdir(self.folder(container)):
                    return container
            except OSError:
                pass  # no such name; it may be an id
        if digits:
            fitting = [container for container in self.ids() if container.startswith(reference)]
            if len(fitting) > 1:
                raise InputError(f"multiple IDs found with provided prefix: {reference}; give more of it")
            if fitting:
                return fitting[0]
        raise NoSuchContainer(f"No such container: {reference}")


def without_slash(name: str) -> str:
    """docker's inspect prints a name with a slash before it, and every verb takes it so."""
    return name.removeprefix("/")


def _config(line: bytes) -> dict[str, Any]:
    """What a container is; one whose record is damaged is still shown, so that it can be removed."""
    usual: dict[str, Any] = {"image_id": "", "stop_signal": "", "stop_timeout": 10, "request": {}}
    try:
        found = {**usual, **loads(line)}
        whole = all(isinstance(found[name], kind) for name, kind in _KINDS)
        if whole and all(isinstance(word, str) for word in found["command"]) and 0 <= found["created"] < 1e11:
            return {**found, "request": Asked(found["request"])}
    except (ValueError, TypeError, KeyError):
        pass
    asked = Asked({"image": "(damaged)"})
    return {**usual, "image": asked["image"], "command": [], "created": 0.0, "labels": {}, "request": asked}


def _forget(folder: str) -> None:
    """Remove a container's folder that was just made, if it was; nothing but its record is in it yet."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        os.unlink(os.path.join(folder, name))
    os.rmdir(folder)
