"""Our reader takes and refuses the same lines as the real docker client, with the same exit codes."""

from __future__ import annotations

import shlex

import pytest

from ipycontainer.commands import exit_code, perform, verbs
from ipycontainer.commands.console import Console
from ipycontainer.commands.refused import find
from ipycontainer.errors import Error, OptionError, Refused
from tests.unit import docker_client

SAME = """
run base
run base echo hi
run
run -it
run --rm base
run --rm=false base
run --rm=true base
run --rm=TRUE base
run --rm=maybe base
run --rm= base
run --rm true base
run -d --rm base
run -i base
run -i=false base
run -i= base
run -t=x base
run -itd base
run -dit base sh
run -itx base
run -rm base
run --i base
run -x base
run --foo base
run ---x base
run --=x base
run --help=false base
run -- base --foo
run -- --rm base
run base -- x
run base -it --foo
run base --rm=maybe
run -m64m base
run -m 64m base
run -m=64m base
run -m= base
run --memory=1.5g base
run --memory 1.5GiB base
run -m '1 g' base
run -m foo base
run -m 1x base
run -m 1bb base
run -m -1 base
run -m
run --memory
run --cpus 0.5 base
run --cpus=1/4 base
run --cpus 1/3 base
run --cpus x base
run --cpus= base
run -c 512 base
run --cpu-shares 0x10 base
run --cpu-shares 010 base
run --cpu-shares 1_0 base
run --cpu-shares ten base
run --pids-limit 32 base
run --pids-limit=-1 base
run --pids-limit x base
run -e A=b=c base
run -e=A=b base
run -eA=b base
run -e A base
run -e =x base
run -e
run -e A=1 -e A=2 base
run --env-file /nonexistent base
run -l a=b --label c base
run -l =x base
run --name web base
run --name=web base
run --name
run --name a --name b base
run -h host base
run -h base
run -u 1000:1000 -w /tmp base id
run -w
run --entrypoint '' base
run --entrypoint
run --init=false base
run --read-only base
run --read-only=maybe base
run --tmpfs /run:size=64m base
run --ulimit nofile=10 base
run --ulimit nofile=10:20 base
run --ulimit nofile=10:5 base
run --ulimit nofile=-1 base
run --ulimit foo=1 base
run --ulimit x base
run --cap-add NET_ADMIN --cap-drop ALL base
run -v .:/work base
run -v /tmp:/work:ro base
run --mount type=bind,src=/tmp,dst=/x base
run --mount type=bind,source=/tmp,target=/x,readonly base
run --mount type=bind,source=/tmp,target=/x,readonly=maybe base
run --mount type=bind base
run --mount foo base
run --mount type=bind,src=/a,dst=/b,bogus=1 base
run --mount type=tmpfs,target=/x,tmpfs-size=1m base
run --network none base
run --network=host base
run --net none base
run --stop-signal TERM --stop-timeout 3 base
run --stop-timeout x base
run --security-opt seccomp=unconfined base
run --security-opt seccomp=builtin --security-opt no-new-privileges base
run --security-opt no-new-privileges:false base
run --security-opt foo base
run --security-opt seccomp= base
run --security-opt seccomp=/nonexistent base
run --security-opt
run --restart no base
run --restart always base
run --restart on-failure:3 base
run --restart on-failure:x base
run --restart on-failure:1:2 base
run --rm --restart always base
run --rm --restart no base
update --restart always web
run --privileged=false base
run --privileged base
run --sysctl net.ipv4.ip_forward=1 base
run --pull never base
run --sig-proxy=true base
run ''
run BASE
run - base
run base:tag:x
run a/b/c:d
create base
create --name
create -d base
exec web ls
exec web
exec
exec -it=false web sh
exec -e A=b -w /tmp -u root web env
exec web --foo x
exec --foo web x
exec -- web ls
exec -e =x web sh
start web
start -a web
start -a a b
start
stop web
stop -t 1 web
stop -t1 web other
stop -t x web
stop
kill web
kill -9 web
kill -s 9 web
kill -sKILL web
kill --signal HUP web
kill --signal web
wait web
wait
rm web
rm web -f
rm -f a b
rm -fv web
rm -- -f
rm
rm --foo web
ps
ps -a
ps -qa
ps -aq=false
ps -aqx
ps x
ps -n 3
ps -n x
ps --last=2
ps -f x
ps -f name=web
ps --no-trunc=false
ps --format '{{'
logs web
logs web -f
logs --tail 3 web
logs a b
logs
logs -n
inspect web
inspect
inspect -f '{{.Id}}' a b
events x
rename web
rename web new
restart
restart -t 1 web
restart -t x web
pause
pause web
pause -f web
unpause web
top
port web
port web 80 81
stats --no-stream
stats --nonsense
cp
cp web:/x
cp -a -L web:/x /tmp
cp web:/x web:/y
cp /x /y
run --memory-swap 1g base
run --memory-swap -1 base
run --memory-swap x base
run --memory-reservation 8m base
run --shm-size 1g base
run --shm-size x base
run --oom-score-adj 100 base
run --oom-score-adj x base
run --group-add 10 --group-add tty base
run --label-file /nonexistent base
run --annotation a=b base
events --since bogus
images
images base
images -q
images a b
images -f x
rmi
rmi a b
load x
load -i
load -i /nonexistent
version x
info x
container ls
container ls x
container ps -a
container rm
container stop web
image ls
image rm x
image inspect
system events x
run --cpuset-cpus 0 base
run --cpu-period 50000 --cpu-quota 20000 base
run --blkio-weight 300 --device-write-bps /dev/vda:1mb base
run --memory-swappiness 5 --oom-kill-disable base
run --device-cgroup-rule 'c 10:* rwm' base
update -m 64m web
update --cpus 0.5 --pids-limit 9 web db
update --cpuset-cpus 0
update --nonsense 1 web
run --log-opt max-size=1m base
run --platform linux/amd64 base
run --health-cmd true --health-interval 1m30s --health-retries 2 base
run --no-healthcheck base
run --gpus all base
run --gpus 'device=0,"capabilities=utility,compute"' base
run --gpus all,all base
run --gpus x base
run --gpus '' base
run --expose 80 base
run --expose 80-82/udp base
run --expose 82-80 base
run --expose 70000 base
run --expose 80:90 base
run --expose x base
run --runtime runc base
run --isolation default base
run --storage-opt size=1g base
run --storage-opt size base
"""

