"""The options of `run` and `create` beside the real docker: what the program sees of them, and what inspect says."""

from __future__ import annotations

import pytest

from tests.hostile.beside import Beside

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

# Options | what the program looks at | what inspect shows of the record.  "" for nothing to look at.
OPTIONS = r"""
--cap-add SYS_ADMIN --cap-add net_admin | grep Cap /proc/self/status | json .HostConfig.CapAdd
--cap-drop ALL | grep Cap /proc/self/status | json .HostConfig.CapDrop
--cap-add NOSUCH | |
--cgroupns host | | .HostConfig.CgroupnsMode
--cpu-period 50000 --cpu-quota 20000 | cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us | .HostConfig.CpuQuota
-c 300 | cat /sys/fs/cgroup/cpu/cpu.shares | .HostConfig.CpuShares
--cpus 0.5 | cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us | .HostConfig.NanoCpus
--cpuset-cpus 0 | grep Cpus_allowed_list /proc/self/status | .HostConfig.CpusetCpus
--cpuset-mems 0 | grep Mems_allowed_list /proc/self/status | .HostConfig.CpusetMems
--device /dev/fuse | sh -c 'stat -c "%F %t %T" /dev/fuse' | json .HostConfig.Devices
--device /dev/fuse:/dev/x:r | sh -c 'stat -c "%F %t %T" /dev/x' | json .HostConfig.Devices
--device-cgroup-rule 'c 10:229 rwm' | | json .HostConfig.DeviceCgroupRules
--device-read-bps /dev/loop0:1mb | | json .HostConfig.BlkioDeviceReadBps
--device-read-iops /dev/loop0:100 | | json .HostConfig.BlkioDeviceReadIOps
--device-write-bps /dev/loop0:1mb | | json .HostConfig.BlkioDeviceWriteBps
--device-write-iops /dev/loop0:100 | | json .HostConfig.BlkioDeviceWriteIOps
--disable-content-trust | true | .Config.Image
--domainname example.org | cat /proc/sys/kernel/domainname | .Config.Domainname
--entrypoint echo | hi | json .Config.Entrypoint
--entrypoint '' | echo hi | json .Config.Entrypoint
-e A=x=y | env | json .Config.Env
--env-file {h}/env | sh -c 'echo $ONE $TWO' | json .Config.Env
--env-file {h}/nobody | |
--group-add 10 --group-add 1234 | id -G | json .HostConfig.GroupAdd
-h box | hostname | .Config.Hostname
--init | sh -c 'wc -l </proc/1/comm' | .HostConfig.Init
-i | cat | .Config.OpenStdin
-l a=b --label c | true | json .Config.Labels
--label-file {h}/labels | true | json .Config.Labels
--log-driver none | echo hi | .HostConfig.LogConfig.Type
--log-driver json-file --log-opt max-size=1m --log-opt max-file=2 | echo hi | json .HostConfig.LogConfig.Config
-m 64m | cat /sys/fs/cgroup/memory/memory.limit_in_bytes | .HostConfig.Memory
-m 64m --memory-reservation 32m | cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes | .HostConfig.MemoryReservation
-m 64m --memory-swap 128m | true | .HostConfig.MemorySwap
-m 64m --memory-swappiness 5 | true | .HostConfig.MemorySwappiness
-m 64m --oom-kill-disable | true | .HostConfig.OomKillDisable
-m 1 | |
--mount type=bind,source={h}/tree,target=/b,readonly | sh -c 'cat /b/f; touch /b/x; echo $?' |
--mount type=tmpfs,target=/t,tmpfs-size=1m | sh -c 'stat -f -c %b%T /t' | json .HostConfig.Mounts
--mount type=bind,source=/nobody/there,target=/b | |
--no-healthcheck | true | .Config.Image
--oom-score-adj 100 | cat /proc/self/oom_score_adj | .HostConfig.OomScoreAdj
--pids-limit 50 | cat /sys/fs/cgroup/pids/pids.max | .HostConfig.PidsLimit
--platform linux/amd64 | true | .Platform
--pull never | true | .Config.Image
--pull missing | true | .Config.Image
--read-only | sh -c 'touch /x; echo $?' | .HostConfig.ReadonlyRootfs
--security-opt no-new-privileges | grep NoNewPrivs /proc/self/status | json .HostConfig.SecurityOpt
--security-opt seccomp=unconfined | grep Seccomp: /proc/self/status | json .HostConfig.SecurityOpt
--security-opt what | |
--shm-size 8m | stat -f -c %b /dev/shm | .HostConfig.ShmSize
--stop-signal USR1 | true | .Config.StopSignal
--stop-timeout 3 | true | .Config.StopTimeout
--sysctl net.ipv4.ip_forward=1 | cat /proc/sys/net/ipv4/ip_forward | json .HostConfig.Sysctls
--tmpfs /t:size=1m,mode=700 | stat -f -c %b%T /t | json .HostConfig.Tmpfs
-t | tty | .Config.Tty
--ulimit nofile=100:200 | sh -c 'ulimit -n; ulimit -Hn' | (index .HostConfig.Ulimits 0).Hard
-u 12:34 | id -u | .Config.User
-u nobody | id -un | .Config.User
-u nobodythere | |
--userns host | true | .HostConfig.UsernsMode
-v {h}/tree:/b | cat /b/f |
-v {h}/tree:/b:ro | sh -c 'touch /b/x; echo $?' |
-v relative/path:/b | |
-w /some/where | pwd | .Config.WorkingDir
-w relative | |
"""


