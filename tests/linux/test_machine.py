"""What this machine allows, found out for real: as root, as ordinary users, and behind the filters of poor hosts."""

from __future__ import annotations

import errno
import os
import pwd
import tempfile
import time

import pytest

from ipycontainer.json_text import dumps, loads
from ipycontainer.linux import machine, mounts, namespaces, prctl
from ipycontainer.linux.idmaps import Extent, deny_setgroups, write_map
from ipycontainer.linux.machine import ESSENTIAL, Machine, probe
from ipycontainer.linux.trial import Climber, Rung
from tests.accounts import WITH_RANGE, Accounts
from tests.linux import poor_host
from tests.linux.conftest import enter_user_namespace

USER = 64321  # in no file, so without subordinate ids


@pytest.fixture
def store(request):
    """A folder that this account and USER can reach and write, on a disk; nothing may be left in it."""
    with tempfile.TemporaryDirectory(prefix="ipyc-", dir="/var/tmp") as folder:
        if os.geteuid() == 0:
            os.chown(folder, USER, USER)
        yield folder
        assert os.listdir(folder) == []


@pytest.fixture
def found_as(in_child, store):
    """`found_as(uid, prepare)`: the machine as a child with that uid finds it, after `prepare()`."""

    def find(uid, prepare=None, patience=10.0):
        if uid and os.geteuid() != 0:
            uid = 0  # an ordinary user is tested as itself

        def scene():
            if uid:
                poor_host.become(uid)
            if prepare:
                prepare()
            return probe(store, patience).to_document()

        return Machine.from_document(in_child(scene))

    return find


def refusing(*calls, answer=poor_host.RET_ERRNO | errno.EPERM):
    return lambda: poor_host.refuse(*calls, answer=answer)


@pytest.mark.usefixtures("as_root")
def test_root_climbs_to_the_top(found_as):
    found = found_as(0)
    assert found.mode == "root"
    assert {rung.name for rung in found.rungs if not rung.ok} == set()
    assert found.rung("user namespace") is None
    assert found.rungs[-1].name == "pivot_root"


def test_an_ordinary_user_has_one_id_or_a_range(found_as):
    found = found_as(USER)
    assert found.mode in ("one", "range")
    assert found.lacks() == ()
    assert found.can("user namespace")
    assert found.can("proc")
    assert not found.can("device nodes")


@pytest.mark.usefixtures("as_root")
def test_without_subordinate_ids_it_is_one_id_and_says_why(found_as):
    found = found_as(USER)
    assert found.mode == "one"
    assert f"no line for {USER}" in found.rung("id range").words or "not installed" in found.rung("id range").words
    assert found.can("one id")


@pytest.fixture
def with_range():
    """The uid of an account that /etc/subuid gives ids to."""
    accounts = Accounts()
    yield pwd.getpwnam(WITH_RANGE).pw_uid
    accounts.close()


@pytest.mark.usefixtures("as_root")
def test_with_subordinate_ids_it_is_a_range_until_no_new_privs(found_as, store, with_range):
    os.chown(store, with_range, with_range)
    found = found_as(with_range)
    assert found.rung("id range") == Rung("id range", True)
    assert found.mode == "range"
    found = found_as(with_range, prctl.set_no_new_privs)
    assert found.mode == "one"
    assert "newuidmap" in found.rung("id range").call


def test_no_new_privs_leaves_the_one_id(found_as):
    assert found_as(USER, prctl.set_no_new_privs).mode == "one"


def test_a_pod_that_refuses_unshare(found_as):
    found = found_as(USER, refusing("unshare"))
    assert found.mode == "none"
    assert found.rungs[-1] == Rung("user namespace", False, "unshare", errno.EPERM, "user")
    assert set(ESSENTIAL) - set(found.lacks()) == {"openat2", "close_range", "clone3", "pidfd"}


def test_a_kernel_module_that_lets_unshare_pass_and_refuses_mount(found_as):
    """As Ubuntu's AppArmor does: only who really mounts finds out."""
    found = found_as(USER, refusing("mount"))
    assert found.mode == "none"
    assert found.can("mount namespace")
    assert found.rungs[-1].name == "private mounts"
    assert (found.rungs[-1].ok, found.rungs[-1].errno) == (False, errno.EPERM)


@pytest.mark.usefixtures("as_root")
def test_uid_0_that_can_do_nothing_is_not_root(found_as):
    found = found_as(0, refusing("unshare", "mount"))
    assert found.mode == "none"


