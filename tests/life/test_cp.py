"""cp: docker's rules for what ends up where, owners, archives on stdin and stdout."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from tests.life.inside import detached, one_sentence, until, with_engine
from tests.personas import Persona

SCRIPT = "mkdir -p /dir/sub; echo f > /dir/sub/f; ln -s dir /dlink; ln -s /dir/sub/f /link; sleep 1000"


@pytest.fixture(params=["running", "stopped"])
def there(request: pytest.FixtureRequest, persona: Persona) -> str:
    """A container with files of its own."""
    container = detached(persona, "--name", "there", "base", "sh", "-c", SCRIPT)
    until(lambda: persona.cli("exec", container, "test", "-L", "/link").exit_code == 0, "its files are there")
    if request.param == "stopped":
        persona.ok("kill", container)
        persona.ok("wait", container)
    return container


@pytest.fixture
def here(persona: Persona) -> Path:
    """A folder of the persona's, with a few files."""
    folder = persona.path("here/hf", "hf\n").parent
    for name in ("hd/inner", "hd/deep/er"):
        persona.path(f"here/{name}", "i\n")
    return folder


def tree(persona: Persona, container: str, path: str) -> list[str]:
    """What lies there in the container, as tar tells it."""
    done = persona.cli("cp", f"{container}:{path}", "-")
    assert done.exit_code == 0, done
    with tarfile.open(fileobj=io.BytesIO(done.out_bytes)) as archive:
        return sorted(archive.getnames())


def test_out_and_in(persona: Persona, nothing_left: None, there: str, here: Path):
    out = persona.path("out")
    persona.run(["rm", "-rf", out])
    persona.run(["mkdir", out])
    persona.ok("cp", "there:/dir", out)  # into a folder that is there
    persona.ok("cp", "there:/dir", out / "new")  # under another name
    persona.ok("cp", "there:/dir/.", out / "new")  # its content
    persona.ok("cp", "there:link", out)
    persona.ok("cp", "-L", "there:/link", out / "followed")
    persona.ok("cp", "there:/dlink/", out / "by-slash")
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*"))
    assert found == [
        "by-slash", "by-slash/sub", "by-slash/sub/f", "dir", "dir/sub", "dir/sub/f", "followed", "link", "new",
        "new/sub", "new/sub/f",
    ]  # fmt: skip
    assert (out / "followed").read_text() == "f\n" and os.readlink(out / "link") == "/dir/sub/f"
    assert {path.lstat().st_uid for path in out.rglob("*")} == {persona.uid}
    persona.ok("cp", "here/hf", "there:/dir")
    persona.ok("cp", here / "hd", "there:/dir/new")
    persona.ok("cp", f"{here}/hd/.", "there:/dlink")
    assert tree(persona, "there", "/dir") == [
        "dir", "dir/deep", "dir/deep/er", "dir/hf", "dir/inner", "dir/new", "dir/new/deep", "dir/new/deep/er",
        "dir/new/inner", "dir/sub", "dir/sub/f",
    ]  # fmt: skip
    persona.ok("rm", "-f", there)
    persona.run(["rm", "-rf", out, here])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("there:/none", "."), "Could not find the file /none in container there"),
        (("there:/dir", "here/hf"), "cannot copy directory"),
        (("there:/dir/sub/f", "none/"), "no such directory"),
        (("there:/dir/sub/f", "none/x"), 'invalid output path: directory "'),
        (("here/none", "there:/dir"), "no such file or directory"),
        (("here/hd", "there:/dir/sub/f"), "cannot copy directory"),
        (("here/hf", "there:/none/"), "no such directory"),
        (("here/hf", "there:/none/x"), "Could not find the file /none in container there"),
        (("here/hf", "nobody:/x"), "No such container: nobody"),
        (("there:/x", "there:/y"), "copying between containers is not supported"),
        (("here/hf", "there"), "must specify at least one container source"),
        (("here/hf", ""), "destination can not be empty"),
    ],
)
def test_dockers_sentences(persona: Persona, here: Path, words: tuple[str, str], says: str):
    container = persona.ok("create", "--name", "there", "base", "true")
    persona.ok("cp", "here/hd", "there:/dir")
    persona.run(["mkdir", "-p", here / "sub"])
    persona.path("here/sub/f", "f")
    persona.ok("cp", here / "sub", "there:/dir")
    assert says in one_sentence(persona.cli("cp", *words), code=1)
    persona.ok("rm", container)


