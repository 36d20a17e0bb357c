"""What bash completes, asked of a real bash."""

from __future__ import annotations

from pathlib import Path

from tests.personas import Persona

ASK = """
source <("$0" completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ipycontainer
printf '%s\\n' "${COMPREPLY[@]}"
"""


def _complete(persona: Persona, *words: str) -> list[str]:
    command = persona.command[0] if hasattr(persona, "command") else "ipycontainer"
    done = persona.run(["bash", "--norc", "-c", ASK, command, command, *words])
    assert done.exit_code == 0 and not done.err, done
    return [line for line in done.out.splitlines() if line]


def test_verbs_options_and_names(persona: Persona):
    persona.ok("create", "--name", "web-of-mine", "base", "true")
    assert _complete(persona, "resta") == ["restart"]
    assert _complete(persona, "system", "d") == ["df", "doctor"]
    assert _complete(persona, "run", "--memory-s") == ["--memory-swap", "--memory-swappiness"]
    assert _complete(persona, "start", "web") == ["web-of-mine"]
    assert _complete(persona, "--root", str(persona.store), "rm", "web") == ["web-of-mine"]
    assert _complete(persona, "run", "--rm", "bas") == ["base", "base:latest"]
    # Bash takes a colon for the end of a word: what stands before it must not come twice.
    assert _complete(persona, "rmi", "base:l") == ["latest"]
    assert _complete(persona, "run", "base", "ech") == []
    persona.ok("rm", "web-of-mine")


def test_the_scripts(persona: Persona):
    for shell in ("bash", "zsh"):
        assert persona.ok("completion", shell).startswith(("# ipycontainer", "#compdef"))
    done = persona.cli("completion", "fish")
    assert done.exit_code == 1 and "bash and zsh" in done.err


def test_a_store_that_is_not_there_is_not_made(persona: Persona, tmp_path: Path):
    nowhere = persona.work / "nowhere"
    assert _complete(persona, "--root", str(nowhere), "start", "x") == []
    assert not nowhere.exists()
