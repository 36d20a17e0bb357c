"""Dockerfile instructions on an image's settings."""

from __future__ import annotations

import pytest

from ipycontainer.engine.image_changes import changed
from ipycontainer.errors import InputError


def test_every_instruction() -> None:
    settings = {"Env": ["A=1", "B=2"], "WorkingDir": "/a", "Labels": {"x": "y"}}
    found = changed(
        settings,
        [
            'CMD ["a", "b"]',
            "entrypoint run it",
            "ENV A=3 C='4 5'",
            "ENV D e f",
            "EXPOSE 80 53/udp",
            "LABEL k=v",
            "ONBUILD RUN x",
            "STOPSIGNAL SIGINT",
            "USER 1000",
            "VOLUME /data",
            "WORKDIR b",
        ],
    )
    assert found == {
        "Cmd": ["a", "b"],
        "Entrypoint": ["/bin/sh", "-c", "run it"],
        "Env": ["A=3", "B=2", "C=4 5", "D=e f"],
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Labels": {"x": "y", "k": "v"},
        "OnBuild": ["RUN x"],
        "StopSignal": "SIGINT",
        "User": "1000",
        "Volumes": {"/data": {}},
        "WorkingDir": "/a/b",
    }
    assert settings == {"Env": ["A=1", "B=2"], "WorkingDir": "/a", "Labels": {"x": "y"}}


@pytest.mark.parametrize(
    "change", ["", "RUN x", "CMD", "CMD [1]", "CMD [", "ENV A=1 B", "ENV 'A", "EXPOSE 99999", "FROM x"]
)
def test_what_is_refused(change: str) -> None:
    with pytest.raises(InputError):
        changed({}, [change])
