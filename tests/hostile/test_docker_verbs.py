"""The verbs of a container's life beside the real docker: the same words, exit codes and output.

Ids, process numbers, times and "Error response from daemon: " are taken out of both; what stays must be equal, where
docker fails the exit code alone, for our sentences say more.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.compatibility.evidence import Compared
from tests.hostile.docker_daemon import DockerDaemon
from tests.personas import Persona

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

# One life, in this order; {h} is a folder of the host's.
LIFE = """
rename one two
rename two two
rename nobody x1
ps --format {{.Names}}
pause two
pause two
ps --format {{.Names}},{{.State}}
ps -q --filter status=running
inspect -f {{.State.Status}},{{.State.Running}},{{.State.Paused}} two
exec two true
start two
rm two
top two -o pid,comm
unpause two
unpause two
top two -o comm
container top two -o pid,comm
top two -zz
port two
port two 80
port nobody
pause two
kill -s USR1 two
inspect -f {{.State.Status}} two
pause two
restart -t 0 two
inspect -f {{.State.Status}} two
stats --no-stream --format {{.Name}},{{.PIDs}} two
stats --no-stream nobody
pause two
stop -t 0 two
inspect -f {{.State.Status}},{{.State.ExitCode}} two
top two
pause two
unpause two
restart nobody
stats --no-stream --format {{.Name}},{{.MemUsage}},{{.CPUPerc}},{{.PIDs}} two
restart -t 0 two
cp {h}/hf two:/tmp
cp {h}/hf two:/tmp/new
cp {h}/hf two:/none/
cp {h}/hf two:/none/x
cp {h}/hd two:/tmp/hf
cp {h}/hd two:/tmp/copy
cp {h}/hd two:/tmp/copy
cp {h}/hd/. two:/tmp/copy
cp {h}/hl two:/tmp/
cp -L {h}/hl two:/tmp/followed
cp {h}/none two:/tmp
cp two:/tmp/copy {h}/hf
cp two:/tmp/copy {h}/new
cp two:/tmp/copy {h}/new
cp two:/tmp/copy/. {h}/content
cp two:/tmp/hl {h}
cp two:tmp/hf {h}/relative
cp two:/tmp/hf {h}/none/x
cp two:/tmp/hf {h}/none/
cp two:/none {h}
cp two:/x two:/y
cp {h}/hf nobody:/tmp
cp {h}/hd/inner two:/tmp/hl
cp {h}/hn two:/tmp/
cp {h}/hf two:/tmp/hn
cp {h}/hn two:/tmp/to-folder
cp {h}/hn two:/tmp/to-none
exec two sh -c 'ln -sf newfolder /tmp/to-folder; ln -sf none/x /tmp/to-none'
cp {h}/hd two:/tmp/to-folder
cp {h}/hf two:/tmp/to-none
exec two sh -c 'cat /tmp/hf /tmp/nothing; ls /tmp /tmp/newfolder; readlink /tmp/hl /tmp/hn /tmp/to-folder'
cp two:/tmp/hf {h}/hn
cp two:/tmp/hf {h}/hl
cp two:/tmp/hf {h}/hx
cp two:/tmp/hf {h}/round
cp two:/tmp/copy {h}/hm
stop -t 0 two
cp two:/tmp/copy {h}/stopped
cp {h}/hd two:/tmp/stopped
diff two
pause two
rm -f two
ps -aq
"""


def _normal(text: str) -> str:
    text = re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b", "ID", text)
    text = re.sub(r"\b\d{3,}\b *", "N ", text)  # a column is as wide as its number
    return "\n".join(sorted(line.rstrip() for line in text.splitlines()))


def _files(folder: Path) -> Path:
    folder.mkdir()
    (folder / "hf").write_text("hf\n")
    (folder / "hd").mkdir()
    (folder / "hd/inner").write_text("i\n")
    (folder / "hl").symlink_to("hf")
    for name, target in (("hn", "nothing"), ("hm", "new-by-link"), ("hx", "none/x"), ("round", "round")):
        (folder / name).symlink_to(target)
    return folder


def _tree(folder: Path) -> list[str]:
    return sorted(f"{path.relative_to(folder)}{'@' if path.is_symlink() else ''}" for path in folder.rglob("*"))


def test_a_life_beside_dockers(
    persona: Persona,
    docker_daemon: DockerDaemon,
    compared: Compared,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    ours, dockers = _files(tmp_path / "ours"), _files(tmp_path / "dockers")
    make = ("run", "-d", "--network", "none", "--name", "one", "base", "sleep", "1000")
    persona.ok(*make)
    docker_daemon.ok(*make)
    different = []
    try:
        for line in filter(None, LIFE.splitlines()):
            mine = persona.cli(*shlex.split(line.replace("{h}", str(ours))))
            his: subprocess.CompletedProcess[bytes] = docker_daemon.run(*shlex.split(line.replace("{h}", str(dockers))))
            same_code = (mine.exit_code == 0) == (his.returncode == 0) and mine.exit_code == his.returncode
            if not same_code or _normal(mine.out) != _normal(his.stdout.decode()) or _tree(ours) != _tree(dockers):
                different.append((line, mine, his.returncode, his.stdout, his.stderr, _tree(ours), _tree(dockers)))
            else:
                compared(line.split(), his)
    finally:
        persona.cli("rm", "-f", "one", "two")
        docker_daemon.run("rm", "-f", "one", "two")
    with capsys.disabled():
        print(f"\n{len(LIFE.split(chr(10))) - 2} lines, {len(different)} different")
    assert not different, "\n\n".join(map(str, different))
