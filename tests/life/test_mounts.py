"""What a container has mounted: volumes at their first use and later, folders, tmpfs, other images."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.life.inside import detached, until, with_engine
from tests.personas import Persona

pytestmark = pytest.mark.usefixtures("no_volumes")

# What an image can have: owners, set-user-ID, a pipe, links of both kinds, a hole, an attribute.
_MADE = """
mkdir -p /data/sub; echo text > /data/file; ln /data/file /data/hard; ln -s ../../../../etc/passwd /data/link
mkfifo /data/pipe; truncate -s 9M /data/hole; chmod 1770 /data/sub; chmod 750 /data
"""


@pytest.fixture
def no_volumes(persona: Persona) -> Iterator[None]:
    yield
    persona.remove_containers()
    for name in persona.ok("volume", "ls", "-q").split():
        persona.cli("volume", "rm", name)


@pytest.fixture(scope="module")
def image(persona: Persona) -> Iterator[str]:
    """An image with files at /data, and a VOLUME there."""
    owner = "" if persona.name == "solo" else "chown 7:8 /data /data/file;"
    persona.ok("run", "--name", "maker", "base", "sh", "-c", f"{_MADE}{owner} chmod 4755 /data/file")
    persona.ok("commit", "-c", "VOLUME /data", "maker", "with-volume")
    persona.ok("rm", "maker")
    yield "with-volume"
    persona.ok("rmi", "with-volume")


LOOK = ("sh", "-c", "cd /there; stat -c '%n %F %u:%g %a %h %s' . file hard link hole pipe sub; readlink link")


def test_an_empty_volume_takes_over_what_the_image_has(persona: Persona, image: str):
    there = persona.ok("run", "--rm", image, "sh", "-c", LOOK[2].replace("/there", "/data"))
    in_image = persona.ok("run", "--rm", "-v", "one:/other", image, "ls", "/other")
    assert in_image == ""
    persona.ok("run", "--rm", "-v", "one:/data", image, "true")
    taken = persona.ok("run", "--rm", "-v", "one:/there", "base", *LOOK)
    assert taken == there and "file regular file" in taken
    assert "7:8 750" in taken or persona.name == "solo"
    # It is used once: what was deleted does not come again, and what was written stays.
    persona.ok("run", "--rm", "-v", "one:/data", image, "sh", "-c", "rm -r /data/*; echo new > /data/mine")
    assert persona.ok("run", "--rm", "-v", "one:/data", image, "ls", "/data") == "mine"
    persona.ok("volume", "rm", "one")


def test_what_is_only_made_fills_its_volumes_too(persona: Persona, image: str):
    """A container that is never started, for others to take its volumes from."""
    persona.ok("create", "--name", "keeper", "-v", "shared:/data/sub", image, "true")
    assert "file" in persona.ok("run", "--rm", "--volumes-from", "keeper", "base", "ls", "/data").split()
    persona.ok("create", "--name", "other", "-v", "named:/data", image, "true")
    assert "file" in persona.ok("run", "--rm", "-v", "named:/x", "base", "ls", "/x").split()


def test_nocopy_leaves_it_empty(persona: Persona, image: str):
    assert persona.ok("run", "--rm", "-v", "two:/data:nocopy", image, "ls", "-A", "/data") == ""
    words = "type=volume,source=three,target=/data,volume-nocopy"
    assert persona.ok("run", "--rm", "--mount", words, image, "ls", "-A", "/data") == ""


def test_a_volume_outlives_its_containers_and_is_shared(persona: Persona, nothing_left: None):
    persona.ok("run", "--rm", "-v", "data:/a", "base", "sh", "-c", "echo kept > /a/f")
    one = detached(persona, "-v", "data:/b", "base", "sh", "-c", "until test -e /b/go; do sleep 0.02; done; cat /b/go")
    persona.ok("run", "--rm", "-v", "data:/c", "base", "sh", "-c", "cat /c/f; echo went > /c/go")
    persona.ok("wait", one)
    assert persona.ok("logs", one) == "went"
    held = persona.cli("volume", "rm", "data")
    assert held.exit_code == 1 and f"remove data: volume is in use - [{one}]" in held.err
    persona.ok("rm", one)
    assert persona.ok("volume", "ls", "-q") == "data"
    persona.ok("volume", "rm", "data")


def test_read_only_and_volumes_from(persona: Persona):
    persona.ok("create", "--name", "first", "-v", "data:/a", "-v", "/nameless", "-v", f"{persona.work}:/host", "base")
    assert persona.cli("run", "--rm", "-v", "data:/a:ro", "base", "touch", "/a/x").exit_code == 1
    assert persona.cli("run", "--rm", "--volumes-from", "first:ro", "base", "touch", "/nameless/x").exit_code == 1
    persona.ok("run", "--rm", "--volumes-from", "first", "base", "touch", "/nameless/x", "/a/y", "/host/z")
    assert (persona.work / "z").exists()
    (persona.work / "z").unlink()
    # The nameless one is still the first one's.
    assert persona.ok("run", "--rm", "--volumes-from", "first", "base", "ls", "/nameless") == "x"
    assert persona.cli("create", "--volumes-from", "nobody", "base").exit_code == 1


def test_what_nobody_named_goes_with_its_container(persona: Persona, image: str, nothing_left: None):
    persona.ok("run", "--rm", "-v", "/x", image, "touch", "/x/f")
    assert persona.ok("volume", "ls", "-q") == ""
    persona.ok("run", "--name", "kept", "-v", "named:/n", image, "touch", "/data/f")
    persona.ok("create", "--name", "other", "--volumes-from", "kept", "base", "true")
    assert len(persona.ok("volume", "ls", "-q").split()) == 2
    persona.ok("rm", "-v", "kept")
    assert len(persona.ok("volume", "ls", "-q").split()) == 2  # the other one uses it
    persona.ok("rm", "-v", "other")
    assert persona.ok("volume", "ls", "-q") == "named"
    persona.ok("volume", "rm", "named")
    persona.ok("run", "--name", "left", "-v", "/x", "base", "true")
    persona.ok("rm", "left")
    assert len(persona.ok("volume", "ls", "-q", "--filter", "dangling=true").split()) == 1
    persona.ok("volume", "prune", "-f")


def test_a_create_that_fails_leaves_no_volume(persona: Persona):
    persona.ok("create", "--name", "taken", "base", "true")
    assert persona.cli("create", "--name", "taken", "-v", "data:/a", "-v", "/b", "base", "true").exit_code == 1
    assert persona.cli("create", "-v", "data:/a", "-v", "other:/a", "base", "true").exit_code == 1
    assert persona.ok("volume", "ls", "-q") == ""


def test_two_starts_at_once_fill_it_once(persona: Persona, image: str):
    told = with_engine(
        persona,
        """
        import threading
        codes = []
        def one():
            codes.append(engine.run("with-volume", ["sh", "-c", "test -s /data/hole && rm -r /data/sub"],
                                    volumes=["both:/data"], remove=True).exit_code)
        threads = [threading.Thread(target=one) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        names = engine.run("base", ["ls", "/b"], volumes=["both:/b"], remove=True).text
        tell([sorted(codes), names.split()])
        """,
    )
    # Had a second one filled it again, the folder would have been there for it too.
    assert told[0] == [0, 1, 1, 1] and "sub" not in told[1] and "file" in told[1]


def test_a_volume_over_the_written_files_and_one_below_another(persona: Persona):
    out = persona.ok(
        "run", "--rm", "-h", "box", "-v", "etc:/etc", "-v", "deep:/etc/deep", "base", "cat", "/etc/hostname"
    )
    assert out == "box"
    assert persona.ok("run", "--rm", "-v", "etc:/x", "base", "cat", "/x/hostname") == ""


def test_mount_takes_dockers_keys(persona: Persona):
    script = "grep -E ' /(t|v|h|i) ' /proc/self/mounts; stat -c %a /t; ls /i"
    mounts = (
        "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770",
        "type=volume,source=lab,target=/v,volume-label=k=v,readonly",
        f"type=bind,source={persona.work},target=/h,bind-propagation=rslave,ro",
        "type=image,source=base,target=/i",
    )
    words = [word for mount in mounts for word in ("--mount", mount)]
    out = persona.ok("run", "--rm", *words, "base", "sh", "-c", script)
    shown = {line.split()[1]: line.split()[3] for line in out.splitlines() if line.count(" ") == 5}
    assert "size=1024k" in shown["/t"] and "1770" in out.splitlines()
    assert all(shown[place].split(",")[0] == "ro" for place in ("/v", "/h", "/i"))
    assert "usr" in out.splitlines()
    assert json.loads(persona.ok("volume", "inspect", "-f", "{{json .Labels}}", "lab")) == {"k": "v"}
    refused = persona.cli(
        "run", "--rm", "--mount", "type=bind,source=/,target=/h,bind-propagation=shared", "base", "true"
    )
    assert refused.exit_code == 125 and "none go out" in refused.err


def test_an_image_that_is_mounted_is_not_removed(persona: Persona, image: str):
    persona.ok(
        "create", "--name", "user", "--mount", "type=image,source=with-volume,target=/i", "base", "ls", "/i/data"
    )
    assert "a container uses" in persona.cli("rmi", "with-volume").err
    assert "file" in persona.ok("start", "-a", "user")


def test_inspect_and_ps_tell_of_mounts(persona: Persona):
    persona.ok("create", "--name", "many", "-v", "data:/d:ro", "-v", "/n", "-v", f"{persona.work}:/h", "base", "true")
    mounts = json.loads(persona.ok("inspect", "-f", "{{json .Mounts}}", "many"))
    by_place = {mount["Destination"]: mount for mount in mounts}
    assert by_place["/d"]["Type"] == "volume" and by_place["/d"]["Name"] == "data" and not by_place["/d"]["RW"]
    assert by_place["/d"]["Source"] == f"{persona.store}/volumes/data/_data"
    assert by_place["/h"]["Type"] == "bind" and by_place["/h"]["Propagation"] == "rprivate"
    assert json.loads(persona.ok("inspect", "-f", "{{json .Config.Volumes}}", "many")) == {"/n": {}}
    for wanted in ("data", "/d", "/h", by_place["/n"]["Name"]):
        assert persona.ok("ps", "-a", "--filter", f"volume={wanted}", "--format", "{{.Names}}") == "many"
    assert persona.ok("ps", "-aq", "--filter", "volume=nothing") == ""
    assert persona.ok("ps", "-a", "--format", "{{.LocalVolumes}}") == "2"


def test_cp_sees_the_volumes_of_what_does_not_run(persona: Persona, image: str):
    persona.ok("create", "--name", "still", "-v", "data:/d", image, "cat", "/d/in")
    source = persona.path("into-it", "brought\n")
    persona.ok("cp", source, "still:/d/in")
    assert (persona.store / "volumes/data/_data/in").read_text() == "brought\n"
    persona.ok("cp", "still:/data/file", "out-of-it")
    assert (persona.work / "out-of-it").read_text() == "text\n"
    assert persona.ok("start", "-a", "still") == "brought"
    assert persona.ok("diff", "still").split("\n") == ["A /d"]
    (persona.work / "out-of-it").unlink()


def test_commit_and_export_leave_volumes_out(persona: Persona):
    persona.ok("run", "--name", "writer", "-v", "data:/d", "base", "touch", "/d/f", "/g")
    persona.ok("export", "-o", "all.tar", "writer")
    names = persona.run(["tar", "-tf", "all.tar"]).out.splitlines()
    assert "g" in names and "d/f" not in names
    (persona.work / "all.tar").unlink()


def test_events_of_a_volume(persona: Persona):
    persona.ok("run", "--name", "teller", "-v", "told:/t:ro", "base", "true")
    form = "{{.Action}} {{json .Actor.Attributes}}"
    words = ("events", "--since", "1m", "--until", "0s", "--filter", "volume=told", "--format", form)
    until(lambda: "unmount" in persona.ok(*words), "it is told")
    lines = [line.split(" ", 1) for line in persona.ok(*words).splitlines()][-3:]
    assert [line[0] for line in lines] == ["create", "mount", "unmount"]
    identity = persona.ok("ps", "-aq", "--no-trunc", "--filter", "name=teller")
    assert json.loads(lines[1][1]) == {
        "container": identity,
        "destination": "/t",
        "driver": "local",
        "propagation": "",
        "read/write": "false",
    }


def test_a_folder_of_the_host_as_a_volume(persona: Persona):
    folder = persona.path("shown/f", "of the host\n").parent
    persona.ok("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={folder}", "shown")
    assert persona.ok("run", "--rm", "-v", "shown:/s", "base", "cat", "/s/f") == "of the host"
    persona.ok("volume", "rm", "shown")
    assert (folder / "f").exists()
    persona.run(["rm", "-r", folder])


def test_owners_are_as_inspect_says(persona: Persona):
    script = "touch /d/root; chown 7:8 /d/root 2>/dev/null; stat -c %u /d/root"
    inside = persona.ok("run", "--rm", "-v", "data:/d", "base", "sh", "-c", script)
    owner = os.stat(persona.store / "volumes/data/_data/root").st_uid
    told = persona.ok("volume", "inspect", "-f", "{{.Status.Owners}}", "data").split(":")[0]
    if told == "host":
        assert persona.name == "root" and owner == 7
    elif told == "subordinate":
        assert persona.name == "user" and inside == "7" and owner not in (7, persona.uid)
    else:
        assert told == "one" and persona.name == "solo" and owner == persona.uid
    persona.ok("volume", "rm", "data")  # whoever's they are
    assert not (persona.store / "volumes/data").exists()


@pytest.mark.personas("root")
def test_what_the_host_mounts_later_appears_where_that_was_asked_for(fresh_persona: Persona):
    """In a mount namespace of the test's own, whose mounts are shared as a host's with systemd are."""
    script = """
    set -e
    mkdir -p shown/later
    mount --bind shown shown
    ipycontainer run -d --name looks --mount type=bind,source=shown,target=/slave,bind-propagation=rslave \\
        -v ./shown:/private base sleep 1000 > /dev/null
    mount -t tmpfs none shown/later
    touch shown/later/new
    ipycontainer exec looks sh -c 'ls /slave/later; echo private:; ls /private/later'
    ipycontainer exec looks sh -c 'mount -t tmpfs none /slave 2> /dev/null || echo no mount goes out'
    ipycontainer rm -f looks > /dev/null
    ipycontainer system shutdown
    """
    done = fresh_persona.run(["unshare", "--mount", "--propagation", "shared", "sh", "-c", script], timeout=200)
    assert done.exit_code == 0 and done.out.split("\n")[:2] == ["new", "private:"], done
    assert done.out.count("new") == 1 and "no mount goes out" in done.out


def test_a_tmpfs_runs_programs_when_asked_to(persona: Persona):
    """The last word counts: noexec is the default, exec takes it away."""
    words = ("base", "sh", "-c", "cp /bin/true /scratch/program; /scratch/program")
    assert persona.cli("run", "--rm", "--tmpfs", "/scratch", *words).exit_code == 126
    assert persona.cli("run", "--rm", "--tmpfs", "/scratch:exec,size=1m", *words).exit_code == 0
    assert persona.cli("run", "--rm", "--tmpfs", "/scratch:exec,noexec", *words).exit_code == 126
