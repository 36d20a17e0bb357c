"""Text from a container, made harmless to look at."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.jupyter.server.plain import PlainStream, printable

FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]")


def test_markup_stays_the_text_that_it_is():
    assert printable("<script>alert(1)</script>") == "<script>alert(1)</script>"


def test_one_line_cut_and_nothing_that_hides():
    assert printable("a\nb\tc") == "a b c"
    assert printable("x" * 50, 10) == "x" * 9 + "…"
    assert printable("\x1b[31mred\x1b[0m") == "red"
    assert printable("abc\u202etxt.exe") == "abc\ufffdtxt.exe"
    assert printable("Größe 容器 🐳") == "Größe 容器 🐳"


def test_sequences_and_characters_that_are_cut_anywhere():
    whole = "a\x1b[1;31mb\x1b]0;title\x07c\x1b]8;;http://x\x1b\\d\x1b(Be é🐳\r\nf\rg\n".encode()
    for cut in range(len(whole)):
        stream = PlainStream()
        text = stream.feed(whole[:cut]) + stream.feed(whole[cut:])
        assert text == "abcde é🐳\nf\ng\n", cut


def test_a_sequence_without_end_does_not_swallow_for_ever():
    stream = PlainStream()
    stream.feed(b"\x1b]0;" + b"x" * 10_000)
    assert stream.feed(b"y" * 10_000) != ""


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_whatever_comes_nothing_dangerous_passes(pieces: list[bytes]):
    stream = PlainStream()
    text = "".join(stream.feed(piece) for piece in pieces)
    assert FORBIDDEN.search(text) is None


@given(st.text(max_size=200))
def test_whatever_a_name_holds_it_is_one_harmless_line(text: str):
    found = printable(text, 100)
    assert len(found) <= 100
    assert "\n" not in found
    assert all(unicodedata.category(character) not in ("Cc", "Cf", "Cs") for character in found)