def _rows() -> list[list[str]]:
    return [[part.strip() for part in line.split("|", 2)] for line in OPTIONS.splitlines() if line]


def _files(beside: Beside) -> None:
    beside.file("env", "# a comment\nONE=1\nTWO=two words\n")
    beside.file("labels", "one=1\ntwo\n")
    for folder in (beside.ours, beside.dockers):
        (folder / "tree").mkdir()
        (folder / "tree/f").write_text("in the tree\n")


def test_what_a_program_sees(beside: Beside):
    _files(beside)
    for options, look, _ in _rows():
        beside.line(f"run --rm --network none {options} base {look or 'true'}", stdin=b"typed\n")
    beside.line("container run --rm --network none --cidfile {h}/cid base true")
    assert [len((folder / "cid").read_text()) for folder in (beside.ours, beside.dockers)] == [64, 64]
    beside.line("run --rm --network none --cidfile {h}/cid base true")
    for words in ("no-such-program", "/etc", "sh -c 'exit 3'", "sh -c 'kill -9 $$'"):
        beside.line(f"run --rm --network none base {words}")
    beside.end()


def test_what_is_written_down(beside: Beside):
    _files(beside)
    try:
        for options, _, shown in _rows():
            beside.line(f"create --network none --name made {options} base true")
            if shown:
                beside.line(f"inspect -f '{{{{{shown}}}}}' made")
            beside.remove("made")
        # docker's own can start none here: it asks for capabilities that a machine may not have.
        beside.line("create --network none --name made --privileged base true")
        beside.line("inspect -f {{.HostConfig.Privileged}} made")
        beside.remove("made")
        for options, shown in (
            ("--rm", "AutoRemove"),
            ("--restart on-failure:3", "RestartPolicy.MaximumRetryCount"),
            ("--restart always", "RestartPolicy.Name"),
            ("--volume-driver local", "VolumeDriver"),
        ):
            beside.line(f"create --network none --name made {options} base true")
            beside.line(f"inspect -f '{{{{.HostConfig.{shown}}}}}' made")
            beside.remove("made")
        beside.line("container create --network none --cidfile {h}/cid --name made base true")
        assert [len((folder / "cid").read_text()) for folder in (beside.ours, beside.dockers)] == [64, 64]
        beside.line("create --network none --name made base true")
    finally:
        beside.remove("made")
    beside.end()
