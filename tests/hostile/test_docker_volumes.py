"""Volumes, mounts and prunes beside the real docker: the same output, exit codes and words.

Ids, times, the place of the store and "Error response from daemon: " are taken out of both.  Where docker fails, ours
fails with the same code, and says docker's sentence, or more than that.  (docker's `create` fails with 1
where the daemon refuses, and ours with 125 where the words alone are wrong.)
"""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest

from tests.compatibility.evidence import Compared
from tests.hostile.docker_daemon import DockerDaemon
from tests.personas import Persona

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

VOLUMES = r"""
volume create one
volume create one
volume create --label a=b --label c two
volume create --name three
volume create -d local --label=x=y four
volume rm four
volume create x
volume create a/b
volume create ../x
volume create --name three four
volume create one two
volume create -n
volume create -d nosuch five
volume create -o bad=1 seven
volume create -o type=none -o o=bind -o device={w} eight
volume ls
volume ls -q
volume list -q
volume ls --format "table {{.Name}}\t{{.Labels}}"
volume ls --format "{{.Name}},{{.Driver}},{{.Scope}},{{.Mountpoint}},{{.Labels}},{{.Links}},{{.Size}}"
volume ls --format "{{.Label \"a\"}}"
volume ls -f name=o
volume ls -f name=^o
volume ls -f name=one -f name=two
volume ls -f label=a
volume ls -f label=a=b
volume ls -f label=a=c
volume ls -f label=a -f label=c
volume ls -f driver=local
volume ls -f driver=other
volume ls -q -f dangling=true
volume ls -q -f dangling=false
volume ls -q -f dangling=x
volume ls -f bad=x
volume ls -f bad
volume ls extra
volume inspect -f {{.Name}},{{.Driver}},{{.Scope}},{{.Mountpoint}},{{.Labels}},{{.Options}} one two eight
volume inspect -f "{{json .Labels}} {{json .Options}}" one eight
volume inspect nosuch
volume inspect -f {{.Name}} one nosuch
volume inspect
inspect -f {{.Name}} two
inspect --type volume -f {{.Name}} two
inspect --type volume -f {{.Name}} nosuch
run --rm -v eight:/e base cat /e/hf
volume rm eight
volume rm one
volume rm one
volume rm -f one
volume rm two nosuch three
volume rm
volume ls -q
"""

