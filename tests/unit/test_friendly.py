"""Engine.run's keywords in the forms that people write, and what is refused before anything is made."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ipycontainer import Engine
from ipycontainer.engine import kinds
from ipycontainer.engine.friendly import request_like
from ipycontainer.engine.request import Bind, RunRequest, Tmpfs, Ulimit, VolumeMount
from ipycontainer.engine.result import Result
from ipycontainer.errors import CommandFailed, InputError, WrongState


def _request(command: Any = None, image: Any = "base", **options: Any) -> RunRequest:
    return request_like(Engine("/nowhere").run, image, command, options)


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"command": "echo  a b"}, {"command": ("echo", "a", "b")}),
        ({"command": "sh -c 'echo \"a b\"'"}, {"command": ("sh", "-c", 'echo "a b"')}),
        ({"entrypoint": "sh -c"}, {"entrypoint": ("sh", "-c")}),
        ({"entrypoint": []}, {"entrypoint": ()}),
        ({"env": {"A": 1, "B": None, "C": ""}}, {"env": ("A=1", "B", "C=")}),
        ({"env": "A=1", "cap_add": "NET_ADMIN", "dns": "1.1.1.1"},
         {"env": ("A=1",), "cap_add": ("NET_ADMIN",), "dns": ("1.1.1.1",)}),
        ({"tmpfs": "/run:size=1m"}, {"tmpfs": (Tmpfs("/run", ("size=1m",)),)}),
        ({"user": 0, "stop_signal": 9}, {"user": "0", "stop_signal": "9"}),
        ({"group_add": [5, "x"]}, {"group_add": ("5", "x")}),
        ({"memory": 0.5 * 2**30, "shm_size": "1m"}, {"memory": 1 << 29, "shm_size": 1 << 20}),
        ({"workdir": PurePosixPath("/tmp"), "dns": "1.1.1.1"}, {"workdir": "/tmp", "dns": ("1.1.1.1",)}),
        ({"devices": [Path("/dev/null")]}, {"devices": ("/dev/null",)}),
        ({"volumes": {Path("/a"): "/b"}}, {"binds": (Bind("/a", "/b"),)}),
        ({"volumes": {Path("./data"): "/b"}}, {"binds": (Bind(f"{os.getcwd()}/data", "/b"),)}),
        ({"volumes": {"data": "/b"}}, {"volumes": (VolumeMount("data", "/b"),)}),
        ({"ulimits": {"nofile": 10}}, {"ulimits": (Ulimit("nofile", 10, 10),)}),
        ({"exposed_ports": "80"}, {"exposed_ports": ("80/tcp",)}),
        ({"name": None, "env": None, "memory": None, "cpus": None, "network": None, "init": None, "dns": None}, {}),
    ],
    ids=str,
)  # fmt: skip
def test_forms_that_people_write(options: dict[str, Any], changes: dict[str, Any]) -> None:
    assert _request(**options) == RunRequest("base").replace(**changes)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image": None}, "image must be text, not None"),
        ({"command": 5}, "command must be a list of text, not int 5"),
        ({"command": ["echo", 1]}, "each item of command must be text, not int 1"),
        ({"command": ["echo", "a\0b"]}, "cannot hold a NUL character"),
        ({"command": ["echo", "\ud800"]}, "cannot be written in UTF-8"),
        ({"command": "echo 'a"}, "cannot be split into words"),
        ({"env": {"A": b"x"}}, "env: the value of A must be text or a number, not bytes"),
        ({"volumes": {"/a": {"bind": "/b"}}}, "volumes: the value of /a must be text or a number, not dict"),
        ({"cpuset_cpus": 0}, "cpuset_cpus must be text, not int 0"),
        ({"memory": b"64m"}, "memory must be a whole number, not bytes"),
        ({"memory": float("nan")}, "write bytes, or 64k, 64m, 1.5g"),
        ({"cpus": "x"}, "cpus must be a number, not str 'x'"),
        ({"pids_limit": "10"}, "pids_limit must be a whole number, not str '10'"),
        ({"privileged": "false"}, "privileged must be True or False, not str 'false'"),
        ({"ulimits": {"nofile": (1, 2)}}, "ulimits: nofile must be a whole number, not tuple (1, 2)"),
        ({"ulimits": ["nofile=1"]}, "ulimits must be a mapping"),
        ({"health_cmd": ["true"]}, "health_cmd must be text, not list ['true']"),
        ({"health_interval": [1]}, "health_interval must be a number, not list [1]"),
    ],
    ids=str,
)
def test_what_is_of_another_kind_is_refused_by_its_name(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        _request(**options)
    assert sentence in str(caught.value)


def test_bytes_and_amounts() -> None:
    assert [kinds.binary(value, "stdin") for value in (None, b"a", bytearray(b"a"), memoryview(b"a"))] == [
        None, b"a", b"a", b"a",
    ]  # fmt: skip
    for refused in (lambda: kinds.binary("a", "stdin"), lambda: kinds.amount(-1, "n"), lambda: kinds.amount(None, "n")):
        with pytest.raises(InputError):
            refused()


def test_filters_are_pairs_or_a_mapping() -> None:
    assert kinds.filters({"name": "a"}) == kinds.filters([("name", "a")]) == [("name", "a")]
    for refused in (5, "name", [("name",)], {"label": ["a"]}, [5], None):
        with pytest.raises(InputError, match="filters must be"):
            kinds.filters(refused)


def test_what_a_failed_program_said_commands_no_terminal() -> None:
    with pytest.raises(CommandFailed) as caught:
        Result(3, b"", b"first\n\x1b[31mred\n").check()
    assert str(caught.value) == "the command ended with exit code 3: \\x1b[31mred"


def test_an_interrupt_after_the_end_changes_nothing() -> None:
    """The connection is closed by then."""
    from ipycontainer.engine import foreground

    class Ended:
        exit_code = 0

        def __enter__(self) -> Ended:
            return self

        def __exit__(self, *_: object) -> None: ...

        def read(self) -> Any:
            raise KeyboardInterrupt

    def gone(_signal: int) -> None:
        raise WrongState("it has ended")

    with pytest.raises(KeyboardInterrupt):
        foreground.converse(Ended(), foreground.stay(None, 1, None), gone)  # type: ignore[arg-type]
