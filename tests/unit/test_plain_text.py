"""Text from a container, made harmless to look at."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.commands.kernels.connection import LAST_WORD
from ipycontainer.errors import StartError
from ipycontainer.jupyter.kernels.provisioner import ContainerProvisioner
from ipycontainer.jupyter.server.handler import RoomHandler
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


_ODD = "unable to find user \x1b[2J\nW 12:00 all is well"


class _Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, form: str, *values: object) -> None:
        self.lines.append(form % values)

    warning = info


def test_an_images_words_command_no_terminal_that_shows_the_servers_log():
    """Its user, for instance, whom its own files do not have: the sentence repeats that name."""
    log = _Log()
    RoomHandler.log_exception(SimpleNamespace(log=log), StartError, StartError(_ODD), None)  # type: ignore[arg-type]
    assert len(log.lines) == 1 and log.lines[0].isprintable(), log.lines


def test_nor_does_what_a_kernel_says_of_its_end(tmp_path: Path):
    log = _Log()
    provisioner = SimpleNamespace(folder=str(tmp_path), log=log, kernel_id="1", reason="")
    (tmp_path / LAST_WORD).write_text(json.dumps({"reason": _ODD}))
    ContainerProvisioner._tell_reason(provisioner)  # type: ignore[arg-type]
    assert len(log.lines) == 1 and log.lines[0].isprintable() and provisioner.reason.isprintable(), log.lines
