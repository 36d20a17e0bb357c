"""cp with a container that means harm: no link of its making leads out of its root, and none leads anywhere here.

Each guard is shown with the guard off too.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.life.inside import detached, until, with_engine
from tests.personas import Persona


@pytest.fixture
def secrets(persona: Persona) -> Iterator[Path]:
    """A folder of the host's with a file that no container was given."""
    folder = persona.path("host-only/secret", "of the host\n").parent
    yield folder
    persona.run(["rm", "-rf", folder])


def _hostile(persona: Persona, script: str) -> str:
    container = detached(persona, "base", "sh", "-c", f"{script}; touch /ready; sleep 1000")
    until(lambda: persona.cli("exec", container, "test", "-e", "/ready").exit_code == 0, "it has made its links")
    return container


@pytest.mark.parametrize("guard", [True, False])
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_link_leads_to_no_file_of_the_host(persona: Persona, secrets: Path, state: str, guard: bool):
    container = _hostile(persona, f"ln -s {secrets}/secret /evil")
    if state == "stopped":
        persona.ok("kill", container)
        persona.ok("wait", container)
    told = with_engine(
        persona,
        f"""
        from ipycontainer.engine.copying import copy_out
        try:
            copy_out(engine.get({container!r}), "/evil", "stolen", False, True, guard={guard})
            tell(open("stolen").read())
        except errors.NotFound as error:
            tell("nothing: " + str(error))
        """,
    )
    persona.run(["rm", "-f", "stolen"])
    persona.ok("rm", "-f", container)
    if guard:
        assert told.startswith("nothing: Could not find the file /evil")
    else:
        assert told == "of the host\n", "the attack works, so the guard is what keeps it off"


@pytest.mark.parametrize("guard", [True, False])
def test_a_link_leads_into_no_folder_of_the_host(persona: Persona, secrets: Path, guard: bool):
    container = _hostile(persona, f"ln -s {secrets} /evil")
    persona.path("gift", "gift\n")
    with_engine(
        persona,
        f"""
        from ipycontainer.engine.copying import copy_in
        try:
            copy_in(engine.get({container!r}), "gift", "/evil/gift", False, False, guard={guard})
        except errors.Error:
            pass
        tell(None)
        """,
    )
    persona.ok("rm", "-f", container)
    assert (secrets / "gift").exists() is not guard


@pytest.mark.parametrize("guard", [True, False])
def test_an_archive_s_own_link_is_not_followed(persona: Persona, secrets: Path, guard: bool):
    """`link -> FOLDER`, then `link/gift`: what is below it is to land there."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as writer:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(secrets)
        writer.addfile(link)
        gift = tarfile.TarInfo("link/gift")
        gift.size = 4
        writer.addfile(gift, io.BytesIO(b"gift"))
    persona.path("evil.tar", archive.getvalue())
    container = persona.ok("create", "base", "true")
    told = with_engine(
        persona,
        f"""
        from ipycontainer.engine.copying import Root
        try:
            with Root(engine.get({container!r}), guard={guard}) as root:
                root.place("/tmp", False, [open("evil.tar", "rb").read()])
            tell("placed")
        except errors.EscapingPath as error:
            tell(str(error))
        """,
    )
    persona.ok("rm", container)
    assert (secrets / "gift").exists() is not guard
    assert "leads through a link" in told if guard else told == "placed"


def test_a_folder_that_turns_into_a_link_all_the_time(persona: Persona, secrets: Path):
    flip = f"mkdir /d; ln -s {secrets} /l; while :; do mv /d /x; mv -T /l /d; mv -T /d /l; mv /x /d; done"
    container = detached(persona, "base", "sh", "-c", flip)
    persona.path("gift", "gift\n")
    told = with_engine(
        persona,
        f"""
        import os
        container, outcomes = engine.get({container!r}), set()
        for number in range(25):
            try:
                container.copy_in("gift", "/d/gift")
                outcomes.add("in")
            except errors.Error as error:
                outcomes.add(type(error).__name__)
            try:
                container.copy_out("/d/.", "got", follow=True)
            except errors.Error as error:
                outcomes.add(type(error).__name__)
            if os.path.exists("got/secret"):
                outcomes.add("STOLEN")
        tell(sorted(outcomes))
        """,
        timeout=120,
    )
    persona.ok("rm", "-f", container)
    persona.run(["rm", "-rf", "got"])
    assert "STOLEN" not in told
    assert [path.name for path in secrets.iterdir()] == ["secret"]


def test_what_came_out_as_a_link_is_no_way_in_here(persona: Persona, secrets: Path):
    """It comes out as a link first; then it is a folder in there, and what lies in it is to go through the link."""
    container = _hostile(persona, f"ln -s {secrets} /x")
    persona.run(["mkdir", "out"])
    persona.ok("cp", f"{container}:/x", "out")
    persona.ok("exec", container, "sh", "-c", "rm /x; mkdir /x; echo gift > /x/gift")
    done = persona.cli("cp", f"{container}:/x", "out")
    persona.ok("rm", "-f", container)
    persona.run(["rm", "-rf", "out"])
    assert done.exit_code == 1 and "cannot overwrite non-directory 'x' with directory" in done.err
    assert [path.name for path in secrets.iterdir()] == ["secret"]
