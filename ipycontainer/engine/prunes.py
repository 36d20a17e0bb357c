"""Prunes: what nobody needs goes; and what their filters select: until, label, label!."""

from __future__ import annotations

import time

from ipycontainer.engine.durations import moment
from ipycontainer.engine.selection import labelled
from ipycontainer.errors import Conflict, InputError, NotFound
from ipycontainer.launcher import folders
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.engine.engine import Engine

_TRUE, _FALSE = ("1", "true"), ("0", "false")


class Pruned(Record):
    """What went: the containers' ids, the volumes' names, docker's lines of images; and the bytes that came free."""

    containers: tuple[str, ...]
    volumes: tuple[str, ...]
    images: tuple[str, ...]
    size: int


def prune_containers(engine: Engine, filters: Sequence[tuple[str, str]] = ()) -> tuple[list[str], int]:
    """Remove the containers that do not run; their ids, and the bytes that came free.

    filters: until, label, label!.  Raises InputError.
    """
    from ipycontainer.errors import Error

    check_filters(filters, ("until", "label", "label!"))
    folders.prepare(engine.root)
    gone, size = [], 0
    for container in engine.containers(all=True):
        if container.state().runs or not fits(container.created, container.labels, filters):
            continue
        try:
            weight = container.trees().weight()
        except Error:
            weight = 0  # its image is gone, or its record is damaged: it goes all the same
        try:
            container.remove()
        except (Conflict, NotFound):
            continue  # it was started just now, or somebody else was faster
        gone.append(container.id)
        size += weight
    engine.journal.append("container", "prune", "", {"reclaimed": str(size)})
    return gone, size


def prune_all(
    engine: Engine, all: bool = False, volumes: bool = False, filters: Sequence[tuple[str, str]] = ()
) -> Pruned:
    """docker's `system prune`: containers that do not run, with `volumes` anonymous volumes, images without a name.

    all: every image that no container uses.  Raises InputError.
    """
    from ipycontainer.engine.upkeep import prune_images

    check_filters(filters, ("until", "label", "label!"))
    if volumes:
        refuse_until(filters)
    containers, size = prune_containers(engine, filters)
    names, of_volumes = engine.volumes.prune(filters=filters) if volumes else ([], 0)
    images, of_images = prune_images(engine, all, filters)
    return Pruned(tuple(containers), tuple(names), tuple(images), size + of_volumes + of_images)


def refuse_until(filters: Sequence[tuple[str, str]]) -> None:
    """docker's refusal: a volume has no such moment.  Raises InputError."""
    if any(key == "until" for key, _ in filters):
        raise InputError('The "until" filter is not supported with "--volumes"')


def check_filters(filters: Sequence[tuple[str, str]], known: Sequence[str]) -> None:
    """Raises InputError for one that is not `known`, or an until that is no moment."""
    if sum(key == "until" for key, _ in filters) > 1:
        raise InputError("more than one until filter specified; give the one that is meant")
    for key, value in filters:
        if key not in known:
            raise InputError(f"Invalid filter '{key}'; there are {', '.join(known)}")
        if key == "until":
            _until(value)


def volume_filters(filters: Sequence[tuple[str, str]]) -> bool:
    """Whether they ask for `all` volumes.  Raises InputError for what is none."""
    check_filters(filters, ("label", "label!", "all"))
    found = [value for key, value in filters if key == "all"]
    for value in found:
        if value not in (*_TRUE, *_FALSE):
            raise InputError(f"Invalid filter 'all=[{value}]'; it is true or false")
    return bool(found) and found[-1] in _TRUE


def fits(created: float, labels: dict[str, str], filters: Sequence[tuple[str, str]]) -> bool:
    """Whether something made then, with these labels, is asked for: every filter must match."""
    for key, value in filters:
        if key == "until" and created > _until(value):
            return False
        if key == "label" and not labelled(labels, value):
            return False
        if key == "label!" and labelled(labels, value):
            return False
    return True


def _until(text: str) -> float:
    try:
        return moment(text, time.time())
    except ValueError:
        raise InputError(f"invalid filter 'until={text}'; write 24h, or 2026-01-31T00:00:00Z") from None
