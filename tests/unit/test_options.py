from __future__ import annotations

from typing import Any

import pytest

from ipycontainer.commands.options import Option, Parsed, Verb, read
from ipycontainer.commands.run import RUN
from ipycontainer.errors import OptionError, Refused, WrongArguments


def _nothing(_call: Any) -> int:
    return 0


def _verb(**changes: Any) -> Verb:
    options = (
        Option("flag", "f", "flag", "A flag"),
        Option("tty", "t", "flag", "Another"),
        Option("name", "n", "text", "A text"),
        Option("list", "l", "text", "Several", many=True),
        Option("count", "c", "int", "A number"),
    )
    return Verb("verb", "[OPTIONS] WHAT", "Does nothing", _nothing, options).replace(**changes)


def _read(line: str, **changes: Any) -> Parsed:
    return read(_verb(**changes), line.split())


def test_long_and_short_joined_and_with_values() -> None:
    for line in ("-ft -n x", "-ftn x", "-ftnx", "-ftn=x", "--flag --tty --name x", "--flag=true -t=1 --name=x"):
        parsed = _read(line)
        assert parsed.flag("flag") and parsed.flag("tty") and parsed.text("name") == "x", line


def test_an_empty_filter_is_none() -> None:
    options = (Option("filter", "f", "filter", "Those that match", many=True),)
    assert _read("--filter= -f a=b", options=options).many("filter") == [("a", "b")]
    with pytest.raises(OptionError, match="bad format of filter"):
        read(_verb(options=options), ["--filter", " "])


def test_a_flag_takes_a_value_after_an_equals_sign_alone() -> None:
    assert _read("--flag=false").flag("flag") is False
    assert _read("-f=false").given("flag")
    parsed = _read("--flag false")
    assert parsed.flag("flag") and parsed.arguments == ["false"]


def test_the_last_of_a_repeated_text_counts_and_all_of_a_list() -> None:
    parsed = _read("--name a --name b -l 1 -l=2 --list 3")
    assert parsed.text("name") == "b"
    assert parsed.many("list") == ["1", "2", "3"]
    assert _read("").many("list") == []


def test_a_value_may_look_like_an_option() -> None:
    assert _read("--name --flag").text("name") == "--flag"
    assert _read("-n -- x").text("name") == "--"


def test_words_may_be_mixed_unless_they_are_a_commands() -> None:
    assert _read("a -f b").flag("flag")
    parsed = _read("-f a -t -- b", mixed=False)
    assert parsed.arguments == ["a", "-t", "--", "b"]
    assert not parsed.flag("tty")


def test_two_dashes_end_the_options_once() -> None:
    assert _read("-f -- -t -- a").arguments == ["-t", "--", "a"]
    assert _read("-- -t -- a", mixed=False).arguments == ["-t", "--", "a"]


def test_one_dash_is_a_word() -> None:
    assert _read("- -f").arguments == ["-"]


def test_help_stops_reading() -> None:
    assert _read("--help --nonsense").help
    assert _read("-h").help
    assert not _read("--help=false").help
    assert not read(RUN, ["-h", "host", "base"]).help


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--nope", "unknown flag: --nope"),
        ("-x", "unknown shorthand flag: 'x' in -x"),
        ("-ftx", "unknown shorthand flag: 'x' in -x"),
        ("-fxt", "unknown shorthand flag: 'x' in -xt"),
        ("--name", "flag needs an argument: --name"),
        ("-n", "flag needs an argument: 'n' in -n"),
        ("-fn", "flag needs an argument: 'n' in -n"),
        ("---name", "bad flag syntax: ---name"),
        ("--=x", "bad flag syntax: --=x"),
        ("-f=", "unknown shorthand flag: '=' in -="),
        ("--flag=perhaps", 'invalid argument "perhaps" for "-f, --flag" flag: neither true nor false'),
        ("-c x", 'invalid argument "x" for "-c, --count" flag: not a whole number'),
    ],
)
def test_dockers_sentences(line: str, sentence: str) -> None:
    with pytest.raises(OptionError) as raised:
        _read(line)
    assert str(raised.value) == sentence
    assert raised.value.exit_code == 125


@pytest.mark.parametrize(
    ("limits", "line", "sentence"),
    [
        ({"most": 0}, "a", "'verb' accepts no arguments"),
        ({"least": 1}, "", "'verb' requires at least 1 argument:"),
        ({"least": 2}, "a", "'verb' requires at least 2 arguments:"),
        ({"least": 1, "most": 1}, "a b", "'verb' requires 1 argument:"),
        ({"most": 1}, "a b", "'verb' requires at most 1 argument:"),
    ],
)
def test_too_few_and_too_many(limits: dict[str, int], line: str, sentence: str) -> None:
    with pytest.raises(WrongArguments) as raised:
        _read(line, **limits)
    assert str(raised.value).startswith(sentence)
    assert raised.value.exit_code == 1


def test_an_option_of_docker_that_is_refused_says_why() -> None:
    with pytest.raises(Refused, match="-p, --publish is refused: published ports come in a later release"):
        read(RUN, ["-p", "80:80", "base"])


def test_bad_grammar_is_told_before_a_refusal() -> None:
    with pytest.raises(OptionError, match="unknown flag: --nope"):
        read(RUN, ["-p", "80:80", "--nope", "base"])
    with pytest.raises(OptionError, match="flag needs an argument: --restart"):
        read(RUN, ["--restart"])


@pytest.mark.parametrize("word", ["--restart=no", "--privileged=false", "--pull=never", "--quiet", "--sig-proxy"])
def test_a_refused_option_that_asks_for_nothing_passes(word: str) -> None:
    assert read(RUN, [word, "base"]).arguments == ["base"]
