"""What docker leaves to its daemon's machine, and ports that are only named, beside the real docker."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.hostile.beside import Beside

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

# Options that docker takes | what inspect shows of the record.
TAKEN = """
--expose 80 | json .Config.ExposedPorts
--expose 80-82 --expose 53/udp --expose 9/sctp --expose 5/tcp/udp --expose 6/ --expose 7/TCP | json .Config.ExposedPorts
--expose 0 --expose 65535 --expose 1-2-3 --expose 80/x | json .Config.ExposedPorts
--runtime runc | .HostConfig.Runtime
--isolation default | .HostConfig.Isolation
--isolation DEFAULT | .HostConfig.Isolation
--isolation '' | .HostConfig.Isolation
--cpu-rt-period 500000 | .HostConfig.CpuRealtimePeriod
--cpu-rt-period 500000 --cpu-rt-runtime 0 | .HostConfig.CpuRealtimePeriod
"""
# Options that docker refuses, whoever asks | the one that is refused, where the words are docker's daemon's.
NOT_TAKEN = """
--expose x |
--expose '' |
--expose 80- |
--expose -80 |
--expose 82-80 |
--expose 70000 |
--expose 80:90 |
--gpus all,all |
--gpus 1.5 |
--gpus '' |
--gpus what=1 |
--runtime nope | runtime
--isolation hyperv | isolation
--isolation process | isolation
--storage-opt size=1G | storage-opt
--storage-opt foo=1 | storage-opt
--storage-opt foo |
--cpu-count 1 | cpu-count
--cpu-count 0 | cpu-count
--cpu-count x |
--cpu-rt-period 1000 --cpu-rt-runtime 2000 | cpu-rt-runtime
--cpu-percent 10 | cpu-percent
--io-maxiops 10 | io-maxiops
--io-maxbandwidth 10m | io-maxbandwidth
"""
# Requests for GPUs, of which no machine of these tests has a driver.
GPUS = (
    "all",
    "2",
    "count=2,capabilities=compute",
    "device=0",
    '"device=0,1",capabilities=utility',
    "driver=x,count=all",
)
SHOWN = "{{json .HostConfig.DeviceRequests}}"


def _rows(table: str) -> list[list[str]]:
    return [[part.strip() for part in line.split("|")][:2] for line in table.splitlines() if line]


def test_words_that_are_taken(beside: Beside):
    try:
        for options, shown in _rows(TAKEN):
            beside.line(f"run --rm --network none {options} base echo hi")
            beside.line(f"create --network none --name made {options} base true")
            beside.line(f"inspect -f '{{{{{shown}}}}}' made")
            beside.remove("made")
    finally:
        beside.remove("made")
    beside.end()


def test_words_that_docker_refuses_too(beside: Beside):
    for options, refused in _rows(NOT_TAKEN):
        beside.line(f"run --rm --network none {options} base true", refused=refused)
        beside.line(f"create --network none --name made {options} base true", refused=refused)
    beside.line("ps -aq")
    beside.end()


def test_gpus_without_a_driver(beside: Beside):
    try:
        for words in GPUS:
            beside.line(f"run --rm --network none --gpus '{words}' base true", refused="gpus")
            beside.line(f"create --network none --name made --gpus '{words}' base true")
            beside.line(f"inspect -f '{SHOWN}' made")
            beside.line("start made", reasons=True)
            beside.line("inspect -f '{{.State.Status}}' made")
            beside.remove("made")
        beside.line("create --network none --name made base true")
        beside.line(f"inspect -f '{SHOWN}' made")
        beside.line("ps -q")
    finally:
        beside.remove("made")
    beside.end()


def test_ports_of_images_and_containers(beside: Beside):
    ports = "{{json .Config.ExposedPorts}}"
    try:
        beside.line("run -d --network none --name ports --expose 8080 --expose 53/udp base sleep 99")
        for line in (
            f"inspect -f '{ports}' ports",
            "port ports",
            "port ports 8080",
            "ps --format '{{.Names}} [{{.Ports}}]'",
            "commit -c 'EXPOSE 90/tcp' ports listens",
            f"image inspect -f '{ports}' listens",
            "create --network none --name more --expose 91-92 listens true",
            f"inspect -f '{ports}' more",
            "create --network none --name plain base true",
            f"inspect -f '{ports}' plain",
            "run --rm --network container:ports --expose 80 base true",
            "run --rm --network container:ports listens true",
            "run --rm --network host --expose 80 base true",
        ):
            beside.line(line)
    finally:
        beside.remove("ports", "more", "plain")
        beside.line("rmi listens", lambda _: "")
    beside.end()


def test_real_time(beside: Beside):
    """A new group has no real-time runtime, so docker's kernel hands none on either."""
    shown = "'{{.HostConfig.CpuRealtimePeriod}} {{.HostConfig.CpuRealtimeRuntime}}'"
    try:
        beside.line("run --rm --network none --cpu-rt-period 500000 base cat /sys/fs/cgroup/cpu/cpu.rt_period_us")
        beside.line("run --rm --network none --cpu-rt-runtime 1000 base true", refused="cpu-rt-runtime")
        beside.line("create --network none --name made --cpu-rt-period 500000 --cpu-rt-runtime 1000 base true")
        beside.line(f"inspect -f {shown} made")
        beside.line("start made", reasons=True)
        beside.line("update --cpu-rt-runtime 2000 --cpu-rt-period 600000 made")
        beside.line(f"inspect -f {shown} made")
        beside.line("run -d --network none --name runs base sleep 99")
        beside.line("update --cpu-rt-period 500000 runs")
        beside.line(f"inspect -f {shown} runs")
    finally:
        beside.remove("made", "runs")
    beside.end()


