"""The volumes of a store: made, found, listed, removed (runtime/inside/volumes.py has the files).

Volumes are made and their records written here, by the engine's process; their files are removed by a job in the
store namespace, for only there may files of subordinate ids be removed.
"""

from __future__ import annotations

import os
import time

from ipycontainer.engine import kinds
from ipycontainer.engine.volume import ANONYMOUS, Volume
from ipycontainer.errors import InputError, NoSuchVolume, NotFound, Refused, StoreUnwritable
from ipycontainer.json_text import dumps
from ipycontainer.launcher import folders
from ipycontainer.linux import trees
from ipycontainer.linux.durability import sync_folder, write_file
from ipycontainer.runtime.inside import volumes as files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ipycontainer.engine.image_verbs import Images
    from ipycontainer.engine.request import VolumeMount

    Filters = Mapping[str, str] | Sequence[tuple[str, str]]
    Users = dict[str, list[str]]
    Pruned = tuple[list[str], int]

_FIRST = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LONGEST = 255  # a name is a file's
_DEAD = 60.0  # seconds: whoever makes a volume longer than this was killed


class Volumes:
    """The volumes of `engine`'s store."""

    def __init__(self, engine: Images) -> None:
        self._engine = engine
        self.folder = os.path.join(engine.root, "volumes")

    def __repr__(self) -> str:
        return f"<Volumes of {self._engine.root}>"

    @property
    def mode(self) -> str:
        """How this account's containers are made: "root", "range" or "one" (launcher/store_namespace.py)."""
        from ipycontainer.launcher.expected import expected

        return expected().mode

    def create(
        self, name: str = "", labels: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None
    ) -> Volume:
        """A new volume, or the one that has the name already; without a name one at random.

        options: docker's of its local driver: type=none, o=bind, device=FOLDER.
        Raises InputError, Refused, StoreUnwritable.
        """
        if name:
            check_name(kinds.name(name, "a volume's name"))
        check_options(options or {})
        self.prepare()
        with files.Lock(self.folder, alone=False):
            volume, is_new = self.ensure(name or os.urandom(32).hex(), labels, options, anonymous=not name)
        if is_new:
            self.tell("create", volume.name)
        return volume

    def prepare(self) -> None:
        """Make the folder of volumes where it is missing."""
        folders.prepare(self._engine.root)
        try:
            os.mkdir(self.folder, 0o700)
        except FileExistsError:
            return
        except OSError as error:
            raise StoreUnwritable(f"cannot make {self.folder}: {error.strerror}") from None
        sync_folder(self._engine.root)

    def ensure(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
        anonymous: bool = False,
    ) -> tuple[Volume, bool]:
        """The volume of that name, and whether it was made now; the caller holds the lock and tells of it."""
        record = files.read_record(self._engine.root, name)
        if record is not None:
            return Volume(self, name, record), False
        given = dict(labels or {}) if labels is not None or anonymous else None
        if anonymous and given is not None:
            given[ANONYMOUS] = ""
        record = {"created": time.time(), "labels": given, "options": dict(options) if options is not None else None}
        temporary = os.path.join(self.folder, f"{files.NEW}{os.urandom(6).hex()}")
        try:
            os.mkdir(temporary, 0o700)
            os.mkdir(os.path.join(temporary, files.DATA))
            os.chmod(os.path.join(temporary, files.DATA), 0o755)
            write_file(os.path.join(temporary, files.RECORD), [dumps(record).encode()], 0o600)
            os.rename(temporary, os.path.join(self.folder, name))  # onto one that is there it fails: that is not empty
            sync_folder(self.folder)
        except OSError as error:
            trees.remove(temporary)
            there = files.read_record(self._engine.root, name)
            if there is not None:
                return Volume(self, name, there), False  # somebody else was faster
            raise StoreUnwritable(f"cannot make the volume {name}: {error.strerror}; is the disk full?") from None
        return Volume(self, name, record), True

    def get(self, name: str) -> Volume:
        """The volume of that name.  Raises NoSuchVolume."""
        record = files.read_record(self._engine.root, kinds.name(name, "a volume's name"))
        if record is None:
            raise NoSuchVolume(f"No such volume: {name}")
        return Volume(self, name, record)

    def list(self, filters: Filters = ()) -> list[Volume]:
        """All volumes by name.  filters: docker's, as (name, value) or a mapping: name, label, driver, dangling."""
        asked = kinds.filters(filters)
        check_filters(asked)
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return []
        found = []
        for name in names:
            if name.startswith(files.NEW):
                self._forget_unfinished(name)
                continue
            record = files.read_record(self._engine.root, name)
            if record is not None:
                found.append(Volume(self, name, record))
        return select(found, asked) if asked else found

    def _forget_unfinished(self, name: str) -> None:
        path = os.path.join(self.folder, name)
        try:
            if time.time() - os.stat(path).st_mtime > _DEAD:
                trees.remove(path)
        except OSError:
            return  # its maker has just finished it, or somebody else was faster

    def users(self, names: Iterable[str]) -> Users:
        """Volume -> ids of the containers that use it."""
        return files.users(self._engine.root, names)

    def remove(self, name: str) -> None:
        """Remove a volume and its files.  Raises NoSuchVolume, WrongState while a container uses it."""
        if files.read_record(self._engine.root, kinds.name(name, "a volume's name")) is None:
            raise NoSuchVolume(f"No such volume: {name}")
        with files.Lock(self.folder, alone=True):
            files.refuse_used(self._engine.root, name)
            gone = files.discard(self._engine.root, name)
            sync_folder(self.folder)
        if not gone:
            raise NoSuchVolume(f"No such volume: {name}")
        self.tell("destroy", name)
        self._remove_files(gone)

    def _remove_files(self, tree: str) -> None:
        above = os.open(os.path.dirname(tree), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._engine.launcher.call("images.remove", {"names": [os.path.basename(tree)]}, [above])
        finally:
            os.close(above)

    def weigh(self, name: str) -> int:
        """Bytes of disk that the volume's files take; 0 where it has gone."""
        try:
            folder = os.open(os.path.join(self.folder, name), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return 0
        try:
            request = {"lowers": [], "upper": files.DATA, "apparent": True}
            return int(self._engine.launcher.call("images.weigh", request, [folder, folder])["bytes"])
        finally:
            os.close(folder)

    def prune(self, all: bool = False, filters: Filters = ()) -> Pruned:
        """Remove the volumes that no container uses: those without a name, or `all`.

        filters: label, label!, all.  Gives the names of those that went and the bytes that came free.
        """
        from ipycontainer.engine.prunes import fits, volume_filters
        from ipycontainer.errors import Conflict

        asked = kinds.filters(filters)
        all = volume_filters(asked) or all
        folders.prepare(self._engine.root)
        found = [volume for volume in self.list() if all or volume.is_anonymous]
        used = self.users([volume.name for volume in found])
        names, size = [], 0
        for volume in found:
            # One with options stands for something that is not ours; docker leaves it too.
            if volume.name in used or volume.options or not fits(volume.created, volume.labels, asked):
                continue
            weight = volume.size
            try:
                volume.remove()
            except (Conflict, NotFound):
                continue  # a container has just taken it, or somebody else was faster
            names.append(volume.name)
            size += weight
        self.tell("prune", "", {"reclaimed": str(size)})
        return names, size

    def tell(self, action: str, name: str, attributes: dict[str, str] | None = None) -> None:
        """Write it into the journal."""
        self._engine.journal.append("volume", action, name, {"driver": "local"} if attributes is None else attributes)


def source_of(root: str, mount: VolumeMount) -> str:
    """What a container is shown of a volume: its files, or the folder of the host that it stands for."""
    record = files.read_record(root, mount.name) if mount.name else None
    options = (record or {}).get("options") or {}
    given = dict(pair.partition("=")[::2] for pair in mount.options) if record is None else {}
    return str({**given, **options}.get("device") or os.path.join(root, "volumes", mount.name, files.DATA))


def check_name(name: str) -> None:
    """docker's rule and words.  Raises InputError."""
    if len(name) == 1:
        raise InputError("volume name is too short, names should be at least two alphanumeric characters")
    well = name[0] in _FIRST and all(letter in _FIRST + "_.-" for letter in name)
    if not well or len(name) > _LONGEST:
        raise InputError(
            f'"{name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are '
            "allowed. If you intended to pass a host directory, use absolute path"
        )


def check_options(options: Mapping[str, str]) -> None:
    """Those of docker's local driver that are kept here: a folder of the host under a volume's name."""
    if not options:
        return
    for key in options:
        if key not in ("type", "o", "device"):
            raise InputError(f'invalid option: "{key}"; the local driver knows type, o and device')
    is_bind = {"bind", "rbind"}.intersection(options.get("o", "").split(",")) and options.get("type", "none") == "none"
    if not is_bind:
        raise Refused(
            "a volume that is a mount of its own (type=tmpfs, nfs, …) is refused: nothing is mounted on the host here; "
            "--tmpfs gives a container one, and -o type=none -o o=bind -o device=DIR a folder of the host"
        )
    if not os.path.isabs(options.get("device", "")):
        raise InputError("missing device in volume options: write -o device=DIR, a whole path")


def check_driver(name: str) -> None:
    """Raises NotFound for any driver but local."""
    if name not in ("", "local"):
        raise NotFound(f'error looking up volume plugin {name}: plugin "{name}" not found; there is local alone')


FILTERS = ("dangling", "driver", "label", "name")
_TRUE, _FALSE = ("1", "true"), ("0", "false")


def check_filters(filters: Sequence[tuple[str, str]]) -> None:
    """Raises InputError for what is no filter of volumes."""
    for key, value in filters:
        if key not in FILTERS:
            raise InputError(f"Invalid filter '{key}'; there are {', '.join(FILTERS)}")
        if key == "dangling" and value not in (*_TRUE, *_FALSE):
            raise InputError(f"Invalid filter 'dangling=[{value}]'; it is true or false")


def select(found: Sequence[Volume], filters: Sequence[tuple[str, str]]) -> list[Volume]:
    """Those that match: values of one key are alternatives (labels must all be there), keys must all match."""
    wanted: dict[str, list[str]] = {}
    for key, value in filters:
        wanted.setdefault(key, []).append(value)
    return [volume for volume in found if all(_fits(volume, key, values) for key, values in wanted.items())]


def _fits(volume: Volume, key: str, values: Sequence[str]) -> bool:
    from ipycontainer.engine.selection import labelled

    if key == "label":
        return all(labelled(volume.labels, value) for value in values)
    if key == "dangling":
        return (not volume.users) == (values[-1] in _TRUE)
    if key == "driver":
        return volume.driver in values
    return any(_is_named(volume.name, value) for value in values)


def _is_named(name: str, pattern: str) -> bool:
    """docker reads it as a regular expression, and else as a part of the name."""
    import re

    try:
        return re.search(pattern, name) is not None
    except re.error:
        return pattern in name
