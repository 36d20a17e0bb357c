"""--platform: an image of another machine is taken where it is asked for, and what cannot run says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.life.inside import one_sentence, with_engine
from tests.personas import Persona

THEIRS = "linux/s390x"
OTHER = f"does not match the specified platform: wanted {THEIRS}"


@pytest.fixture
def other(persona: Persona) -> Iterator[str]:
    """The files of `base`, called another machine's, with a program in it that really is."""
    header = bytearray(Path("/bin/true").read_bytes())
    header[18:20] = (22).to_bytes(2, "little")  # e_machine: EM_S390 (elf.h)
    (persona.work / "foreign").write_bytes(header)
    (persona.work / "foreign").chmod(0o755)
    filled = persona.ok("create", "base", "true")
    persona.ok("cp", "foreign", f"{filled}:/foreign")
    persona.ok("export", "-o", "root.tar", filled)
    persona.ok("import", "--ignore-ids", "--platform", THEIRS, "root.tar", "other:1")
    persona.ok("rm", filled)
    yield "other:1"
    persona.ok("rmi", "-f", "other:1")


def test_an_image_of_another_machine(persona: Persona, other: str):
    done = persona.cli("run", "--rm", other, "echo", "hi")
    assert done.out == "hi\n", "its programs are this machine's, whatever it says"
    assert f"WARNING: The requested image's platform ({THEIRS}) does not match" in done.err
    done = persona.cli("run", "--rm", "--platform", THEIRS, other, "echo", "hi")
    assert (done.out, done.err) == ("hi\n", ""), "asked for, it is no surprise"
    done = persona.cli("run", "--rm", "--platform", THEIRS, other, "/foreign")
    assert "exec format error" in one_sentence(done, code=126)
    made = persona.ok("create", "--platform", THEIRS, other, "echo", "hi")
    assert persona.ok("start", "-a", made) == "hi"
    persona.ok("rm", made)


def test_an_image_that_has_no_such_platform(persona: Persona, nothing_left: None):
    never = ("--pull", "never", "--platform", THEIRS, "base", "true")
    assert OTHER in one_sentence(persona.cli("run", "--rm", *never), code=125)
    assert OTHER in one_sentence(persona.cli("create", *never), code=1)
    assert "unknown operating system" in one_sentence(persona.cli("run", "--platform", "x", "base", "true"), code=125)
    assert persona.ok("run", "--rm", "--platform", "linux", "base", "echo", "hi") == "hi"
    assert persona.ok("ps", "-aq") == ""


def test_from_python(persona: Persona, other: str):
    told = with_engine(
        persona,
        f"""
        from ipycontainer.errors import NoSuchImage
        said = [engine.run("{other}", ["echo", "hi"], platform="{THEIRS}", remove=True).text]
        try:
            engine.run("base", ["true"], platform="{THEIRS}", pull="never")
        except NoSuchImage as error:
            said.append(str(error))
        tell(said)
        """,
    )
    assert told[0] == "hi\n" and OTHER in told[1]
