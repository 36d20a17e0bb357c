"""Plans of control groups: data from data, for machines of every kind."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipycontainer.errors import InputError, KernelError, Refused
from ipycontainer.linux.cgroups import (
    CgroupPlan,
    Layout,
    Limits,
    below,
    group,
    limits_from_docker,
    limits_from_oci,
    plan_cgroup,
)
from ipycontainer.linux.cgroups.layout import Hierarchy, Level
from ipycontainer.linux.cgroups.limits import Throttle, shares_of_weight, weight_of_shares
from ipycontainer.linux.cgroups.v1 import CANNOT

ALL = ("cpuset", "cpu", "io", "memory", "pids")


def v1_host(root=True, swap=True, names=("memory", "cpu,cpuacct", "pids", "freezer"), writable=True):
    hierarchies = tuple(
        Hierarchy(tuple(name.split(",")), f"/cg/{name}", f"/cg/{name}/own", writable, swap and name == "memory")
        for name in names
    )
    return Layout("v1", hierarchies, root=root)


def levels(*levels):
    return Layout("unified", v2=levels, v2_swap=True)


TOP = Level("/cg", ALL, ("cpu", "memory", "pids"), populated=True, writable=True, top=True)
SLICE = Level("/cg/app.slice", ALL, ("memory",), populated=False, writable=True)
OWN = Level("/cg/app.slice/jupyter.service", ("memory", "cpu", "pids"), (), populated=True, writable=True)
FULL = limits_from_docker(memory=64 << 20, cpus=0.5, cpu_shares=512, pids_limit=32)


def test_docker_words():
    assert Limits(64 << 20, 64 << 20, (50_000, 100_000), weight_of_shares(512), 32) == FULL
    assert limits_from_docker() == Limits()
    assert limits_from_docker(memory=100, memory_swap=-1).memory_swap_max == -1
    assert limits_from_docker(memory=100, memory_swap=100).memory_swap_max == 0
    assert limits_from_docker(memory=100, memory_swap=350).memory_swap_max == 250
    assert limits_from_docker(pids_limit=-1) == Limits(pids_max=-1)


def test_oci_words():
    assert limits_from_oci({}) == Limits()
    assert limits_from_oci({"memory": None, "cpu": {"quota": -1}, "pids": {"limit": 0}}) == Limits()
    assert limits_from_oci({"cpu": {"quota": 20_000}}).cpu_max == (20_000, 100_000)


@given(st.integers(2, 262144))
def test_shares_come_out_on_v1_as_they_went_in(shares):
    assert shares_of_weight(weight_of_shares(shares)) == shares
    assert 1 <= weight_of_shares(shares) <= 10000


def test_v1_everything():
    plan = plan_cgroup(v1_host(), "web", FULL)
    trees = ["memory", "cpu,cpuacct", "pids", "freezer"]
    leaves = tuple(f"/cg/{tree}/own/ipycontainer/web" for tree in trees)
    assert plan == CgroupPlan(
        folders=tuple(folder for leaf in leaves for folder in (leaf.removesuffix("/web"), leaf)),
        writes=(
            (f"{leaves[0]}/memory.limit_in_bytes", "67108864"),
            (f"{leaves[0]}/memory.memsw.limit_in_bytes", "134217728"),
            (f"{leaves[1]}/cpu.cfs_period_us", "100000"),
            (f"{leaves[1]}/cpu.cfs_quota_us", "50000"),
            (f"{leaves[1]}/cpu.shares", "512"),
            (f"{leaves[2]}/pids.max", "32"),
        ),
        joins=tuple(f"{leaf}/tasks" for leaf in leaves),
        leaves=leaves,
    )


def test_v1_without_swap_accounting_says_so():
    plan = plan_cgroup(v1_host(swap=False), "web", FULL)
    assert not [file for file, _ in plan.writes if "memsw" in file]
    assert "memory alone" in plan.notes[0]


def test_v1_unlimited_swap_writes_no_swap_limit():
    plan = plan_cgroup(v1_host(), "web", limits_from_docker(memory=1 << 20, memory_swap=-1))
    assert [file.rpartition("/")[2] for file, _ in plan.writes] == ["memory.limit_in_bytes"]


def test_v1_refuses_an_ordinary_user_who_asks_and_leaves_alone_one_who_does_not():
    with pytest.raises(Refused, match=r"--pids-limit, --cpus, --memory cannot be kept here: .*no safe delegation"):
        plan_cgroup(v1_host(root=False), "web", FULL.replace(cpu_weight=0.0))
    plan = plan_cgroup(v1_host(root=False), "web", Limits())
    assert plan.replace(notes=()) == CgroupPlan()
    assert plan.notes


def test_v1_that_cannot_be_written():
    with pytest.raises(Refused, match="/cg/memory/own cannot be written"):
        plan_cgroup(v1_host(writable=False), "web", limits_from_docker(memory=1 << 20))
    assert plan_cgroup(v1_host(writable=False), "web", Limits()).folders == ()


def test_a_missing_controller_is_refused_only_when_needed():
    host = v1_host(names=("memory", "freezer"))
    with pytest.raises(Refused, match=r"--pids-limit cannot be kept here: this machine has no pids controller"):
        plan_cgroup(host, "web", limits_from_docker(memory=1 << 20, pids_limit=5))
    assert plan_cgroup(host, "web", limits_from_docker(memory=1 << 20)).leaves == (
        "/cg/memory/own/ipycontainer/web",
        "/cg/freezer/own/ipycontainer/web",
    )


def test_no_groups_at_all():
    assert plan_cgroup(Layout("none"), "web", Limits()).notes
    with pytest.raises(Refused, match="no memory controller"):
        plan_cgroup(Layout("none"), "web", limits_from_docker(memory=1 << 20))


def test_v2_at_the_real_root_where_processes_may_sit():
    plan = plan_cgroup(levels(TOP), "web", FULL)
    leaf = "/cg/ipycontainer/web"
    assert plan == CgroupPlan(
        folders=("/cg/ipycontainer", leaf),
        writes=(
            ("/cg/ipycontainer/cgroup.subtree_control", "+pids +cpu +memory"),
            (f"{leaf}/memory.max", "67108864"),
            (f"{leaf}/memory.swap.max", "67108864"),
            (f"{leaf}/cpu.max", "50000 100000"),
            (f"{leaf}/cpu.weight", "20"),
            (f"{leaf}/pids.max", "32"),
        ),
        joins=(f"{leaf}/cgroup.procs",),
        leaves=(leaf,),
        clone_into=leaf,
    )


def test_v2_without_limits_enables_for_statistics_one_by_one_as_wishes():
    plan = plan_cgroup(levels(SLICE, TOP), "web", Limits())
    assert plan.writes == ()
    assert plan.wishes == (
        ("/cg/app.slice/cgroup.subtree_control", "+cpu"),
        ("/cg/app.slice/cgroup.subtree_control", "+pids"),
        ("/cg/app.slice/ipycontainer/cgroup.subtree_control", "+memory"),
        ("/cg/app.slice/ipycontainer/cgroup.subtree_control", "+cpu"),
        ("/cg/app.slice/ipycontainer/cgroup.subtree_control", "+pids"),
    )


def test_v2_goes_up_past_the_own_group_because_processes_sit_in_it():
    assert plan_cgroup(levels(OWN, SLICE, TOP), "web", FULL).clone_into == "/cg/app.slice/ipycontainer/web"


def test_v2_takes_fewer_controllers_where_the_asked_ones_are_enough():
    small = SLICE.replace(controllers=("memory",))
    host = levels(OWN, small, TOP.replace(writable=False))
    assert plan_cgroup(host, "web", limits_from_docker(memory=1 << 20)).writes[0] == (
        "/cg/app.slice/ipycontainer/cgroup.subtree_control",
        "+memory",
    )
    with pytest.raises(Refused, match="--cpus"):
        plan_cgroup(host, "web", limits_from_docker(cpus=1))


def test_v2_processes_in_the_only_level_refuse_limits_but_not_a_bare_group():
    private = OWN.replace(path="/cg")
    with pytest.raises(Refused, match=r"other processes sit in /cg, .*move them to a group below it"):
        plan_cgroup(levels(private), "web", FULL)
    plan = plan_cgroup(levels(private), "web", Limits())
    assert (plan.leaves, plan.writes, plan.wishes) == (("/cg/ipycontainer/web",), (), ())
    assert "not counted" in plan.notes[0]


def test_v2_not_delegated():
    host = levels(OWN.replace(writable=False), SLICE.replace(writable=False))
    with pytest.raises(Refused, match=r"no control group is delegated to this user from /cg/app\.slice/jup"):
        plan_cgroup(host, "web", FULL)
    assert plan_cgroup(host, "web", Limits()).replace(notes=()) == CgroupPlan()


@pytest.mark.parametrize(
    ("limits", "controller", "option"),
    [(Limits(cpus="0"), "cpuset", "--cpuset-cpus"), (Limits(io_weight=10), "io", "--blkio-weight")],
)
def test_v2_a_controller_that_is_not_delegated_is_named(limits: Limits, controller: str, option: str):
    """systemd's groups above a user's manager have more than it was given."""
    given = ("cpu", "memory", "pids")
    scope = SLICE.replace(path="/cg/user@1000.service", controllers=given, enabled=())
    host = levels(OWN.replace(path=f"{scope.path}/x.scope"), scope, TOP.replace(top=False, writable=False))
    words = (
        rf"^{option} cannot be kept here: {scope.path} is delegated to this user without the {controller} controller"
    )
    with pytest.raises(Refused, match=words):
        plan_cgroup(host, "web", limits)


def test_v2_threaded_levels_hold_no_domain():
    assert plan_cgroup(levels(SLICE.replace(domain=False), TOP), "web", FULL).clone_into == "/cg/ipycontainer/web"


def test_hybrid_with_an_empty_v2_tree_uses_v1_alone():
    host = v1_host().replace(kind="hybrid", v2=(TOP.replace(controllers=("hugetlb",), enabled=()),))
    assert plan_cgroup(host, "web", FULL) == plan_cgroup(v1_host(), "web", FULL)


def test_hybrid_with_memory_in_v2_uses_both():
    host = v1_host(names=("cpu,cpuacct", "pids")).replace(
        kind="hybrid", v2=(TOP.replace(controllers=("memory",), enabled=()),), v2_swap=True
    )
    plan = plan_cgroup(host, "web", FULL)
    assert ("/cg/ipycontainer/web/memory.max", "67108864") in plan.writes
    assert ("/cg/pids/own/ipycontainer/web/pids.max", "32") in plan.writes
    assert len(plan.leaves) == len(plan.joins) == 3
    assert not [file for file, _ in plan.writes if file.startswith("/cg/ipycontainer/web/cpu")]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "tasks", "memory.max", "x" * 129, "é", "a\n"])
def test_names_that_could_leave_our_folder(name):
    with pytest.raises(InputError):
        plan_cgroup(v1_host(), name, Limits())


def test_what_v1_cannot_is_said_in_sentences():
    for word, sentence in CANNOT.items():
        assert word
        assert len(sentence.split()) > 4


LEVEL = st.builds(
    Level,
    path=st.just("/cg/x"),
    controllers=st.lists(st.sampled_from(ALL), unique=True).map(tuple),
    enabled=st.lists(st.sampled_from(ALL), unique=True).map(tuple),
    populated=st.booleans(),
    writable=st.booleans(),
    top=st.booleans(),
    domain=st.booleans(),
)
HIERARCHY = st.builds(
    lambda names, *flags: Hierarchy(names, f"/v1/{names[0]}", f"/v1/{names[0]}/own", *flags),
    st.sampled_from([("memory",), ("cpu", "cpuacct"), ("pids",), ("freezer",)]),
    st.booleans(),
    st.booleans(),
)
LAYOUT = st.builds(
    Layout,
    st.sampled_from(["v1", "hybrid", "unified", "none"]),
    st.lists(HIERARCHY, max_size=4, unique_by=lambda item: item.controllers).map(tuple),
    st.lists(LEVEL, max_size=4).map(tuple),
    st.booleans(),
    st.booleans(),
)
LIMITS = st.builds(
    limits_from_docker,
    memory=st.sampled_from([0, 6 << 20]),
    memory_swap=st.sampled_from([0, -1, 12 << 20]),
    cpus=st.sampled_from([0.0, 1.5]),
    cpu_shares=st.sampled_from([0, 2, 1024]),
    pids_limit=st.sampled_from([-1, 0, 7]),
)


@settings(deadline=None)
@given(LAYOUT, LIMITS)
def test_on_any_machine_a_plan_keeps_every_limit_or_is_refused(layout, limits):
    try:
        plan = plan_cgroup(layout, "web", limits)
    except Refused as refused:
        assert limits.controllers()
        assert "cannot be kept here" in str(refused)
        return
    written = " ".join(file.rpartition("/")[2] for file, _ in plan.writes)
    for asked, files in (
        (limits.memory_max > 0, ("memory.max", "memory.limit_in_bytes")),
        (limits.cpu_max, ("cpu.max", "cpu.cfs_quota_us")),
        (limits.cpu_weight, ("cpu.weight", "cpu.shares")),
        (limits.pids_max > 0, ("pids.max",)),
    ):
        assert bool(asked) == any(file in written.split() for file in files)
    for leaf in plan.leaves:
        assert leaf.endswith("/ipycontainer/web")
        assert leaf in plan.folders
    assert len(set(plan.joins)) == len(plan.joins) == len(plan.leaves)


RARE = (
    Hierarchy(("cpuset",), "/cg/cpuset", "/cg/cpuset/own", True, cpus="0-3", mems="0"),
    Hierarchy(("blkio",), "/cg/blkio", "/cg/blkio/own", True, weight="blkio.bfq.weight"),
)


def test_v1_makes_rare_groups_for_who_asks_alone():
    host = v1_host(names=("memory",)).replace(rare=RARE)
    assert plan_cgroup(host, "web", FULL.replace(cpu_max=None, cpu_weight=0.0, pids_max=0)).leaves == (
        "/cg/memory/own/ipycontainer/web",
    )
    plan = plan_cgroup(host, "web", Limits(cpus="1"))
    ours, leaf = "/cg/cpuset/own/ipycontainer", "/cg/cpuset/own/ipycontainer/web"
    assert plan.leaves == ("/cg/memory/own/ipycontainer/web", leaf)
    # An empty set takes nobody, so the way down is filled before anybody joins; the narrow one is written after.
    assert plan.fills == tuple(
        (f"{folder}/cpuset.{file}", value)
        for folder in (ours, leaf)
        for file, value in (("cpus", "0-3"), ("mems", "0"))
    )
    assert plan.writes == ((f"{leaf}/cpuset.cpus", "1"),)


IO = Limits(
    io_weight=500,
    io_device_weights=(("8:0", 10),),
    throttles=(Throttle("throttleReadBpsDevice", "8:0", 1024), Throttle("throttleWriteIOPSDevice", "8:0", 7)),
)


def test_disks_on_v1():
    leaf = "/cg/blkio/own/ipycontainer/web"
    assert plan_cgroup(v1_host().replace(rare=RARE), "web", IO).writes == (
        (f"{leaf}/blkio.bfq.weight", "500"),
        (f"{leaf}/blkio.bfq.weight_device", "8:0 10"),
        (f"{leaf}/blkio.throttle.read_bps_device", "8:0 1024"),
        (f"{leaf}/blkio.throttle.write_iops_device", "8:0 7"),
    )
    without = v1_host().replace(rare=(RARE[1].replace(weight=""),))
    with pytest.raises(Refused, match="--blkio-weight cannot be kept here: this kernel has no weights"):
        plan_cgroup(without, "web", IO)


def test_disks_weights_that_nothing_keeps(tmp_path, monkeypatch):
    """Which of v2's files there are, and for which disks, depends on the kernel's configuration and on root's."""
    with pytest.raises(Refused, match="--blkio-weight cannot be kept here: this kernel has no weights for disks"):
        group.limit([(f"{tmp_path}/io.weight", "default 500")])

    def unsupported(file, value):
        raise KernelError("write", errno.EOPNOTSUPP, file)

    monkeypatch.setattr(group, "write", unsupported)
    for name, words in (("io.weight", "8:0 enable=1"), ("blkio.bfq.weight_device", "scheduler is bfq")):
        (tmp_path / name).touch()
        with pytest.raises(Refused, match=f"--blkio-weight-device cannot be kept here: .*{words}"):
            group.limit([(f"{tmp_path}/{name}", "8:0 10")])


