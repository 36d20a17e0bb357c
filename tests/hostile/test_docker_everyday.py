"""Everyday lines beside the real docker: starts that fail, users, mounts at one place, bad values, pipes, environment.

Exit codes and standard outputs are compared; where docker fails our sentences say more.
"""

from __future__ import annotations

import io
import shlex
import tarfile

import pytest

from tests.hostile.beside import Beside, ids_taken_out
from tests.hostile.test_docker_containers import _normal

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

FAILED_STARTS = r"""
create --network none --name made base nosuchcommand
start made
ps -a --filter name=made --format '{{.Names}} {{.Status}} {{.State}}'
ps -a --filter exited=127 --format {{.Names}}
ps -a --filter status=created --format {{.Names}}
inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.StartedAt}} {{.State.FinishedAt}}' made
wait made
start -a made
restart made
stop made
kill made
logs made
inspect -f '{{.State.Status}} {{.State.ExitCode}}' made
rm made
create --network none --name made --restart always base nosuchcommand
start made
inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}' made
rm made
create --network none --name made -u nosuchuser base true
start made
inspect -f '{{.State.Status}} {{.State.ExitCode}}' made
rm made
create --network none --name made -v {h}/programs:/programs base /programs/program
start -a made
"""

# From here on the program may not be executed any more.
FAILED_LATER = r"""
start made
ps -a --filter name=made --format '{{.Names}} {{.State}}'
inspect -f '{{.State.Status}} {{.State.ExitCode}}' made
wait made
rm made
"""

USERS = r"""
run -d --network none --name made base sleep 1000
run --rm --network none -u 5: base id
run --rm --network none -u nobody: base id -g
run --rm --network none -u 5:6:7 base id
run --rm --network none -u 1:nosuch base id
run --rm --network none -u nosuch: base id
exec -u 5: made id -g
exec -u 5678:1234 made id
exec -d made nosuch
exec -d -w /nosuch made true
exec -d -u nosuch made true
exec --env-file /nosuch made true
exec -d made true
exec made sh -c 'kill -9 $$'
exec -e A=b -e C made sh -c 'echo $A$C'
"""

PLACES = r"""
run --rm --network none -v vol:/t -v /t base grep -c ' /t ' /proc/mounts
run --rm --network none -v /t --mount type=tmpfs,target=/t base sh -c 'grep " /t " /proc/mounts | cut -d" " -f3'
run --rm --network none -v /t/ -v /t base grep -c ' /t ' /proc/mounts
run --rm --network none -v {h}:/t -v /t base grep -c ' /t ' /proc/mounts
run --rm --network none -v /t -v {h}:/t base grep -c ' /t ' /proc/mounts
run --rm --network none -v vol:/t --tmpfs /t base true
run --rm --network none -v {h}:/t -v vol:/t base true
run --rm --network none -v vol:/t/ -v vol:/t base true
create --network none --name made -v vol:/t -v /t -v /u base true
inspect -f '{{len .Mounts}}{{range .Mounts}}{{if eq .Destination "/t"}} {{.Type}}{{end}}{{end}}' made
inspect -f '{{range .Mounts}}{{if eq .Destination "/u"}} {{.Type}}{{end}}{{end}}' made
rm -v made
volume rm vol
"""

TEMPLATES = r"""
create --network none --name made -v vol:/data -e A=b -l k=v --restart on-failure:3 base sh -c 'echo hi'
inspect -f '{{define "T"}}<{{.}}>{{end}}{{template "T" .Name}}{{template "T"}}' made
inspect -f '{{block "T" .Config}}{{range .Env}}{{.}},{{end}}{{end}}' made
inspect -f '{{template "nosuch"}}' made
inspect -f '{{define "T"}}x' made
inspect -f '{{if true}}{{define "T"}}x{{end}}{{end}}' made
inspect -f '{{range .Config.Env}}{{break}}{{end}}ok' made
inspect -f '{{range .Config.Env}}{{if eq . "A=b"}}{{continue}}{{end}}{{.}};{{end}}ok' made
inspect -f '{{range .Config.Env}}{{end}}{{continue}}' made
inspect -f '{{html "<a b=\"c\">&x" 1}} {{js "a\"b<c>=&"}} {{urlquery "a b&c/d~e"}}' made
inspect -f '{{.HostConfig.RestartPolicy}} {{.Config.Labels}} {{.Config.Healthcheck}} {{.Config.Entrypoint}}' made
inspect -f '{{.HostConfig.LogConfig}} {{.State.Health}} {{.ExecIDs}} {{.Config.Labels.nosuch}}' made
inspect -f '{{json .HostConfig.RestartPolicy}} {{json .HostConfig.LogConfig}} {{json .Config.Labels}}' made
inspect -f '{{.HostConfig.PidsLimit}} {{.HostConfig.Init}} {{.HostConfig.CapAdd}} {{.HostConfig.Ulimits}}' made
inspect -f '{{.Config.ExposedPorts}} {{.HostConfig.PortBindings}} {{.NetworkSettings.Ports}}' made
inspect -f '{{range split "abc" ""}}{{.}},{{end}} {{1e3}} {{1.50}}' made
inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.RW}}{{end}}' made
volume inspect -f '{{.Labels}} {{.Options}} {{json .Labels}}' vol
rm made
volume rm vol
"""

