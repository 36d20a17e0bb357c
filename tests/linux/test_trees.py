"""Removing trees that somebody else filled: no link in them leads anywhere."""

from __future__ import annotations

import errno
import os

import pytest

from ipycontainer.errors import KernelError
from ipycontainer.linux import trees


def test_links_are_removed_and_what_they_point_to_stays(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    tree = tmp_path / "tree"
    (tree / "below/deeper").mkdir(parents=True)
    (tree / "file").touch()
    (tree / "below/link").symlink_to(outside)
    (tree / "below/deeper/up").symlink_to("../../../outside/kept")
    os.mkfifo(tree / "fifo")
    trees.remove(str(tree))
    assert sorted(os.listdir(tmp_path)) == ["outside"]
    assert os.listdir(outside) == ["kept"]


def test_a_link_itself_is_removed_not_its_target(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "link").symlink_to("outside")
    trees.remove(str(tmp_path / "link"))
    assert os.listdir(tmp_path) == ["outside"]


def test_what_is_not_there_is_no_error(tmp_path):
    trees.remove(str(tmp_path / "nothing"))
    trees.remove(str(tmp_path / "no/where"))


def test_names_that_are_no_text(tmp_path):
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.mkdir(folder)
    os.close(os.open(folder + b"/\n\x80", os.O_CREAT | os.O_WRONLY))
    trees.remove(os.fsdecode(folder))
    assert os.listdir(tmp_path) == []


def test_deeper_than_a_path_can_be_written(tmp_path):
    """300 levels of 30 characters are more than PATH_MAX; through descriptors that is no matter."""
    here = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    for level in range(300):
        name = f"{'x' * 30}{level}" if level else "top"
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    trees.remove(str(tmp_path / "top"))
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_in_use_is_named(world):
    from ipycontainer.linux import mounts

    def scene():
        os.makedirs("tree/mounted")
        mounts.mount("tmpfs", "tree/mounted", "tmpfs")
        try:
            trees.remove("tree")
        except KernelError as error:
            return error.errno, error.path

    number, path = world(scene)
    assert number == errno.EBUSY
    assert path.startswith("tree")


@pytest.mark.usefixtures("as_root")
def test_a_tree_that_is_another_users(tmp_path, in_child):
    tree = tmp_path / "tree"
    (tree / "closed").mkdir(parents=True)
    (tree / "closed/file").touch()
    os.chmod(tree, 0o755)

    def scene():
        os.setgroups([])
        os.setresgid(64321, 64321, 64321)
        os.setresuid(64321, 64321, 64321)
        try:
            trees.remove(str(tree))
        except KernelError as error:
            return error.errno

    os.chmod(tmp_path, 0o755)
    assert in_child(scene) in (1, 13)
    assert (tree / "closed/file").exists()
