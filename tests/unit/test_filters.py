from __future__ import annotations

from typing import Any

import pytest

from ipycontainer.engine.events import Event, check_filters, matches
from ipycontainer.engine.selection import check, select
from ipycontainer.errors import ImageNameError, InputError
from ipycontainer.record import Record


class Listed(Record):
    """What a filter looks at in a container."""

    id: str
    name: str
    image_id: str = "sha256:ab"
    created: float = 0.0
    status: str = "running"
    exit_code: int | None = None
    labels: dict[str, str] = {}

    @property
    def config(self) -> dict[str, Any]:
        return {"image_id": self.image_id}

    def state(self) -> Listed:
        return self


CONTAINERS = [
    Listed("aa11", "web-1", created=3.0, labels={"tier": "front", "env": "test"}),
    Listed("bb22", "web-2", created=2.0, status="exited", exit_code=137, labels={"tier": "front"}),
    Listed("cc33", "db", image_id="sha256:cd", created=1.0, status="exited", exit_code=0),
    Listed("dd44", "lost", image_id="", status="unknown"),
]


def _names(*conditions: str) -> list[str]:
    pairs = [(text.partition("=")[0], text.partition("=")[2]) for text in conditions]
    check(pairs)
    return [one.name for one in select(CONTAINERS, pairs, _get, _image)]  # type: ignore[arg-type]


def _get(name: str) -> Listed:
    return next(one for one in CONTAINERS if one.name == name)


class Known(Record):
    """What a filter looks at in an image."""

    id: str


def _image(name: str) -> Known | None:
    if name == "BAD NAME":
        raise ImageNameError("no name")
    found = {"base": "sha256:ab", "same": "sha256:ab", "postgres:16": "sha256:cd"}.get(name)
    return Known(found) if found else None


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        (["name=web"], ["web-1", "web-2"]),
        (["name=^web-.$", "name=db"], ["web-1", "web-2", "db"]),
        (["name=^/db$"], ["db"]),
        (["id=bb"], ["web-2"]),
        (["status=exited"], ["web-2", "db"]),
        (["status=exited", "name=web"], ["web-2"]),
        (["exited=137"], ["web-2"]),
        (["status=dead"], ["lost"]),
        (["status=unknown"], ["lost"]),
        (["label=tier"], ["web-1", "web-2"]),
        (["label=tier=front", "label=env=test"], ["web-1"]),
        (["label=tier=back"], []),
        (["ancestor=base"], ["web-1", "web-2"]),
        (["ancestor=same"], ["web-1", "web-2"]),
        (["ancestor=postgres:16", "ancestor=nobody"], ["db"]),
        (["ancestor=nobody"], []),
        (["ancestor=BAD NAME"], []),
        (["before=web-1"], ["web-2", "db", "lost"]),
        (["since=db"], ["web-1", "web-2"]),
    ],
)
def test_who_is_meant(conditions: list[str], names: list[str]) -> None:
    assert _names(*conditions) == names


def test_a_state_alone_looks_at_ended_ones_too() -> None:
    assert check([("status", "exited")]) and check([("name", "web"), ("status", "dead")])
    assert not check([("name", "web"), ("exited", "1")])  # docker's: it says nothing without -a


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (("colour", "red"), "invalid filter 'colour'; there are ancestor, before"),
        (("publish", "eighty"), "error while looking up for publish eighty"),
        (("is-task", "perhaps"), "Invalid filter"),
        (("status", "asleep"), "invalid filter status=asleep; the states are created"),
        (("exited", "x"), "invalid filter exited=x"),
    ],
)
def test_what_no_filter_is(condition: tuple[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check([condition])


def test_a_name_that_is_no_regular_expression() -> None:
    """docker finds nothing by it either."""
    assert _names("name=(") == []


def test_events() -> None:
    event = Event(1.0, "container", "start", "aa11bb", {"image": "base:latest", "name": "web", "tier": "front"})
    for yes in ("type=container", "event=start", "container=web", "container=aa11", "image=base", "label=tier=front"):
        name, _, value = yes.partition("=")
        check_filters([(name, value)])
        assert matches(event, [(name, value)]), yes
    assert matches(event, [("event", "stop"), ("event", "start")])
    assert not matches(event, [("event", "start"), ("container", "db")])
    assert matches(event, [("label", "tier=front"), ("label", "name")])
    assert not matches(event, [("label", "tier=front"), ("label", "tier=back")])
    with pytest.raises(InputError, match="invalid filter 'colour'"):
        check_filters([("colour", "red")])