def test_archives(persona: Persona, there: str):
    assert tree(persona, "there", "/dir/sub") == ["sub", "sub/f"]
    archive = persona.cli("cp", "there:/dir/.", "-").out_bytes
    persona.ok("cp", "-", "there:/tmp", input=archive)
    assert tree(persona, "there", "/tmp") == ["tmp", "tmp/sub", "tmp/sub/f"]
    for path in ("/none", "/dir/sub/f"):
        sentence = one_sentence(persona.cli("cp", "-", f"there:{path}", input=archive), code=1)
        assert f'destination "there:{path}" must be a directory' in sentence


def test_what_comes_in_is_roots_and_a_keeps_owners(persona: Persona, there: str, here: Path):
    persona.ok("cp", here / "hf", "there:/dir/plain")
    archive = persona.cli("cp", "there:/dir", "-").out_bytes
    with tarfile.open(fileobj=io.BytesIO(archive)) as found:
        assert {(item.uid, item.gid) for item in found} == {(0, 0)}
    if persona.is_root:
        os.chown(here / "hf", 1234, 77)
        persona.ok("cp", "-a", here / "hf", "there:/dir/kept")
        archive = persona.cli("cp", "there:/dir/kept", "-").out_bytes
        with tarfile.open(fileobj=io.BytesIO(archive)) as found:
            assert [(item.uid, item.gid) for item in found] == [(1234, 77)]


