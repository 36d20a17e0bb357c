"""doctor's sentences, for machines that nobody here owns."""

from __future__ import annotations

import doctest
import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipycontainer.engine.doctor import facts as facts_module
from ipycontainer.engine.doctor import findings
from ipycontainer.engine.doctor.facts import Facts, first_free, unit_of
from ipycontainer.engine.doctor.findings import KERNEL
from ipycontainer.linux.cgroups.layout import Hierarchy, Layout, Level
from ipycontainer.linux.machine import ESSENTIAL, Machine
from ipycontainer.linux.trial import Rung

GROUPS = tuple(
    Hierarchy((name,), f"/cg/{name}", f"/cg/{name}", True, True) for name in ("memory", "cpu", "pids", "freezer")
)
V1 = Layout("v1", GROUPS, root=True)
ALL = [
    *dict.fromkeys((*KERNEL, *ESSENTIAL)),
    "opaque folders",
    "whiteouts",
    "overlay",
    "proc",
    "sysfs",
    "network namespace",
    "user namespace",
]
ROOT = Machine("root", tuple(Rung(name, True) for name in ALL))
RANGE = ROOT.replace(mode="range", rungs=(*ROOT.rungs, Rung("id range", True), Rung("ids of the range", True)))
HERE = Facts("/var/lib/ipycontainer", "ext4", 0, "root")
ANN = HERE.replace(uid=1000, user="ann")


def without(machine, *names, number=errno.EPERM, words="", mode=None):
    """The machine where the trial fell at these rungs."""
    rungs = [Rung(rung.name, False, "call", number, words) if rung.name in names else rung for rung in machine.rungs]
    return machine.replace(rungs=tuple(rungs), mode=mode or machine.mode)


def up_to(machine, name, number=errno.EPERM):
    """The machine where the trial ended at this rung."""
    place = [rung.name for rung in machine.rungs].index(name)
    return Machine("none", (*machine.rungs[:place], Rung(name, False, "call", number)))


def named(found, name):
    (one,) = [finding for finding in found if finding.name == name]
    return one


def test_a_whole_machine_lacks_nothing():
    for machine, layout, facts in ((ROOT, V1, HERE), (RANGE, V1, ANN)):
        found = findings(machine, layout, facts)
        assert [finding.name for finding in found if not finding.ok] == []
        assert {"containers", "store", "kernel", "limits", "survival"} <= {finding.name for finding in found}


@pytest.mark.parametrize(
    ("settings", "mend"),
    [
        ({"kernel/apparmor_restrict_unprivileged_userns": "1"}, "kernel.apparmor_restrict_unprivileged_userns=0"),
        ({"kernel/unprivileged_userns_clone": "0"}, "kernel.unprivileged_userns_clone=1"),
        ({"user/max_user_namespaces": "0"}, "user.max_user_namespaces=10000"),
        ({}, "max_user_namespaces"),
    ],
)
def test_user_namespaces_that_are_forbidden(settings, mend):
    machine = Machine("none", (Rung("user namespace", False, "unshare", errno.EPERM),))
    found = findings(machine, V1, ANN.replace(settings=tuple(settings.items())))
    finding = named(found, "user namespaces")
    assert mend in finding.mend
    assert "no container" in finding.cost
    assert not named(found, "containers").ok


def test_apparmor_that_refuses_only_the_mount():
    machine = up_to(RANGE, "private mounts")
    machine = machine.replace(rungs=(Rung("user namespace", True), *machine.rungs))
    found = findings(machine, V1, ANN.replace(settings=(("kernel/apparmor_restrict_unprivileged_userns", "1"),)))
    assert "AppArmor" in named(found, "user namespaces").found


def test_a_pod_with_a_filter():
    machine = Machine("none", (Rung("user namespace", False, "unshare", errno.EPERM),))
    found = findings(machine, Layout("none"), ANN.replace(filtered=True, in_container=True))
    assert "seccomp" in named(found, "user namespaces").found
    assert "EPERM" in named(found, "user namespaces").found
    for name in ("containers", "user namespaces"):
        # docker's AppArmor profile refuses mount(2) too.
        assert "seccomp=unconfined --security-opt apparmor=unconfined" in named(found, name).mend
    assert "Kubernetes" in named(found, "containers").mend
    # The trial did not come to the store, nor to ids, and no container is there to be limited: nothing is said of them.
    assert {finding.name for finding in found} == {"containers", "user namespaces"}


