"""Who the program is: --user in all its forms, groups, umask; and one sentence where an id cannot be had."""

from __future__ import annotations

import pytest

from tests.life.inside import one_sentence, sh
from tests.personas import Persona

WITH_IDS = pytest.mark.personas("root", "user")
PASSWD = "root:x:0:0:root:/root:/bin/sh\nann:x:1234:1300:Ann:/home/ann:/bin/sh\nbob:x:1235:1235::/home/bob:/bin/sh\n"
GROUP = "root:x:0:\nstaff:x:1300:\nwheel:x:1400:bob,ann\nother:x:1500:bob\nextra:x:1600:ann\n"


def _files(persona: Persona) -> tuple[str, ...]:
    passwd, group = persona.path("passwd", PASSWD), persona.path("group", GROUP)
    return "-v", f"{passwd}:/etc/passwd:ro", "-v", f"{group}:/etc/group:ro"


@WITH_IDS
@pytest.mark.parametrize(
    ("user", "uid", "gid", "groups", "home"),
    [
        ("ann", 1234, 1300, "1300 1400 1600", "/home/ann"),
        ("1234", 1234, 1300, "1300 1400 1600", "/home/ann"),
        ("1234:1500", 1234, 1500, "1500", "/home/ann"),
        ("bob:staff", 1235, 1300, "1300", "/home/bob"),
        ("5000", 5000, 0, "0", "/"),
        ("5000:6000", 5000, 6000, "6000", "/"),
        ("root", 0, 0, "0", "/root"),
        ("0:0", 0, 0, "0", "/root"),
        ("ann:", 1234, 1300, "1300 1400 1600", "/home/ann"),
        ("5000:", 5000, 0, "0", "/"),
        ("5000:6000:7000", 5000, 6000, "6000", "/"),
    ],
)
def test_a_user_is_found_in_the_containers_own_files(
    persona: Persona, user: str, uid: int, gid: int, groups: str, home: str
):
    script = "id -u; id -g; id -G; echo $HOME; grep -E '^(Uid|Gid)' /proc/self/status | tr '\\t' ' '"
    lines = sh(persona, script, "-u", user, *_files(persona)).splitlines()
    told = [" ".join(sorted(set(lines[2].split()), key=int)), lines[3]]
    assert [int(lines[0]), int(lines[1]), *told] == [uid, gid, " ".join(sorted(groups.split(), key=int)), home]
    # Real, effective, saved and file system id: all four.
    assert lines[4] == f"Uid: {uid} {uid} {uid} {uid}" and lines[5] == f"Gid: {gid} {gid} {gid} {gid}"


@pytest.mark.parametrize("user", ["nobody-of-that-name", "1:x", ":1", ":", "4294967296", "4294967295", "-1", "1:2x"])
def test_a_user_that_is_none_is_one_sentence(persona: Persona, user: str, nothing_left: None):
    done = persona.cli("run", "--rm", f"--user={user}", "base", "id", "-u")
    sentence = one_sentence(done, code=125)
    assert repr(user)[1:-1].split(":")[-1] in sentence


@WITH_IDS
def test_an_unknown_group_is_one_sentence(persona: Persona):
    assert "nogroupofthatname" in one_sentence(
        persona.cli("run", "--rm", "-u", "0:nogroupofthatname", "base", "id"), code=125
    )


@pytest.mark.personas("solo")
def test_with_one_mapped_id_another_user_is_refused_in_a_sentence(persona: Persona, nothing_left: None):
    sentence = one_sentence(persona.cli("run", "--rm", "-u", "1000", "base", "id"), code=125)
    assert "subordinate ids" in sentence
    assert sh(persona, "id -u", "-u", "0") == "0"


@pytest.mark.personas("user")
def test_an_id_beyond_the_range_is_refused_in_a_sentence(persona: Persona):
    assert "subordinate ids" in one_sentence(persona.cli("run", "--rm", "-u", "70000", "base", "id"), code=125)


@pytest.mark.personas("root")
def test_the_highest_id_is_an_id(persona: Persona):
    assert sh(persona, "id -u", "-u", "2147483647") == "2147483647"


@WITH_IDS
def test_another_user_can_write_to_its_own_output(persona: Persona):
    assert sh(persona, "echo reopened > /dev/stdout", "-u", "1000") == "reopened"


@WITH_IDS
def test_another_user_has_no_capability_and_may_not_write_the_image(persona: Persona):
    script = "grep CapEff /proc/self/status; touch /etc/x 2>/dev/null || echo refused; touch /tmp/x && echo made"
    assert sh(persona, script, "-u", "1000").splitlines() == ["CapEff:\t0000000000000000", "refused", "made"]


def test_the_umask_is_not_the_callers(persona: Persona):
    assert sh(persona, "umask; cd /tmp; touch f; mkdir d; stat -c %a f d") == "0022\n644\n755"


@pytest.mark.personas("root", "user")
def test_root_may_become_somebody_else_inside(persona: Persona):
    script = "import os; os.setgroups([7]); os.setgid(5); os.setuid(6); print(os.getresuid(), os.getgroups())"
    assert persona.ok("run", "--rm", "base", "python3", "-c", script) == "(6, 6, 6) [7]"