# docker takes them; here they are refused in a sentence.
REFUSED = """
run -p 80:80 base
run -P base
"""


def _lines(table: str) -> list[str]:
    return [line for line in table.splitlines() if line]


class _Reached(Exception):
    """The engine was asked for: the words were taken."""


def _verdict(line: str) -> tuple[str, int]:
    """What our side says to a line: taken, refused or wrong, and the exit code."""
    console = Console(lambda _data: None, lambda _data: None)

    def open_engine(_root: str | None) -> None:
        raise _Reached

    try:
        code = perform(shlex.split(line), console, open_engine, "/tmp")  # type: ignore[arg-type]
    except _Reached:
        return "taken", 0
    except Refused as error:
        return "refused", exit_code(error)
    except OptionError as error:
        return ("refused" if "refused" in str(error) else "wrong"), exit_code(error)
    except Error as error:
        return "wrong", exit_code(error)
    raise AssertionError(f"{line!r} ended with {code} and asked no engine")


@pytest.mark.parametrize("line", _lines(SAME))
def test_taken_and_refused_like_docker(line: str) -> None:
    answer = docker_client.ask(*shlex.split(line))
    ours, code = _verdict(line)
    assert ours == ("taken" if docker_client.accepts(answer) else "wrong"), answer.stderr
    if ours == "wrong":
        assert code == answer.returncode, answer.stderr


@pytest.mark.parametrize("line", _lines(REFUSED))
def test_what_docker_takes_and_this_release_refuses(line: str) -> None:
    answer = docker_client.ask(*shlex.split(line))
    assert docker_client.accepts(answer), answer.stderr
    assert _verdict(line) == ("refused", 125)


def test_the_table_is_as_long_as_was_promised() -> None:
    assert len(_lines(SAME)) >= 60


# docker has no such verbs.
OUR_OWN = ("completion",
    "catalog", "doctor", "image bootstrap", "kernel install", "kernel list", "kernel remove", "kernel run",
    "system boot", "system check", "system install", "system reset", "system shutdown",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in verbs.VERBS if name not in OUR_OWN])
def test_every_option_of_docker_is_known(name: str) -> None:
    """No option of the client's help is an unknown flag here: it works or is refused in a sentence."""
    verb = verbs.load(name)
    words = [word for line in docker_client.ask(*name.split(), "--help").stdout.splitlines() for word in line.split()]
    named = {word[2:] for word in words if word.startswith("--") and word[2:3].isalpha()}
    known = {option.long for option in verb.options} | {"help"}
    assert {option for option in named if option not in known and find(name, option, "") is None} == set()