def test_root_that_can_do_nothing():
    found = findings(Machine("none", (Rung("user namespace", False, "unshare", errno.EPERM),)), V1, HERE)
    assert "called root" in named(found, "containers").cost


@pytest.mark.parametrize(
    ("words", "facts", "mend"),
    [
        ("/usr/bin/newuidmap is not installed", ANN, "apt install uidmap"),
        ("/etc/subuid has no line for ann", ANN.replace(free_ids=231_072), "--add-subuids 231072-296607"),
        ("it ended with 1: not permitted", ANN.replace(no_new_privs=True), "NoNewPrivileges=no"),
        ("it ended with 1: gid range not allowed", ANN, "/etc/subgid"),
    ],
)
def test_one_id_says_why_and_what_would_give_more(words, facts, mend):
    rungs = (*ROOT.rungs, Rung("id range", False, words=words), Rung("one id", True))
    finding = named(findings(ROOT.replace(mode="one", rungs=rungs), V1, facts), "ids")
    assert mend in finding.mend
    assert "apt" in finding.cost


def test_the_store_on_a_network():
    finding = named(findings(ROOT, V1, HERE.replace(store_kind="nfs4")), "store")
    assert "network file system" in finding.found
    assert "IPYCONTAINER_ROOT" in finding.mend


def test_the_store_on_an_overlay_as_in_a_container():
    machine = without(ROOT, "overlay on the store", number=errno.EINVAL, mode="none")
    found = findings(machine, V1, HERE.replace(store_kind="overlay", in_container=True))
    assert "a volume" in named(found, "store").mend
    # Mounts are allowed, and root has its power: nobody else has to change anything.
    assert "whoever runs it" not in named(found, "containers").mend
    assert "called root" not in named(found, "containers").cost


def test_no_overlay_at_all():
    machine = without(ROOT, "overlay on the store", "overlay", number=errno.ENODEV, mode="none")
    assert "modprobe overlay" in named(findings(machine, V1, HERE), "store").mend


def test_a_store_that_keeps_no_attributes():
    assert "replaces a whole folder" in named(findings(without(ROOT, "opaque folders"), V1, HERE), "store").cost


def test_what_the_trial_ended_at_is_what_was_essential():
    machine = without(RANGE, "overlay on the store", "overlay", "whiteouts", number=errno.EINVAL, mode="none")
    assert "ended at 'overlay on the store' (EINVAL)" in named(findings(machine, V1, ANN), "containers").found


def test_a_store_without_whiteouts_is_slower_only():
    assert "slower" in named(findings(without(ROOT, "whiteouts"), V1, HERE), "store").cost


@pytest.mark.parametrize("name", KERNEL)
def test_each_missing_call(name):
    finding = named(findings(without(ROOT, name, number=errno.ENOSYS), V1, HERE), name)
    assert "ENOSYS" in finding.found
    assert KERNEL[name] in finding.cost
    assert "Linux" in finding.mend


@pytest.mark.parametrize("name", [name for name in KERNEL if "nothing is started" in KERNEL[name]])
def test_without_which_nothing_is_started_is_essential(name):
    assert name in ESSENTIAL


def test_masked_proc():
    assert "procMount" in named(findings(without(RANGE, "proc"), V1, ANN), "proc").mend


def test_no_network_namespaces():
    assert "--network host" in named(findings(without(RANGE, "network namespace"), V1, ANN), "network").cost


def test_users_have_no_limits_on_v1():
    finding = named(findings(RANGE, V1.replace(root=False), ANN), "limits")
    assert "no safe delegation" in finding.found
    assert "unified_cgroup_hierarchy" in finding.mend


def test_one_missing_controller():
    layout = V1.replace(v1=tuple(item for item in GROUPS if item.controllers != ("pids",)))
    found = findings(ROOT, layout, HERE)
    assert "--pids-limit" in named(found, "pids limit").cost
    assert "cgroup_enable=pids" in named(found, "pids limit").mend
    assert "limits" not in [finding.name for finding in found]


def test_v2_without_delegation_under_systemd():
    own = Level("/cg/user.slice/session-1.scope", ("cpu", "memory", "pids"))
    finding = named(findings(RANGE, Layout("unified", v2=(own,)), ANN.replace(systemd=True, lingers=True)), "limits")
    assert finding.mend.startswith("Start from a delegated scope: `systemd-run --user --scope -p Delegate=yes")
    finding = named(findings(RANGE, Layout("unified", v2=(own,)), ANN.replace(systemd=True)), "limits")
    assert "enable-linger ann" in finding.mend


