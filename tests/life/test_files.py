"""The container's files: layers never change, binds and their owners, tmpfs, a read-only root."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.life.inside import attempt, detached, one_sentence, sh
from tests.personas import Persona


def _layers(persona: Persona) -> dict[str, tuple[int, int, int]]:
    """Everything in the layers: path -> mode, size, time of change."""
    found = {}
    for folder, _, files in os.walk(persona.store / "layers"):
        for name in files:
            path = f"{folder}/{name}"
            state = os.lstat(path)
            found[path] = (state.st_mode, state.st_size, state.st_ctime_ns)
    return found


def test_writes_never_reach_the_image(persona: Persona):
    persona.ok("run", "--rm", "base", "true")
    before = _layers(persona)
    spoil = "echo spoiled > /etc/passwd; rm -rf /usr/bin/id /usr/share; mv /etc/group /etc/groups; chmod 0 /bin/sh; :"
    assert attempt(persona, f"{spoil}; echo done").out == "done\n"
    assert _layers(persona) == before and before
    assert sh(persona, "head -1 /etc/passwd; ls /usr/bin/id") == "root:x:0:0:root:/root:/bin/sh\n/usr/bin/id"


def test_two_containers_of_one_image_see_only_their_own_changes(persona: Persona):
    first, second = (detached(persona, "base", "sleep", "100") for _ in range(2))
    persona.ok("exec", first, "sh", "-c", "echo first > /mark; rm /etc/group")
    persona.ok("exec", second, "sh", "-c", "echo second > /mark")
    assert persona.ok("exec", first, "cat", "/mark") == "first"
    assert persona.ok("exec", second, "sh", "-c", "cat /mark; test -e /etc/group && echo there") == "second\nthere"


def test_a_deleted_file_stays_deleted_and_a_folder_made_anew_is_empty(persona: Persona):
    """Without userxattr an ordinary user's overlay forgets that a folder hides the one below it."""
    name = persona.ok("create", "base", "sh", "-c", "rm -rf /etc && mkdir /etc; ls -A /etc | wc -l; ls /usr/bin/od")
    for _ in range(2):
        lines = persona.cli("start", "-a", name).out.split()
        assert int(lines[0]) <= 3, "more than hosts, hostname, resolv.conf came back"


def test_a_file_written_through_a_bind_belongs_to_the_caller(persona: Persona):
    folder = persona.path("out/in", "x").parent
    assert sh(persona, "echo hi > /out/made; mkdir /out/folder; cat /out/in", "-v", f"{folder}:/out") == "x"
    for name in ("made", "folder"):
        state = (folder / name).lstat()
        assert (state.st_uid, state.st_gid) == (persona.uid, persona.gid)
    assert (folder / "made").read_text() == "hi\n"


@pytest.mark.personas("user")
def test_another_user_of_the_container_is_a_subordinate_id_outside(persona: Persona):
    folder = persona.path("sub/in", "x").parent
    folder.chmod(0o777)
    sh(persona, "echo hi > /out/made", "-v", f"{folder}:/out", "-u", "1000")
    assert (folder / "made").lstat().st_uid > 65536
    sh(persona, "rm /out/made", "-v", f"{folder}:/out")


def test_a_read_only_bind(persona: Persona):
    folder = persona.path("ro/in", "kept").parent
    for option in (f"-v={folder}:/in:ro", f"--mount=type=bind,source={folder},target=/in,readonly"):
        done = attempt(persona, "cat /in/in; echo x > /in/in; rm /in/in; touch /in/new", option)
        assert done.out == "kept" and done.err.count("Read-only") == 3, done
    assert (folder / "in").read_text() == "kept" and len(os.listdir(folder)) == 1


def test_a_read_only_bind_cannot_be_made_writable_inside(persona: Persona):
    folder = persona.path("ro2/in", "kept").parent
    done = attempt(persona, "mount -o remount,bind,rw /in; touch /in/new", f"-v={folder}:/in:ro")
    assert done.exit_code != 0 and os.listdir(folder) == ["in"]


def test_a_single_file_is_bound_and_a_missing_target_is_made(persona: Persona):
    file = persona.path("one", "1")
    assert sh(persona, "cat /deep/er/one; ls /deep/er", f"-v={file}:/deep/er/one") == "1one"


def test_a_missing_source_is_made_as_docker_does(persona: Persona):
    folder = persona.work / "made-by-v"
    assert sh(persona, "ls -A /x | wc -l", f"-v={folder}:/x") == "0"
    assert folder.is_dir() and folder.stat().st_uid == persona.uid


def test_a_relative_source_is_the_callers(persona: Persona):
    persona.path("rel/f", "here")
    done = persona.cli("run", "--rm", "-v", "./rel:/x", "base", "cat", "/x/f", cwd=persona.work)
    assert done.out == "here"


def test_a_bind_hides_nothing_of_what_comes_later_from_the_host(persona: Persona):
    folder = persona.path("live/f", "1").parent
    container = detached(persona, f"-v={folder}:/x", "base", "sleep", "100")
    persona.path("live/later", "2")
    assert persona.ok("exec", container, "cat", "/x/later") == "2"


@pytest.mark.parametrize("target", ["/proc", "/sys/kernel", "/proc/sys"])
def test_the_kernels_own_folders_are_no_targets(persona: Persona, target: str, nothing_left: None):
    one_sentence(persona.cli("run", "--rm", "-v", f"/tmp:{target}", "base", "true"), code=125)


@pytest.mark.personas("root")
def test_a_bind_over_dev_makes_nothing_in_the_hosts_folder(persona: Persona, tmp_path: Path):
    assert sh(persona, "ls -A /dev", f"-v={tmp_path}:/dev") == ""
    assert os.listdir(tmp_path) == []


def test_tmpfs(persona: Persona):
    script = "df -k /scratch | tail -1 | tr -s ' ' | cut -d' ' -f1,2; touch /scratch/x; stat -c %a /scratch"
    assert sh(persona, script, "--tmpfs", "/scratch:size=1m,mode=700") == "tmpfs 1024\n700"
    assert attempt(persona, "cp /bin/sh /scratch/p && /scratch/p -c :", "--tmpfs", "/scratch").exit_code == 126


def test_a_read_only_root(persona: Persona):
    script = "touch /x /etc/x 2>&1 | grep -c Read-only; touch /dev/shm/x /run/x && echo written"
    assert sh(persona, script, "--read-only", "--tmpfs", "/run") == "2\nwritten"


def test_a_big_file_is_written_and_gone_with_the_container(persona: Persona):
    script = "head -c 20000000 /dev/zero | tee /big | sha256sum; sha256sum < /big"
    digest = hashlib.sha256(bytes(20_000_000)).hexdigest()
    assert sh(persona, script).split() == [digest, "-", digest, "-"]
    assert not list((persona.store / "containers").iterdir())


def test_a_tree_deeper_than_any_limit_of_ours_is_removed(persona: Persona, nothing_left: None):
    """As deep as no path can say, deeper than a process may have open files or an interpreter frames."""
    dig = """
import os
os.mkdir("/d"); os.chdir("/d")
for _ in range(3000):
    os.mkdir("d"); os.close(os.open("f", os.O_CREAT)); os.chdir("d")
"""
    persona.ok("run", "--name", "deep", "base", "python3", "-c", dig)
    persona.ok("rm", "deep")
