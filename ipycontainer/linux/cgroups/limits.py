"""What a container's group is asked to keep, in v2's words."""

from __future__ import annotations

from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

CPU_PERIOD = 100_000  # microseconds: docker's and the kernel's own default

# The OCI spec's names of limits on one device's traffic -> v2's (io.max), v1's (blkio.throttle.…_device), docker's.
THROTTLES = {
    "throttleReadBpsDevice": ("rbps", "read_bps", "--device-read-bps"),
    "throttleWriteBpsDevice": ("wbps", "write_bps", "--device-write-bps"),
    "throttleReadIOPSDevice": ("riops", "read_iops", "--device-read-iops"),
    "throttleWriteIOPSDevice": ("wiops", "write_iops", "--device-write-iops"),
}


class Throttle(Record):
    """One device's traffic: kind (a name of THROTTLES), "MAJOR:MINOR", bytes or operations for each second."""

    kind: str
    device: str
    rate: int


class Limits(Record):
    """0 stands for "not asked for" and -1 for "max" throughout.

    memory_max: bytes.  memory_swap_max: bytes of swap alone, as v2 counts (docker counts both together);
    0 would be a limit of its own there, so "not asked for" is None.
    memory_low: bytes that are taken back last when the machine is short of memory.
    swappiness: 0 to 100, how soon memory goes into swap; oom_waits: over its limit it waits instead of being killed.
    cpu_max: (quota, period) in microseconds.
    cpu_realtime: (runtime, period) in microseconds of real-time scheduling, 0 for the one that is not asked for.
    cpus, mems: lists such as "0-2,5": the CPUs, and the NUMA nodes whose memory, that it may use.
    io_weight: docker's 10 to 1000, for all devices and ("MAJOR:MINOR", weight) for one; throttles: of its traffic.
    cpu_weight: 1 to 10000; a fraction is kept, so that docker's shares come out on v1 as they went in.
    pids_max: tasks.
    """

    memory_max: int = 0
    memory_swap_max: int | None = None
    cpu_max: tuple[int, int] | None = None
    cpu_weight: float = 0.0
    pids_max: int = 0
    memory_low: int = 0
    swappiness: int | None = None
    oom_waits: bool = False
    cpus: str = ""
    mems: str = ""
    io_weight: int = 0
    io_device_weights: tuple[tuple[str, int], ...] = ()
    throttles: tuple[Throttle, ...] = ()
    cpu_realtime: tuple[int, int] | None = None

    def controllers(self) -> dict[str, str]:
        """The controllers without which these limits cannot be kept -> docker's option that asks."""
        needed: dict[str, str] = {}
        if self.pids_max > 0:
            needed["pids"] = "--pids-limit"
        if self.cpu_weight:
            needed["cpu"] = "--cpu-shares"
        if self.cpu_max is not None:
            needed["cpu"] = "--cpus"
        if self.memory_low > 0:
            needed["memory"] = "--memory-reservation"
        if self.memory_max > 0 or self.memory_swap_max is not None:
            needed["memory"] = "--memory"
        needed.update(self._rare_controllers())
        return needed

    def _rare_controllers(self) -> dict[str, str]:
        needed: dict[str, str] = {}
        if self.swappiness is not None or self.oom_waits:
            needed["memory"] = "--oom-kill-disable" if self.oom_waits else "--memory-swappiness"
        if self.cpu_realtime is not None:
            needed["cpu"] = "--cpu-rt-runtime" if self.cpu_realtime[0] else "--cpu-rt-period"
        if self.cpus or self.mems:
            needed["cpuset"] = "--cpuset-cpus" if self.cpus else "--cpuset-mems"
        for throttle in self.throttles:
            needed["io"] = THROTTLES[throttle.kind][2]
        if self.io_weight or self.io_device_weights:
            needed["io"] = "--blkio-weight" if self.io_weight else "--blkio-weight-device"
        return needed


def limits_from_docker(
    memory: int = 0, memory_swap: int = 0, cpus: float = 0.0, cpu_shares: int = 0, pids_limit: int = 0
) -> Limits:
    """docker's numbers: memory_swap is memory and swap together (0: twice the memory; -1: no limit)."""
    cpu = {"shares": cpu_shares, **({"quota": round(cpus * CPU_PERIOD), "period": CPU_PERIOD} if cpus else {})}
    return limits_from_oci(
        {"memory": {"limit": memory, "swap": memory_swap}, "cpu": cpu, "pids": {"limit": pids_limit}}
    )


def limits_from_oci(resources: Mapping[str, Any]) -> Limits:
    """`linux.resources` of an OCI runtime spec (memory, cpu, pids, blockIO); what is not there is not asked for."""
    memory, cpu, pids = (resources.get(name) or {} for name in ("memory", "cpu", "pids"))
    limit, both = int(memory.get("limit") or 0), int(memory.get("swap") or 0)
    quota, period = int(cpu.get("quota") or 0), int(cpu.get("period") or 0)
    realtime = int(cpu.get("realtimeRuntime") or 0), int(cpu.get("realtimePeriod") or 0)
    shares = int(cpu.get("shares") or 0)
    io = resources.get("blockIO") or {}
    return Limits(
        memory_max=limit,
        memory_swap_max=_swap(limit, both),
        memory_low=max(int(memory.get("reservation") or 0), 0),
        swappiness=None if memory.get("swappiness") is None else int(memory["swappiness"]),
        oom_waits=bool(memory.get("disableOOMKiller")),
        cpu_max=(quota, period or CPU_PERIOD) if quota > 0 or period else None,
        cpu_realtime=realtime if any(realtime) else None,
        cpus=str(cpu.get("cpus") or ""),
        mems=str(cpu.get("mems") or ""),
        io_weight=int(io.get("weight") or 0),
        io_device_weights=tuple((_number(item), int(item["weight"])) for item in io.get("weightDevice") or ()),
        throttles=tuple(
            Throttle(kind, _number(item), int(item["rate"])) for kind in THROTTLES for item in io.get(kind) or ()
        ),
        cpu_weight=weight_of_shares(shares) if shares else 0.0,
        pids_max=max(int(pids.get("limit") or 0), -1),
    )


def _number(item: Mapping[str, Any]) -> str:
    return f"{int(item['major'])}:{int(item['minor'])}"


def _swap(memory: int, both: int) -> int | None:
    """docker: --memory alone allows as much swap as memory; -1 any amount."""
    if memory <= 0:
        return None
    if both == 0:
        return memory
    return -1 if both < 0 else max(both - memory, 0)


def weight_of_shares(shares: int) -> float:
    """v1's cpu.shares (2 to 262144, 1024 is usual) on v2's scale (1 to 10000), linearly as runc does.

    >>> weight_of_shares(2), weight_of_shares(262144), int(weight_of_shares(1024))
    (1.0, 10000.0, 39)
    """
    return 1 + (min(max(shares, 2), 262144) - 2) * 9999 / 262142


def shares_of_weight(weight: float) -> int:
    """Back again.

    >>> all(shares_of_weight(weight_of_shares(n)) == n for n in range(2, 262145, 97))
    True
    """
    return round(2 + (min(max(weight, 1.0), 10000.0) - 1) * 262142 / 9999)