MOUNTS = r"""
run --rm -v vv:/data data ls -ln --time-style=+ /data
run --rm -v vv:/there base stat -c "%n %F %u:%g %a %h %s" /there /there/f /there/hard /there/link /there/sub
run --rm -v vv:/data data sh -c "rm -r /data/sub; echo mine > /data/mine"
run --rm -v vv:/data data ls /data
run --rm -v nn:/data:nocopy data ls -A /data
create --name c1 data true
run --rm --volumes-from c1 base ls -ln --time-style=+ /data
rm -v c1
create --name c1 -v early:/data data true
run --rm -v early:/x base ls /x
rm -v c1
volume rm early
run --rm -v vv:/data:ro base touch /data/x
run --rm -v kk:/data:z base touch /data/x
create --name c1 -v vv:/data base true
inspect -f "{{json .Mounts}} {{json .HostConfig.Binds}} {{json .HostConfig.Mounts}} {{json .Config.Volumes}}" c1
volume rm vv
volume rm -f vv
volume ls -q -f dangling=false
rm c1
volume ls -q
create --name c2 -v /anon base true
inspect -f "{{json .Mounts}} {{json .Config.Volumes}} {{json .HostConfig.Binds}}" c2
ps -a --format "{{.Names}} {{.LocalVolumes}}"
ps -a --format {{.Names}} --filter volume=/anon
ps -a --format {{.Names}} --filter volume=/ano
run --rm --volumes-from c2 base touch /anon/f
run --rm --volumes-from c2 base ls /anon
run --rm --volumes-from c2:ro base touch /anon/g
create --name c3 --volumes-from c2:ro base true
inspect -f "{{json .Mounts}} {{json .HostConfig.VolumesFrom}} {{json .Config.Volumes}}" c3
create --name c4 --volumes-from nosuch base true
create --name c4 --volumes-from c2:bad base true
rm -v c2
ps -a --format "{{.Names}} {{.LocalVolumes}}"
rm -v c3
volume ls -q
run --name c5 data touch /data/written
inspect -f "{{json .Mounts}} {{json .Config.Volumes}}" c5
diff c5
start -a c5
rm -v c5
volume ls -q
container run --rm -v /gone base true
container create --name c5 -v vv:/v base true
container ls -aq --filter volume=vv
container inspect -f "{{json .HostConfig.Binds}}" c5
container diff c5
container rm -f -v c5
run --rm data true
volume ls -q
create --name c6 -v vv:/etc/x:ro,z --tmpfs /t:size=1m base true
inspect -f "{{json .Mounts}} {{json .HostConfig.Binds}} {{json .HostConfig.Tmpfs}}" c6
ps -a --format "{{.Names}} {{.Mounts}} {{.LocalVolumes}}"
ps -a --format {{.Names}} --filter volume=vv
ps -a --format {{.Names}} --filter volume=/etc/x
rm c6
create --name c7 --mount type=volume,source=mv,target=/data,volume-label=k=v,volume-nocopy,readonly base true
inspect -f "{{json .Mounts}} {{json .HostConfig.Binds}} {{json .HostConfig.Mounts}} {{json .Config.Volumes}}" c7
volume inspect -f "{{json .Labels}}" mv
rm c7
create --name c8 --mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770 base stat -c "%a %F" /t
inspect -f "{{json .Mounts}} {{json .HostConfig.Mounts}} {{json .HostConfig.Tmpfs}}" c8
start -a c8
rm c8
create --name c9 --mount type=bind,source={w},target=/h,bind-propagation=rslave base cat /h/hf
inspect -f "{{json .HostConfig.Mounts}} {{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}} {{.Propagation}}{{end}}" c9
rm c9
run --rm -v {w}:/h:ro base touch /h/x
run --rm -v {w}/made:/h base ls -A /h
create --mount type=bind,source={w}/none,target=/x base true
create --mount type=bind,target=/x base true
create --mount type=tmpfs,source=a,target=/x base true
create --mount type=foo,target=/x base true
create --mount type=volume,source=a base true
create --mount type=volume,source=aa,target=x base true
create --mount target=/x,tmpfs-size=1m base true
create --mount type=bind,source=/tmp,target=/x,volume-nocopy base true
create --mount type=tmpfs,target=/x,bind-propagation=slave base true
create --mount type=bind,source=/tmp,target=/x,bind-propagation=bad base true
create --mount type=volume,source=a,target=/x,foo=bar base true
create --mount type=volume,source=a,target=/x,readonly=foo base true
create --mount type=volume,source=a,target=/x,foo base true
create --mount type=tmpfs,target=/x,tmpfs-mode=9 base true
create --mount type=tmpfs,target=/x,tmpfs-size=z base true
create --mount type=volume,source=a/b,target=/x base true
create -v vv:/x -v kk:/x base true
create --name c1 -v vv:/x -v vv:/x base true
rm c1
create -v vv:/x --mount type=volume,target=/x base true
create -v vv:x base true
create -v vv:/ base true
create -v vv:/y:ro:z base true
create -v vv:/y:bad base true
create -v vv:/y:ro,rw base true
create -v {w}:/y:nocopy base true
create -v vv:/x:rslave base true
create -v a/b:/x base true
create --tmpfs x base true
run --rm --volume-driver local -v dd:/x base touch /x/f
run --rm --mount type=volume,source=dd,target=/data,readonly base ls /data
run --rm --mount type=volume,source=dd,target=/data,ro=1 base touch /data/g
run --rm --mount type=tmpfs,target=/t base stat -c "%a %F" /t
run --rm --mount type=bind,source={w},target=/h,readonly base cat /h/hf
run --rm --mount type=bind,source={w},target=/h,bind-nonrecursive base cat /h/hf
run --rm --mount type=bind,source={w}/hf,target=/f,consistency=cached base cat /f
run --rm --mount "type=volume,source=dd,\"target=/a,b\"" base ls "/a,b"
run --rm --read-only -v dd:/x base sh -c "echo more > /x/h; ls /x"
run --rm -v dd:/x -v vv:/x/below base ls /x /x/below
run --rm --tmpfs /x:size=1m,mode=700,uid=1 base stat -c "%a %u" /x
volume ls -q
"""

PRUNES = r"""
volume rm dd kk mv nn vv
container prune -f --filter bad=x
image prune -f --filter bad=x
volume prune -f --filter until=1h
system prune -f --filter bad=x
system prune -f --filter until=1h --volumes
create --name p1 --label k=v -v pp:/p base true
create --name p2 base true
run --rm -v pp:/p base sh -c "echo 1234 > /p/f"
system df --format "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}"
system df
system df -v
container prune -f --filter until=1h
container prune -f --filter label=none
container prune -f --filter label=k=v
ps -a --format {{.Names}}
container prune -f --filter label!=k
ps -a --format {{.Names}}
system df
system df -v
run -d --name p3 -v pp:/p base sleep 1000
container prune -f
volume prune -f
volume prune -f --filter label=none
system prune -f --filter label=none
system prune -f --volumes
volume ls -q
image prune -f
image prune -f -a --filter label=none
image prune --force --all --filter until=1h
system prune -f --all --filter until=1h
system prune -f -a
images --format {{.Repository}}
container rm -f p3
volume remove pp
system prune -f --volumes
volume ls -q
"""

LINES = {"volumes": VOLUMES, "mounts": MOUNTS, "prunes": PRUNES}
# docker has a row for each kind of thing that is not here, and counts images by its own measure.
_ONLY_VOLUMES = "system df"


