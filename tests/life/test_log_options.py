"""--log-driver and --log-opt: how much of a container's output is kept."""

from __future__ import annotations

import pytest

from tests.life.inside import detached, one_sentence, until, with_engine
from tests.personas import Persona

LINE = "x" * 99


def _log(persona: Persona, container: str) -> list[int]:
    folder = persona.store / "containers" / container / "log"
    return sorted(file.stat().st_size for file in folder.iterdir()) if folder.exists() else []


def test_the_last_files_are_kept(persona: Persona, nothing_left: None):
    script = f"i=0; while [ $i -lt 1000 ]; do echo {LINE}$i; i=$((i+1)); done"
    words = ("--log-opt", "max-size=10k", "--log-opt", "max-file=2")
    container = persona.ok("create", *words, "base", "sh", "-c", script)
    persona.ok("start", "-a", container)
    sizes = _log(persona, container)
    assert len(sizes) == 2 and max(sizes) <= 10_240
    said = persona.ok("logs", container).split()
    assert 90 < len(said) < 200 and said[-1] == f"{LINE}999"
    config = persona.ok("inspect", "-f", "{{json .HostConfig.LogConfig}}", container)
    assert config == '{"Type":"json-file","Config":{"max-file":"2","max-size":"10k"}}'
    persona.ok("rm", container)


def test_nothing_is_kept(persona: Persona, nothing_left: None):
    container = detached(persona, "--log-driver", "none", "base", "sh", "-c", "echo said; exec sleep 100")
    until(lambda: "sleep" in persona.ok("top", container, "-o", "pid,comm"), "it has said it")
    assert "does not support reading" in one_sentence(persona.cli("logs", container), code=1)
    assert _log(persona, container) == []
    persona.ok("rm", "-f", container)
    assert persona.ok("run", "--rm", "--log-driver", "none", "base", "echo", "hi") == "hi"


def test_from_python(persona: Persona):
    told = with_engine(
        persona,
        """
        one = engine.run("base", ["seq", "10000"], detach=True, log_opts={"max-size": "4k", "max-file": 1})
        one.wait()
        tell(len(one.logs()) < 5000)
        one.remove()
        """,
    )
    assert told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--log-driver", "syslog"), "is refused: logs are kept here"),
        (("--log-driver", "nonsense"), "no log driver named 'nonsense' is registered"),
        (("--log-opt", "max-size=no"), "invalid value for max-size"),
        (("--log-opt", "max-size=0"), "invalid value for max-size"),
        (("--log-opt", "max-file=0"), "max-file cannot be less than 1"),
        (("--log-opt", "colour=red"), "unknown log opt 'colour' for json-file log driver"),
        (("--log-driver", "none", "--log-opt", "max-size=1k"), "invalid logging opts for driver none"),
        (("--pull", "never", "--platform", "linux/s390x"), "does not match the specified platform: wanted linux/s390x"),
        (("--platform", "no thing"), "unknown operating system or architecture"),
        (("--platform", "a/b/c/d"), "is no platform"),
    ],
)
@pytest.mark.personas("root")
def test_what_makes_no_sense(persona: Persona, words: tuple[str, ...], said: str, nothing_left: None):
    assert said in one_sentence(persona.cli("create", *words, "base", "true"), code=125 if "refused" in said else 1)


@pytest.mark.personas("root")
def test_this_machines_own_platform(persona: Persona):
    import os

    assert persona.ok("run", "--rm", "--platform", f"linux/{os.uname().machine}", "base", "echo", "hi") == "hi"
