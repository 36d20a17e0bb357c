from __future__ import annotations

import subprocess
import sys

import pytest

from ipycontainer.commands import verbs
from ipycontainer.commands.completion import candidates
from ipycontainer.commands.help import overview, topic_help, verb_help
from ipycontainer.commands.options import Verb
from ipycontainer.commands.refused import ROWS
from ipycontainer.errors import Error, NoSuchVerb, OptionError, Refused


@pytest.mark.parametrize("name", verbs.VERBS)
def test_every_verb_has_its_row(name: str) -> None:
    verb = verbs.load(name)
    assert isinstance(verb, Verb) and verb.name == name
    longs = [option.long for option in verb.options]
    shorts = [option.short for option in verb.options if option.short]
    assert len(set(longs)) == len(longs) and len(set(shorts)) == len(shorts)
    assert all(option.help and not option.help.endswith(".") for option in verb.options)


@pytest.mark.parametrize("name", ROWS)
def test_what_is_refused_is_not_also_there(name: str) -> None:
    if name not in verbs.VERBS:
        return
    there = {option.long for option in verbs.load(name).options}
    assert not there & {row.long for row in ROWS[name]}
    assert all(row.refused or row.harmless == ("*",) for row in ROWS[name])


@pytest.mark.parametrize(
    ("words", "name", "used"),
    [
        (["ps", "-a"], "ps", 1),
        (["container", "ls"], "ps", 2),
        (["container", "run", "base"], "run", 2),
        (["image", "ls"], "images", 2),
        (["image", "inspect", "base"], "image inspect", 2),
        (["image", "rm", "x"], "rmi", 2),
        (["system", "info"], "info", 2),
        (["system", "shutdown"], "system shutdown", 2),
    ],
)
def test_names_and_aliases(words: list[str], name: str, used: int) -> None:
    verb, taken = verbs.find(words)
    assert (verb.name, taken) == (name, used)


@pytest.mark.parametrize(
    ("word", "near"),
    [("rnu", "run"), ("pss", "ps"), ("exce", "exec"), ("imges", "images"), ("stp", "stop"), ("isnpect", "inspect")],
)
def test_a_slip_is_understood(word: str, near: str) -> None:
    with pytest.raises(NoSuchVerb, match=f"unknown verb '{word}'; did you mean '{near}'") as raised:
        verbs.find([word])
    assert raised.value.exit_code == 1


def test_what_is_near_nothing() -> None:
    with pytest.raises(NoSuchVerb, match="--help lists the verbs"):
        verbs.find(["frobnicate"])
    with pytest.raises(NoSuchVerb, match="'container' needs a verb: attach, commit, cp, create, diff, exec"):
        verbs.find(["container"])
    with pytest.raises(NoSuchVerb, match="unknown verb 'container lss'; did you mean 'container ls'"):
        verbs.find(["container", "lss"])


@pytest.mark.parametrize("words", [["build", "."], ["network", "ls"]])
def test_a_verb_of_docker_that_comes_later(words: list[str]) -> None:
    with pytest.raises(Refused, match="comes in a later release"):
        verbs.find(words)


def test_dockers_other_ways_to_ask_for_help() -> None:
    asks = (["help"], ["help", "run"], ["container"], ["volume", "--help"], ["system", "-h"])
    assert [verbs.help_topic(words) for words in asks] == ["", "run", "container", "volume", "system"]
    assert [verbs.help_topic(words) for words in (["ps"], ["container", "ls"], ["run", "help"])] == [None] * 3
    assert topic_help("volume", "%container").startswith("Usage:  %container volume VERB")
    assert topic_help("container ls -a", "%container").startswith("Usage:  %container ps")
    with pytest.raises(NoSuchVerb, match="unknown help topic: frobnicate") as raised:
        topic_help("frobnicate", "%container")
    assert raised.value.exit_code == 1


def test_what_stands_before_the_verb() -> None:
    before = verbs.before_the_verb(["--root", "/x", "ps", "-a"])
    assert (before.used, before.root, before.answer) == (2, "/x", "")
    assert verbs.before_the_verb(["ps", "--root"]).used == 0
    assert verbs.before_the_verb([]).answer == "help"
    assert verbs.before_the_verb(["--help"]).answer == "help"
    topics = [verbs.before_the_verb(["--help", *rest]).topic for rest in ([], ["run", "-d"], ["container", "ls", "-a"])]
    assert topics == ["", "run", "container ls"]
    assert verbs.answer("help", "it", "container ls").startswith("Usage:  it ps ")
    assert verbs.before_the_verb(["-v"]).answer == "version"
    with pytest.raises(OptionError, match="unknown flag: --foo"):
        verbs.before_the_verb(["--foo", "ps"])
    with pytest.raises(Refused, match="no daemon to connect to"):
        verbs.before_the_verb(["-H", "tcp://x", "ps"])
    with pytest.raises(OptionError, match="--root needs"):
        verbs.before_the_verb(["--root", "", "ps"])


@pytest.mark.parametrize("name", verbs.VERBS)
def test_help_comes_from_the_rows(name: str) -> None:
    verb = verbs.load(name)
    text = verb_help(verb, "%container")
    assert text.startswith(f"Usage:  %container {name}")
    assert all(f"--{option.long}" in text for option in verb.options if not option.hidden)
    assert all(example in text for example in verb.examples)
    assert max(map(len, text.splitlines())) <= 110


def test_the_overview_names_every_verb() -> None:
    text = overview("ipycontainer")
    assert all(f"  {name} " in text for name in verbs.VERBS)


class TestCompletion:
    def _texts(self, line: str, prefix: str) -> list[str]:
        return [text for text, _ in candidates(line.split(), prefix).words]

    def test_verbs(self) -> None:
        assert self._texts("", "im") == ["images", "import", "image"]
        assert "ls" in self._texts("container", "l")
        assert "run" in self._texts("", "")

    def test_options(self) -> None:
        assert self._texts("run", "--cap") == ["--cap-add", "--cap-drop"]
        assert self._texts("ps", "--f") == ["--filter", "--format"]
        assert self._texts("run --rm base", "--cap") == []  # that word is the command's

    @pytest.mark.parametrize(
        ("line", "names"),
        [
            ("run", "image"),
            ("run --rm -m 64m", "image"),
            ("run -m", ""),
            ("run -v", "folder"),
            ("run base", ""),
            ("exec", "running"),
            ("exec web", ""),
            ("rm a", "container"),
            ("rm -f", "container"),
            ("logs web", ""),
            ("ps", ""),
            ("nonsense", ""),
        ],
    )
    def test_names(self, line: str, names: str) -> None:
        assert candidates(line.split(), "").names == names


def test_only_the_verb_that_was_asked_for_is_imported() -> None:
    program = (
        "import sys; before = set(sys.modules); from ipycontainer.commands import verbs; verbs.find(['ps']);"
        "print(*sorted(name for name in set(sys.modules) - before if name.startswith('ipycontainer.commands.')))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert found == [f"ipycontainer.commands.{name}" for name in ("options", "ps", "tables", "verbs")]


def test_the_sentences_are_one_line() -> None:
    for words in (["nope"], ["container"], ["build"], ["system", "x"]):
        with pytest.raises(Error) as raised:
            verbs.find(words)
        assert "\n" not in str(raised.value)