def _normal(text: str, places: dict[str, str], line: str) -> str:
    for path, name in {**places, "c=,a=b": "a=b,c="}.items():  # docker's labels come in any order
        text = text.replace(path, name)
    text = re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b", "ID", text)
    if "prune" in line and " -a" in line:
        text = re.sub("Total reclaimed space: .*", "", text)  # a layer is weighed by what it takes of the disk, here
    if line.startswith(_ONLY_VOLUMES):
        text = text.partition("Local Volumes space usage:")[2].partition("Build cache")[0] if "-v" in line else text
        text = "\n".join(row for row in text.splitlines() if "-v" in line or row.startswith("Local Volumes"))
    return "\n".join(sorted(re.sub(r" +", " ", row).rstrip() for row in text.splitlines() if row.strip()))


def _words(text: str) -> str:
    """docker's sentence, without what it is about and who says it."""
    text = text.strip().splitlines()[0] if text.strip() else ""
    for before in ("docker: ", "Error response from daemon: ", "Error: ", "ERROR: ", "Error: "):
        text = text.removeprefix(before)
    text = re.sub(r'^invalid argument ".*" for "--mount" flag: ', "", text)
    text = re.sub(r'^"docker ([^"]+)"', r"'\1'", text)
    text = re.sub(r"^(create [^:]+: )", "", text)
    return text.removesuffix(".").removesuffix("See 'docker run --help'")


def _files(folder: Path) -> Path:
    folder.mkdir()
    (folder / "hf").write_text("of the host\n")
    return folder


@pytest.fixture(scope="module")
def _image(persona: Persona, docker_daemon: DockerDaemon) -> None:
    """On both sides an image with files at /data and a VOLUME there."""
    script = (
        "mkdir -p /data/sub; echo x > /data/f; ln /data/f /data/hard; ln -s f /data/link; chown 7:8 /data /data/sub; "
        "chmod 750 /data; chmod 1777 /data/sub"
    )
    for run in (persona.ok, docker_daemon.ok):
        run("run", "--network", "none", "--name", "maker", "base", "sh", "-c", script)
        run("commit", "-c", "VOLUME /data", "maker", "data")
        run("rm", "maker")


@pytest.mark.parametrize("what", LINES)
def test_beside_dockers(
    persona: Persona,
    docker_daemon: DockerDaemon,
    compared: Compared,
    _image: None,
    tmp_path: Path,
    what: str,
    capsys: pytest.CaptureFixture[str],
):
    ours, dockers = _files(tmp_path / "ours"), _files(tmp_path / "dockers")
    here = {f"{persona.store}/volumes": "VOLUMES", str(ours): "W"}
    there = {f"{docker_daemon.folder}/data/volumes": "VOLUMES", str(dockers): "W"}
    different, lines = [], [line for line in LINES[what].splitlines() if line]
    try:
        for line in lines:
            words = shlex.split(line)
            if words[0] in ("run", "create"):
                words[1:1] = ["--network", "none"]
            if words[:2] in (["container", "run"], ["container", "create"]):
                words[2:2] = ["--network", "none"]
            mine = persona.cli(*(word.replace("{w}", str(ours)) for word in words))
            his = docker_daemon.run(*(word.replace("{w}", str(dockers)) for word in words))
            # What docker's daemon refuses of a `create`, ours may refuse as bad words already.
            codes = (his.returncode, 125) if words[0] == "create" and his.returncode else (his.returncode,)
            out = _normal(mine.out, here, line), _normal(his.stdout.decode(), there, line)
            said = _words(his.stderr.decode()) if his.returncode else ""
            said = _normal(said, there, "")
            told = _normal(mine.err, here, "")
            if mine.exit_code not in codes or out[0] != out[1] or said not in told:
                different.append((line, mine.exit_code, his.returncode, *out, told, said))
            else:
                compared(words, his)
    finally:
        for run in (persona.cli, docker_daemon.run):
            run("rm", "-f", *(f"c{number}" for number in range(1, 10)), "p1", "p2", "p3")
    with capsys.disabled():
        print(f"\n{what}: {len(lines)} lines, {len(different)} different")
    assert not different, "\n\n".join("\n  ".join(map(str, item)) for item in different)


def test_events_beside_dockers(persona: Persona, docker_daemon: DockerDaemon, compared: Compared):
    begin = str(int(time.time()))
    for run in (persona.ok, docker_daemon.ok):
        run("run", "--network", "none", "--rm", "-v", "told:/t:ro", "base", "true")
        run("volume", "rm", "told")
    form = "{{.Action}} {{json .Actor.Attributes}}"
    until = str(int(time.time()) + 2)
    words = ("events", "--since", begin, "--until", until, "--filter", "type=volume", "--filter", "volume=told")
    answer = docker_daemon.run(*words, "--format", form)
    mine, his = (_normal(text, {}, "") for text in (persona.ok(*words, "--format", form), answer.stdout.decode()))
    assert mine == his and mine.count("\n") == 3
    compared((*words, "--format", form), answer)
