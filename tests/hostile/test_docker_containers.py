"""ps, logs, inspect, exec, cp and the other verbs about containers beside the real docker, in both spellings."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile.beside import Beside, ids_taken_out

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

MADE = (
    "run -d --network none --name one -l kind=web -e A=b base sleep 1000",
    "create --network none --name two -l kind base true",
    "run --network none --name three base sh -c 'echo one; echo two; exit 3'",
    "run -d --network none --name four --stop-signal KILL base sleep 1000",
    "pause four",
)
NAMES = ("one", "two", "three", "four", "five", "six")
COLUMNS = "ID Image Command Names Status State Ports Labels Networks Mounts LocalVolumes RunningFor CreatedAt"

PS = """
ps
container ls
container list
container ps
ps -a
ps -aq
ps -a --no-trunc
ps -l
ps -n 2
ps -n 2 -q
ps --last 1
ps -a -f status=exited
ps -a -f status=created
ps -a -f status=paused
ps -a -f status=nonsense
ps -a -f name=o
ps -a -f name=^/?t
ps -a -f label=kind
ps -a -f label=kind=web
ps -a -f exited=3
ps -a -f exited=x
ps -f exited=3
ps -f exited=3 -f status=exited
ps -l -f exited=3
ps -s --format 'table {{.Names}}'
ps -a -f ancestor=base
ps -a -f ancestor=nobody
ps -a -f 'ancestor=BAD NAME'
tag base moved
create --network none --name five moved true
ps -a -f ancestor=moved --format {{.Names}}
ps -a -f ancestor=docker.io/library/moved:latest --format {{.Names}}
ps -a -f ancestor=base --format {{.Names}}
import -c 'CMD ["x"]' {h}/empty.tar moved
ps -a -f ancestor=moved --format {{.Names}}
create --network none --name six moved true
ps -a -f ancestor=moved -f ancestor=nobody --format {{.Names}}
ps -a -f ancestor=base --format {{.Names}}
rm five six
rmi moved
ps -a -f since=one
ps -a -f before=three
ps -a -f before=/three
ps -a -f before=nobody
ps -a -f network=none
ps -a -f id=0000
ps -a -f nonsense=1
ps -aq --filter ''
ps -aq --filter ' '
ps -a -f is-task=false
ps -a --format '{{.Names}} {{.Status}}'
ps -a --format 'table {{.Names}}\\t{{.State}}'
ps -a --format '{{.Label "kind"}}'
ps -a --format '{{upper .Names}} {{len .Names}}'
ps -a --format '{{.Nothing}}'
ps -a --format '{{'
"""
LOOK = """
inspect -f {{.State.Status}} one
container inspect -f {{.State.ExitCode}} three
inspect --type container -f {{.Name}} one
inspect --type image -f {{.Name}} one
inspect --type nonsense one
inspect -f '{{json .Config.Labels}}' one
inspect -f '{{range .Config.Env}}{{println .}}{{end}}' one
inspect -f '{{index .Config.Labels "kind"}}' one two
inspect -f '{{json .Config.Cmd}} {{.Path}} {{json .Args}}' one
inspect -f '{{if .State.Running}}up{{else}}down{{end}}' one three
inspect -f {{.HostConfig.NetworkMode}} one
inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{.MacAddress}}{{.Gateway}}{{end}}' one
inspect -f '{{.NetworkSettings.IPAddress}}{{.NetworkSettings.IPPrefixLen}}{{.NetworkSettings.Bridge}}' one
inspect -f '{{json .HostConfig.PortBindings}} {{json .HostConfig.Links}} {{.HostConfig.PublishAllPorts}}' one
inspect -f '{{json .HostConfig.Devices}} {{json .HostConfig.BlkioWeightDevice}}' one
inspect -f '{{json .HostConfig.ReadonlyPaths}} {{.HostConfig.ConsoleSize}} {{json .Config.OnBuild}}' one
inspect -f '{{json .ExecIDs}} {{.AppArmorProfile}} {{.MountLabel}} {{.ProcessLabel}} {{.GraphDriver.Name}}' one
inspect -f 'a\\tb{{.Name}}\\n' one
inspect -f 'table {{.Name}}{{"\\t"}}x' one
inspect -f '{{.Nothing}}' one
inspect -f '{{' one
inspect nobody
inspect -f {{.Name}} one nobody
inspect -f {{.Name}} /one
inspect /nobody
logs /three
exec /one echo hi
diff /three
container inspect nobody
logs three
container logs three
logs --tail 0 three
logs -n 1 three
logs --tail all three
logs -f three
logs -t three
logs --details three
create --name five --log-opt labels=kind --log-opt env-regex=^C --log-opt env=A -l 'kind=a b' -e A=1 -e C=2 base echo 5
start -a five
logs --details five
logs --details -t five
run --network none --name six base sh -c 'echo 12345 > /tmp/a; ln /tmp/a /tmp/b; ln -s b /tmp/c; echo 1 > /etc/more'
ps -as --filter name=six --format {{.Size}}
ps -s -f name=one --format '{{.Names}} {{.Size}}'
ps -as -f name=six
inspect -s -f {{.SizeRw}} six
inspect --size -f '{{if .SizeRootFs}}some{{end}}' six
container inspect -s -f {{.SizeRw}} one six
logs --since 1h three
logs --since 2100-01-01 three
logs --until 1h three
logs --until 2100-01-01 three
logs --since nonsense three
logs nobody
logs two
port one
container port one
container port nobody
container top one -o comm
top one '-o comm'
system events --since 2h --until 1h
container diff three
diff nobody
exec one echo hi
container exec one echo hi
exec -i one cat
exec -e A=c -e B=d one sh -c 'echo $A $B'
exec --env-file {h}/env one sh -c 'echo $A $B'
exec -u 12:34 one id -u
exec -w /tmp one pwd
exec -t one tty
exec -d one true
exec --privileged=false one true
exec one sh -c 'exit 7'
exec three true
exec four true
exec nobody true
stats --no-stream --format '{{.Name}} {{.PIDs}}' one
container stats --no-stream --format {{.Name}} one
stats --no-stream -a --format {{.Name}} one
stats --no-stream --no-trunc --format {{.ID}} one
cp {h}/env one:/tmp/
container cp {h}/env one:/tmp/again
cp -a {h}/env one:/tmp/owned
exec one stat -c '%u %g' /tmp/owned
exec one cat /tmp/again
"""
LIFE = """
container create -i --network none --name five base cat
start -i five
container start five
start -a three
start nobody
kill five
wait five
container wait five three
wait nobody
container rename five six
rename /six /seven
rename seven /seven
rename seven /
rename seven six
container restart -t 0 one
restart -t 0 nobody
container stop -t 0 one
stop -t 0 one
start one
container kill one
kill one
kill nobody
kill -s NONSENSE one
container start one
kill --signal=USR1 one
container unpause four
container pause four
container unpause four
stop four
inspect -f {{.State.ExitCode}} four
container update -m 64m --memory-swap 128m one
update --cpu-period 50000 --cpu-quota 20000 one
exec one cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us
inspect -f '{{.HostConfig.CpuPeriod}} {{.HostConfig.CpuQuota}}' one
commit three made:1
container commit -m why -a me -c 'ENV X=y' three made:2
commit -p=false three made:3
commit nobody made:4
commit three 'BAD NAME'
image inspect -f '{{.Comment}} {{.Author}} {{json .Config.Env}}' made:2
rmi made:1 made:2 made:3
export -o {h}/tree.tar three
container export -o {h}/tree.tar three
export nobody
export -o {h}/none/x three
container rm -f one
rm -v two
rm nobody
container rm three
rm three
ps -a --format {{.Names}}
"""


def _normal(text: str) -> str:
    """Times, process numbers and the columns' widths taken out."""
    text = ids_taken_out(text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[ \d:+A-Z]+)?", "TIME", text)
    text = re.sub(r"(About |Less than )?(a|an|\d+) (second|minute|hour)s?( ago)?", "AGO", text)
    return "\n".join(re.sub(r" {2,}", "  ", line) for line in text.splitlines())


