"""`image bootstrap`: Debian from its packages, as root and as an ordinary user."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Iterator

import pytest

from tests.personas import Persona

MIRROR = "http://deb.debian.org/debian"

pytestmark = [
    pytest.mark.skipif(not shutil.which("mmdebstrap"), reason="needs mmdebstrap (apt-get install mmdebstrap)"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def mirror() -> Iterator[str]:
    try:
        urllib.request.urlopen(f"{MIRROR}/dists/bookworm/InRelease", timeout=10).close()
    except OSError as error:
        pytest.skip(f"needs a Debian mirror: {error}")
    yield MIRROR


@pytest.mark.personas("root", "user")
def test_debian_from_its_packages(fresh_persona: Persona, mirror: str):
    persona = fresh_persona
    words = ("image", "bootstrap", "--variant", "apt", "--include", "hello", "debian:bookworm")
    done = persona.cli(*words, timeout=500)
    assert done.exit_code == 0 and done.out.startswith("sha256:") and "installing" in done.err, done
    assert persona.ok("images", "--format", "{{.Repository}}:{{.Tag}}") == "debian:bookworm"
    said = persona.ok("run", "--rm", "debian:bookworm", "sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME; hello")
    assert said.split("\n") == ["bookworm", "Hello, world!"]
    assert "mmdebstrap --variant=apt" in persona.ok("history", "--no-trunc", "debian:bookworm")
    assert persona.ok("system", "check") == "the store is in order"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["debian"], "does not say which suite is meant; write debian:bookworm"),
        (["arch:rolling"], "say --mirror URL"),
    ],
)
def test_what_cannot_be_made_is_a_sentence_and_leaves_nothing(persona: Persona, words: list[str], sentence: str):
    _refused(persona, words, sentence)


def _refused(persona: Persona, words: list[str], sentence: str, code: int = 1, path: str = "") -> None:
    before = persona.ok("images", "--no-trunc", "-q")
    env = {"PATH": f"{path}:{persona.environment['PATH']}"} if path else {}
    done = persona.cli("image", "bootstrap", "-q", *words, timeout=120, env=env)
    assert done.exit_code == code and done.err.count("\n") == 1 and sentence in done.err, done
    assert persona.ok("images", "--no-trunc", "-q") == before
    assert persona.ok("system", "check").endswith("the store is in order")


@pytest.mark.personas("root", "user")
def test_no_mirror_there(persona: Persona):
    words = ["debian:bookworm", "--mirror", "http://127.0.0.1:1/debian"]
    _refused(persona, words, "mmdebstrap could not make the tree of debian")


@pytest.mark.personas("root", "user")
def test_a_tree_that_broke_off_is_no_image(persona: Persona):
    """A whole tar with a failure behind it: what mmdebstrap leaves when it is killed at its end."""
    broken = persona.path(
        "bin/mmdebstrap", "#!/bin/sh\ntar -C /etc -cf - hostname\necho E: it broke off >&2\nexit 1\n", 0o755
    )
    _refused(persona, ["debian:bookworm"], "E: it broke off", path=str(broken.parent))


@pytest.mark.personas("solo")
def test_one_id_is_too_few(persona: Persona):
    _refused(persona, ["debian:bookworm"], "/etc/subuid", 125)
