"""A state folder that cannot be used: one sentence, docker's exit code, nothing made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipycontainer.launcher import folders
from tests.life.network_disk import NetworkDisk
from tests.personas import Persona

ROOT_ONLY = pytest.mark.personas("root")


def refused(persona: Persona, store: Path, part: str) -> None:
    """`run` with this store: one sentence that says what to do."""
    done = persona.cli("run", "--rm", "base", "true", env={"IPYCONTAINER_ROOT": str(store)})
    assert (done.exit_code, done.out) == (125, ""), done
    assert done.err.count("\n") == 1 and part in done.err and "IPYCONTAINER_ROOT" in done.err, done


def test_below_a_file(persona: Persona):
    store = persona.path("file", "not a folder") / "store"
    refused(persona, store, f"the state folder {store} cannot be looked into: Not a directory")


def test_who_only_looks_is_told_too(persona: Persona):
    stores = [persona.path("no-folder", "a file")]
    if not persona.is_root:
        private = persona.folder.parent / "of-root"
        private.mkdir(mode=0o700, exist_ok=True)
        stores.append(private)
    for store in stores:
        for words in (["ps", "-a"], ["images"], ["info"], ["volume", "ls"], ["run", "base", "true"]):
            done = persona.cli(*words, env={"IPYCONTAINER_ROOT": str(store)})
            assert done.exit_code and done.out == "", done
            assert done.err.count("\n") == 1 and f"{store} cannot be looked into" in done.err, done


@pytest.mark.personas("user", "solo")
def test_a_folder_of_somebody_else(persona: Persona):
    refused(persona, Path("/var/lib/ipycontainer-of-root"), "Permission denied")
    assert not Path("/var/lib/ipycontainer-of-root").exists()


def test_on_a_read_only_disk(persona: Persona):
    refused(persona, Path("/proc/ipycontainer"), "cannot write the state folder /proc/ipycontainer")


@pytest.fixture
def network_disk(tmp_path_factory: pytest.TempPathFactory):
    if not os.path.exists("/dev/fuse"):
        pytest.skip("mounting a FUSE file system takes /dev/fuse")
    target = tmp_path_factory.mktemp("network", numbered=True)
    for folder in (target, *target.parents[:2]):
        folder.chmod(0o755)
    with NetworkDisk(target) as disk:
        yield disk


@pytest.mark.as_root
def test_on_a_network_disk(persona: Persona, network_disk: NetworkDisk):
    for store in (network_disk.target, network_disk.target / "deep" / "store"):
        refused(persona, store, f"the state folder {store} lies on fuse.sshfs, where neither locks nor overlays hold")
    assert network_disk.made == []


@ROOT_ONLY
def test_without_the_guard_the_network_disk_is_written(persona: Persona, network_disk: NetworkDisk, monkeypatch):
    monkeypatch.setattr(folders, "_refuse_network", lambda root: None)
    with pytest.raises(folders.StoreUnwritable):
        folders.prepare(str(network_disk.target / "store"))
    assert network_disk.made == ["mkdir"]
