"""Shared namespaces and the names of hosts beside the real docker: words, exit codes, output, records.

Where docker refuses, its sentence must stand in ours; where it does something, output and records must be equal.
"""

from __future__ import annotations

import shlex

import pytest

from tests.hostile.beside import Beside

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

SHOWN = (
    "{{.HostConfig.NetworkMode}} {{.Config.Hostname}} {{.Config.Domainname}} {{.HostConfig.IpcMode}} "
    "{{.HostConfig.PidMode}} {{.HostConfig.UTSMode}} {{.HostConfig.UsernsMode}} {{json .HostConfig.Dns}} "
    "{{json .HostConfig.DnsOptions}} {{json .HostConfig.DnsSearch}} {{json .HostConfig.ExtraHosts}}"
)
SHARES = "--pid container:aa --ipc container:as --uts host --userns host"
# In this order; | stands between the words of a shell's script.
LINES = """
run -d --network none --name aa --hostname box base sleep 1000
run -d --network none --name as --ipc shareable base sleep 1000
create --network container:nobody --name b0 base true
start b0
run --rm --network none --pid container:nobody base true
run --rm --network none --ipc container:nobody base true
run --rm --network container: base true
run --rm --network container:nobody base true
create --network container:aa --name bb base true
inspect -f SHOWN bb
start bb
inspect -f SHOWN bb
create --network none --name cc SHARES --dns 1.1.1.1 --dns-option a --dns-search s --add-host a:1.1.1.1 base true
inspect -f SHOWN cc
start -a cc
run --rm --network container:aa --hostname x base true
run --rm --network container:aa --dns 1.1.1.1 base true
run --rm --network container:aa --add-host a:1.1.1.1 base true
run --rm --network container:aa --dns-search x base true
run --rm --network container:aa base sh -c hostname;|echo|$HOSTNAME;|cat|/etc/hostname;|wc|-l|</proc/net/dev
run --rm --network container:aa base sh -c echo|1.1.1.1|added|>>|/etc/hosts
exec aa tail -n 1 /etc/hosts
run --rm --network container:aa --uts host base hostname
run --rm --uts host --hostname x base true
run --rm --network none --uts what base true
run --rm --network none --pid what base true
run --rm --network none --pid container: base true
run --rm --network none --ipc what base true
run --rm --network none --userns what base true
run --rm --network none --cgroupns what base true
run --rm --network none --add-host foo base true
run --rm --network none --add-host foo:bar base true
run --rm --network none --dns foo base true
run --rm --network none --dns 9.9.9.9 --dns 8.8.8.8 --dns-search a.b --dns-search c base cat /etc/resolv.conf
run --rm --network none --dns 9.9.9.9 --dns-option ndots:2 base cat /etc/resolv.conf
run --rm --network none --dns 9.9.9.9 --dns-search . base cat /etc/resolv.conf
run --rm --network none --add-host one:10.0.0.1 --add-host five:::5 base tail -n 2 /etc/hosts
run --rm --network host --add-host one:10.0.0.1 base tail -n 1 /etc/hosts
run --rm --network none --domainname example.org base cat /proc/sys/kernel/domainname
run --rm --network container:aa --domainname example.org base cat /proc/sys/kernel/domainname
run --rm --network none --ipc container:aa base true
run --rm --network none --ipc container:as base sh -c echo|x|>|/dev/shm/x
exec as cat /dev/shm/x
run --rm --network none --ipc none base sh -c ls|/dev/shm|2>/dev/null
run --rm --network none --ipc private base sh -c ls|/dev/shm
run --rm --network none --ipc host --sysctl kernel.msgmax=10000 base true
run --rm --network none --pid container:aa base ps -eo comm=
run --rm --network none --pid host base sh -c test|$$|-ne|1
pause aa
run --rm --network container:aa base hostname
unpause aa
stop -t 0 aa
stop -t 0 as
run --rm --network container:aa base true
run --rm --network none --pid container:aa base true
run --rm --network none --ipc container:as base true
start bb
start aa
rename aa zz
inspect -f SHOWN bb
start bb
rm -f zz as b0 bb cc
"""


def test_shared_namespaces_beside_dockers(beside: Beside):
    try:
        for line in filter(None, LINES.splitlines()):
            line = line.replace("SHOWN", SHOWN.replace(" ", "|")).replace("SHARES", SHARES)
            beside.line(shlex.join(word.replace("|", " ") for word in line.split()), reasons=True)
    finally:
        beside.remove("aa", "zz", "as", "b0", "bb", "cc")
    beside.end()
