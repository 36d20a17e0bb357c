"""`ps --filter`: which containers are meant."""

from __future__ import annotations

from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine

_STATES = ("created", "restarting", "running", "removing", "paused", "exited", "dead", "unknown")
KEYS = ("ancestor", "before", "exited", "id", "label", "name", "since", "status")
_LATER = ("expose", "health", "is-task", "isolation", "network", "publish", "volume")
# With these, docker looks at containers that have ended too.
_LOOKS_AT_ALL = ("exited", "status")


def check(conditions: Sequence[tuple[str, str]]) -> bool:
    """Refuses a filter that is not known; says whether containers that do not run are wanted too."""
    for key, value in conditions:
        if key in _LATER:
            raise OptionError(f"the filter {key} comes in a later release; there are {', '.join(KEYS)}")
        if key not in KEYS:
            raise OptionError(f"invalid filter {key!r}; there are {', '.join(KEYS)}")
        if key == "status" and value not in _STATES:
            raise OptionError(f"invalid filter status={value}; the states are {', '.join(_STATES)}")
        if key == "exited" and not value.lstrip("-").isdigit():
            raise OptionError(f"invalid filter exited={value}: the exit code is a number")
    return any(key in _LOOKS_AT_ALL for key, _ in conditions)


def matching(containers: Sequence[Container], conditions: Sequence[tuple[str, str]], engine: Engine) -> list[Container]:
    """Those that match: values of one key are alternatives (labels must all be there), keys must all match."""
    wanted: dict[str, list[str]] = {}
    for key, value in conditions:
        wanted.setdefault(key, []).append(value)
    found = list(containers)
    for key, values in wanted.items():
        if key in ("before", "since"):
            moment = engine.get(values[-1]).created
            found = [one for one in found if (one.created < moment if key == "before" else one.created > moment)]
        elif key == "label":
            found = [one for one in found if all(_labelled(one, value) for value in values)]
        else:
            found = [one for one in found if any(_matches(one, key, value) for value in values)]
    return found


def _matches(container: Container, key: str, value: str) -> bool:
    if key == "status":
        return container.status == value
    if key == "exited":
        return container.status == "exited" and container.exit_code == int(value)
    if key == "id":
        return container.id.startswith(value)
    if key == "name":
        return _found_in(value, container.name)
    return _from_image(container, value)


def _found_in(pattern: str, name: str) -> bool:
    """docker reads a name as a regular expression, and knows names with a slash in front."""
    if pattern.replace("-", "").replace("_", "").isalnum():
        return pattern in name
    import re

    try:
        return re.search(pattern, name) is not None or re.search(pattern, "/" + name) is not None
    except re.error as error:
        raise OptionError(f"the filter name={pattern} is no regular expression: {error}") from None


def _labelled(container: Container, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    return key in container.labels and (not equals or container.labels[key] == value)


def _from_image(container: Container, image: str) -> bool:
    if image in (container.image, container.image.removesuffix(":latest")) or image == container.image + ":latest":
        return True
    digest = str(container.inspect().get("Image", "")).removeprefix("sha256:")
    return len(image) >= 4 and digest.startswith(image.removeprefix("sha256:"))
