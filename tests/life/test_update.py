"""`update`: other limits, in the kernel's files and in the record, and rare limits of `run`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.life.inside import alive_record, detached, one_sentence, with_engine
from tests.life.test_limits import V1
from tests.personas import Persona

ROOT = pytest.mark.personas("root")


def _disk() -> str:
    """A whole disk of this machine, on which nothing has to be done to see its limit."""
    names = sorted(name for name in os.listdir("/sys/block") if name.startswith(("vd", "sd", "nvme", "loop")))
    return next(f"/dev/{name}" for name in names if Path("/dev", name).exists())


def _numbers(device: str) -> str:
    there = os.stat(device).st_rdev
    return f"{os.major(there)}:{os.minor(there)}"


def _kept(persona: Persona, container: str, v1: str, v2: str) -> str:
    """What the kernel's file of that name says."""
    found = [Path(folder, v1 if V1 else v2) for folder in alive_record(persona, container)["cgroups"]]
    return next(file.read_text().strip() for file in found if file.exists())


def _inspect(persona: Persona, container: str, field: str) -> str:
    return persona.ok("inspect", "-f", f"{{{{.HostConfig.{field}}}}}", container)


@ROOT
def test_a_running_container_gets_other_limits(persona: Persona, nothing_left: None):
    container = detached(persona, "-m", "64m", "--pids-limit", "50", "base", "sleep", "100")
    assert persona.ok("update", "-m", "96m", "--pids-limit", "20", "--cpus", "0.5", container) == container
    assert _kept(persona, container, "memory.limit_in_bytes", "memory.max") == str(96 << 20)
    assert _kept(persona, container, "pids.max", "pids.max") == "20"
    assert _inspect(persona, container, "Memory") == str(96 << 20)
    assert _inspect(persona, container, "NanoCpus") == "500000000"
    # Past memory and swap together: the sum goes first.
    persona.ok("update", "-m", "256m", "--memory-swap", "512m", container)
    assert _kept(persona, container, "memory.limit_in_bytes", "memory.max") == str(256 << 20)
    persona.ok("update", "--pids-limit", "-1", "--memory-swap", "-1", container)
    assert _kept(persona, container, "pids.max", "pids.max") == "max"
    persona.ok("restart", "-t", "0", container)
    assert _kept(persona, container, "memory.limit_in_bytes", "memory.max") == str(256 << 20)
    assert persona.ok("events", "--since", "1m", "--until", "0s", "--filter", "event=update").count(container[:12]) == 3
    persona.ok("rm", "-f", container)


@ROOT
def test_what_contradicts_changes_nothing(persona: Persona):
    container = detached(persona, "-m", "64m", "--cpus", "0.5", "base", "sleep", "100")
    for words, said in (
        (("-m", "200m"), "already set memoryswap limit"),
        (("--cpu-quota", "20000"), "CPU Quota cannot be updated as NanoCPUs has already been set"),
        (("-m", "1m"), "minimum memory limit"),
        (("--cpuset-cpus", "4096"), "not available"),
    ):
        assert said in one_sentence(persona.cli("update", *words, container), code=1)
    assert _inspect(persona, container, "Memory") == str(64 << 20)
    assert _kept(persona, container, "memory.limit_in_bytes", "memory.max") == str(64 << 20)
    assert persona.cli("update", container).exit_code == 1
    assert persona.cli("update", "-m", "64m", "nobody").exit_code == 1


@ROOT
def test_a_stopped_one_has_them_at_its_next_start(persona: Persona, nothing_left: None):
    container = persona.ok("create", "base", "sleep", "100")
    persona.ok("update", "--cpuset-cpus", "1", "--cpu-shares", "512", container)
    persona.ok("start", container)
    assert _kept(persona, container, "cpuset.cpus", "cpuset.cpus") == "1"
    assert "Cpus_allowed_list:\t1\n" in persona.ok("exec", container, "cat", "/proc/1/status") + "\n"
    persona.ok("update", "--cpuset-cpus", "0-1", container)
    assert _kept(persona, container, "cpuset.cpus", "cpuset.cpus") == "0-1"
    persona.ok("rm", "-f", container)


