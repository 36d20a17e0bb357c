"""`update`, and the limits of `run` that are asked for rarely, beside the real docker: words, exit codes, records."""

from __future__ import annotations

import pytest

from tests.compatibility.evidence import Compared
from tests.hostile.beside import Beside
from tests.hostile.docker_daemon import DockerDaemon
from tests.personas import Persona

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

SHOWN = (
    "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.MemoryReservation}} {{.HostConfig.NanoCpus}} "
    "{{.HostConfig.CpuShares}} {{.HostConfig.CpuPeriod}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpusetCpus}} "
    "{{.HostConfig.CpusetMems}} {{.HostConfig.PidsLimit}} {{json .HostConfig.BlkioDeviceWriteBps}} "
    "{{json .HostConfig.DeviceCgroupRules}}"
)
# After each the record is compared, and what the program sees of it.
LINES = (
    "update -m 96m web",
    "update -m 300m web",
    "update -m 300m --memory-swap 400m web",
    "update --memory-reservation 50m web",
    "update --cpus 0.5 web",
    "update --cpu-quota 20000 web",
    "update --cpu-shares 300 web",
    "update --pids-limit 40 web",
    "update --cpuset-cpus 1 web",
    "update --cpuset-cpus 77 web",
    "update --cpuset-cpus x web",
    "update --cpuset-mems 0 web",
    "update -m 1m web",
    "update web",
    "update -m 64m nobody",
    "update -m 310m web nobody",
    "update --pids-limit -1 web",
    "container update -c 400 web",
    "stop -t 0 web",
    "update --cpuset-cpus 0-1 web",
    "start web",
)
# Those of one that was made without a limit, and of one whose swap has no bound.
UNLIMITED = (
    "update -m 64m free",
    "update -m 64m --memory-swap 128m free",
    "update -m 100m free",
    "update -m 200m free",
    "update --memory-swap -1 free",
    "update -m 90m free",
    "update -m 90m --memory-swap -1 free",
)
# Those of run: taken or refused alike, and written alike.
MADE = (
    "--cpu-period 50000 --cpu-quota 20000",
    "--cpu-period 50000 --cpus 1",
    "--cpu-quota 20000 --cpus 1",
    "--cpu-period 10",
    "--cpu-quota 10",
    "--cpuset-cpus 0-1 --cpuset-mems 0",
    "--cpuset-cpus 0-",
    "--cpuset-mems 9",
    "--device-write-bps /dev/loop0:1mb",
    "--device-write-bps loop0:1mb",
    "--device-write-bps /dev/loop0",
    "--device-write-iops /dev/loop0:-1",
    "--memory-swappiness 101",
    "--memory-swappiness 5 -m 64m",
    "--oom-kill-disable -m 64m",
    "--device-cgroup-rule c",
)
# Of the daemon's own network, into its stdout.
WARNING = "IPv4 forwarding is disabled. Networking will not work.\n"
SEEN = ("exec", "web", "grep", "Cpus_allowed_list", "/proc/1/status")


def _plain(text: str) -> str:
    """Never limited, and not limited any more.

    docker reads a template with names that only its JSON has (NanoCpus) as one about a map, and then has another word
    for what is null.
    """
    return text.replace("<no value>", "0").replace("<nil>", "0")


def test_update_beside_dockers(
    persona: Persona, docker_daemon: DockerDaemon, compared: Compared, capsys: pytest.CaptureFixture[str]
):
    make = ("run", "-d", "--network", "none", "-m", "64m", "--cpuset-cpus", "0", "--name", "web", "base", "sleep", "99")
    persona.ok(*make)
    docker_daemon.ok(*make)
    different = []
    try:
        for line in LINES:
            mine, his = persona.cli(*line.split()), docker_daemon.run(*line.split())
            look = [
                (_plain(persona.cli(*words).out), _plain(docker_daemon.run(*words).stdout.decode()))
                for words in (("inspect", "-f", SHOWN, "web"), SEEN)
            ]
            said = his.stdout.decode().replace(WARNING, "")
            same = mine.exit_code == his.returncode and mine.out == said
            if not same or any(ours != dockers for ours, dockers in look):
                different.append((line, mine, his, look))
            else:
                compared(line.split(), his)
    finally:
        persona.cli("rm", "-f", "web")
        docker_daemon.run("rm", "-f", "web")
    with capsys.disabled():
        print(f"\n{len(LINES)} lines, {len(different)} different")
    assert not different, "\n\n".join(map(str, different))


def test_a_container_without_limits_beside_dockers(beside: Beside):
    beside.line("run -d --network none --name free base sleep 99")
    for line in UNLIMITED:
        beside.line(line, _quiet, reasons=True)
        beside.line(f"inspect -f '{SHOWN}' free", _plain)
    beside.remove("free")
    beside.end()


def _quiet(text: str) -> str:
    return text.replace(WARNING, "")


def test_rare_limits_beside_dockers(persona: Persona, docker_daemon: DockerDaemon, compared: Compared):
    different = []
    for words in MADE:
        make = ("create", "--network", "none", "--name", "made", *words.split(), "base", "true")
        mine, his = persona.cli(*make), docker_daemon.run(*make)
        look = ("inspect", "-f", SHOWN, "made")
        records = (persona.cli(*look).out, docker_daemon.run(*look).stdout.decode())
        if (mine.exit_code == 0) != (his.returncode == 0) or _plain(records[0]).strip() != _plain(records[1]).strip():
            different.append((words, mine, his, records))
        else:
            compared(make, his)
        persona.cli("rm", "-f", "made")
        docker_daemon.run("rm", "-f", "made")
    assert not different, "\n\n".join(map(str, different))
