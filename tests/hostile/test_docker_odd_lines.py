"""Odd but plausible lines beside the real docker: what a script sends when a variable is empty, what few spell so.

Where docker fails, the exit code and the empty output are compared; our sentences say more.
"""

from __future__ import annotations

import pytest

from tests.hostile.beside import Beside
from tests.hostile.test_docker_containers import _normal

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

TEMPLATES = r"""
create --network none --name odd -l a=b -v /c/:/d//e/ base true
inspect -f '{{.ID | len}}' odd
inspect -f '{{.HostConfig.NanoCPUs}} {{.HostConfig.CPUShares}} {{.HostConfig.DNS}}' odd
inspect -f '{{.Config.Labels.a}} {{.Config.Labels.nope}} {{index .Config.Labels "nope"}}' odd
inspect -f '{{range .Mounts}}{{.Source}} {{.Destination}}{{end}}' odd
inspect -f '[{{.Config.WorkingDir}}]' odd
inspect -f '{{title "hello big-world a_b"}} {{len .HostConfig.Devices}}' odd
inspect -f '{{len .HostConfig.CapAdd}}' odd
inspect -f '{{slice .Name 1 3}} {{slice .Name 4}}' odd
inspect -f '{{slice .Name 2 20}}' odd
inspect -f '{{slice .Name 3 1}}' odd
inspect -f '{{eq .State.ExitCode 0}} {{eq .State.Running false}} {{ne .Path "true"}}' odd
inspect -f '{{eq .State.ExitCode "0"}}' odd
inspect -f '{{if eq .State.ExitCode "1"}}one{{else}}none{{end}}' odd
inspect -f '{{eq .State.Running "false"}}' odd
inspect -f '{{nosuchfunction}}' odd
inspect -f '{{if .Name}}{{nosuchfunction .Name}}{{end}}' nobody
ps -a --format '{{nosuchfunction .Names}}'
ps -a --format 'table{{.Names}}\t{{.Image}}'
ps -a --format 'table'
ps -a -f volume=/d/e --format {{.Names}}
volume create --label a=b odd
volume inspect -f '{{.Labels.a}} {{.Labels.nope}}' odd
volume rm odd
events --since 1m --until 0s --filter container=odd --format '{{nosuchfunction}}'
events --since 1m --until 0s --filter container=odd --format '{{.Nope}}'
info --format '{{'
version --format '{{'
version --format '{{.Server.Os}}/{{.Server.Arch}} {{.Client.Os}}/{{.Client.Arch}} {{.Server.KernelVersion}}'
version --format '{{(index .Server.Components 0).Name}} {{.Client.Context}} {{.Server.Experimental}}'
info --format '{{.OperatingSystem}} {{.OSVersion}} {{.Name}} {{.CgroupDriver}} {{.Swarm.LocalNodeState}}'
info --format '{{.MemoryLimit}} {{.SwapLimit}} {{.PidsLimit}} {{.CPUShares}} {{.CPUSet}} {{.OomKillDisable}}'
info --format '{{json .Labels}} {{.IndexServerAddress}} {{.ExperimentalBuild}} [{{.Isolation}}]'
rm odd
"""

SCRIPTS = r"""
create --network none --name odd base true
create --network none --name odd2 base true
wait odd
wait odd odd2 nobody
container inspect -f {{.Name}} odd base nobody
container inspect base
container inspect
container inspect --type image base
ps -a -f id= --format {{.Names}}
ps -l -n 2 --format {{.Names}}
ps -n 2 -l --format {{.Names}}
ps -l --format {{.Names}}
ps -a -f expose=80 --format {{.Names}}
ps -a -f publish=80/udp --format {{.Names}}
ps -a -f publish=x
ps -a -f isolation=default --format {{.Names}}
ps -a -f is-task=x
ps -a -f is-task=false --format {{.Names}}
rm -f ''
rm -f nobody
volume rm -f ''
run -d --network none --name odd3 base sleep 99
events --since 1m --until 0s --filter container=odd3 --filter scope=local --filter event=create --format {{.Action}}
events --since 1m --until 0s --filter container=odd3 --filter scope=swarm
events --since 1m --until 0s --filter container=odd3 --filter daemon=x
kill -s '' odd3
wait odd3
create --network none -m 10e6 base true
create --network none -m +10m base true
run --rm --network none --restart on-failure:99999999999999999999 base true
container prune -f --filter until=1h --filter until=2h
run --rm --network none -e HOME= base sh -c 'echo [$HOME]'
run --rm --network none -e HOME= -u nobody base sh -c 'echo [$HOME]'
run --rm --network none -h LONG base hostname
rm odd odd2 odd3
""".replace("LONG", "x" * 64)

