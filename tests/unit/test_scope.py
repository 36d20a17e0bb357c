"""Whether a launcher is in a scope of its own is read from the kernel's word, not from ours."""

from __future__ import annotations

import pytest

from ipycontainer.launcher import scope

USER = "/user.slice/user-1000.slice/user@1000.service/app.slice"


@pytest.mark.parametrize(
    ("own", "ours"),
    [
        (f"0::{USER}/ipycontainer-12ab-77-1.scope/launcher\n", True),
        ("4:memory:/\n1:name=systemd:/system.slice/ipycontainer-12ab-77-1.scope\n", True),
        (f"0::{USER}/jupyter.service\n", False),
        ("0::/user.slice/user-0.slice/session-1.scope\n", False),
        ("", False),
    ],
)
def test_a_scope_of_ours(own: str, ours: bool) -> None:
    assert scope.is_ours(own) is ours


def test_without_a_manager_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(scope, "_manager", lambda: str(tmp_path / "private"))
    assert scope.words("x") == []