@pytest.mark.parametrize("facts", [HERE.replace(in_container=True), ANN.replace(systemd=True, lingers=True)])
def test_v2_where_processes_sit_in_the_only_group(facts):
    """A privileged container of docker's, or a service with Delegate=yes: what they have is whole, and in use."""
    own = Level("/cg", ("cpu", "memory", "pids"), writable=True)
    above = Level("/", own.controllers)
    finding = named(findings(ROOT, Layout("unified", v2=(own, above)), facts), "limits")
    assert "mkdir -p /cg/init && xargs -n1 </cg/cgroup.procs >/cg/init/cgroup.procs" in finding.mend
    for not_it in (own.replace(writable=False), own.replace(controllers=())):
        finding = named(findings(ROOT, Layout("unified", v2=(not_it, above)), facts), "limits")
        assert "mkdir" not in finding.mend


def test_uncounted_swap():
    layout = V1.replace(v1=tuple(item.replace(swap=False) for item in GROUPS))
    assert "swapaccount=1" in named(findings(ROOT, layout, HERE), "swap limit").mend


def test_survival():
    assert "enable-linger ann" in named(findings(RANGE, V1, ANN.replace(systemd=True)), "survival").mend
    service = HERE.replace(systemd=True, unit="jupyterhub.service")
    assert "jupyterhub.service" in named(findings(ROOT, V1, service), "survival").found
    assert named(findings(ROOT, V1, HERE.replace(systemd=True, unit="session-4.scope")), "survival").ok
    assert named(findings(ROOT, V1, service.replace(scope=True)), "survival").ok
    # Whoever lingers not has no manager that would end it; the service does.
    anns = named(findings(RANGE, V1, ANN.replace(systemd=True, unit="jupyterhub.service")), "survival")
    assert "jupyterhub.service" in anns.found and "enable-linger ann" in anns.mend
    scoped = named(findings(RANGE, V1, ANN.replace(systemd=True, unit="x.service", scope=True)), "survival")
    assert "last session" in scoped.found


def test_a_scope_whose_manager_was_not_given_everything():
    own = Level("/cg/x.scope/launcher", ("memory", "pids"), writable=True)
    scope = Level("/cg/x.scope", ("memory", "pids"), populated=False, writable=True)
    facts = ANN.replace(systemd=True, lingers=True, scope=True)
    found = findings(RANGE, Layout("unified", v2=(own, scope)), facts)
    assert "limits" not in [finding.name for finding in found]
    assert "systemctl edit user@.service" in named(found, "cpu limit").mend


def test_root_without_the_power_over_limits():
    assert "CAP_SYS_RESOURCE" in named(findings(ROOT, V1, HERE.replace(sys_resource=False)), "ulimits").found


def test_units():
    assert unit_of("1:name=systemd:/system.slice/jupyterhub.service\n0::/\n") == "jupyterhub.service"
    assert unit_of("4:memory:/x.service\n") == ""
    assert unit_of("") == ""


def test_free_ids_skip_what_cannot_be_read():
    assert first_free("") == 100_000
    assert first_free("x:y:z\n# a comment\nann:200000:65536\nann:1:²\nbob:" + "9" * 5000 + ":1\n") == 265_536


def test_examples_in_docstrings():
    assert doctest.testmod(facts_module).failed == 0


RUNGS = st.lists(
    st.builds(Rung, st.sampled_from([*ALL, "id range", "one id", "in time"]), st.booleans(), errno=st.integers(0, 40)),
    unique_by=lambda rung: rung.name,
).map(tuple)


@settings(deadline=None)
@given(
    st.builds(Machine, st.sampled_from(["root", "range", "one", "none"]), RUNGS),
    st.sampled_from([V1, V1.replace(root=False), Layout("none"), Layout("unified", v2=(Level("/cg"),))]),
    st.builds(
        ANN.replace,
        uid=st.sampled_from([0, 1000]),
        filtered=st.booleans(),
        in_container=st.booleans(),
        systemd=st.booleans(),
        scope=st.booleans(),
        store_kind=st.sampled_from(["ext4", "", "nfs4", "overlay", "tmpfs"]),
    ),
)
def test_any_machine_gets_whole_sentences(machine, layout, facts):
    for finding in findings(machine, layout, facts):
        assert finding.ok == (finding.cost == "" and finding.mend == "")
        for sentence in (finding.found, finding.cost, finding.mend):
            assert sentence == "" or sentence.endswith(".")
            assert "  " not in sentence
