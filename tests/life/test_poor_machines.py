"""Machines that withhold something: `run` says in a sentence what, and what to do, or does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.life.inside import one_sentence
from tests.personas import CHECKOUT, Persona

FILTERED = """
import errno, os, sys
sys.path.insert(0, sys.argv[1])
from tests.linux import poor_host
poor_host.refuse(sys.argv[2], answer=poor_host.RET_ERRNO | getattr(errno, sys.argv[3]))
os.execvp(sys.argv[4], sys.argv[4:])
"""


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("mount", "EACCES"),  # AppArmor, in docker and on Ubuntu 24.04
        ("mount_setattr", "ENOSYS"),  # Linux 5.11 and before
    ],
)
def test_a_launcher_that_may_not_start_says_where_to_ask(persona: Persona, call: str, answer: str):
    poor = persona.fresh()
    words = [sys.executable, "-c", FILTERED, CHECKOUT, call, answer, "ipycontainer", "run", "--rm", "base", "true"]
    done = poor.run([str(word) for word in words])
    told = one_sentence(done, code=125)
    assert answer in told and "`ipycontainer doctor` says what withholds it" in told


@pytest.mark.personas("root")
def test_a_store_on_a_containers_own_root(persona: Persona, tmp_path: Path):
    """Overlay on overlay, as in docker without a volume."""
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    script = f"""
cd {tmp_path} && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged || exit 77
export IPYCONTAINER_ROOT={tmp_path}/merged/store IPYCONTAINER_IDLE=1
ipycontainer run --rm base true
code=$?
ipycontainer system reset -f >/dev/null
exit $code
"""
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], env=persona.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 125, done
    assert "the state folder lies on overlay" in done.stderr and "set IPYCONTAINER_ROOT" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.personas("solo")
def test_a_path_of_few_letters_and_many_bytes(persona: Persona):
    """A socket's path is counted in bytes: unix(7)."""
    far = persona.path("用户名笔记本" * 4)
    env = {"IPYCONTAINER_ROOT": str(far / "store")}
    try:
        assert persona.ok("run", "--rm", "base", "echo", "here", env=env) == "here"
    finally:
        persona.ok("system", "reset", "--force", env=env)