@pytest.mark.parametrize(("parent", "start"), [("/jobs/mine", "/cg/memory"), ("jobs/mine/", "/cg/memory/own")])
def test_another_parent_on_v1(parent: str, start: str):
    layout = below(v1_host(names=("memory",)), parent, FULL)
    plan = plan_cgroup(layout, "web", Limits(memory_max=1 << 20))
    leaf = f"{start}/jobs/mine/ipycontainer/web"
    assert plan.folders == (f"{start}/jobs", f"{start}/jobs/mine", f"{start}/jobs/mine/ipycontainer", leaf)
    assert plan.leaves == (leaf,) and plan.joins == (f"{leaf}/tasks",)
    assert {file.rpartition("/")[0] for file, _ in plan.writes} == {leaf}


def test_another_parent_on_v2():
    layout = below(levels(TOP).replace(root=True), "/jobs/mine", Limits())
    plan = plan_cgroup(layout, "web", Limits(memory_max=1 << 20))
    leaf = "/cg/jobs/mine/ipycontainer/web"
    assert plan.folders == ("/cg/jobs", "/cg/jobs/mine", "/cg/jobs/mine/ipycontainer", leaf)
    # From the top down, or the kernel has nothing to hand on.
    assert [file for file, value in plan.writes if value == "+memory"] == [
        f"{folder}/cgroup.subtree_control"
        for folder in ("/cg", "/cg/jobs", "/cg/jobs/mine", "/cg/jobs/mine/ipycontainer")
    ]
    assert plan.clone_into == leaf and plan.writes[-1][0] == f"{leaf}/memory.max"


