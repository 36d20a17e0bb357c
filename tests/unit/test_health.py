"""docker's health check, by a clock that is only read; and what options and image make of it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ipycontainer.engine.health import health_check, instruction, launched
from ipycontainer.engine.request import RunRequest
from ipycontainer.errors import InputError
from ipycontainer.runtime.inside.charge import charge_of
from ipycontainer.runtime.inside.health import Check, Health
from ipycontainer.runtime.inside.probe import Probes, go_duration
from ipycontainer.runtime.launch import Host, Launch


def _health(**values: Any) -> Health:
    return Health(Check.of({"command": ["true"], **values}), now=100.0)


def _probe(health: Health, code: int, took: float = 1.0) -> bool:
    """One probe as soon as it is due; whether the status is another."""
    begun = health.due
    health.begin(begun)
    return health.end(code, begun + took)


def test_dockers_defaults() -> None:
    health = _health()
    assert (health.status, health.due) == ("starting", 130.0)
    health.begin(130.0)
    assert health.is_probing and health.due == 160.0, "its time limit"
    assert health.end(0, 131.0) and not health.is_probing
    assert (health.status, health.due) == ("healthy", 161.0), "counted from the end of the last one"
    assert [_probe(health, 1) for _ in range(4)] == [False, False, True, False]
    assert (health.status, health.streak) == ("unhealthy", 4)
    assert _probe(health, 0) and (health.status, health.streak) == ("healthy", 0)


def test_one_good_probe_begins_the_count_anew() -> None:
    health = _health(retries=2)
    for code in (1, 0, 1, 0, 1, 0):
        _probe(health, code)
    assert health.status == "healthy"


def test_failures_do_not_count_in_the_start_period() -> None:
    health = _health(interval=10.0, start_period=20.0, start_interval=2.0, retries=1)
    begun = []
    while health.status == "starting":
        begun.append(health.due)
        _probe(health, 1, took=0.5)
    assert begun == [102.0, 104.5, 107.0, 109.5, 112.0, 114.5, 117.0, 119.5, 130.0]
    assert (health.status, health.streak, health.due) == ("unhealthy", 1, 140.5), "the usual interval from then on"


def test_the_first_success_ends_the_start_period() -> None:
    health = _health(interval=10.0, start_period=60.0, retries=1)
    assert health.due == 105.0
    _probe(health, 0)
    assert health.due == 116.0, "no start interval any more"
    _probe(health, 1)
    assert health.status == "unhealthy"


def test_a_probe_that_began_in_the_start_period_does_not_count() -> None:
    health = _health(start_period=10.0, start_interval=9.0, retries=1)
    health.begin(109.0)
    health.end(-1, 139.0)
    assert (health.status, health.streak) == ("starting", 0)


def test_what_stands_still_is_put_off() -> None:
    health = _health(interval=5.0, timeout=3.0)
    health.put_off(105.0)
    assert health.due == 110.0
    health.begin(110.0)
    health.put_off(113.0)
    assert health.due == 116.0 and health.is_probing
    health.put_off(116.0, 10.0)
    assert health.due == 126.0


def test_options_over_the_images() -> None:
    of_image = {"Healthcheck": {"Test": ["CMD", "test", "-e", "/x"], "Interval": 10**10, "Retries": 5}}
    assert health_check(RunRequest(image="a"), {}) is None
    assert health_check(RunRequest(image="a"), of_image) == of_image["Healthcheck"]
    both = health_check(RunRequest(image="a", health_retries=2, health_timeout=1.5), of_image)
    assert both == {"Test": ["CMD", "test", "-e", "/x"], "Interval": 10**10, "Retries": 2, "Timeout": 1_500_000_000}
    none = health_check(RunRequest(image="a", no_healthcheck=True), of_image)
    assert none is not None and none["Test"] == ["NONE"] and launched(none, {}) is None
    assert health_check(RunRequest(image="a", health_retries=2), {}) == {"Retries": 2}
    assert launched({"Retries": 2}, {}) is None, "nothing to run"


def test_what_is_run() -> None:
    shell = launched({"Test": ["CMD-SHELL", "a | b"], "Interval": 10**8}, {})
    assert shell is not None and shell["command"] == ("/bin/sh", "-c", "a | b") and shell["interval"] == 0.1
    own = launched({"Test": ["CMD-SHELL", "a"]}, {"Shell": ["/bin/bash", "-ec"]})
    assert own is not None and own["command"] == ("/bin/bash", "-ec", "a")
    assert launched({"Test": ["SOMETHING", "a"]}, {}) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"no_healthcheck": True, "health_cmd": "a"}, "conflicts with --health-"),
        ({"health_interval": -1.0}, "--health-interval cannot be negative"),
        ({"health_retries": -1}, "--health-retries cannot be negative"),
        ({"health_timeout": 1e-6}, "Timeout in Healthcheck cannot be less than 1ms"),
    ],
)
def test_what_makes_no_sense(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        health_check(RunRequest(image="a", **fields), {})


def test_a_dockerfiles_instruction() -> None:
    assert instruction("NONE") == {"Test": ["NONE"]}
    assert instruction("CMD test -e /x || exit 1") == {"Test": ["CMD-SHELL", "test -e /x || exit 1"]}
    found = instruction('--interval=5s --timeout=100ms --start-period=1m --retries=4 CMD ["a", "b"]')
    times = {"Interval": 5 * 10**9, "Timeout": 10**8, "StartPeriod": 60 * 10**9, "Retries": 4}
    assert found == {"Test": ["CMD", "a", "b"], **times}


@pytest.mark.parametrize("text", ["CMD", "NONE a", "RUN a", "--often=1s CMD a", "--interval=x CMD a", "CMD [1]"])
def test_an_instruction_that_is_none(text: str) -> None:
    with pytest.raises(InputError):
        instruction(text)


def test_gos_durations() -> None:
    said = [go_duration(number) for number in (0.001, 0.0015, 0.25, 1, 1.5, 59.999, 60, 90, 3600, 3661.5)]
    assert said == ["1ms", "1.5ms", "250ms", "1s", "1.5s", "59.999s", "1m0s", "1m30s", "1h0m0s", "1h1m1.5s"]


def test_a_probe_that_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The monitor, and so the container, outlives it; and no descriptor is left open."""
    folder = str(tmp_path)
    places = dict.fromkeys(("generation", "folder", "run", "staging", "names", "trash", "etc_folder"), folder)
    check = {"command": ["true"], "interval": 1.0, "retries": 1}
    launch = Launch(
        id="a" * 64,
        name="a",
        spec={"process": {}},
        lowers=[],
        journal=f"{folder}/events",
        etc={},
        health=check,
        **places,
    )
    host = Host(mode="root", uid_map=(), gid_map=(), layout=None, last_capability=40)
    moment = time.monotonic()
    monkeypatch.setattr("ipycontainer.runtime.inside.probe.time.monotonic", lambda: moment)
    probes = Probes(launch, host, charge_of(launch, 7.0), -1, (), ())

    def fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("ipycontainer.runtime.inside.probe.os.fork", fork)
    before = os.listdir("/proc/self/fd")
    probes.tend([])
    assert json.loads((tmp_path / "health").read_text())["status"] == "starting", "nothing was due"
    moment = probes.due
    probes.tend([])
    found = json.loads((tmp_path / "health").read_text())
    assert (found["status"], found["streak"], found["started"], probes.descriptors()) == ("unhealthy", 1, 7.0, [])
    assert found["log"][0]["ExitCode"] == -1 and "Resource temporarily unavailable" in found["log"][0]["Output"]
    assert '"action": "health_status: unhealthy"' in (tmp_path / "events").read_text().replace('":"', '": "')
    assert os.listdir("/proc/self/fd") == before
    probes.close()
