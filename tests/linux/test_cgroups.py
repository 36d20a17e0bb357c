"""Control groups on this very kernel: made, joined, limited, read, frozen, killed and removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid

import pytest

from ipycontainer.errors import KernelError, Refused
from ipycontainer.linux import cgroups
from ipycontainer.linux.cgroups.group import is_frozen

pytestmark = pytest.mark.usefixtures("as_root")


def names_below(leaves):
    """Every group below `leaves`: a container's own world, apart from what others do on this machine."""
    return {folder for leaf in leaves for folder, _, _ in os.walk(leaf)} - set(leaves)


@pytest.fixture
def outer(as_root):
    """A group of the test's own in every hierarchy.  Children of the test join it first, so that the whole
    tree below it, our shared folder included, is theirs alone: afterwards nothing may be left in it."""
    plan = cgroups.plan_cgroup(cgroups.read_layout(), f"test-{uuid.uuid4().hex}", cgroups.Limits())
    if not plan.leaves:
        pytest.skip("no control group can be made here")
    cgroups.make(plan)
    yield plan
    left = names_below(plan.leaves)
    for leaf in left:
        if os.path.basename(os.path.dirname(leaf)) == "ipycontainer":
            cgroups.kill_all([leaf])
            cgroups.remove([leaf])
    cgroups.remove(plan.leaves)
    assert not left


@pytest.fixture
def inside(outer, in_child):
    """`inside(function)`: run it in a child that sits in the outer group, with a layout read there."""

    def run(function, *arguments):
        def joined():
            cgroups.join(outer.joins)
            return function(cgroups.read_layout(), *arguments)

        return in_child(joined)

    return run


