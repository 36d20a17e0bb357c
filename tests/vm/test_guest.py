"""The machine itself: it boots as it should, and its power can be cut."""

from __future__ import annotations

import pytest

from tests.vm import disks
from tests.vm.conftest import Disks
from tests.vm.guest import Guest, PowerCut

COMMAND = "/checkout/.venv/bin/ipycontainer"

pytestmark = pytest.mark.timeout(900)


def test_it_has_unified_control_groups_with_all_controllers(bare: Guest) -> None:
    assert bare.ok("stat", "-fc", "%T", "/sys/fs/cgroup") == "cgroup2fs"
    found = set(bare.ok("cat", "/sys/fs/cgroup/cgroup.controllers").split())
    assert {"cpuset", "cpu", "io", "memory", "pids"} <= found


def test_its_kernel_has_had_a_first_group_before_anything_runs(bare: Guest, with_systemd: Guest) -> None:
    for guest in (bare, with_systemd):
        words = next(line for line in guest.ok("dmesg").splitlines() if "first control group:" in line)
        assert {"cpuset", "cpu", "io", "memory", "pids"} <= set(words.split())
        assert guest.run("ls", "-d", "/sys/fs/cgroup/first").exit_code == 2


def test_a_container_runs_in_it(bare: Guest) -> None:
    assert bare.ok(COMMAND, "run", "--rm", "base", "echo", "hi", timeout=180) == "hi"


def test_what_reached_the_disk_is_there_after_a_power_cut(guest_disks: Disks) -> None:
    state = disks.make(guest_disks.folder / "cut.img", 256)
    guest = Guest(*guest_disks, state=state)
    try:
        guest.ok("sh", "-c", "echo durable >/state/durable; sync; echo fleeting >/state/fleeting")
    finally:
        guest.cut()
    with pytest.raises(PowerCut):
        guest.run("true")
    guest = Guest(*guest_disks, state=state)
    try:
        assert guest.ok("cat", "/state/durable") == "durable"
        # This is the attack that the power-cut tests make: what nobody made durable is gone.
        assert guest.run("cat", "/state/fleeting").out == ""
    finally:
        guest.close()


def test_a_kernel_that_hangs_ends_the_machine_and_says_where(guest_disks: Disks) -> None:
    """Its watchdog's own words, and the panic that it would end with: a hang cannot be had for the asking."""
    guest = Guest(*guest_disks)
    try:
        words = [guest.ok("cat", f"/proc/sys/kernel/{name}") for name in ("softlockup_panic", "watchdog_thresh")]
        assert words == ["1", "30"] and not guest.hung
        with pytest.raises(PowerCut, match="soft lockup - by a test"):
            guest.run("sh", "-c", "echo '<2>BUG: soft lockup - by a test' >/dev/kmsg; echo c >/proc/sysrq-trigger")
        assert "Kernel panic" in guest.hung
    finally:
        guest.close()