ANCESTORS = """
create --network none --name odd base true
commit odd odd:1
create --network none --name odd2 odd:1 true
commit -c 'ENV A=b' odd2 odd:2
create --network none --name odd3 odd:2 true
commit odd odd:beside
ps -a -f ancestor=base --format {{.Names}}
ps -a -f ancestor=odd:1 --format {{.Names}}
ps -a -f ancestor=odd:2 --format {{.Names}}
ps -a -f ancestor=odd:beside --format {{.Names}}
ps -a -f ancestor=odd:beside -f ancestor=odd:2 --format {{.Names}}
ps -a -f ancestor=odd --format {{.Names}}
rm odd odd2 odd3
"""

LOGS = r"""
run --network none --name odd base sh -c 'printf "no end"'
logs -n 0 odd
logs -n 1 odd
logs -f -n 0 odd
start -a odd
logs -n 1 odd
logs -n 2 odd
logs -fn 1 odd
logs odd
run --network none --name odd2 base sh -c 'echo a; printf b'
logs -n 0 odd2
logs -n 1 odd2
logs -n 2 odd2
rm odd odd2
"""

SELDOM = ("seldom", *(f"seldom{number}" for number in range(2, 8)))

ASKED = r"""
create --network none --name seldom --cidfile {h}/seldom.cid --log-opt tag=a --log-opt env=b base true
inspect -f '{{json .HostConfig.LogConfig}} {{.HostConfig.LogConfig}}' seldom
inspect -f '{{json .Config.StopTimeout}} {{print .Config.StopTimeout}}' seldom
inspect -f '{{println .HostConfig.Init}}{{printf "%v" .HostConfig.Init}}' seldom
inspect -f '{{.State.Health}} {{.GraphDriver.Data.Nope}} {{json .Config.Healthcheck}}' seldom
create --network none --name seldom2 --stop-timeout 0 --log-opt cache-disabled=true base true
inspect -f '{{json .Config.StopTimeout}} [{{.HostConfig.ContainerIDFile}}]' seldom2
create --network none --log-driver local --log-opt tag=a base true
create --network '' base true
create --network none --network host base true
create --network none --net none base true
run --rm --network host --network host base true
create --network none --name seldom7 -v :/t base true
create --network none -v seldom:/b:copy base true
create --network none --mount 'type=tmpfs, target=/x' base true
create --network none --mount ' type=tmpfs,target=/x' base true
create --network none --mount 'type =tmpfs,target=/x' base true
create --network host --name seldom3 --add-host x:host-gateway base true
inspect -f '{{.HostConfig.ExtraHosts}}' seldom3
create --network host --add-host x:host-gateways base true
run --name seldom4 --network none -u 2147483648 base true
run --rm --network none -u 2147483647 base id -u
run --name seldom5 --network none -u 0:2147483648 base true
run --name seldom6 --network none --group-add 2147483648 base true
ps -a -f 'name=[' --format {{.Names}}
ps -a -f 'name=[' -f name=seldom2 --format {{.Names}}
inspect -f '{{json .SizeRw}} {{.SizeRootFs}} [{{.Config.StopSignal}}]' seldom2
inspect -f '{{.HostConfig.StorageOpt}} {{.Config.Shell}}{{with .NetworkSettings.Networks.bridge}}x{{end}}' seldom2
inspect -f '{{.NetworkSettings.Networks.bridge}} {{.NetworkSettings.Networks.bridge.IPAddress}}' seldom2
ps -a -f name=seldom2 --format ' {{.Names}} '
ps -a -f name=seldom2 --format ' table {{.Names}}'
ps -a -f name=seldom2 --format raw
ps -aq -f name=seldom2 --format raw
ps -as -f name=seldom2 --format raw
images --format raw base
images -q --format raw base
images --digests --format raw base
volume create seldom
volume ls -f name=seldom --format raw
volume ls -q -f name=seldom --format raw
volume ls -q -f name=seldom --format table
volume rm seldom
events --since 1m --until 0s --filter container=seldo --filter type=container --filter event=die --format '{{.Action}}'
events --since 10s --until 20s
--help ps -a
--help container ls
"""

