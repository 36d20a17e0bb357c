"""New namespaces by clone3 and unshare, and joining others'."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading

import pytest

from ipycontainer.errors import KernelError
from ipycontainer.linux import idmaps, links, mounts, namespaces, pidfd, prctl


def inode(name, process="self"):
    return os.stat(f"/proc/{process}/ns/{namespaces.FILES[name]}").st_ino


def in_clone(flags, function, cgroup=-1):
    """What `function()` gives (as text) in a child cloned with these flags; the child is waited for by its pidfd."""
    readable, writable = os.pipe()
    cloned = namespaces.clone(flags, cgroup)
    if cloned.pid == 0:
        try:
            os.write(writable, str(function()).encode())
        finally:
            os._exit(0)
    os.close(writable)
    said = b""
    while chunk := os.read(readable, 65536):
        said += chunk
    os.close(readable)
    os.waitid(os.P_PIDFD, cloned.pidfd, os.WEXITED)
    os.close(cloned.pidfd)
    return said.decode()


def test_flags_and_names_are_each_others_inverse():
    for name, flag in namespaces.FLAGS.items():
        assert namespaces.flags_of([name]) == flag
        assert namespaces.names_of(flag) == [name]
    assert namespaces.names_of(namespaces.flags_of(["mount", "user"])) == ["user", "mount"]


@pytest.mark.parametrize("name", [name for name in namespaces.FLAGS if name not in ("user", "pid", "time")])
def test_unshare_gives_another_namespace_of_that_kind_alone(world, name):
    def scene():
        before = {kind: inode(kind) for kind in namespaces.FLAGS}
        namespaces.unshare(namespaces.FLAGS[name])
        return [kind for kind in namespaces.FLAGS if inode(kind) != before[kind]]

    assert world(scene) == [name]


def test_clone_makes_pid_1_in_all_namespaces_at_once(world):
    flags = namespaces.flags_of(["mount", "pid", "uts", "ipc", "network"])

    def scene():
        before = inode("network")
        return in_clone(flags, lambda: (os.getpid(), inode("network") != before))

    assert world(scene) == "(1, True)"


def test_clone_keeps_the_interpreter_sane(in_child):
    """The interpreter's own hooks run: a forked child has one thread, and locks held by others are free."""

    def scene():
        lock = threading.Lock()
        done = threading.Event()
        thread = threading.Thread(target=done.wait)
        thread.start()
        hooks = []
        os.register_at_fork(after_in_child=lambda: hooks.append("child"))

        def child():
            with lock:
                return len(threading.enumerate()), hooks

        said = in_clone(0, child)
        done.set()
        thread.join()
        return said

    assert in_child(scene) == "(1, ['child'])"


def test_the_pidfd_of_a_clone_is_the_childs(in_child):
    def scene():
        cloned = namespaces.clone(0)
        if cloned.pid == 0:
            signal.pause()
        alive = pidfd.has_ended(cloned.pidfd)
        pidfd.send_signal(cloned.pidfd, signal.SIGTERM)
        code = os.waitid(os.P_PIDFD, cloned.pidfd, os.WEXITED).si_status
        return alive, code, pidfd.has_ended(cloned.pidfd), os.get_inheritable(cloned.pidfd)

    assert in_child(scene) == (False, signal.SIGTERM, True, False)


def test_a_namespace_is_joined_by_its_file_and_by_a_pidfd(world):
    def scene():
        readable, writable = os.pipe()
        child = os.fork()
        if child == 0:
            namespaces.unshare(namespaces.flags_of(["uts", "network"]))
            socket.sethostname("joined")
            os.write(writable, b"x")
            signal.pause()
        os.read(readable, 1)
        held = namespaces.open_of(child, "uts")
        namespaces.setns(held)
        name = socket.gethostname()
        handle = pidfd.open_process(child)
        namespaces.setns(handle, namespaces.CLONE_NEWNET)
        same = inode("network") == inode("network", child)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return name, same

    assert world(scene) == ("joined", True)