@ROOT
@pytest.mark.skipif(not V1, reason="version 2 has one group for all: a set can always be given")
def test_a_set_for_one_that_runs_without_is_refused_on_v1(persona: Persona):
    container = detached(persona, "base", "sleep", "100")
    assert "stop it, update it" in one_sentence(persona.cli("update", "--cpuset-cpus", "0", container), code=1)


@ROOT
def test_rare_limits_are_written(persona: Persona, nothing_left: None):
    disk = _disk()
    words = ["--cpu-period", "50000", "--cpu-quota", "25000", "--cpuset-cpus", "0", "--cpuset-mems", "0"]
    words += ["--device-write-bps", f"{disk}:1mb", "--device-read-iops", f"{disk}:100"]
    container = detached(persona, *words, "base", "sleep", "100")
    assert _kept(persona, container, "cpuset.cpus", "cpuset.cpus") == "0"
    number = _numbers(disk)
    if V1:
        assert _kept(persona, container, "cpu.cfs_quota_us", "") == "25000"
        assert _kept(persona, container, "blkio.throttle.write_bps_device", "") == f"{number} {1 << 20}"
        assert _kept(persona, container, "blkio.throttle.read_iops_device", "") == f"{number} 100"
    else:
        assert _kept(persona, container, "", "cpu.max") == "25000 50000"
        assert _kept(persona, container, "", "io.max") == f"{number} rbps=max wbps={1 << 20} riops=100 wiops=max"
    assert persona.ok("exec", container, "sh", "-c", "grep Cpus_allowed_list /proc/self/status").split() == [
        "Cpus_allowed_list:",
        "0",
    ]
    said = persona.ok("inspect", "-f", "{{json .HostConfig.BlkioDeviceWriteBps}}", container)
    assert json.loads(said) == [{"Path": disk, "Rate": 1 << 20}]
    persona.ok("rm", "-f", container)


@ROOT
def test_a_disk_that_nobody_weighs(persona: Persona, nothing_left: None):
    """Only the disk's scheduler can, which the kernel alone knows; a sentence says so."""
    disk = _disk()
    scheduler = Path("/sys/dev/block", _numbers(disk), "queue", "scheduler")
    done = persona.cli("run", "--rm", "--blkio-weight-device", f"{disk}:300", "base", "true")
    if scheduler.exists() and "[bfq]" in scheduler.read_text():
        assert done.exit_code == 0
        return
    assert "--blkio-weight-device cannot be kept here" in one_sentence(done, code=125)


@ROOT
def test_memory_that_waits_instead_of_dying(persona: Persona):
    words = ("-m", "32m", "--oom-kill-disable", "--memory-swappiness", "0")
    done = persona.cli("run", "-d", *words, "base", "sleep", "100")
    if not V1:
        assert "version 2 have no such setting" in one_sentence(done, code=125)
        return
    container = done.out.strip()
    assert "oom_kill_disable 1" in _kept(persona, container, "memory.oom_control", "")
    assert _kept(persona, container, "memory.swappiness", "") == "0"
    persona.ok("rm", "-f", container)


@ROOT
def test_a_kind_of_device_that_may_be_made(persona: Persona):
    make = "mknod /tmp/tun c 10 200 && cat /tmp/tun"
    without = persona.cli("run", "--rm", "base", "sh", "-c", make)
    assert "Operation not permitted" in without.err
    allowed = persona.cli("run", "--rm", "--device-cgroup-rule", "c 10:* rwm", "base", "sh", "-c", make)
    assert "Operation not permitted" not in allowed.err


