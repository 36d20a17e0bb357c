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
    "ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label", "name", "network",
    "publish", "since", "status", "volume",
)  # fmt: skip
_BOOLEANS = ("1", "0", "true", "false", "True", "False")


def check(filters: Sequence[tuple[str, str]]) -> bool:
    """Refuses what is no filter; says whether containers that have ended are looked at too."""
    for key, value in filters:
        if key not in KEYS:
            raise InputError(f"invalid filter '{key}'; there are {', '.join(KEYS)}")
        if key == "status" and value not in _STATES:
            raise InputError(f"invalid filter status={value}; the states are {', '.join(_STATES)}")
        if key == "health":
            from ipycontainer.engine.health import STATUSES

            if value not in STATUSES:
                raise InputError(f"Unrecognised filter value for health: {value}; there are {', '.join(STATUSES)}")
        if key == "is-task" and value not in _BOOLEANS:
            raise InputError(f"Invalid filter 'is-task=[{value}]'; it is true or false")
        if key in ("expose", "publish"):
            _check_port(key, value)
        if key == "exited" and not value.lstrip("-").isdigit():
            raise InputError(f"invalid filter exited={value}: the exit code is a number")
    return any(key == "status" for key, _ in filters)


def _check_port(key: str, value: str) -> None:
    from ipycontainer.engine.exposed_ports import ports

    try:
        ports(value)
    except ValueError:
        raise InputError(f"error while looking up for {key} {value}: write 80, 80/udp or 80-90/tcp") from None


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
            found = _descended(found, [_image(value, image) for value in values], image)
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

        return has(container.config["request"], value)
    if key == "id":
        return bool(value) and container.id.startswith(value)  # a script's "$ID" that is empty is no container's
    if key == "isolation":
        return True  # of Windows alone: docker does not look at it here either
    if key in ("expose", "publish"):
        return False  # of a network that has ports: with "none" and "host" docker finds none either
    if key == "network":
        return bool(container.config["request"]["network"] == value)
    if key == "is-task":
        return value.lower() in ("false", "0")  # of a cluster: nothing here is one
    return _found_in(value, container.name)


def _image(name: str, image: Callable[[str], ImageRecord | None]) -> ImageRecord | None:
    """None for what names no image, as docker takes it."""
    try:
        return image(name)
    except (ImageNameError, NoSuchImage):
        return None


def _descended(
    containers: Sequence[Container],
    named: Sequence[ImageRecord | None],
    image: Callable[[str], ImageRecord | None],
) -> list[Container]:
    """Those of one of these images, or of one that was built on top of it."""
    ancestors = [one for one in named if one is not None]
    known = {one.id: True for one in ancestors}
    for identity in {str(one.config["image_id"]) for one in containers} - {*known} if ancestors else ():
        own = _image(identity, image)
        known[identity] = own is not None and any(_is_on_top(own, one) for one in ancestors)
    return [one for one in containers if known.get(str(one.config["image_id"]), False)]


def _is_on_top(image: ImageRecord, below: ImageRecord) -> bool:
    """An image keeps the layers and the history of the one that it was built from, and adds to them."""
    layers, steps = below.config.diff_ids, below.config.history
    own = image.config
    return (
        len(own.history) > len(steps) > 0
        and own.diff_ids[: len(layers)] == layers
        and list(own.history[: len(steps)]) == list(steps)
    )


def _found_in(pattern: str, name: str) -> bool:
    """docker reads a name as a regular expression, and knows names with a slash in front."""
    if pattern.replace("-", "").replace("_", "").isalnum():
        return pattern in name
    import re

    try:
        return re.search(pattern, name) is not None or re.search(pattern, "/" + name) is not None
    except re.error:
        return False  # docker too: what is no regular expression is no container's name
