"""Run inside a container: what a program there finds, as one JSON object of short texts by name.

Only the standard library, and nothing that needs more than /proc, /sys and /dev.
"""

from __future__ import annotations

import json
import os
import re
import resource
import stat
import sys

MASKED = (
    "/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug /proc/scsi "
    "/proc/timer_list /proc/timer_stats /sys/firmware /sys/devices/virtual/powercap "
    "/sys/devices/system/cpu/cpu0/thermal_throttle"
).split()
READ_ONLY = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger".split()
# Nodes that a container makes for itself, and then tries to read.
TRIED = {
    "loop0": ("b", 7, 0), "mem": ("c", 1, 1), "kmsg": ("c", 1, 11), "fuse": ("c", 10, 229), "tun": ("c", 10, 200),
    "kvm": ("c", 10, 232), "null": ("c", 1, 3), "zero": ("c", 1, 5), "random": ("c", 1, 8), "tty63": ("c", 4, 63),
    "ptmx": ("c", 5, 2), "rtc": ("c", 253, 0), "disk": ("b", 254, 0), "sda": ("b", 8, 0), "unnamed": ("b", 0, 0),
}  # fmt: skip
KERNELS = "proc sysfs tmpfs devtmpfs devpts mqueue cgroup cgroup2 overlay".split()
STATUS = "Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Umask SigBlk SigIgn".split()

found = {}


def attempt(act):
    try:
        return str(act())
    except OSError as error:
        return os.strerror(error.errno)


def read(path):
    with open(path, "rb") as file:
        return file.read(1 << 16).decode("utf-8", "replace").strip()


def kind(path):
    there = os.lstat(path)
    if stat.S_ISDIR(there.st_mode):
        return "empty folder" if not os.listdir(path) else "folder"
    if stat.S_ISCHR(there.st_mode):
        return f"node {os.major(there.st_rdev)}:{os.minor(there.st_rdev)}"
    return attempt(lambda: "file with text" if read(path) else "empty file")


def status():
    lines = dict(line.split(":", 1) for line in read("/proc/self/status").split("\n"))
    for name in STATUS:
        found[f"status {name}"] = " ".join(lines.get(name, "-").split())


def paths():
    for path in MASKED:
        found[f"masked {path}"] = attempt(lambda path=path: kind(path))
    for path in READ_ONLY:
        flags = attempt(lambda path=path: "read-only" if os.statvfs(path).f_flag & os.ST_RDONLY else "writable")
        found[f"read-only {path}"] = flags
    found["read-only /sys"] = "read-only" if os.statvfs("/sys").f_flag & os.ST_RDONLY else "writable"


def mounts():
    for line in read("/proc/self/mountinfo").split("\n"):
        left, right = line.split(" - ")
        words, (system, _, options) = left.split(), right.split(" ", 2)
        target, flags = words[4], ",".join(sorted(words[5].split(",")))
        shared = " ".join(re.sub(r":\d+", "", word) for word in words[6:]) or "private"
        size = [word for word in options.split(",") if word.startswith(("size=", "mode=", "gid=", "ptmxmode="))]
        if system != "devtmpfs" and system != "overlay":  # the machine's memory
            flags = " ".join([flags, *sorted(size)])
        if system not in KERNELS:
            system = "a disk"
        found[f"mount {target}"] = f"{system} {flags} {shared}"


def devices():
    for folder, folders, files in os.walk("/dev"):
        for name in sorted([*folders, *files]):
            path = os.path.join(folder, name)
            there = os.lstat(path)
            if path.startswith("/dev/pts/") and name.isdecimal():
                continue
            if stat.S_ISLNK(there.st_mode):
                found[f"/dev {path}"] = "link to " + os.readlink(path)
            elif stat.S_ISCHR(there.st_mode) or stat.S_ISBLK(there.st_mode):
                numbers = f"{os.major(there.st_rdev)}:{os.minor(there.st_rdev)}"
                found[f"/dev {path}"] = f"node {numbers} {stat.filemode(there.st_mode)} {there.st_uid}:{there.st_gid}"
            else:
                found[f"/dev {path}"] = stat.filemode(there.st_mode)


def tried():
    kinds = {"b": stat.S_IFBLK, "c": stat.S_IFCHR}
    for name, (letter, major, minor) in TRIED.items():
        path = f"/dev/tried-{name}"

        def act(path=path, letter=letter, major=major, minor=minor):
            os.mknod(path, kinds[letter] | 0o600, os.makedev(major, minor))
            try:
                os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY))
            finally:
                os.unlink(path)
            return "opens"

        found[f"own node {name} {letter} {major}:{minor}"] = attempt(act)


def limits():
    for name in sorted(each for each in dir(resource) if each.startswith("RLIMIT_")):
        found[f"rlimit {name}"] = "{}:{}".format(*resource.getrlimit(getattr(resource, name)))


def rest():
    for name in sorted(os.listdir("/proc/self/ns")):
        found[f"namespace {name}"] = os.readlink(f"/proc/self/ns/{name}")
    for number in range(64):
        try:
            there = os.fstat(number)
        except OSError:
            continue
        found[f"descriptor {number}"] = stat.filemode(there.st_mode)[0]
    for name, value in os.environ.items():
        found[f"environment {name}"] = "the short id" if name == "HOSTNAME" else value
    for name in ("net/ipv4/ip_unprivileged_port_start", "net/ipv4/ping_group_range", "kernel/domainname"):
        found[f"sysctl {name}"] = attempt(lambda name=name: " ".join(read(f"/proc/sys/{name}").split()))
    found["oom_score_adj"] = read("/proc/self/oom_score_adj")
    found["working folder"] = os.getcwd()
    found["process group and session"] = f"{os.getpgrp()} {os.getsid(0)}"
    found["label"] = attempt(lambda: read("/proc/self/attr/current"))
    found["cgroup"] = (
        "its own are the root"
        if {line.split(":")[2] for line in read("/proc/self/cgroup").split("\n")} == {"/"}
        else "the host's paths"
    )
    for name in sorted(os.listdir("/sys/fs/cgroup")):
        path = f"/sys/fs/cgroup/{name}"
        if os.path.isdir(path):
            found[f"cgroup folder {name}"] = "there"


for part in (status, paths, mounts, devices, tried, limits, rest):
    part()
json.dump(found, sys.stdout)
