"""What a cell keeps of an output that is too much for it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ipycontainer.jupyter.flood import Flood, sized
from ipycontainer.jupyter.stream import SPENT, CellStream


class Page:
    """Where a CellStream writes in these tests."""

    def __init__(self):
        self.text = ""
        self.flushes = 0

    def write(self, text):
        self.text += text

    def flush(self):
        self.flushes += 1


def written(chunks, flood=None):
    page = Page()
    stream = CellStream(page.write, page.flush, flood)
    for chunk in chunks:
        stream.feed(chunk)
    stream.end()
    return page


def test_little_output_passes_untouched():
    assert written([b"one\n", b"two \x1b[31mred\x1b[0m\r", b"three"]).text == "one\ntwo \x1b[31mred\x1b[0m\rthree"


def test_a_flood_keeps_its_beginning_and_its_end_and_says_how_much_is_missing():
    lines = [f"line {number}\n".encode() for number in range(100_000)]
    chunks = [b"".join(lines[start : start + 1000]) for start in range(0, len(lines), 1000)]
    page = written(chunks, Flood(burst=10_000, tail=5_000))
    before, _, after = page.text.partition("[… ")
    assert before.startswith("line 0\nline 1\n") and before.endswith("\n")
    assert len(before) <= 10_000
    sentence, _, tail = after.partition("\n")
    assert "cut here" in sentence
    assert tail.endswith("line 99999\n") and len(tail) <= 5_000
    assert tail.startswith("line ")
    shown = before.count("\n") + tail.count("\n")
    assert f"in {100_000 - shown:,} lines" in sentence


def test_yes_without_end_is_bounded():
    page = written(b"y\n" * 32_768 for _ in range(3_000))
    assert len(page.text) < 700_000
    assert "196 MB in" in page.text


def test_many_short_lines_are_more_than_a_few_long_ones():
    """JupyterLab stands still for seconds over a quarter of a million lines, whatever is in them."""
    page = written(b"y\n" * 32_768 for _ in range(100))
    assert page.text.count("\n") < 100_000
    assert written([b"y" * 400_000]).text == "y" * 400_000


def test_flushes_are_far_apart():
    page = written([b"."] * 10_000)
    assert page.text == "." * 10_000
    assert page.flushes < 50


def test_a_character_in_parts_is_put_together_and_a_broken_one_is_replaced():
    assert written([b"caf\xc3", b"\xa9 \xff ", b"\xe2\x82"]).text == "café \ufffd \ufffd"


def test_a_flood_that_calms_down_is_shown_again():
    flood = Flood(burst=100, growth=50, total=100_000, tail=40)
    assert flood.admit(b"a" * 100, now=1.0) == b"a" * 100
    assert flood.admit(b"b" * 500, now=1.0) == b""
    assert flood.cutting
    assert flood.calm(now=2.1) is None, "the flood itself is not calm"
    cut = flood.calm(now=3.2)
    assert cut is not None and cut.size == 460 and cut.tail == b"b" * 40
    assert not flood.cutting
    assert flood.admit(b"c" * 20, now=4.0) == b"c" * 20


def test_a_cell_that_has_shown_all_that_it_keeps_says_so_at_once():
    """Hours of a progress bar: it would look as if the program stood still."""
    page = Page()
    stream = CellStream(page.write, page.flush, Flood(burst=1000, growth=1000, total=200, tail=40, line=0))
    stream.feed(b"step\r" * 30)
    assert SPENT not in page.text
    stream.feed(b"step\r" * 30)
    assert page.text.endswith(f"step\r\n{SPENT}\n") and page.text.count("step") == 40
    stream.feed(b"step\r" * 30)
    stream.feed(b"done\n")
    stream.end()
    assert page.text.count(SPENT) == 1 and page.text.endswith("done\n")
    assert SPENT not in written([b"x" * 1000], Flood(100, 0, 100, 40)).text, "nobody looks at a variable meanwhile"


def test_the_colour_of_a_flood_ends_with_it():
    page = written([b"\x1b[31mred\n" + b"red\n" * 1000], Flood(burst=100, tail=40))
    assert "\x1b[0m[… " in page.text


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=30), st.integers(1, 200), st.integers(1, 100))
def test_nothing_is_lost_uncounted(chunks, burst, tail):
    flood = Flood(burst=burst, growth=0, total=10_000, tail=tail)
    shown = b"".join(flood.admit(chunk, now=1.0) for chunk in chunks)
    cut = flood.end()
    whole = b"".join(chunks)
    assert whole.startswith(shown)
    assert len(shown) <= burst
    if cut is None:
        assert shown == whole
    else:
        assert len(shown) + cut.size + len(cut.tail) == len(whole)
        assert whole.endswith(cut.tail) and len(cut.tail) <= tail
        assert cut.lines == whole[len(shown) : len(shown) + cut.size].count(b"\n")


def test_sizes_read_as_a_person_writes_them():
    assert [sized(number) for number in (0, 999, 1000, 1_340_000, 2_000_000_000)] == [
        "0 B",
        "999 B",
        "1 kB",
        "1.34 MB",
        "2 GB",
    ]
