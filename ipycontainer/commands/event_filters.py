"""`events --filter`: which events are meant."""

from __future__ import annotations

from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.engine.events import Event

KEYS = ("container", "event", "image", "label", "type")


def check(conditions: Sequence[tuple[str, str]]) -> None:
    """Refuses a filter that is not known."""
    for key, _value in conditions:
        if key not in KEYS:
            raise OptionError(f"invalid filter {key!r}; there are {', '.join(KEYS)}")


def matches(event: Event, conditions: Sequence[tuple[str, str]]) -> bool:
    """Values of one key are alternatives; all keys must match."""
    keys = {key for key, _ in conditions}
    return all(any(_one(event, key, value) for name, value in conditions if name == key) for key in keys)


def _one(event: Event, key: str, value: str) -> bool:
    attributes = event.attributes
    if key == "type":
        return bool(event.type == value)
    if key == "event":
        return event.action == value or event.action.startswith(value + ":")
    if key == "container":
        return event.type == "container" and (event.id.startswith(value) or attributes.get("name") == value)
    if key == "image":
        names = (event.id if event.type == "image" else "", attributes.get("image", ""), attributes.get("name", ""))
        return value in names or f"{value}:latest" in names
    name, equals, wanted = value.partition("=")
    return name in attributes and (not equals or attributes[name] == wanted)
