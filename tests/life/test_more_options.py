"""--cidfile, --label-file, --annotation, --group-add, --shm-size, --oom-score-adj, --memory-swap, …-reservation."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.life.inside import alive_record, detached, one_sentence, sh, with_engine
from tests.personas import Persona


def host_config(persona: Persona, container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(persona.ok("inspect", container))[0]["HostConfig"]
    return found


def kernel_says(persona: Persona, container: str, *files: str) -> int | None:
    """What the container's own control group says in the first of these files that is there."""
    for leaf in alive_record(persona, container)["cgroups"]:
        for file in files:
            if os.path.exists(f"{leaf}/{file}"):
                with open(f"{leaf}/{file}", encoding="ascii") as content:
                    return int(content.read())
    return None


def test_the_id_is_in_the_file(persona: Persona):
    path = persona.path("cid-file")
    container = persona.ok("create", "--cidfile", "cid-file", "base", "true")
    assert path.read_text() == container
    assert "container ID file found, make sure the other container isn't running or delete" in one_sentence(
        persona.cli("run", "--rm", "--cidfile", path, "base", "true"), code=125
    )
    assert persona.ok("ps", "-aq", "--no-trunc") == container
    path.unlink()
    one_sentence(persona.cli("run", "--rm", "--cidfile", path, "--name", "x/y", "base", "true"), code=125)
    assert not path.exists(), "nothing was made, so nothing is said"
    assert "failed to create the container ID file" in one_sentence(
        persona.cli("run", "--rm", "--cidfile", "no/such/file", "base", "true"), code=125
    )


def test_labels_from_a_file(persona: Persona):
    persona.path("labels", "# a comment\none=1\n\ntwo\nthree=first\n")
    container = persona.ok("create", "--label-file", "labels", "-l", "three=3", "base", "true")
    labels = json.loads(persona.ok("inspect", container))[0]["Config"]["Labels"]
    assert {name: labels[name] for name in ("one", "two", "three") if name in labels} == {"one": "1", "three": "3"}
    assert "--label-file" in one_sentence(persona.cli("create", "--label-file", "none", "base", "true"), code=125)


def test_annotations(persona: Persona):
    container = persona.ok("create", "--annotation", "org.example=a=b", "base", "true")
    assert host_config(persona, container)["Annotations"] == {"org.example": "a=b"}
    found = with_engine(persona, f"tell(engine.directory.read_launch({container!r})['spec']['annotations'])")
    labels = json.loads(persona.ok("inspect", container))[0]["Config"]["Labels"]
    assert json.loads(found.pop("ipycontainer.labels")) == labels  # its events bear them
    assert found == {"org.example": "a=b", "ipycontainer.image": "base"}
    assert "ipycontainer's own" in one_sentence(
        persona.cli("create", "--annotation", "ipycontainer.image=x", "base", "true"), code=1
    )


@pytest.mark.personas("root", "user")
def test_more_groups(persona: Persona):
    assert sh(persona, "id -G", "--group-add", "1234", "--group-add", "77").split() == ["0", "77", "1234"]
    assert sh(persona, "id -G", "--group-add", "1234", "--user", "5:6").split() == ["6", "1234"]
    refusal = persona.cli("run", "--rm", "--group-add", "nobody-has-this", "base", "true")
    assert "unable to find group nobody-has-this" in one_sentence(refusal, code=125)


@pytest.mark.personas("solo")
def test_more_groups_with_one_id_are_refused(persona: Persona):
    refusal = persona.cli("run", "--rm", "--group-add", "1234", "base", "true")
    assert "--group-add 1234 cannot be kept here" in one_sentence(refusal, code=125)


def test_the_size_of_shared_memory(persona: Persona):
    assert sh(persona, "df -k /dev/shm | tail -n 1", "--shm-size", "8m").split()[1] == "8192"
    assert sh(persona, "df -k /dev/shm | tail -n 1").split()[1] == "65536"


def test_the_oom_score(persona: Persona):
    assert sh(persona, "cat /proc/self/oom_score_adj", "--oom-score-adj", "321") == "321"
    container = detached(persona, "--oom-score-adj", "321", "base", "sleep", "1000")
    assert persona.ok("exec", container, "cat", "/proc/self/oom_score_adj") == "321"
    assert host_config(persona, container)["OomScoreAdj"] == 321
    spared = persona.cli("run", "--rm", "--oom-score-adj", "-900", "base", "cat", "/proc/self/oom_score_adj")
    if spared.exit_code:  # an ordinary user, and root without CAP_SYS_RESOURCE
        assert "the OOM score -900 cannot be had" in one_sentence(spared, code=125)
    else:
        assert spared.out == "-900\n"
    assert "range for oom score adj is [-1000, 1000]" in one_sentence(
        persona.cli("run", "--rm", "--oom-score-adj", "2000", "base", "true"), code=125
    )


@pytest.mark.personas("root")
def test_reserved_memory_and_swap_are_the_kernels(persona: Persona):
    container = detached(persona, "-m", "64m", "--memory-reservation", "32m", "base", "sleep", "1000")
    assert host_config(persona, container)["MemoryReservation"] == 32 << 20
    assert kernel_says(persona, container, "memory.soft_limit_in_bytes", "memory.low") == 32 << 20
    swapping = persona.cli("run", "-d", "-m", "64m", "--memory-swap", "96m", "base", "sleep", "1000")
    if swapping.exit_code:
        assert "this kernel does not count swap" in one_sentence(swapping, code=125)
        return
    container = swapping.out.strip()
    assert host_config(persona, container)["MemorySwap"] == 96 << 20
    both = kernel_says(persona, container, "memory.memsw.limit_in_bytes")
    assert both == 96 << 20 or kernel_says(persona, container, "memory.swap.max") == 32 << 20
    unlimited = detached(persona, "-m", "64m", "--memory-swap", "-1", "base", "sleep", "1000")
    assert kernel_says(persona, unlimited, "memory.limit_in_bytes", "memory.max") == 64 << 20
    assert (kernel_says(persona, unlimited, "memory.memsw.limit_in_bytes") or 1 << 63) > 1 << 60


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--memory-swap", "64m"), "You should always set the Memory limit when using Memoryswap limit"),
        (("-m", "64m", "--memory-swap", "32m"), "Minimum memoryswap limit should be larger than memory limit"),
        (("--memory-reservation", "1m"), "Minimum memory reservation allowed is 6MB"),
        (("-m", "8m", "--memory-reservation", "9m"), "Minimum memory limit can not be less than memory reservation"),
    ],
)
def test_dockers_rules_for_memory(persona: Persona, words: tuple[str, ...], says: str):
    assert says in one_sentence(persona.cli("create", *words, "base", "true"), code=1)
    assert persona.ok("ps", "-aq") == ""


def test_in_python(persona: Persona):
    code = "tell(engine.run('base', ['cat', '/proc/self/oom_score_adj'], oom_score_adj=7, shm_size='1m').text)"
    assert with_engine(persona, code) == "7\n"