def test_uid_0_of_a_user_namespace_is_no_root_but_needs_no_namespace_of_its_own(found_as):
    """There the kernel mounts an overlay without `userxattr` and then ignores opaque folders."""
    found = found_as(USER, enter_user_namespace)
    assert found.mode == "one"
    assert found.can("deleted files stay deleted")
    assert found.rung("user namespace") is None
    assert not found.can("device nodes")


@pytest.mark.usefixtures("as_root")
def test_a_masked_proc_costs_the_fresh_proc_alone(found_as):
    def pod():
        enter_user_namespace()
        namespaces.unshare(namespaces.CLONE_NEWNS)
        mounts.bind("/dev/null", "/proc/version", recursive=False)
        # Further down the mask is locked: to take it off would show what somebody above has hidden.
        namespaces.unshare(namespaces.CLONE_NEWUSER)
        deny_setgroups("self")
        write_map("self", "uid_map", [Extent(0, 0, 1)])
        write_map("self", "gid_map", [Extent(0, 0, 1)])

    found = found_as(USER, pod)
    assert found.mode == "one"
    assert not found.can("proc")
    assert found.rung("proc").errno == errno.EPERM
    assert found.can("pivot_root")


def test_an_old_or_filtered_kernel_without_the_newer_calls_is_said(found_as):
    found = found_as(USER, refusing("openat2", "clone3", "fsopen", answer=poor_host.RET_ERRNO | errno.ENOSYS))
    for name in ("openat2", "clone3", "detached mounts"):
        assert not found.can(name), name
        assert found.rung(name).errno == errno.ENOSYS
    assert found.can("pivot_root")
    # Without these nothing is started, whatever else works.
    assert (found.mode, found.lacks()) == ("none", ("openat2", "clone3"))


def test_a_filter_that_kills_leaves_what_was_reached(found_as):
    found = found_as(USER, refusing("pivot_root", answer=poor_host.RET_KILL_PROCESS))
    assert found.lacks() == ("pivot_root",)
    assert found.mode == "none"


def test_a_trial_that_hangs_is_ended(found_as):
    class Hanging(Climber):
        def climb(self):
            self._calls()
            while True:
                time.sleep(1)

    def hang():
        machine.Climber = Hanging

    begin = time.monotonic()
    found = found_as(USER, hang, patience=0.2)
    assert time.monotonic() - begin < 3
    assert found.mode == "none"
    assert found.rungs[-1].name == "in time"
    assert found.can("openat2")


def test_a_trial_that_breaks_says_how_and_never_comes_back_into_the_program(found_as):
    class Broken(Climber):
        def climb(self):
            raise ValueError("a bug of ours")

    def breaks():
        machine.Climber = Broken

    assert "a bug of ours" in found_as(USER, breaks).rungs[-1].words


def test_nothing_of_the_trial_is_left_in_this_process(found_as):
    def state():
        names = "mnt", "pid", "net", "uts", "ipc", "cgroup", "user"
        with open("/proc/self/mountinfo") as file:
            return [os.readlink(f"/proc/self/ns/{name}") for name in names], file.read(), os.listdir("/proc/self/fd")

    before = state()
    found_as(USER)
    assert state() == before


def test_the_result_is_kept_until_something_changes(in_child, store, tmp_path, monkeypatch):
    run = str(tmp_path)
    if os.geteuid() == 0:
        os.chown(store, 0, 0)

    def scene():
        first = machine.machine(run, store)
        machine.probe = None  # a second trial would fail here
        second = machine.machine(run, store)
        kept = machine.read(f"{run}/machine.json")
        return first == second == kept, os.listdir(run)

    assert in_child(scene) == (True, ["machine.json"])

    def changed():
        poor_host.refuse("pivot_root")  # one more filter: the old result is not believed
        return machine.machine(run, store).mode

    assert in_child(changed) == "none"


def test_a_failure_is_not_kept(in_child, store, tmp_path):
    def scene():
        poor_host.refuse("unshare")
        return machine.machine(str(tmp_path), store).mode, os.listdir(tmp_path)

    assert in_child(scene) == ("none", [])


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"mode":"root","rungs":[1],"depends_on":""}', "null"])
def test_a_damaged_file_is_as_good_as_none(tmp_path, text):
    file = tmp_path / "machine.json"
    file.write_text(text)
    assert machine.read(str(file)) is None


def test_documents_and_lines_come_back():
    rung = Rung("id range", False, "newuidmap", 1, "two\twords\nand a line")
    assert Rung.from_line(rung.to_line()) == rung.replace(words="two words and a line")
    whole = Machine("one", (rung,), "x")
    assert Machine.from_document(loads(dumps(whole.to_document()))) == whole