def test_words_that_make_no_sense(persona: Persona):
    for words, said in (
        (("--cpu-period", "1"), "CPU cfs period can not be less than 1ms"),
        (("--cpu-quota", "9"), "CPU cfs quota can not be less than 1ms"),
        (("--cpus", "1", "--cpu-period", "1000"), "Conflicting options"),
        (("--cpuset-cpus", "0-"), "Invalid value 0- for cpuset cpus"),
        (("--cpuset-cpus", "900"), "Requested CPUs are not available"),
        (("--blkio-weight", "5"), "Range of blkio weight is from 10 to 1000"),
        (("--device-read-bps", "/dev/null"), "invalid rate for device"),
        (("--device-read-bps", "/dev/null:1mb"), "no block device"),
        (("--device-write-iops", "/dev/none:1"), "no device that could be limited"),
        (("--memory-swappiness", "101"), "valid memory swappiness range is 0-100"),
        (("--device-cgroup-rule", "c 1"), "invalid device cgroup format"),
    ):
        if words[0] == "--device-cgroup-rule" and persona.name != "root":
            said = "cannot be kept here"
        # 125: what docker's client refuses by itself, and what is refused here alone.
        code = 125 if words[0] in ("--memory-swappiness", "--device-cgroup-rule") or "invalid rate" in said else 1
        assert said in one_sentence(persona.cli("create", *words, "base", "true"), code=code), words


@pytest.mark.personas("user", "solo")
@pytest.mark.skipif(not V1, reason="cgroup v2 may be delegated")
def test_an_ordinary_user_is_refused_on_v1(persona: Persona):
    container = detached(persona, "base", "sleep", "100")
    for words in (("-m", "64m", "--memory-swap", "-1"), ("--cpuset-cpus", "0"), ("--pids-limit", "20")):
        assert "cgroup v1" in one_sentence(persona.cli("update", *words, container), code=1)
    assert "cgroup v1" in one_sentence(persona.cli("create", "--cpuset-cpus", "0", "base", "true"), code=125)


@ROOT
def test_from_python(persona: Persona):
    told = with_engine(
        persona,
        """
        one = engine.run("base", ["sleep", "100"], detach=True, memory="64m", cpuset_cpus="0")
        try:
            one.update(memory="80m", pids_limit=30)
            found = engine.get(one.id).inspect()["HostConfig"]
            tell([found["Memory"], found["PidsLimit"], found["CpusetCpus"], one.usage().memory_limit])
        finally:
            one.remove(force=True)
        """,
    )
    assert told == [80 << 20, 30, "0", 80 << 20]


@ROOT
def test_real_time(persona: Persona, nothing_left: None):
    """A period can always be had; a runtime where the group above has one, which a new one has not."""
    if not (V1 and Path("/sys/fs/cgroup/cpu/cpu.rt_period_us").exists()):
        refusal = persona.cli("run", "--rm", "--cpu-rt-period", "500000", "base", "true")
        assert "--cpu-rt-period cannot be kept here" in one_sentence(refusal, code=125)
        return
    container = detached(persona, "--cpu-rt-period", "500000", "base", "sleep", "100")
    assert _kept(persona, container, "cpu.rt_period_us", "") == "500000"
    persona.ok("update", "--cpu-rt-period", "400000", container)
    assert _kept(persona, container, "cpu.rt_period_us", "") == "400000"
    assert _inspect(persona, container, "CpuRealtimePeriod") == "400000"
    refusal = persona.cli("run", "--rm", "--cpu-rt-runtime", "1000", "base", "true")
    assert "cpu.rt_runtime_us: invalid argument" in one_sentence(refusal, code=125)
    assert persona.cli("update", "--cpu-rt-runtime", "1000", container).exit_code == 1
    assert _inspect(persona, container, "CpuRealtimeRuntime") == "0", "what the kernel refuses is not written down"
    refusal = persona.cli("create", "--cpu-rt-runtime", "2000", "--cpu-rt-period", "1000", "base", "true")
    assert "cannot be higher than" in one_sentence(refusal, code=1)
    persona.ok("rm", "-f", container)