TAGS = r"""
run --network none --name seldom --log-opt tag={{.Name}}/{{.ImageName}} -e b=c --log-opt env=b base echo hi
logs --details seldom
run --network none --name seldom2 --log-opt tag= base echo hi
logs --details seldom2
run --network none --name seldom3 --log-opt tag={{.Nope}} base echo hi
run --network none --name seldom4 --log-opt tag={{.Nope base echo hi
"""

# What the kernel says of a --tmpfs with these options; a program in it runs only where it may.
TMPFS = (
    "/t:exec",
    "/t:exec,noexec",
    "/t:dev,suid",
    "/t:noatime,size=1m",
    "/t:ro,rw",
    "/t --tmpfs /t:size=2m",
)


def test_templates(beside: Beside):
    try:
        beside.lines(TEMPLATES.splitlines(), _normal)
    finally:
        beside.remove("odd")
    beside.end()


def test_what_is_asked_for_seldom(beside: Beside):
    try:
        beside.lines(ASKED.splitlines(), _raw)
    finally:
        beside.remove(*SELDOM)
    beside.end()


def _raw(text: str) -> str:
    """Without the moments, without the labels, which docker shuffles, and without the texts of help."""
    lines = [line for line in _normal(text).splitlines() if not line.startswith(("created_at:", "labels:"))]
    return "" if any(line.startswith("Usage:") for line in lines) else "\n".join(lines)


def test_a_tag_before_the_lines(beside: Beside):
    try:
        beside.lines(TAGS.splitlines())
    finally:
        beside.remove(*SELDOM)
    beside.end()


def test_ways_to_ask_for_help(beside: Beside):
    """The texts are each one's own; what ends with 0 is compared."""
    for line in ("help", "help run", "help nosuch", "container", "volume --help", "system -h", "container nosuch"):
        beside.line(line, lambda _: "")
    beside.end()


def test_words_of_scripts(beside: Beside):
    try:
        beside.lines(SCRIPTS.splitlines(), _normal)
    finally:
        beside.remove("odd", "odd2", "odd3")
    beside.end()


def test_last_lines_without_an_end(beside: Beside):
    try:
        beside.lines(LOGS.splitlines())
    finally:
        beside.remove("odd", "odd2")
    beside.end()


def test_a_name_that_is_anothers_id(beside: Beside):
    """A whole id comes before every name, the beginning of one after it."""
    looks = {}
    try:
        for who, ask in (("ours", beside.persona.ok), ("docker", beside.daemon.ok)):
            first = ask("create", "--network", "none", "--name", "odd", "base", "true")
            ask("create", "--network", "none", "--name", first, "base", "true")
            ask("create", "--network", "none", "--name", first[:12], "base", "true")
            found = [ask("inspect", "-f", "{{.Name}}", word) for word in (first, first[:13], first[:12], first[:11])]
            looks[who] = [name.replace(first[:12], "ID").replace(first[12:], "REST") for name in found]
            ask("rm", first)
            looks[who].append(str(ask("ps", "-a", "--format", "{{.Names}}").split().count("odd")))
            ask("rm", first, first[:12])
        assert looks["ours"] == looks["docker"] == ["/odd", "/odd", "/ID", "/odd", "0"]
    finally:
        beside.remove("odd")


def test_containers_of_what_was_built_on_top(beside: Beside):
    try:
        beside.lines(ANCESTORS.splitlines())
    finally:
        beside.remove("odd", "odd2", "odd3")
        beside.both("rmi", "odd:2", "odd:1", "odd:beside")
    beside.end()


def test_options_of_a_tmpfs(beside: Beside):
    for options in TMPFS:
        beside.line(f"run --rm --network none --tmpfs {options} base grep ' /t ' /proc/mounts")
    for options in ("/t", "/t:exec"):
        beside.line(f"run --rm --network none --tmpfs {options} base sh -c 'cp /bin/true /t/x; /t/x'")
    beside.end()
