"""What is mounted into a container: asked for, taken over from others, brought by the image; and as the spec has it.

`resolve` says what each mount is, and makes nothing; `made` makes the volumes that are missing, and keeps those who
remove volumes away until the container's record says that they are used.
"""

from __future__ import annotations

import os

from ipycontainer.engine.mount_words import volumes_from
from ipycontainer.engine.request import Bind, ImageMount, RunRequest, Tmpfs, VolumeMount
from ipycontainer.engine.volumes import check_driver, check_name, check_options
from ipycontainer.errors import Error, InputError, NoSuchContainer, NotFound, Refused
from ipycontainer.runtime.inside import volumes as files
from ipycontainer.runtime.usual import QUIET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine

    Mount = Bind | Tmpfs | VolumeMount | ImageMount


def resolve(engine: Engine, request: RunRequest, image: Mapping[str, Any]) -> RunRequest:
    """The request with every mount that the container will have; anonymous volumes have a name from here on.

    image: the image's settings.  Raises InputError, Refused, NotFound, before anything is made.
    """
    check_driver(request.volume_driver)
    if not asks(request, image):
        return request
    for bind in request.binds:
        _check_bind(bind)
    request = request.replace(volumes=_uncovered(request))
    taken = _taken_over(engine, request)
    asked: list[Mount] = [*request.binds, *request.volumes, *request.images]
    own = {_clean(mount.target) for mount in asked}
    binds = [mount for mount in taken if isinstance(mount, Bind) and _clean(mount.target) not in own]
    volumes = [mount for mount in taken if isinstance(mount, VolumeMount) and _clean(mount.target) not in own]
    volumes += [_named(mount) for mount in request.volumes]
    others: list[Mount] = [*binds, *volumes, *request.tmpfs]
    there = own | {_clean(mount.target) for mount in others}
    brought = [path for path in dict.fromkeys(map(_clean, image.get("Volumes") or ())) if path not in there]
    volumes += [_named(VolumeMount("", path, origin="image")) for path in brought]
    return request.replace(
        binds=(*binds, *request.binds),
        volumes=tuple(volumes),
        images=tuple(_layers(engine, mount) for mount in request.images),
    )


def asks(request: RunRequest, image: Mapping[str, Any]) -> bool:
    """Whether there is anything that `resolve` has to look at."""
    own = request.volumes or request.volumes_from or request.images or image.get("Volumes")
    return bool(own or any(bind.propagation or bind.origin for bind in request.binds))


def _check_bind(bind: Bind) -> None:
    if bind.propagation in ("shared", "rshared"):
        raise Refused(
            f"bind-propagation={bind.propagation} is refused: containers live in a mount namespace to which the host's "
            "mounts come, and from which none go out; rslave lets the host's later mounts appear"
        )


def _uncovered(request: RunRequest) -> tuple[VolumeMount, ...]:
    """docker drops a nameless -v where something else that was asked for lies, and all but one at the same place."""
    nameless = [mount for mount in request.volumes if not (mount.name or mount.origin)]
    named = [mount for mount in request.volumes if mount not in nameless]
    others: list[Mount] = [*request.binds, *request.tmpfs, *request.images, *named]
    there = {_clean(mount.target) for mount in others}
    kept = {_clean(mount.target): mount for mount in nameless if _clean(mount.target) not in there}
    return (*named, *kept.values())


def _named(mount: VolumeMount) -> VolumeMount:
    if mount.name:
        check_name(mount.name)
        check_options(dict(pair.partition("=")[::2] for pair in mount.options))
        return mount
    return mount.replace(name=os.urandom(32).hex(), anonymous=True)


def _taken_over(engine: Engine, request: RunRequest) -> list[Bind | VolumeMount]:
    """The mounts of --volumes-from; of two at the same place the later one counts."""
    found: dict[str, Bind | VolumeMount] = {}
    for text in request.volumes_from:
        name, mode = volumes_from(text)
        try:
            other = engine.get(name).config["request"]
        except NotFound:
            raise NoSuchContainer(f"No such container: {name}") from None
        mounts: list[Bind | VolumeMount] = [
            # What they show has been there before: no folder is made for it, and nothing is copied into it.
            *(Bind.from_dict(item).replace(create=False) for item in other.get("binds", ())),
            *(VolumeMount.from_dict(item).replace(copy=False) for item in other.get("volumes", ())),
        ]
        for mount in mounts:
            read_only = mount.read_only or mode == "ro"
            found[_clean(mount.target)] = mount.replace(read_only=read_only, mode="", origin="from")
    return list(found.values())


def _layers(engine: Engine, mount: ImageMount) -> ImageMount:
    record = engine.store.launch(mount.image)
    return mount.replace(id=record.id, lowers=tuple(record.lowers))


