"""Which containers a filter selects: docker's words for `ps --filter`."""

from __future__ import annotations

from ipycontainer.errors import ImageNameError, InputError, NoSuchImage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipycontainer.engine.container import Container
    from ipycontainer.images.records import ImageRecord

_STATES = ("created", "restarting", "running", "removing", "paused", "exited", "dead", "unknown")
KEYS = (
    "ancestor", "before", "exited", "health", "id", "is-task", "label", "name", "network", "since", "status", "volume",
)  # fmt: skip
_LATER = ("expose", "isolation", "publish")


def check(filters: Sequence[tuple[str, str]]) -> bool:
    """Refuses what is no filter; says whether containers that have ended are looked at too."""
    for key, value in filters:
        if key in _LATER:
            raise InputError(f"the filter {key} comes in a later release; there are {', '.join(KEYS)}")
        if key not in KEYS:
            raise InputError(f"invalid filter '{key}'; there are {', '.join(KEYS)}")
        if key == "status" and value not in _STATES:
            raise InputError(f"invalid filter status={value}; the states are {', '.join(_STATES)}")
        if key == "health":
            from ipycontainer.engine.health import STATUSES

            if value not in STATUSES:
                raise InputError(f"Unrecognised filter value for health: {value}; there are {', '.join(STATUSES)}")
        if key == "exited" and not value.lstrip("-").isdigit():
            raise InputError(f"invalid filter exited={value}: the exit code is a number")
    return any(key == "status" for key, _ in filters)


def select(
    containers: Sequence[Container],
    filters: Sequence[tuple[str, str]],
    get: Callable[[str], Container],
    image: Callable[[str], ImageRecord | None],
) -> list[Container]:
    """Those that match: values of one key are alternatives (labels must all be there), keys must all match.

    get: finds the container that `before` and `since` name; image: the image that `ancestor` names.
    """
    wanted: dict[str, list[str]] = {}
    for key, value in filters:
        wanted.setdefault(key, []).append(value)
    found = list(containers)
    for key, values in wanted.items():
        if key in ("before", "since"):
            moment = get(values[-1]).created
            found = [one for one in found if (one.created < moment if key == "before" else one.created > moment)]
        elif key == "label":
            found = [one for one in found if all(labelled(one.labels, value) for value in values)]
        elif key == "ancestor":
            # Which image a name means now: docker goes by that, not by what was written when a container was made.
            images = {_image_id(value, image) for value in values}
            found = [one for one in found if one.config["image_id"] in images]
        else:
            found = [one for one in found if any(_matches(one, key, value) for value in values)]
    return found


def labelled(labels: dict[str, str], wanted: str) -> bool:
    """Whether there is a label `name`, or `name=value`."""
    name, equals, value = wanted.partition("=")
    return name in labels and (not equals or labels[name] == value)


def _matches(container: Container, key: str, value: str) -> bool:
    if key == "status":
        # docker's word for one whose end nobody knows is what inspect calls it too.
        return container.status in (value, "unknown" if value == "dead" else value)
    if key == "exited":
        state = container.state()
        return state.status == "exited" and state.exit_code == int(value)
    if key == "health":
        health = container.health
        return value == (health.status if health else "none")
    if key == "volume":
        from ipycontainer.engine.mount_records import has

        return has(container.config.get("request") or {}, value)
    if key == "id":
        return container.id.startswith(value)
    if key == "network":
        return bool(container.config["request"]["network"] == value)
    if key == "is-task":
        return value in ("false", "0")  # of a cluster: nothing here is one
    return _found_in(value, container.name)


def _image_id(name: str, image: Callable[[str], ImageRecord | None]) -> str | None:
    """None for what names no image, as docker takes it."""
    try:
        found = image(name)
    except (ImageNameError, NoSuchImage):
        return None
    return found.id if found is not None else None


def _found_in(pattern: str, name: str) -> bool:
    """docker reads a name as a regular expression, and knows names with a slash in front."""
    if pattern.replace("-", "").replace("_", "").isalnum():
        return pattern in name
    import re

    try:
        return re.search(pattern, name) is not None or re.search(pattern, "/" + name) is not None
    except re.error as error:
        raise InputError(f"the filter name={pattern} is no regular expression: {error}") from None
