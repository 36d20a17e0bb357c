"""Jobs on a container's groups: what could be frozen in part only is let go of; what was swept runs no more."""

from __future__ import annotations

import os
import shutil

import pytest

from ipycontainer.errors import KernelError, WrongState
from ipycontainer.launcher import wire
from ipycontainer.linux.cgroups import Layout
from ipycontainer.runtime.inside import hold as module
from ipycontainer.runtime.inside import limit, pause
from ipycontainer.runtime.launch import Host


def test_what_could_not_be_frozen_whole_goes_on(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in a sleep that no signal ends, on a disk that has gone: the freezer gives up in the middle."""
    thawed = []

    def freeze(leaves: list[str]) -> None:
        raise KernelError("freeze", 110, leaves[0])

    monkeypatch.setattr(module, "living_state", lambda _run: {"cgroups": [str(tmp_path)]})
    monkeypatch.setattr(module.cgroups, "has_freezer", lambda _leaves: True)
    monkeypatch.setattr(module.cgroups, "freeze", freeze)
    monkeypatch.setattr(module.cgroups, "thaw", thawed.append)
    (tmp_path / "alive").touch()
    ours, theirs = wire.pair()
    with pytest.raises(KernelError):
        module.hold({"run": str(tmp_path)}, [], ours)
    ours.close()
    theirs.close()
    assert thawed == [[str(tmp_path)]]


def _hold(run: str, channel: wire.Channel) -> None:
    module.hold({"run": run}, [], channel)


def _pause(run: str, channel: wire.Channel) -> None:
    pause.pause({"run": run}, [], channel)


def _limit(run: str, _channel: wire.Channel) -> None:
    host = Host(mode="root", uid_map=(), gid_map=(), layout=Layout("none"), last_capability=40)
    limit.limit(host, {"run": run, "resources": {"pids": {"limit": 9}}})


@pytest.mark.parametrize("job", [_hold, _pause, _limit])
def test_one_that_is_swept_meanwhile_is_not_running(job, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = tmp_path / "group"
    group.mkdir()
    (group / "freezer.state").touch()

    def come_too_late(*_arguments: object) -> None:
        shutil.rmtree(group)
        raise KernelError("open", 2, str(group))

    for user in (module, pause, limit):
        monkeypatch.setattr(user, "living_state", lambda *_: {"cgroups": [str(group)], "pid": 1})
    monkeypatch.setattr(pause, "open_init", lambda _state: os.open(tmp_path, os.O_RDONLY))
    for name in ("freeze", "lift"):
        monkeypatch.setattr(module.cgroups, name, come_too_late)
    monkeypatch.setattr(module.cgroups, "plan_cgroup", lambda *_: module.cgroups.CgroupPlan())
    ours, theirs = wire.pair()
    with pytest.raises(WrongState):
        job(str(tmp_path), ours)
    ours.close()
    theirs.close()