class made:
    """In a `with`: the volumes of these mounts are there, and nobody removes one meanwhile.

    mounts: as a container's record has them.  What was made for it is taken back where the container could not be made.
    """

    def __init__(self, engine: Engine, mounts: Iterable[Mapping[str, Any]]) -> None:
        self._engine = engine
        self._mounts = [VolumeMount.from_dict(item) for item in mounts]
        self._new: list[str] = []
        self._lock: files.Lock | None = None

    def __enter__(self) -> None:
        if not self._mounts:
            return
        volumes = self._engine.volumes
        volumes.prepare()
        self._lock = files.Lock(volumes.folder, alone=False)
        self._lock.__enter__()
        try:
            for mount in self._mounts:
                labels = dict(pair.partition("=")[::2] for pair in mount.labels) or None
                options = dict(pair.partition("=")[::2] for pair in mount.options) or None
                volume, is_new = volumes.ensure(mount.name, labels, options, mount.anonymous)
                if is_new:
                    self._new.append(volume.name)
                    volumes.tell("create", volume.name)
        except BaseException:
            self._give_back()
            raise

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._give_back()
        elif self._lock is not None:
            self._lock.__exit__()

    def _give_back(self) -> None:
        if self._lock is not None:
            self._lock.__exit__()  # who removes wants it alone
        for name in self._new:
            try:
                self._engine.volumes.remove(name)
            except Error:
                continue  # somebody else uses it already; and what made the container fail is what is told


def launched(engine: Engine, request: RunRequest) -> list[dict[str, Any]]:
    """What a start has to know of the volumes (runtime/inside/charge.py)."""
    found = []
    for mount in request.volumes:
        folder = os.path.join(engine.volumes.folder, mount.name)
        there = files.read_record(engine.root, mount.name) or {}
        ours = not (there.get("options") or mount.options)  # a folder of the host is not filled
        found.append(
            {
                "name": mount.name,
                "folder": folder,
                "destination": _clean(mount.target),
                "rw": not mount.read_only,
                "fill": mount.copy and ours,
                "anonymous": mount.anonymous,
            }
        )
    return found


def fill(container: Container, volumes: Iterable[Mapping[str, Any]]) -> None:
    """Let empty volumes of a container that is not started yet take over what its image has there, as docker does.

    Others may use them before it starts (--volumes-from); whoever is killed here leaves that to the start.
    """
    if any(item["fill"] and _is_empty(os.path.join(item["folder"], files.DATA)) for item in volumes):
        from ipycontainer.engine.copying import Root

        with Root(container):
            pass  # its root was put together, and with it its volumes


def _is_empty(folder: str) -> bool:
    try:
        return not os.listdir(folder)
    except OSError:
        return False  # of other ids, and so it has been used


def entries(request: RunRequest, source: Callable[[VolumeMount], str]) -> list[dict[str, Any]]:
    """The spec's mounts, a folder before what is in it.  source: where a volume's files are.  Raises InputError."""
    found, seen = [], set()
    asked: list[Mount] = [*request.tmpfs, *request.binds, *request.volumes, *request.images]
    for mount in sorted(asked, key=lambda item: item.target.count("/")):
        target = place(mount.target)
        if target in seen:
            raise InputError(f"Duplicate mount point: {target}")
        seen.add(target)
        found.append({"destination": target, **_entry(mount, source)})
    return found


def _entry(mount: Mount, source: Callable[[VolumeMount], str]) -> dict[str, Any]:
    if isinstance(mount, Tmpfs):
        return {"type": "tmpfs", "source": "tmpfs", "options": [*QUIET, *mount.options]}
    if isinstance(mount, ImageMount):
        if len(mount.lowers) == 1:  # without an upper layer overlay wants two
            return {"type": "bind", "source": mount.lowers[0], "options": ["rbind", "ro"]}
        lowers = ":".join(path.replace(":", "\\:") for path in mount.lowers)
        return {"type": "overlay", "source": "overlay", "options": ["ro", f"lowerdir={lowers}"]}
    read_only = ["ro"] if mount.read_only else []
    if isinstance(mount, VolumeMount):
        return {"type": "bind", "source": source(mount), "options": ["rbind", *read_only]}
    propagation = [mount.propagation] if mount.propagation else []
    return {
        "type": "bind",
        "source": mount.source,
        "options": ["rbind" if mount.recursive else "bind", *read_only, *propagation],
    }


def place(path: str) -> str:
    """Where in the container.  Raises InputError for what may be no such place."""
    if not path.startswith("/"):
        raise InputError(f"invalid mount path: '{path}' mount path must be absolute")
    clean = _clean(path)
    if clean == "/":
        raise InputError("invalid volume specification: destination can't be '/'")
    if clean.split("/")[1] in ("proc", "sys"):
        # A file of another kind there would lie to every program that trusts the kernel's own.
        raise InputError(f"cannot mount at {clean}: /proc and /sys are the kernel's own")
    return clean


def _clean(path: str) -> str:
    return "/" + os.path.normpath(path).lstrip("/")
