"""Ports that are only named, and what docker leaves to its daemon's machine: GPUs, runtimes, isolation, quotas."""

from __future__ import annotations

import json

import pytest

from tests.life.inside import one_sentence, with_engine
from tests.personas import Persona

NO_DRIVER = 'could not select device driver "" with capabilities: [[gpu]]'


def test_ports_that_are_named(persona: Persona):
    made = persona.ok("create", "--expose", "90-91", "--expose", "53/udp", "base", "true")
    document = json.loads(persona.ok("inspect", made))[0]
    assert document["Config"]["ExposedPorts"] == {"53/udp": {}, "90/tcp": {}, "91/tcp": {}}
    assert document["NetworkSettings"]["Ports"] == {}, "nothing is published by it"
    image = persona.ok("commit", "-c", "EXPOSE 8080", made)
    later = persona.ok("create", "--expose", "1", image, "true")
    assert json.loads(persona.ok("inspect", "-f", "{{json .Config.ExposedPorts}}", later)) == {
        "1/tcp": {}, "53/udp": {}, "8080/tcp": {}, "90/tcp": {}, "91/tcp": {},
    }  # fmt: skip
    persona.ok("start", "-a", later)
    plain = persona.ok("create", "base", "true")
    assert "ExposedPorts" not in json.loads(persona.ok("inspect", plain))[0]["Config"]
    persona.ok("rm", made, later, plain)
    persona.ok("rmi", image)


def test_gpus_are_asked_for_in_vain(persona: Persona, nothing_left: None):
    assert NO_DRIVER in one_sentence(persona.cli("run", "--gpus", "all", "base", "true"), code=125)
    assert persona.ok("ps", "-aq") == "", "a run that could not start leaves no container"
    made = persona.ok("create", "--gpus", "2", "base", "true")
    assert NO_DRIVER in one_sentence(persona.cli("start", made), code=1)
    assert persona.ok("inspect", "-f", "{{.State.Status}}", made) == "created"
    (asked,) = json.loads(persona.ok("inspect", "-f", "{{json .HostConfig.DeviceRequests}}", made))
    assert asked["Count"] == 2 and asked["Capabilities"] == [["gpu"]]
    persona.ok("rm", made)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--runtime", "kata"), 1, "Unknown runtime specified kata"),
        (("--isolation", "hyperv"), 1, "Invalid isolation: \"hyperv\" - linux only supports 'default'"),
        (("--storage-opt", "size=1g"), 1, "--storage-opt is supported only for overlay over xfs"),
        (("--storage-opt", "colour=red"), 1, "Unknown option colour"),
        (("--storage-opt", "size"), 125, "invalid storage option"),
        (("--gpus", "many"), 125, "count must be an integer"),
        (("--expose", "70000"), 125, "a port is a number up to 65535"),
        (("--cpu-count", "0"), 1, '"--cpu-count" is only supported on windows, but this machine runs linux'),
    ],
)
@pytest.mark.personas("root")
def test_what_is_not_had_here(persona: Persona, words: tuple[str, ...], code: int, said: str, nothing_left: None):
    assert said in one_sentence(persona.cli("create", *words, "base", "true"), code=code)
    assert persona.ok("ps", "-aq") == ""


def test_our_own_runtime_by_its_names(persona: Persona):
    for name in ("runc", "ipycontainer", ""):
        assert persona.ok("run", "--rm", "--runtime", name, "--isolation", "default", "base", "echo", "hi") == "hi"


def test_from_python(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        """
        from ipycontainer.errors import InputError, StartError
        one = engine.run("base", ["true"], detach=True, exposed_ports=[80, "90-91/udp"], isolation="default")
        one.wait()
        said = [sorted(one.inspect()["Config"]["ExposedPorts"])]
        one.remove()
        for options in ({"exposed_ports": ["x"]}, {"gpus": "x"}, {"runtime": "x"}, {"isolation": "x"},
                        {"storage_opts": {"size": "1g"}}, {"gpus": "all"}, {"gpus": 2}):
            try:
                engine.run("base", ["true"], remove=True, **options)
            except (InputError, StartError) as error:
                said.append(type(error).__name__)
        tell(said)
        """,
    )
    assert told == [["80/tcp", "90/udp", "91/udp"], *["InputError"] * 5, *["StartError"] * 2]
    for left in persona.ok("ps", "-aq").split():
        persona.ok("rm", left)
