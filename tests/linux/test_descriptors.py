"""openat2 and close_range: what keeps a name from leading out, and a descriptor from leaking in."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipycontainer.errors import KernelError
from ipycontainer.linux import descriptors


@pytest.fixture
def tree(tmp_path):
    """A root with ways out of it, and a secret beside it."""
    (tmp_path / "secret").write_text("host")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "secret").write_text("own")
    (root / "absolute").symlink_to("/secret")
    (root / "climbing").symlink_to("../../../../secret")
    (root / "etc/up").symlink_to("../../secret")
    (root / "loop").symlink_to("loop")
    (root / "magic").symlink_to("/proc/self/root")
    (root / "folder").symlink_to("/etc")
    return root


@pytest.fixture
def root(tree):
    held = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    yield held
    os.close(held)


def read(descriptor):
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


WAYS_OUT = ["absolute", "climbing", "etc/up", "../secret", "/secret", "etc/../../secret", "folder/../secret"]


@pytest.mark.parametrize("path", WAYS_OUT)
def test_every_way_out_ends_inside(root, path):
    assert read(descriptors.open_in_root(root, path, os.O_RDONLY)) == b"own"


def test_with_the_guard_off_the_same_names_lead_out(tree, root):
    led_out = []
    for path in ("etc/up", "../secret", "etc/../../secret"):
        with os.fdopen(os.open(path, os.O_RDONLY, dir_fd=root), "rb") as file:
            led_out.append(file.read())
    assert led_out == [b"host"] * 3


@pytest.mark.parametrize(
    ("path", "name"), [("loop", "ELOOP"), ("nothing", "ENOENT"), ("secret/x", "ENOTDIR"), ("a" * 300, "ENAMETOOLONG")]
)
def test_what_cannot_be_opened_says_what_and_why(root, path, name):
    with pytest.raises(KernelError) as caught:
        descriptors.open_in_root(root, path)
    assert caught.value.call == "openat2"
    assert errno.errorcode[caught.value.errno] == name
    assert caught.value.path == path


def test_magic_links_are_refused(root):
    held = os.open("/proc", os.O_PATH)
    with pytest.raises(KernelError) as caught:
        descriptors.open_in_root(held, "self/root/etc", os.O_PATH)
    assert caught.value.errno == errno.ELOOP
    os.close(held)


def test_beneath_refuses_where_in_root_would_bend(root):
    with pytest.raises(KernelError) as caught:
        descriptors.openat2(root, "absolute", os.O_RDONLY, descriptors.RESOLVE_BENEATH)
    assert caught.value.errno == errno.EXDEV


def test_a_file_is_made_inside(tree, root):
    os.close(descriptors.open_in_root(root, "/../../new", os.O_WRONLY | os.O_CREAT, 0o600))
    assert (tree / "new").stat().st_mode & 0o777 == 0o600


def test_what_is_opened_is_closed_on_exec(root):
    held = descriptors.open_in_root(root, "etc")
    assert not os.get_inheritable(held)
    os.close(held)


def test_names_of_bytes_that_are_no_text(tree, root):
    name = b"\xff\xfe"
    os.close(descriptors.open_in_root(root, name, os.O_WRONLY | os.O_CREAT, 0o600))
    assert os.listdir(os.fsencode(tree)).count(name) == 1


def opened():
    return sorted(int(name) for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}"))


def test_close_all_but_closes_all_but(in_child):
    def scene():
        keep = [os.open("/", os.O_PATH) for _ in range(20)][::5]
        highest = os.dup2(keep[0], 500)
        descriptors.close_all_but([*keep, highest, 0, 1])
        return [held in opened() for held in (*keep, highest)], len(opened()) - len(keep)

    # The child's own answering pipe is closed too, so the answer goes another way: by a file.
    def to_file(path):
        Path(path).write_text(repr(scene()))

    place = Path(f"/tmp/ipyc-test-{os.getpid()}")
    pid = os.fork()
    if not pid:
        try:
            to_file(place)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    kept, others = eval(place.read_text())
    place.unlink()
    assert kept == [True] * 5
    assert others <= 4  # 0, 1, 2, and the one above that was kept


def test_close_on_exec_from_keeps_them_here_and_not_beyond():
    code = (
        "import os, subprocess, sys\n"
        "from ipycontainer.linux import descriptors\n"
        "held = [os.dup(0) for _ in range(5)]\n"
        "[os.set_inheritable(one, True) for one in held]\n"
        "descriptors.close_on_exec_from(held[2])\n"
        "os.fstat(held[4])\n"
        "show = 'import os; print(*sorted(os.listdir(\"/proc/self/fd\"), key=int))'\n"
        "print(*held[:2])\n"
        "sys.stdout.flush()\n"
        "os.execv(sys.executable, [sys.executable, '-c', show])\n"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(root)}, check=True
    )
    kept, shown = run.stdout.splitlines()
    first = min(int(word) for word in kept.split())
    beyond = [word for word in shown.split() if int(word) >= first]
    # listdir's own descriptor is the one more
    assert beyond[:2] == kept.split()
    assert len(beyond) <= 3
