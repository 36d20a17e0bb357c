"""Volumes: made, listed, shown, removed; what they hold, whose it is, and who uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.life.inside import with_engine
from tests.personas import Persona

OWNERS = {"root": "host", "user": "subordinate", "solo": "one"}


@pytest.fixture(autouse=True)
def _no_volumes(persona: Persona) -> Iterator[None]:
    """What a failed test left."""
    yield
    for name in persona.ok("ps", "-aq").split():
        persona.cli("rm", "-f", name)
    for name in persona.ok("volume", "ls", "-q").split():
        persona.cli("volume", "rm", name)


def test_a_volume_is_made_listed_shown_and_removed(persona: Persona, nothing_left: None):
    assert persona.ok("volume", "create", "one") == "one"
    assert persona.ok("volume", "create", "one") == "one"
    anonymous = persona.ok("volume", "create", "--label", "a=b")
    assert len(anonymous) == 64 and int(anonymous, 16) >= 0
    lines = persona.ok("volume", "ls").splitlines()
    assert lines[0] == "DRIVER    VOLUME NAME" and lines[1:] == [f"local     {anonymous}", "local     one"]
    assert persona.ok("volume", "ls", "-q", "--filter", "label=a=b") == anonymous
    assert persona.ok("volume", "ls", "-q", "--filter", "name=^o") == "one"
    [shown] = json.loads(persona.ok("volume", "inspect", "one"))
    assert shown["Mountpoint"] == f"{persona.store}/volumes/one/_data"
    assert shown["Status"]["Owners"].startswith(OWNERS[persona.name])
    assert persona.ok("volume", "rm", "one", anonymous).split() == ["one", anonymous]
    gone = persona.cli("volume", "rm", "one")
    assert gone.exit_code == 1 and "No such volume: one" in gone.err
    assert persona.ok("volume", "rm", "-f", "one") == "one"


def test_bad_names_and_options_are_refused_and_make_nothing(persona: Persona, nothing_left: None):
    for name in ("x", "a/b", "../x", ".x", "-x"):
        assert persona.cli("volume", "create", "--name", name).exit_code == 1, name
    assert "not found" in persona.cli("volume", "create", "-d", "nfs", "name").err
    assert 'invalid option: "bad"' in persona.cli("volume", "create", "-o", "bad=1", "name").err
    refused = persona.cli("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "name")
    assert refused.exit_code == 125 and "is refused" in refused.err
    assert persona.ok("volume", "ls", "-q") == ""


def test_what_is_done_is_told(persona: Persona):
    persona.ok("volume", "create", "told")
    persona.ok("volume", "rm", "told")
    words = ("events", "--since", "1m", "--until", "0s", "--filter", "volume=told", "--format", "{{.Type}} {{.Action}}")
    assert persona.ok(*words).splitlines()[-2:] == ["volume create", "volume destroy"]


def test_from_python(persona: Persona):
    code = """
from ipycontainer import Engine, errors
engine = Engine()
volume = engine.volumes.create("data", {"a": "b"})
print([one.name for one in engine.volumes.list()], volume.labels, volume.users, volume.size)
volume.remove()
try:
    engine.volumes.get("data")
except errors.NoSuchVolume as error:
    print(error)
"""
    assert persona.python(code) == "['data'] {'a': 'b'} [] 0\nNo such volume: data\n"


def test_a_create_that_was_killed_leaves_nothing_to_be_seen(persona: Persona):
    persona.ok("volume", "create", "whole")
    half = persona.store / "volumes" / ".new-0123"
    persona.run(["mkdir", half])
    assert persona.ok("volume", "ls", "-q") == "whole"
    assert half.exists()  # its maker could be at it
    persona.run(["touch", "-d", "2 minutes ago", half])
    assert persona.ok("volume", "ls", "-q") == "whole"
    assert not half.exists()


def test_prune_removes_what_has_no_name_and_asks_first(persona: Persona, nothing_left: None):
    persona.ok("volume", "create", "named")
    anonymous = persona.ok("volume", "create")
    asked = persona.cli("volume", "prune")
    assert asked.exit_code == 125 and "WARNING! This will remove all anonymous" in asked.out
    assert persona.ok("volume", "prune", "-f").splitlines()[:2] == ["Deleted Volumes:", anonymous]
    assert persona.ok("volume", "prune", "-f") == "Total reclaimed space: 0B"
    assert persona.ok("volume", "prune", "-af", "--filter", "label=x") == "Total reclaimed space: 0B"
    assert persona.ok("volume", "prune", "-af").splitlines()[:2] == ["Deleted Volumes:", "named"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"created": "x"}', '{"created": 1, "labels": [1]}', '{"created": 1e99}']
)
def test_a_damaged_record_is_shown_and_can_be_removed(persona: Persona, text: str):
    persona.ok("volume", "create", "hurt")
    persona.run(["sh", "-c", f"printf %s '{text}' > {persona.store}/volumes/hurt/volume.json"])
    assert persona.ok("volume", "ls", "-q") == "hurt"
    assert persona.ok("volume", "inspect", "-f", "{{.Name}} {{.Labels}}", "hurt").startswith("hurt")
    persona.ok("volume", "rm", "hurt")
    assert persona.ok("volume", "ls", "-q") == ""


def test_a_volume_that_is_just_being_taken_is_not_removed(persona: Persona):
    """Between the look for a volume and the record of its container whoever removes volumes waits."""
    code = """
import os, subprocess, time
from ipycontainer import Engine
from ipycontainer.engine.request import RunRequest, VolumeMount
from ipycontainer.runtime.inside import volumes as files

engine = Engine()
folder = engine.volumes.folder
engine.volumes.create("wanted")
number = f":{os.stat(folder).st_ino} "
with files.Lock(folder, alone=False):
    remover = subprocess.Popen(["ipycontainer", "volume", "rm", "wanted"], stderr=subprocess.PIPE)
    end = time.monotonic() + 20
    while remover.poll() is None and time.monotonic() < end:
        with open("/proc/locks") as locks:
            if any("->" in line and number in line for line in locks):
                break
    container = engine.create(RunRequest("base", ("true",), volumes=(VolumeMount("wanted", "/w"),)))
said = remover.communicate()[1].decode()
print(remover.returncode, container.id in said, [one.name for one in engine.volumes.list()])
container.remove()
"""
    assert persona.python(code) == "1 True ['wanted']\n"


def test_a_name_longer_than_a_file_s_is_nobodys(persona: Persona):
    persona.ok("volume", "create", "there")  # so that there is a folder to look into
    name = "a" * 256
    for words in (("volume", "inspect"), ("volume", "rm"), ("inspect",), ("inspect", "--type", "volume")):
        done = persona.cli(*words, name)
        assert done.exit_code == 1 and "Traceback" not in done.err and "o such " in done.err, done
    assert persona.ok("volume", "rm", "-f", name) == name
    persona.ok("volume", "rm", "there")
    code = "try: engine.volumes.get('a\\0b')\nexcept errors.NoSuchVolume: tell('none')"
    assert with_engine(persona, code) == "none"
