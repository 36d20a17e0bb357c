"""AppArmor and SELinux: what is written where, on folders like the kernel's; no host with either was at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipycontainer.engine import confinement
from ipycontainer.errors import InputError, KernelError, Refused
from ipycontainer.linux import labels


@pytest.mark.parametrize("own_folder", [True, False])
def test_a_profile_goes_into_apparmors_own_file_where_there_is_one(tmp_path: Path, own_folder: bool):
    (tmp_path / "exec").touch()
    if own_folder:
        (tmp_path / "apparmor").mkdir()
        (tmp_path / "apparmor/exec").touch()
    labels.on_exec("docker-default", "", str(tmp_path))
    written = tmp_path / ("apparmor/exec" if own_folder else "exec")
    assert written.read_text() == "exec docker-default"


def test_a_context_goes_into_exec(tmp_path: Path):
    (tmp_path / "exec").touch()
    labels.on_exec("", "system_u:system_r:container_t:s0", str(tmp_path))
    assert (tmp_path / "exec").read_text() == "system_u:system_r:container_t:s0"


def test_no_link_is_followed_and_a_failure_is_said(tmp_path: Path):
    (tmp_path / "elsewhere").touch()
    (tmp_path / "exec").symlink_to("elsewhere")
    with pytest.raises(KernelError):
        labels.on_exec("", "label", str(tmp_path))
    assert (tmp_path / "elsewhere").read_text() == ""


def test_labels_out_of_words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(labels, "has_selinux", lambda: True)
    monkeypatch.setattr(labels, "has_apparmor", lambda: True)
    assert confinement.selinux(("type:my_t", "level:s0:c1,c2")) == "system_u:system_r:my_t:s0:c1,c2"
    assert confinement.selinux(("type:my_t", "disable")) == confinement.selinux(()) == ""
    assert confinement.apparmor("mine") == "mine"
    for wrong in ("kind:x", "type", "type:", "type:a b"):
        with pytest.raises(InputError):
            confinement.selinux((wrong,))
    with pytest.raises(InputError):
        confinement.apparmor("two words")


def test_a_host_without_them_refuses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(labels, "has_selinux", lambda: False)
    monkeypatch.setattr(labels, "has_apparmor", lambda: False)
    with pytest.raises(Refused):
        confinement.selinux(("type:my_t",))
    with pytest.raises(Refused):
        confinement.apparmor("mine")
    assert confinement.apparmor("unconfined") == "unconfined"