VALUES = (
    "--memory-swappiness 101",
    "--memory-swappiness -2",
    "--restart on-failure:x",
    "--restart a:b:c",
    "--restart on-failure:-1",
    "--restart always:3",
    "--rm --restart always",
    "--device /dev/null:/x:zz",
    "--device null",
    "--device a:b:c:d",
    "--sysctl nosuch",
    "--sysctl nosuch=1",
    "--pid nosuch",
    "--pid container:",
    "--uts nosuch",
    "--userns nosuch",
    "--cgroupns nosuch",
    "--device-read-bps x",
    "--device-write-iops /dev/loop0:x",
    "--device-cgroup-rule zz",
    "--mount type=nosuch,target=/x",
    "--mount type=bind,target=/x",
    "--mount target=/",
    "--mount target=x",
    "--mount ''",
    "--mount type=tmpfs",
    "--mount type=tmpfs,dst=/x,tmpfs-size=zz",
    "--mount type=volume,dst=/x,bind-propagation=private",
    "--mount type=bind,src=/tmp,dst=/x,bind-propagation=zz",
    "--mount nosuch=1",
    "--mount readonly=zz,dst=/x",
    "-v /:/",
    "-v vol:/b:zz",
    "-v /b:",
    "-v vol:/b:ro:x",
    "-v vol:relative",
    "--tmpfs /",
    "--volumes-from ''",
    "--cpus x",
    "--cpu-period 1",
    "--cpus 1 --cpu-quota 50000",
    "--cpuset-mems 99",
    "-m 64m --memory-swap 32m",
    "-m 64m --memory-reservation 128m",
    "--ulimit nofile=5:1",
    "--log-driver nosuch",
    "--log-opt nosuch=1",
    "--security-opt seccomp=/nosuch",
    "--env-file /nosuch",
    "--health-interval 1us --health-cmd true",
    "--no-healthcheck --health-cmd true",
    "--stop-signal NOSUCH",
    "--isolation zz",
    "--log-opt mode=zz",
    "--log-opt max-buffer-size=1m",
    "--log-opt mode=non-blocking --log-opt max-buffer-size=zz",
    "--runtime zz",
)


# A name without a value that is not set outside takes the variable away; a file's is none.
UNSET = """
import -c 'ENV NA=1 NB=2' {h}/empty.tar unset:1
create --network none --name made -e NA -e NC unset:1 x
commit made unset:2
image inspect -f '{{range .Config.Env}}{{if eq . "NA=1"}}{{.}}{{end}}{{end}}' unset:2
rm made
run -d --network none --name made -e NA=1 -e NB=2 base sleep 1000
exec -e NA -e NB=3 made sh -c 'echo [$NA$NB]'
exec --env-file {h}/names made sh -c 'echo [$NA$NB]'
commit made unset:2
run --rm --network none -e NA unset:2 sh -c 'echo [$NA$NB]'
run --rm --network none -e NA=5 -e NA unset:2 sh -c 'echo [$NA$NB]'
run --rm --network none --env-file {h}/names unset:2 sh -c 'echo [$NA$NB]'
run --rm --network none --log-opt mode=non-blocking --log-opt max-buffer-size=1m base echo hi
"""


# What of a container's settings is its image's.
INHERITED = """
create --network none --name made base true
commit -c 'ENTRYPOINT ["sh", "-c"]' -c 'CMD ["echo hi"]' -c 'USER 5:6' -c 'VOLUME /v' made theirs:1
rm made
create --network none --name made theirs:1
inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.User}} {{.Path}} {{json .Args}}' made
start -a made
commit made theirs:2
image inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.User}}' theirs:2
history --format '{{.CreatedBy}}' theirs:2
rm -v made
create --network none --name made -u 7 -v /a:/b:ro --mount type=tmpfs,dst=/e theirs:1 true
inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.User}}' made
inspect -f '{{range .Mounts}}{{if eq .Type "bind"}}{{.Destination}} [{{.Name}}{{.Driver}}]{{end}}{{end}}' made
rm -v made
create --network none --name made --entrypoint echo theirs:1
inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' made
rm -v made
"""


