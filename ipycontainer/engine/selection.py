"""Which containers a filter selects: docker's status, name, id and label."""

from __future__ import annotations

from ipycontainer.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.engine.container import Container


def selects(container: Container, filters: Sequence[tuple[str, str]]) -> bool:
    """Whether the container has one of the values of each name that is filtered by."""
    wanted: dict[str, list[str]] = {}
    for name, value in filters:
        wanted.setdefault(name, []).append(value)
    return all(any(_fits(container, name, value) for value in values) for name, values in wanted.items())


def _fits(container: Container, name: str, value: str) -> bool:
    if name == "status":
        return container.status == value
    if name == "name":
        return value in container.name
    if name == "id":
        return container.id.startswith(value)
    if name == "label":
        key, equals, text = value.partition("=")
        return key in container.labels and (not equals or container.labels[key] == text)
    raise InputError(f"invalid filter '{name}'; use status, name, id or label")