def test_a_parent_that_cannot_be():
    host = v1_host()
    assert below(host, "", Limits()) is host
    for parent in ("/", "..", "/a/../b", "a\nb", "//"):
        with pytest.raises(InputError, match="names no control group"):
            below(host, parent, Limits())
    with pytest.raises(Refused, match="for root alone"):
        below(host.replace(root=False), "/jobs", Limits())
    with pytest.raises(Refused, match="beside --cpuset-cpus"):
        below(host, "/jobs", Limits(cpus="0"))


def test_real_time():
    limits = Limits(cpu_realtime=(1000, 500_000))
    host = v1_host()
    with pytest.raises(Refused, match="--cpu-rt-runtime cannot be kept here: this kernel has no real-time scheduling"):
        plan_cgroup(host, "web", limits)
    host = host.replace(v1=tuple(one.replace(realtime="cpu" in one.controllers) for one in host.v1))
    writes = [(file.rpartition("/")[2], value) for file, value in plan_cgroup(host, "web", limits).writes]
    assert writes == [("cpu.rt_period_us", "500000"), ("cpu.rt_runtime_us", "1000")], "a runtime fits into its period"
    with pytest.raises(Refused, match="--cpu-rt-period cannot be kept here: control groups of version 2"):
        plan_cgroup(levels(TOP), "web", Limits(cpu_realtime=(0, 500_000)))