def member(plan, then):
    """A process in the plan's groups that runs `then()`; its pid, once it is in."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(readable)
            cgroups.join(plan.joins)
            os.write(writable, b"in")
            os.close(writable)
            then()
            os._exit(0)
        finally:
            os._exit(99)
    os.close(writable)
    assert os.read(readable, 2) == b"in"
    os.close(readable)
    return pid


def sleep():
    while True:
        time.sleep(10)


def hog():
    kept = []
    while True:
        kept.append(bytearray(os.urandom(4096)) * 256)


def end(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def made(layout, name, **docker):
    plan = cgroups.plan_cgroup(layout, name, cgroups.limits_from_docker(**docker))
    cgroups.make(plan)
    return plan


def test_the_layout_is_the_callers_own(inside, outer):
    def owns(layout):
        return {item.own for item in layout.v1} | {level.path for level in layout.v2[:1]}

    assert set(outer.leaves) <= inside(owns)


def test_a_memory_hog_is_killed_and_counted(inside):
    def scene(layout):
        plan = made(layout, "hog", memory=32 << 20)
        code = end(member(plan, hog))
        used = cgroups.usage(plan.leaves)
        cgroups.remove(plan.leaves)
        return code, used

    code, used = inside(scene)
    assert code == -signal.SIGKILL
    assert used.oom_kills == 1
    assert used.memory_max == 32 << 20
    assert 16 << 20 < used.memory_peak <= 32 << 20


def test_without_the_limit_the_same_hog_goes_on(inside):
    def scene(layout):
        plan = made(layout, "hog")
        pid = member(plan, hog)
        while cgroups.usage(plan.leaves).memory_current < 48 << 20:
            time.sleep(0.005)
        used = cgroups.usage(plan.leaves)
        os.kill(pid, signal.SIGKILL)
        end(pid)
        cgroups.remove(plan.leaves)
        return used

    used = inside(scene)
    assert used.oom_kills == 0
    assert used.memory_max is None


def test_a_fork_bomb_stops_at_its_pids_limit(inside):
    def scene(layout):
        plan = made(layout, "bomb", pids_limit=8)

        def bomb():
            for count in range(100):
                try:
                    if os.fork() == 0:
                        sleep()
                except OSError as error:
                    os._exit(count if error.errno == 11 else 98)

        forked = end(member(plan, bomb))
        counted = cgroups.usage(plan.leaves).pids_current
        cgroups.kill_all(plan.leaves)
        cgroups.remove(plan.leaves)
        return forked, counted

    assert inside(scene) == (7, 7)


def test_half_a_cpu_is_half_a_cpu(inside):
    def scene(layout):
        plan = made(layout, "busy", cpus=0.25)

        def spin():
            while True:
                pass

        pid = member(plan, spin)
        time.sleep(0.2)
        first, begin = cgroups.usage(plan.leaves).cpu_usec, time.monotonic()
        time.sleep(1)
        last, seconds = cgroups.usage(plan.leaves), time.monotonic() - begin
        os.kill(pid, signal.SIGKILL)
        end(pid)
        cgroups.remove(plan.leaves)
        return (last.cpu_usec - first) / 1e6 / seconds, last.throttled_usec

    share, throttled = inside(scene)
    assert share < 0.35
    assert throttled > 0


def test_what_is_written_is_what_the_kernel_says(inside):
    def scene(layout):
        plan = made(layout, "read", memory=64 << 20, cpus=0.5, cpu_shares=512, pids_limit=32)
        read = {}
        for file, value in plan.writes:
            if not file.endswith("subtree_control"):
                with open(file) as opened:
                    read[file] = opened.read().strip(), value
        cgroups.remove(plan.leaves)
        return read

    for file, (kernel, ours) in inside(scene).items():
        assert kernel == ours, file


def test_the_unified_tree_freezes_kills_and_removes_even_without_controllers(inside):
    def scene(layout):
        if not layout.v2:
            return None
        layout = layout.replace(kind="unified", v1=(), v2=tuple(level.replace(controllers=()) for level in layout.v2))
        plan = made(layout, f"bare-{uuid.uuid4().hex}")

        def spin():
            os.fork()
            while True:
                pass

        pid = member(plan, spin)
        while len(cgroups.processes(plan.leaves)) < 2:
            time.sleep(0.001)
        cgroups.freeze(plan.leaves)
        frozen = is_frozen(plan.leaves)
        cgroups.thaw(plan.leaves)
        thawed = not is_frozen(plan.leaves)
        os.mkdir(f"{plan.clone_into}/below")
        counted = cgroups.usage(plan.leaves).cpu_usec
        cgroups.kill_all(plan.leaves)
        left = cgroups.processes(plan.leaves)
        cgroups.remove(plan.leaves)
        return frozen, thawed, counted > 0, left, end(pid), os.path.exists(plan.clone_into)

    if (answer := inside(scene)) is None:
        pytest.skip("no unified tree is mounted here")
    assert answer == (True, True, True, [], -signal.SIGKILL, False)


def test_frozen_processes_stand_still_and_go_on(inside):
    def scene(layout):
        plan = made(layout, "ice")

        def spin():
            while True:
                pass

        pid = member(plan, spin)
        cgroups.freeze(plan.leaves)
        states = [is_frozen(plan.leaves)]
        before = cgroups.usage(plan.leaves).cpu_usec
        time.sleep(0.1)
        still = cgroups.usage(plan.leaves).cpu_usec - before
        cgroups.thaw(plan.leaves)
        states.append(is_frozen(plan.leaves))
        while (moved := cgroups.usage(plan.leaves).cpu_usec - before) < 10_000:
            time.sleep(0.01)
        cgroups.freeze(plan.leaves)
        os.kill(pid, signal.SIGKILL)
        cgroups.kill_all(plan.leaves) if not plan.clone_into else None
        code = end(pid)
        cgroups.remove(plan.leaves)
        return states, still, moved, code

    states, still, moved, code = inside(scene)
    assert states == [True, False]
    assert still < 1000
    assert moved >= 10_000
    assert code == -signal.SIGKILL


def test_kill_all_ends_a_family_that_forks_as_fast_as_it_can(inside):
    def scene(layout):
        plan = made(layout, "family", pids_limit=64)

        def breed():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            while True:
                try:
                    os.fork()
                except OSError:
                    time.sleep(0.001)

        pid = member(plan, breed)
        while cgroups.usage(plan.leaves).pids_current < 20:
            time.sleep(0.001)
        cgroups.kill_all(plan.leaves)
        left = cgroups.processes(plan.leaves)
        end(pid)
        cgroups.remove(plan.leaves)
        return left

    assert inside(scene) == []


def test_remove_waits_for_what_was_killed_a_moment_ago(inside):
    def scene(layout):
        for number in range(10):
            plan = made(layout, f"quick-{number}")
            pids = [member(plan, sleep) for _ in range(3)]
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            cgroups.remove(plan.leaves)
            for pid in pids:
                end(pid)
        return True

    assert inside(scene)


def test_remove_gives_up_on_a_group_that_lives_and_says_which(inside):
    def scene(layout):
        plan = made(layout, "alive")
        pid = member(plan, sleep)
        try:
            cgroups.remove(plan.leaves, patience=0.05)
        except KernelError as error:
            answer = error.errno, error.path in plan.leaves
        os.kill(pid, signal.SIGKILL)
        end(pid)
        cgroups.remove(plan.leaves)
        return answer

    assert inside(scene) == (16, True)


def test_remove_is_idempotent_and_takes_what_the_container_made_below(inside):
    def scene(layout):
        plan = made(layout, "nest")
        for leaf in plan.leaves:
            os.makedirs(f"{leaf}/a/b")
        cgroups.remove(plan.leaves)
        cgroups.remove(plan.leaves)
        cgroups.remove(plan.leaves[:1])
        return [leaf for leaf in plan.leaves if os.path.exists(leaf)]

    assert inside(scene) == []


def test_the_shared_folder_stays_while_another_container_is_in_it(inside):
    def scene(layout):
        one, two = made(layout, "one"), made(layout, "two")
        shared = [os.path.dirname(leaf) for leaf in one.leaves]
        cgroups.remove(one.leaves)
        between = all(os.path.exists(folder) for folder in shared)
        cgroups.remove(two.leaves)
        return between, any(os.path.exists(folder) for folder in shared)

    assert inside(scene) == (True, False)


def test_many_containers_come_and_go_beside_each_other(inside):
    """The end of the last container takes the shared folder away just while another is being made."""

    def scene(layout):
        def churn(who):
            for number in range(40):
                cgroups.remove(made(layout, f"{who}-{number}").leaves)
            os._exit(0)

        pids = []
        for who in range(4):
            if not (pid := os.fork()):
                try:
                    churn(who)
                finally:
                    os._exit(1)
            pids.append(pid)
        return [end(pid) for pid in pids]

    assert inside(scene) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "folder",
    [
        "/sys/fs/cgroup/memory",
        "/sys/fs/cgroup/ipycontainer/../memory/x",
        "ipycontainer/x",
        "/sys/fs/cgroup/memory/ipycontainer",
        "/sys/fs/cgroup/memory/ipycontainer/",
    ],
)
def test_what_is_not_ours_is_left_alone(folder):
    with pytest.raises(Refused, match="left alone"):
        cgroups.remove([folder])


def test_a_folder_of_our_name_outside_the_groups_is_left_alone(tmp_path):
    folder = tmp_path / "ipycontainer" / "x"
    folder.mkdir(parents=True)
    with pytest.raises(Refused, match="no control group"):
        cgroups.remove([str(folder)])
    assert folder.is_dir()


def test_a_failed_write_names_the_file_and_leaves_what_remove_takes(inside):
    def scene(layout):
        plan = cgroups.plan_cgroup(layout, "bad", cgroups.limits_from_docker(pids_limit=5))
        bad = plan.replace(writes=(*plan.writes, (f"{plan.leaves[0]}/no.such", "1")))
        try:
            cgroups.make(bad)
        except KernelError as error:
            answer = error.call, error.path
        cgroups.remove(bad.leaves)
        return answer

    call, path = inside(scene)
    assert call == "open"
    assert path.endswith("/bad/no.such")


def test_an_ordinary_user_gets_a_sentence_or_a_group_that_works(in_child):
    def scene():
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        layout = cgroups.read_layout()
        bare = cgroups.plan_cgroup(layout, "user", cgroups.Limits())
        try:
            cgroups.plan_cgroup(layout, "user", cgroups.limits_from_docker(memory=32 << 20))
        except Refused as refused:
            return bare.leaves, str(refused)
        return bare.leaves, ""

    leaves, sentence = in_child(scene)
    if leaves:
        assert sentence == "" or "--memory" in sentence
    else:
        assert "--memory cannot be kept here" in sentence


HOT = "dataclasses typing json re argparse subprocess socket enum logging contextlib threading hashlib signal"


def test_what_the_hot_path_imports_is_light():
    code = "import sys; before = set(sys.modules); import ipycontainer.linux.cgroups; print(*set(sys.modules) - before)"
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {root!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(run.stdout.split())
    assert not loaded & set(HOT.split())
    assert "ctypes" not in loaded