def test_the_loopback_comes_up(world):
    def scene():
        namespaces.unshare(namespaces.CLONE_NEWNET)

        def connects():
            server = socket.socket()
            try:
                server.bind(("127.0.0.1", 0))
                server.listen()
                socket.create_connection(server.getsockname(), 1).close()
            except OSError:
                return False
            return True

        before = connects()
        links.bring_up("lo")
        return before, connects()

    assert world(scene) == (False, True)


def test_a_link_that_is_not_there_is_named(world):
    def scene():
        try:
            links.bring_up("eth77")
        except KernelError as error:
            return str(error)

    assert "eth77: ENODEV" in world(scene)


def test_errors_say_which_namespaces(in_child):
    def scene():
        os.setresgid(64321, 64321, 64321) if os.geteuid() == 0 else None
        os.setresuid(64321, 64321, 64321) if os.geteuid() == 0 else None
        try:
            namespaces.unshare(namespaces.flags_of(["mount", "network"]))
        except KernelError as error:
            return error.call, error.errno, error.path

    assert in_child(scene) == ("unshare", errno.EPERM, "mount network")


def test_a_nested_user_namespace_needs_its_map_split_where_the_parents_is(in_child, as_root):
    """A range of ids made of two extents cannot be mapped on as one: the guard is `nested`."""
    parent = [idmaps.Extent(0, 64321, 1), idmaps.Extent(1, 200000, 999)]
    gate, said = os.pipe(), os.pipe()

    def try_maps():
        os.read(gate[0], 1)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        prctl.set_dumpable(True)
        for extents in ([idmaps.Extent(0, 0, 1000)], idmaps.nested(parent)):
            inner = namespaces.clone(namespaces.CLONE_NEWUSER)
            if inner.pid == 0:
                signal.pause()
            try:
                idmaps.write_map(inner.pid, "uid_map", extents)
                yield "good"
            except KernelError as error:
                yield errno.errorcode[error.errno]
            os.kill(inner.pid, signal.SIGKILL)
            os.waitpid(inner.pid, 0)

    def scene():
        first = namespaces.clone(namespaces.CLONE_NEWUSER)
        if first.pid == 0:
            try:
                os.write(said[1], " ".join(try_maps()).encode())
            finally:
                os._exit(0)
        idmaps.write_map(first.pid, "uid_map", parent)
        idmaps.write_map(first.pid, "gid_map", parent)
        os.write(gate[1], b"x")
        os.waitpid(first.pid, 0)
        os.close(said[1])
        return os.read(said[0], 100).decode()

    assert in_child(scene) == "EPERM good"
    for descriptor in (*gate, *said):
        os.close(descriptor)


def test_born_in_a_cgroup_of_the_unified_tree(in_child, as_root):
    """CLONE_INTO_CGROUP: no join, no grace period."""
    tree = next((line.target for line in mounts_of("cgroup2")), "")
    if not tree or not os.access(tree, os.W_OK):
        pytest.skip("no unified tree that can be written")
    folder = f"{tree}/ipycontainer-test-{os.getpid()}"
    os.mkdir(folder)
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

        def own():
            with open("/proc/self/cgroup") as file:
                return [line.strip() for line in file if line.startswith("0::")]

        assert os.path.basename(folder) in in_child(lambda: in_clone(0, own, held))
        os.close(held)
    finally:
        os.rmdir(folder)


def mounts_of(kind):
    from ipycontainer.linux.mountinfo import read_mountinfo

    return [line for line in read_mountinfo() if line.kind == kind]


def test_a_thread_cannot_make_a_user_namespace_and_is_told(in_child):
    def scene():
        answers = []

        def try_it():
            try:
                namespaces.unshare(namespaces.CLONE_NEWUSER)
            except KernelError as error:
                answers.append(errno.errorcode[error.errno])

        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
        return answers

    assert in_child(scene) == ["EINVAL"]


def test_a_new_mount_namespace_starts_as_a_copy_and_then_goes_its_own_way(world):
    def scene():
        os.mkdir("here")
        inner = in_clone(
            namespaces.CLONE_NEWNS,
            lambda: (mounts.mount("tmpfs", "here", "tmpfs"), open("here/x", "w").close(), os.listdir("here"))[2],
        )
        return inner, os.listdir("here")

    assert world(scene) == ("['x']", [])