def test_disks_and_sets_on_v2():
    leaf = "/cg/ipycontainer/web"
    plan = plan_cgroup(levels(TOP), "web", IO.replace(cpus="0-1", mems="0"))
    assert plan.writes[2:] == (
        (f"{leaf}/cpuset.cpus", "0-1"),
        (f"{leaf}/cpuset.mems", "0"),
        (f"{leaf}/io.weight", "default 4950"),
        (f"{leaf}/io.weight", "8:0 1"),
        (f"{leaf}/io.max", "8:0 rbps=1024 wiops=7"),
    )
    assert {value for _, value in plan.writes[:2]} == {"+cpuset +io"}


@pytest.mark.parametrize(
    ("limits", "option"), [(Limits(swappiness=3), "swappiness"), (Limits(oom_waits=True), "oom-kill-disable")]
)
def test_what_v2_cannot(limits, option):
    with pytest.raises(Refused, match=f"{option} cannot be kept here: control groups of version 2"):
        plan_cgroup(levels(TOP), "web", limits)
    plan = plan_cgroup(v1_host(), "web", limits)
    assert plan.writes[0][0].rpartition("/")[2] in ("memory.swappiness", "memory.oom_control")


def test_a_period_alone():
    limits = limits_from_oci({"cpu": {"period": 50_000}})
    assert ("/cg/ipycontainer/web/cpu.max", "max 50000") in plan_cgroup(levels(TOP), "web", limits).writes
    assert plan_cgroup(v1_host(), "web", limits).writes[1][1] == "-1"
