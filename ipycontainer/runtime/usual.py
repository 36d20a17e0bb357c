"""What every usual container has mounted, masked and read-only: docker's defaults, written once.

Here and not with the rest of the spec (engine/specification), because a slot mounts it before any spec is known.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _masked() -> list[str]:
    found = (
        "/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug "
        "/proc/scsi /proc/timer_list /proc/timer_stats /sys/firmware /sys/devices/virtual/powercap"
    ).split()
    # Each CPU tells there how warm it is, and so what others on this machine do.  Most virtual machines have none.
    folder = "/sys/devices/system/cpu/cpu{}/thermal_throttle"
    if os.path.exists(folder.format(0)):
        found += [folder.format(number) for number in range(os.cpu_count() or 1)]
    return found


MASKED = _masked()
READ_ONLY = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger".split()

QUIET = ["nosuid", "noexec", "nodev"]


def base_mounts(shm_size: int = 0) -> list[dict[str, Any]]:
    """What every container has mounted, in order: /dev before what lies in it.  shm_size: bytes; 0 for docker's 64m."""
    shm = [*QUIET, "mode=1777", f"size={shm_size}" if shm_size else "size=65536k"]
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
    return [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": QUIET},
        {
            "destination": "/dev",
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        },
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": pts},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": shm},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": QUIET},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*QUIET, "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": [*QUIET, "ro"]},
    ]


# docker's, for a network of the container's own: a port needs no privilege there, and a ping no raw socket.
SYSCTLS = {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}
