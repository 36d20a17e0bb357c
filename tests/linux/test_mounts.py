"""Mounts on this kernel, as root and as an ordinary user."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ipycontainer.errors import KernelError
from ipycontainer.linux import mounts, trees
from ipycontainer.linux.mountinfo import read_mountinfo
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.inside.steps.root import MountOverlay


def folders(*names):
    for name in names:
        os.makedirs(name)


def refused(action):
    try:
        action()
    except KernelError as error:
        return error.call, errno.errorcode[error.errno], str(error)
    return None


def test_tmpfs_is_mounted_seen_and_gone(world):
    def scene():
        folders("here")
        mounts.mount("tmpfs", "here", "tmpfs", mounts.MS_NOSUID | mounts.MS_NODEV, "mode=750,size=1m")
        Path("here/file").write_text("x")
        (line,) = [line for line in read_mountinfo() if line.target == os.path.abspath("here")]
        mounts.umount("here")
        return line.kind, line.options, "size=1024k" in line.super_options, os.listdir("here")

    kind, options, sized, left = world(scene)
    assert kind == "tmpfs"
    assert {"rw", "nosuid", "nodev"} <= set(options)
    assert sized
    assert left == []


def test_what_is_mounted_in_the_child_is_not_seen_here(world):
    def scene():
        folders("here")
        mounts.mount("tmpfs", "here", "tmpfs")
        return os.path.abspath("here")

    place = world(scene)
    assert place not in [line.target for line in read_mountinfo()]


def test_an_error_names_call_kind_place_and_errno(world):
    def scene():
        return refused(lambda: mounts.mount("tmpfs", "nowhere", "tmpfs"))

    assert world(scene) == ("mount tmpfs", "ENOENT", "mount tmpfs nowhere: ENOENT (No such file or directory)")


def test_options_over_a_page_are_refused_because_the_kernel_would_cut_them(world):
    """With the guard off the kernel mounts something else than was asked, or complains about half a name."""

    def scene():
        folders("here", "lower")
        layers = [f"lower/{number:04}-{'x' * 60}" for number in range(80)]
        folders(*layers)
        data = "lowerdir=" + ":".join(layers)
        guarded = refused(lambda: mounts.mount("overlay", "here", "overlay", 0, data))
        raw = mounts.libc.mount(b"overlay", b"here", b"overlay", 0, data.encode())
        return guarded, raw

    (call, name, _), raw = world(scene)
    assert "longer than a page" in call
    assert name == "E2BIG"
    assert raw == -1


def test_five_hundred_layers(world):
    """As many as overlay takes; their paths together are longer than mount(2)'s page by far."""

    def scene():
        layers = [os.path.abspath(f"layers/{number:04}-{'x' * 60}") for number in range(500)]
        folders("here", "upper", "work", *layers)
        for number, layer in enumerate(layers):
            Path(layer, f"file{number}").write_text(str(number))
            Path(layer, "top").write_text(str(number))
        before, here = os.getcwd(), [os.path.abspath(name) for name in ("upper", "work", "here")]
        MountOverlay(tuple(layers), *here, rootless=world.name == "user", devices=False).take(Place(None))
        assert os.getcwd() == before
        Path("here/new").write_text("x")
        found = len(os.listdir("here")), Path("here/top").read_text(), os.listdir("upper")
        mounts.umount("here", mounts.MNT_DETACH)
        trees.remove("work")  # from inside: overlay's own folder in it may not even be listed by its owner outside
        return found

    assert world(scene) == (502, "0", ["new"])


def test_the_kernels_own_words_come_with_a_refused_setting(world):
    def scene():
        return refused(lambda: mounts.make("tmpfs", [("mode", "755"), ("nonsense", "1")]))

    call, _, sentence = world(scene)
    assert call == "fsconfig"
    assert "tmpfs nonsense [" in sentence
    assert "nonsense'" in sentence


def test_a_read_only_bind_keeps_its_other_flags_and_takes_what_is_below_only_when_asked(world):
    def scene():
        folders("one/below", "two", "three")
        mounts.mount("tmpfs", "one/below", "tmpfs", mounts.MS_NOSUID)
        found = []
        for target, recursive in (("two", False), ("three", True)):
            mounts.bind("one", target)
            mounts.set_read_only(target, recursive)
            found.append((os.access(target, os.W_OK), os.access(f"{target}/below", os.W_OK)))
        options = [line.options for line in read_mountinfo() if line.target.endswith("/three/below")]
        return found, os.access("one", os.W_OK), options

    found, source, options = world(scene)
    assert found == [(False, True), (False, False)]
    assert source
    assert {"ro", "nosuid"} <= set(options[0])


def test_a_tree_is_attached_to_the_folder_that_was_opened_not_to_the_name(world):
    """The race of CVE-2021-30465: between the look and the mount the target becomes a link.  By name the mount
    lands where the link leads; by descriptor it cannot."""

    def swap():
        os.rename("target", "old")
        os.symlink("outside", "target")

    def scene():
        folders("source", "target", "outside")
        Path("source/secret").write_text("x")
        tree = mounts.clone_tree("source")
        descriptor = os.open("target", os.O_PATH | os.O_NOFOLLOW)
        swap()
        mounts.attach(tree, descriptor)
        guarded = os.listdir("outside"), os.listdir("old")
        mounts.umount("old", mounts.MNT_DETACH)
        mounts.bind("source", "target")  # the guard off: by name
        return guarded, os.listdir("outside")

    assert world(scene) == (([], ["secret"]), ["secret"])


def test_pivot_root_leaves_nothing_of_the_old_root(world):
    def scene():
        folders("root")
        mounts.mount("tmpfs", "root", "tmpfs")
        folders("root/proc", "root/only")
        mounts.mount("/proc", "root/proc", flags=mounts.MS_BIND | mounts.MS_REC)
        os.chdir("root")
        mounts.pivot_root(".", ".")
        mounts.umount(".", mounts.MNT_DETACH)
        os.chdir("/")
        for _ in range(20):
            os.chdir("..")
        return sorted(os.listdir(".")), sorted({line.target for line in read_mountinfo()})

    names, targets = world(scene)
    assert names == ["only", "proc"]
    assert [target for target in targets if not target.startswith("/proc")] == ["/"]


def test_a_mount_point_with_strange_characters_is_read_as_it_is(world):
    strange = "a b\tc\nd\\e\x0bf\u2028g\x85ü"

    def scene():
        folders(strange)
        mounts.mount("tmpfs", strange, "tmpfs")
        return [line.target for line in read_mountinfo() if line.kind == "tmpfs"], os.path.abspath(strange)

    targets, place = world(scene)
    assert place in targets
