"""What a record keeps of a request: what is as usual is left out, and read as if it were there."""

from __future__ import annotations

import pytest

from ipycontainer.engine.asked import Asked, written
from ipycontainer.engine.request import Bind, RunRequest
from ipycontainer.json_text import dumps, loads


def kept(request: RunRequest) -> Asked:
    """From a record and back."""
    return Asked(loads(dumps(Asked(written(request)))))


def test_what_is_as_usual_is_left_out_and_read_as_if_it_were_there():
    request = RunRequest("base", tty=True, binds=(Bind("/a", "/b"),), stop_timeout=0)
    found = kept(request)
    assert sorted(found) == ["binds", "image", "stop_timeout", "tty"]
    for name, value in request.as_dict().items():
        expected = [value[0].as_dict()] if name == "binds" else list(value) if isinstance(value, tuple) else value
        assert found[name] == expected
        assert found.get(name, "another") == expected


def test_what_earlier_releases_wrote_whole_counts():
    found = Asked({"image": "base", "network": "host", "attach": []})
    assert (found["network"], found.get("attach", ["stdin"])) == ("host", [])


def test_what_no_request_has_is_not_there():
    with pytest.raises(KeyError, match="colour"):
        Asked()["colour"]
    assert Asked().get("colour", "red") == "red"
