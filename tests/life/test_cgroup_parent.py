"""--cgroup-parent: the container's own control group lies in one that somebody has named, whose limits hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.life.inside import alive_record, detached, one_sentence, with_engine
from tests.life.test_limits import V1
from tests.personas import Persona

TREES = Path("/sys/fs/cgroup")


def _all(name: str) -> list[Path]:
    return [place for tree in (TREES, *TREES.iterdir()) if (place := tree / name).is_dir()]


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[str]:
    """A name that no group has.  What a start makes of it stays, as docker leaves it, so it is removed here."""
    name = f"parent-{tmp_path.parent.name.rpartition('-')[2]}-{tmp_path.name.replace('_', '-')}"
    assert not _all(name)
    yield name
    for place in _all(name):
        place.rmdir()


@pytest.mark.personas("root")
def test_what_holds_for_the_parent_holds_inside(persona: Persona, parent: str):
    container = detached(persona, "--cgroup-parent", f"/{parent}", "-m", "64m", "base", "sleep", "100")
    groups = [Path(folder) for folder in alive_record(persona, container)["cgroups"]]
    assert groups and all(group.parts[-3:-1] == (parent, "ipycontainer") for group in groups), groups
    assert persona.ok("inspect", "-f", "{{.HostConfig.CgroupParent}}", container) == f"/{parent}"
    persona.ok("update", "-m", "80m", container)
    limit = "memory.limit_in_bytes" if V1 else "memory.max"
    kept = [(group / limit).read_text().strip() for group in groups if (group / limit).exists()]
    assert kept == [str(80 << 20)]
    assert persona.ok("exec", container, "echo", "hi") == "hi"
    (pids,) = (place / "pids.max" for place in _all(parent) if (place / "pids.max").exists())
    pids.write_text("1")
    done = persona.cli("exec", container, "sh", "-c", "sleep 0 & wait")
    assert done.exit_code != 0, "the parent has no room for another process"
    pids.write_text("max")
    persona.ok("restart", "-t", "0", container)
    assert all(f"/{parent}/" in folder for folder in alive_record(persona, container)["cgroups"])
    persona.ok("rm", "-f", container)
    assert not [below for place in _all(parent) for below in place.iterdir() if below.is_dir()], "its own are gone"


@pytest.mark.personas("root")
def test_what_is_no_parent(persona: Persona, nothing_left: None):
    for word in ("/", "../x", "/a/../../b"):
        refusal = persona.cli("run", "--rm", "--cgroup-parent", word, "base", "true")
        assert "names no control group" in one_sentence(refusal, code=125)
    refusal = persona.cli("run", "--rm", "--cgroup-parent", "/x", "--cpuset-cpus", "0", "base", "true")
    assert "leave one of them out" in one_sentence(refusal, code=125)


@pytest.mark.personas("user", "solo")
def test_ordinary_users_choose_no_place(persona: Persona, nothing_left: None):
    refusal = persona.cli("run", "--rm", "--cgroup-parent", "/x", "base", "true")
    assert "for root alone" in one_sentence(refusal, code=125)


@pytest.mark.personas("root")
def test_from_python(persona: Persona, parent: str):
    told = with_engine(
        persona,
        f"""
        one = engine.run("base", ["sleep", "100"], detach=True, cgroup_parent="/{parent}")
        tell(one.inspect()["HostConfig"]["CgroupParent"])
        one.remove(force=True)
        """,
    )
    assert told == f"/{parent}"
