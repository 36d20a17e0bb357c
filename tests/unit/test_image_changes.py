"""Dockerfile instructions on an image's settings."""

from __future__ import annotations

import pytest

from ipycontainer.engine.dockerfile_words import expanded
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


def test_another_program_has_no_arguments_of_the_old_one() -> None:
    settings = {"Entrypoint": ["old"], "Cmd": ["for", "old"]}
    assert changed(settings, ['ENTRYPOINT ["new"]']) == {"Entrypoint": ["new"]}
    assert changed(settings, ['CMD ["x"]', 'ENTRYPOINT ["new"]']) == {"Entrypoint": ["new"], "Cmd": ["x"]}
    assert changed(settings, ["CMD ['x']"])["Cmd"] == ["/bin/sh", "-c", "['x']"]  # no JSON: docker asks a shell


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A/${A}", "1/1"),
        ("${A:-x}${B:-y}${A:+z}${B:+w}", "1yz"),
        ("${B:-$A}", "1"),
        (r"\$A", "$A"),
        ("'$A'", "$A"),
        (r'"$A\"\a"', r'1"\a'),
        ("a$", "a$"),
        ("$1$A_", ""),
        ("\\", ""),
        ("${A:?gone}", "1"),
    ],
)
def test_variables(text: str, value: str) -> None:
    assert expanded(text, {"A": "1"}) == value


@pytest.mark.parametrize(
    "change",
    [
        *("", "RUN x", "CMD", "CMD [1]", "ENV A=1 B", "ENV 'A", "ENV A='", 'ENV A="', "ENV A", "EXPOSE 99999"),
        *("ENV A=${", "ENV A=${B", "ENV A=${B:", "ENV A=${B:%x}", "ENV A=${B:?gone}", "ENV A=${:-x}", "LABEL a"),
        *("FROM x", "ONBUILD FROM x", 'VOLUME ""', "HEALTHCHECK --retries=0 CMD x"),
    ],
)
def test_what_is_refused(change: str) -> None:
    with pytest.raises(InputError):
        changed({}, [change])