def test_links(beside: Beside):
    """docker removes a link by its name, and there is none."""
    try:
        beside.line("create --network none --name made base true")
        for words in ("-l made", "-lf made", "--link nobody", "-l made/other"):
            beside.line(f"rm {words}", refused="link" if "--" in words else "")
        beside.line("rm --link made", refused="link")
        beside.line("ps -a --format {{.Names}}")
        beside.line("rm --link=false made")
    finally:
        beside.remove("made")
    beside.end()


PLATFORMS = "linux/amd64 linux/x86_64 amd64 linux linux/arm64 linux/arm/v7 x linux/a/b/c".split()


def test_imports_for_a_platform(beside: Beside):
    for folder in (beside.ours, beside.dockers):
        (folder / "root").mkdir()
        (folder / "root/file").write_text("of the root\n")
        subprocess.run(["tar", "-C", folder / "root", "-cf", folder / "root.tar", "."], check=True)
    for platform in PLATFORMS:
        beside.line(f"import --platform {platform} {{h}}/root.tar imported")
        if platform.endswith(("amd64", "x86_64", "linux")):  # docker 20.10 calls every other one by this machine's name
            beside.line("image inspect -f '{{.Os}}/{{.Architecture}}' imported")
        beside.line("rmi imported", lambda _: "")
    beside.end()


def test_places_of_control_groups(beside: Beside, tmp_path: Path):
    """docker's groups lie in it too; what both leave of it is an empty group by that name."""
    name = f"beside-{tmp_path.name.replace('_', '-')}"
    look = f"sh -c 'grep -E \":(pids|memory|cpu|freezer):\" /proc/self/cgroup | grep -o {name} | sort | uniq -c'"
    try:
        beside.line(f"run --rm --network none --cgroupns host --cgroup-parent /{name} base {look}")
        beside.line(f"run --rm --network none --cgroupns host --cgroup-parent /{name}/below -m 64m base {look}")
        beside.line(f"create --network none --name made --cgroup-parent {name} base true")
        beside.line("inspect -f '{{.HostConfig.CgroupParent}}' made")
        beside.line("start -a made")
    finally:
        beside.remove("made")
        for group in sorted(Path("/sys/fs/cgroup").rglob(name), reverse=True):
            for folder in (*(below for below in group.iterdir() if below.is_dir()), group):
                folder.rmdir()
    beside.end()