def test_a_set_user_id_program_comes_out_without_that(persona: Persona):
    container = detached(persona, "base", "sh", "-c", "cp /bin/sh /evil; chmod 4755 /evil; sleep 1000")
    until(lambda: persona.cli("exec", container, "test", "-u", "/evil").exit_code == 0, "it is there")
    out = persona.path("evil")
    persona.ok("cp", f"{container}:/evil", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o755
    persona.ok("cp", "-a", f"{container}:/evil", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o4755
    out.unlink()


def test_a_copy_leaves_a_container_that_can_be_started(persona: Persona, nothing_left: None):
    container = persona.ok("create", "base", "cat", "/tmp/hf")
    persona.path("hf", "hello\n")
    for _ in range(3):
        persona.ok("cp", "hf", f"{container}:/tmp")
        assert persona.ok("start", "-a", container) == "hello"
    persona.ok("rm", container)
    told = persona.ok("events", "--since", "1m", "--until", "0s", "--filter", f"container={container}")
    assert told.count(" extract-to-dir ") == 3


@pytest.mark.personas("user", "solo")
def test_what_may_not_be_read_is_told(persona: Persona, nothing_left: None, there: str, here: Path):
    secret = persona.path("here/hd/secret", "s\n", mode=0o000)
    try:
        said = one_sentence(persona.cli("cp", here / "hd", f"{there}:/", timeout=30), code=1)
        assert "secret: permission denied" in said
    finally:
        secret.unlink()
        persona.ok("rm", "-f", there)


def test_in_python(persona: Persona):
    told = with_engine(
        persona,
        """
        from ipycontainer.engine.request import RunRequest
        made = engine.create(RunRequest(image="base", command=("true",)))
        open("from-python", "w").write("x")
        made.copy_in("from-python", "/tmp")
        made.unpack("/tmp", list(made.archive("/etc/passwd")))
        made.copy_out("/tmp/from-python", "back")
        tell([open("back").read(), [path for _, path in made.diff()]])
        made.remove()
        """,
    )
    assert told == ["x", ["/tmp", "/tmp/from-python", "/tmp/passwd"]]


@pytest.mark.personas("solo")
def test_owners_with_one_id_are_refused(persona: Persona, here: Path):
    container = persona.ok("create", "base", "true")
    done = persona.cli("cp", "-a", here / "hf", f"{container}:/tmp")
    assert "cp -a cannot keep owners here" in one_sentence(done, code=125)


def test_a_killed_copy_holds_nothing_up(persona: Persona, nothing_left: None):
    container = persona.ok("create", "base", "echo", "on")
    code = f"""
from ipycontainer import Engine
from ipycontainer.engine.copying import Root
import time
with Root(Engine().get({container!r})):
    print("has it", flush=True)
    time.sleep(100)
"""
    process = persona.popen(["python3", "-I", "-c", code])
    assert process.stdout is not None and process.stdout.readline() == b"has it\n"
    # Who has its lock is no monitor: it was never started.
    assert persona.ok("ps", "-a", "--filter", f"id={container}", "--format", "{{.Status}}") == "Created"
    held = persona.cli("start", container)
    assert held.exit_code and "already running, or is being swept" in held.err
    process.kill()
    process.communicate()
    until(lambda: persona.cli("start", "-a", container).out == "on\n", "it can be started")
    persona.ok("rm", container)


def test_a_link_at_the_target_leads_and_stays(persona: Persona, nothing_left: None, there: str, here: Path):
    """docker writes where it leads, to nothing too; a link in a container leads nowhere else than there."""
    outside = persona.path("not-followed", "mine\n")
    links = {
        "d": "new",
        "far": "/far/new",
        "up": f"../../../..{outside}",
        "chain": "d",
        "folder": "made",
        "bad": "\udcff",
    }
    folder = persona.path("leading/d").parent
    for name, target in links.items():
        os.symlink(target, folder / name)
    persona.ok("cp", f"{folder}/.", "there:/dir")
    for name in ("d", "up", "bad"):
        done = persona.cli("cp", "here/hf", f"there:/dir/{name}")
        assert (done.exit_code == 0) == (name != "up"), done  # there is no such folder in the container
    assert "Could not find the file /far" in persona.cli("cp", "here/hf", "there:/dir/far").err
    persona.ok("cp", "here/hd/inner", "there:/dir/chain")
    persona.ok("cp", "here/hd", "there:/dir/folder")
    out = persona.path("out")
    persona.run(["rm", "-rf", out])
    persona.ok("cp", "there:/dir", out)
    assert {name: os.readlink(out / name) for name in links} == links
    assert (out / "new").read_text() == "i\n" and (out / "\udcff").read_text() == "hf\n"
    assert (out / "made/inner").read_text() == "i\n" and outside.read_text() == "mine\n"
    persona.ok("cp", "there:/dir/sub/f", folder / "chain")
    persona.ok("cp", "there:/dir/sub", folder / "folder")
    assert (folder / "new").read_text() == "f\n" and (folder / "made/f").read_text() == "f\n"
    assert {name: os.readlink(folder / name) for name in links} == links
    os.symlink("round", folder / "round")
    assert "too many levels" in one_sentence(persona.cli("cp", "there:/dir/sub/f", folder / "round"), code=1)
    persona.ok("rm", "-f", there)
    persona.run(["rm", "-rf", out, here, folder, outside])


def test_of_one_that_has_just_been_removed_nothing_comes_back(persona: Persona, nothing_left: None):
    """Its writable layer was made anew to copy from, and that was a container without a record."""
    said = with_engine(
        persona,
        """
        engine.run("base", ["true"])
        found, begin = engine.containers(all=True)[0], engine.launcher.begin
        def late(job, request, *more):
            engine.get(found.id).remove()
            engine.launcher.begin = begin
            return begin(job, request, *more)
        engine.launcher.begin = late
        try:
            found.copy_out("/etc/passwd", "of-the-removed")
        except errors.Error as error:
            tell([type(error).__name__, len(engine.containers(all=True))])
        """,
    )
    assert said == ["NoSuchContainer", 0]
