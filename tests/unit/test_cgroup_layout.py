"""Where a process sits in the host's control groups, read from texts of real machines."""

from __future__ import annotations

import doctest
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.linux import mountinfo
from ipycontainer.linux.cgroups import layout, limits
from ipycontainer.linux.cgroups.layout import Hierarchy, Level, match, own_folder, parse_own
from ipycontainer.linux.mountinfo import MountInfo, parse_mountinfo

# A Debian 12 under systemd, unified, seen from a user's terminal.
UNIFIED = "31 23 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
UNIFIED_OWN = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/jupyter.service\n"

# CentOS 7's way: cpu and cpuacct together, systemd's own named hierarchy, no v2.
V1 = """\
25 18 0:20 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:8 - tmpfs tmpfs ro,mode=755
26 25 0:21 / /sys/fs/cgroup/systemd rw,nosuid shared:9 - cgroup cgroup rw,xattr,name=systemd
29 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev shared:11 - cgroup cgroup rw,cpuacct,cpu
30 25 0:25 / /sys/fs/cgroup/memory rw,nosuid,nodev shared:12 - cgroup cgroup rw,memory
31 25 0:26 / /sys/fs/cgroup/cpuset rw,nosuid,nodev shared:13 - cgroup cgroup rw,cpuset
"""
V1_OWN = """\
10:cpuset:/
4:memory:/user.slice/user-0.slice
3:cpuacct,cpu:/user.slice
1:name=systemd:/user.slice/user-0.slice/session-1.scope
"""


def test_unified():
    assert match(UNIFIED, UNIFIED_OWN) == ([], "/sys/fs/cgroup", "/sys/fs/cgroup" + UNIFIED_OWN[3:-1])


def test_v1_mounted_together_counts_once_and_what_nobody_needs_is_left_out():
    hierarchies, mount, own = match(V1, V1_OWN)
    assert hierarchies == [
        Hierarchy(("cpuacct", "cpu"), "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/user.slice"),
        Hierarchy(("memory",), "/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/user.slice/user-0.slice"),
        Hierarchy(("cpuset",), "/sys/fs/cgroup/cpuset", "/sys/fs/cgroup/cpuset"),
    ]
    assert (mount, own) == ("", "")


def test_hybrid_shows_both():
    hierarchies, mount, own = match(
        V1 + UNIFIED.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified "), V1_OWN + "0::/\n"
    )
    assert len(hierarchies) == 3
    assert (mount, own) == ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified")


def test_inside_a_docker_container_the_mount_shows_the_own_group_as_its_root():
    line = "620 610 0:30 /docker/4c00 /sys/fs/cgroup/memory ro,nosuid master:15 - cgroup cgroup rw,memory\n"
    hierarchies, _, _ = match(line, "9:memory:/docker/4c00\n")
    assert hierarchies[0].own == "/sys/fs/cgroup/memory"


@pytest.mark.parametrize(
    ("root", "path", "folder"),
    [
        ("/", "/", "/cg"),
        ("/", "/a/b", "/cg/a/b"),
        ("/a", "/a/b", "/cg/b"),
        ("/a", "/ab", ""),
        ("/a/b", "/a", ""),
        ("/", "/../other", ""),
        ("/..", "/../other", "/cg/other"),
        ("/../..", "/..", ""),
        ("/", "/a/../../etc", ""),
    ],
)
def test_own_folder(root, path, folder):
    line = MountInfo(1, 0, "0:1", root, "/cg", ("rw",), (), "cgroup", "cgroup", ("rw", "memory"))
    assert own_folder(line, path) == folder


def test_a_group_outside_the_mount_is_not_guessed():
    assert match(UNIFIED.replace(" / /sys", " /elsewhere /sys"), UNIFIED_OWN) == ([], "", "")


def test_controllers_without_a_mount_and_mounts_without_a_controller_of_ours_are_no_hierarchies():
    assert match("", V1_OWN) == ([], "", "")
    assert match(V1, "") == ([], "", "")


def test_colons_in_a_group_belong_to_its_name():
    assert parse_own("4:memory:/a:b/c\n") == {("memory",): "/a:b/c"}


def test_lines_of_another_shape_are_left_out():
    assert parse_own("nonsense\n5\n5:memory\nx:memory:/\n5:memory:relative\n\n") == {}


def test_mount_points_with_blanks_and_line_separators():
    strange = "31 23 0:27 / /a\\040b\x0b\x85\u2028\\134 rw - cgroup2 none rw\n"
    assert match(strange, "0::/x\n") == ([], "/a b\x0b\x85\u2028\\", "/a b\x0b\x85\u2028\\/x")


FIELD = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12)
LINE = st.one_of(
    FIELD,
    st.builds("{}:{}:{}".format, st.integers(0, 99), st.sampled_from(["", "memory", "cpu,cpuacct", "a,,b"]), FIELD),
    st.builds(
        "{} 1 0:2 {} {} rw - {} none {}".format,
        st.integers(0, 999),
        FIELD,
        FIELD,
        st.sampled_from(["cgroup", "cgroup2", "tmpfs"]),
        st.sampled_from(["rw", "rw,memory", "cpu,cpuacct"]),
    ),
)


@given(st.lists(LINE).map("\n".join))
def test_any_text_gives_an_answer_about_the_own_group(text):
    for names, path in parse_own(text).items():
        assert isinstance(names, tuple)
        assert path.startswith("/")


@given(st.lists(LINE).map("\n".join), st.lists(LINE).map("\n".join))
def test_any_two_texts_give_folders_below_their_mounts_or_a_plain_value_error(mounts, own):
    try:
        hierarchies, v2_mount, v2_own = match(mounts, own)
    except ValueError:
        return  # not mountinfo: the kernel's own text never is
    assert v2_own.startswith(v2_mount)
    for hierarchy in hierarchies:
        assert hierarchy.own.startswith(hierarchy.mount)
        assert ".." not in hierarchy.own.removeprefix(hierarchy.mount).split("/")


PATH = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20).map(lambda s: "/" + s)


def escaped(path):
    """What the kernel makes of a path in mountinfo (seq_escape with " \\t\\n\\\\")."""
    return "".join(f"\\{ord(c):03o}" if c in " \t\n\\" else c for c in path)


@given(PATH, PATH)
def test_mountinfo_round_trip(root, target):
    line = f"1 0 0:1 {escaped(root)} {escaped(target)} rw,nosuid shared:1 master:2 - ext4 /dev/vda rw"
    (found,) = parse_mountinfo(line + "\n")
    assert (found.root, found.target) == (root, target)
    assert found.propagation == ("shared:1", "master:2")


@pytest.mark.parametrize("module", [layout, limits, mountinfo])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


def test_swap_is_counted_below_a_root_that_hands_no_memory_on_yet():
    """Who sits in a group of the top one, without systemd: neither has a file that says so."""
    own, top = Level("/nowhere/own", ("cpu",)), Level("/nowhere", ("cpu", "memory"), top=True)
    known = os.path.exists("/proc/swaps")
    assert layout._counts_swap((own, top)) == layout._counts_swap((top,)) == known
    assert not layout._counts_swap((own,)) and not layout._counts_swap(())
