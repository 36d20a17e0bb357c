"""Holding a container's processes: what could be frozen in part only is let go of."""

from __future__ import annotations

import pytest

from ipycontainer.errors import KernelError
from ipycontainer.launcher import wire
from ipycontainer.runtime.inside import hold as module


def test_what_could_not_be_frozen_whole_goes_on(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in a sleep that no signal ends, on a disk that has gone: the freezer gives up in the middle."""
    thawed = []

    def freeze(leaves: list[str]) -> None:
        raise KernelError("freeze", 110, leaves[0])

    monkeypatch.setattr(module, "living_state", lambda _run: {"cgroups": ["/group"]})
    monkeypatch.setattr(module.cgroups, "has_freezer", lambda _leaves: True)
    monkeypatch.setattr(module.cgroups, "freeze", freeze)
    monkeypatch.setattr(module.cgroups, "thaw", thawed.append)
    (tmp_path / "alive").touch()
    ours, theirs = wire.pair()
    with pytest.raises(KernelError):
        module.hold({"run": str(tmp_path)}, [], ours)
    ours.close()
    theirs.close()
    assert thawed == [["/group"]]