def _sorted(text: str) -> str:
    """docker's labels come in no order."""
    return "\n".join(",".join(sorted(line.split(","))) for line in text.splitlines())


def _once(text: str) -> str:
    """Of the layers that go with an image each has its own: docker makes one for every commit."""
    return "\n".join(dict.fromkeys(_normal(text).splitlines()))


def _sizes(text: str) -> str:
    """Of each row as JSON."""
    return "\n".join(re.findall('"Size":"[^"]*"', text))


def test_lists(beside: Beside):
    for folder in (beside.ours, beside.dockers):
        tarfile.open(folder / "empty.tar", "w").close()
    try:
        for line in MADE:
            beside.line(line)
        for column in COLUMNS.split():
            beside.line(f"ps -a --format '{{{{.{column}}}}}'", _sorted if column == "Labels" else _normal)
        beside.lines(PS.splitlines(), _normal)
        beside.line("ps -a --format '{{json .}}'", _sizes)
    finally:
        beside.remove(*NAMES)
    beside.end()


def test_looks(beside: Beside):
    beside.file("env", "A=1\nB=2\n")
    try:
        for line in MADE:
            beside.line(line)
        for line in filter(None, LOOK.splitlines()):
            beside.line(line, _normal, stdin=b"typed\n")
    finally:
        beside.remove(*NAMES)
    beside.end()


def _paths(document: dict[str, Any], before: str = "") -> Iterator[str]:
    """The fields of a document, those of labels, which are an image's, left out."""
    for key, value in document.items():
        yield before + key
        if isinstance(value, dict) and key != "Labels":
            yield from _paths(value, f"{before}{key}.")


@pytest.mark.parametrize("network", ["none", "host"])
def test_every_field_of_dockers_document_is_there(beside: Beside, network: str):
    try:
        beside.line(f"run -d --network {network} --name one base sleep 1000")
        ours, dockers = (
            set(_paths(json.loads(text)[0]))
            for text in (beside.persona.ok("inspect", "one"), beside.daemon.ok("inspect", "one"))
        )
        assert not dockers - ours
    finally:
        beside.remove("one")
    beside.end()


def test_lives(beside: Beside):
    try:
        for line in MADE:
            beside.line(line)
        for line in filter(None, LIFE.splitlines()):
            beside.line(line, _once if line.startswith("rmi") else _normal, stdin=b"typed\n")
    finally:
        beside.remove(*NAMES)
    beside.end()
