"""The personas are who they say they are."""

from __future__ import annotations

import os

import pytest

from tests.personas import Persona


def test_a_persona_runs_as_itself(persona: Persona):
    told = persona.python("import os, json; print(json.dumps([os.getuid(), os.getgid(), os.getgroups(), os.getcwd()]))")
    uid, gid, groups, folder = told
    assert (uid, gid, folder) == (persona.uid, persona.gid, str(persona.work))
    if os.geteuid() == 0 and not persona.is_root:
        assert groups == []


def test_it_has_a_clean_environment(persona: Persona):
    told = persona.python("import os, json; print(json.dumps(dict(os.environ)))")
    assert told.pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"
    assert told == persona.environment


def test_it_finds_the_package_of_this_checkout(persona: Persona):
    from tests.personas import CHECKOUT

    assert persona.python("import ipycontainer; print(ipycontainer.__path__[0])").strip() == f"{CHECKOUT}/ipycontainer"


def test_subordinate_ids_are_there_or_not(persona: Persona):
    if persona.is_root:
        return
    mapped = persona.run(["unshare", "--user", "--map-users=auto", "--map-groups=auto", "--setuid=0", "id", "-u"])
    assert (mapped.exit_code == 0) == (persona.name == "user"), mapped


def test_it_owns_its_folders_and_the_files_it_is_given(persona: Persona):
    path = persona.path("given/file", "text")
    assert persona.python(f"p = {str(path)!r}; open(p, 'a').write('!'); print(open(p).read())").strip() == "text!"
    assert (path.stat().st_uid, path.parent.stat().st_uid) == (persona.uid, persona.uid)


def test_a_fresh_store_is_another_one(persona: Persona, fresh_persona: Persona):
    assert fresh_persona.uid == persona.uid
    assert fresh_persona.store != persona.store
    assert not fresh_persona.store.exists()


@pytest.mark.personas("solo")
def test_the_marker_chooses(persona: Persona):
    assert persona.name == "solo"