def _newest(text: str) -> str:
    return ids_taken_out(text).partition("\n")[0]


def test_settings_of_the_image(beside: Beside):
    try:
        for line in filter(None, INHERITED.splitlines()):
            beside.line(line, _newest if line.startswith("history") else ids_taken_out)
    finally:
        beside.remove("made")
        beside.both("rmi", "-f", "theirs:1", "theirs:2")
    beside.end()


def test_variables_that_are_taken_away(beside: Beside):
    beside.file("names", "NA\nNB=4\n")
    for folder in (beside.ours, beside.dockers):
        tarfile.open(folder / "empty.tar", "w").close()
    try:
        beside.lines(UNSET.splitlines())
    finally:
        beside.remove("made")
        beside.both("rmi", "-f", "unset:1", "unset:2")
        beside.both("image", "prune", "-f")
    beside.end()


def _names(archive: str) -> str:
    """What lies in a tar that came out as text."""
    with tarfile.open(fileobj=io.BytesIO(archive.encode())) as tar:
        return "\n".join(sorted(tar.getnames()))


def test_copies_of_archives_links_and_read_only_roots(beside: Beside):
    beside.file("file", "text\n")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(beside.ours / "file", "file")
    try:
        beside.line("run -d --network none --name made base sleep 1000")
        beside.line("exec made sh -c 'mkdir /d; echo 1 > /d/one; ln -s d /ld'")
        beside.line("cp - made:/opt", stdin=packed.getvalue())
        beside.line("exec made cat /opt/file")
        for path in ("/ld", "/ld/", "/ld/.", "/d/one"):
            beside.line(f"cp -L made:{path} -", normal=_names)
        beside.line("create --network none --name resting --read-only -v /v base true")
        beside.line("cp {h}/file resting:/opt/file")
        beside.line("cp - resting:/opt", stdin=packed.getvalue())
        beside.line("cp {h}/file resting:/v/file")
        beside.line("cp resting:/v/file -", normal=_names)
    finally:
        beside.remove("made", "resting")
    beside.end()


def test_starts_that_fail(beside: Beside):
    programs = [folder / "programs/program" for folder in (beside.ours, beside.dockers)]
    for program in programs:
        program.parent.mkdir()
        program.write_text("#!/bin/sh\nexit 3\n")
        program.chmod(0o755)
    try:
        beside.lines(FAILED_STARTS.splitlines())
        for program in programs:
            program.chmod(0o644)
        beside.lines(FAILED_LATER.splitlines())
    finally:
        beside.remove("made")
    beside.end()


def test_users_and_programs_inside(beside: Beside):
    try:
        beside.lines(USERS.splitlines())
    finally:
        beside.remove("made")
    beside.end()


def test_several_mounts_at_one_place(beside: Beside):
    try:
        beside.lines(PLACES.splitlines())
    finally:
        beside.remove("made")
        beside.both("volume", "rm", "-f", "vol")
    beside.end()


def test_a_missing_folder_is_made_for_everybody(beside: Beside):
    line = "run --rm --network none -v {}/new/folder:/x base stat -c '%a %u' /x"
    command = f"umask 077; ipycontainer {line.format(beside.ours)}"
    mine = beside.persona.run(["sh", "-c", command])
    his = beside.daemon.run(*shlex.split(line.format(beside.dockers)), umask=0o077)
    assert (mine.exit_code, mine.out) == (his.returncode, his.stdout.decode()) == (0, "755 0\n")
    for folder in (beside.ours, beside.dockers):
        assert [(folder / name).stat().st_mode & 0o777 for name in ("new", "new/folder")] == [0o755, 0o755]


def test_templates(beside: Beside):
    try:
        beside.lines(TEMPLATES.splitlines())
    finally:
        beside.remove("made")
    beside.end()


@pytest.mark.parametrize("verb", ["create", "run -d"])
def test_values_that_are_refused(beside: Beside, verb: str):
    for words in VALUES:
        beside.line(f"{verb} --network none --name made {words} base true", normal=_normal)
        beside.remove("made")
    beside.end()


def test_a_prune_that_is_answered_by_a_pipe(beside: Beside):
    for answer in (b"n\n", b"\n", b"y\n"):
        beside.line("container prune --filter label=nosuch", stdin=answer)
    beside.end()
