from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.commands.words import Word, literal, redirection, split
from ipycontainer.errors import OptionError


def _texts(line: str) -> list[str]:
    return [word.text for word in split(line)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run --rm base echo hi", ["run", "--rm", "base", "echo", "hi"]),
        ("  a\t b \n", ["a", "b"]),
        ("", []),
        ("''", [""]),
        ("a'b c'd", ["ab cd"]),
        ('sh -c "echo \\$HOME \\"x\\" \\n"', ["sh", "-c", 'echo $HOME "x" \\n']),
        ("sh -c 'echo $HOME \\ \"'", ["sh", "-c", 'echo $HOME \\ "']),
        (
            "echo $HOME {name} ${x} $(id) `id` * # ~",
            ["echo", "$HOME", "{name}", "${x}", "$(id)", "`id`", "*", "#", "~"],
        ),
        ("a\\ b \\'c \\\\d", ["a b", "'c", "\\d"]),
        ("a \\\n b", ["a", "b"]),
        ("ab\\\ncd", ["abcd"]),
        ("--name=\"my web\" -e A='b c'", ["--name=my web", "-e", "A=b c"]),
        ("a\\", ["a\\"]),
        ("naïve 'élan vital'", ["naïve", "élan vital"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert _texts(line) == words


def test_what_was_quoted_is_remembered() -> None:
    plain, single, double, escaped, inside = split("""plain 'single' "double" esc\\aped in"si"de""")
    assert not plain.quoted
    assert single.quoted and double.quoted and escaped.quoted and inside.quoted


@pytest.mark.parametrize("line", ["'a", '"a', 'a "b', "a'b\\"])
def test_an_open_quotation_mark_is_told(line: str) -> None:
    with pytest.raises(OptionError, match="is not closed"):
        split(line)


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"))))
def test_what_a_shell_would_read_from_quoted_words_is_read_here(words: list[str]) -> None:
    assert _texts(shlex.join(words)) == words


@given(st.text(alphabet="ab \t\n'\"\\$<>{}"))
def test_any_line_gives_words_or_a_sentence(line: str) -> None:
    try:
        words = split(line)
    except OptionError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(word, Word) for word in words)


class TestRedirection:
    def test_unquoted_arrows_name_files(self) -> None:
        found = redirection(split("logs web > out.log"))
        assert [word.text for word in found.words] == ["logs", "web"]
        assert (found.source, found.target, found.append) == ("", "out.log", False)

    def test_an_arrow_may_touch_its_file_and_the_file_may_be_quoted(self) -> None:
        found = redirection(split("load <'my image.tar' >>log"))
        assert (found.source, found.target, found.append) == ("my image.tar", "log", True)

    def test_quoted_arrows_are_words(self) -> None:
        found = redirection(split("logs '>' \\> \">x\""))
        assert [word.text for word in found.words] == ["logs", ">", ">", ">x"]
        assert not found.target

    def test_words_from_a_shell_have_no_arrows(self) -> None:
        assert not redirection([literal(">"), literal("x")]).target

    @pytest.mark.parametrize("line", ["logs web >", "load < > x"])
    def test_a_missing_file_is_told(self, line: str) -> None:
        with pytest.raises(OptionError, match="a file name is missing after"):
            redirection(split(line))
