"""Tables, lines and documents: plain first, HTML only from escaped text."""

from __future__ import annotations

from IPython.core.formatters import DisplayFormatter

from ipycontainer.engine.engine import Engine
from ipycontainer.engine.result import Result
from ipycontainer.jupyter.display import Lines, Table, document
from ipycontainer.jupyter.rich_forms import explanation

FORMAT = DisplayFormatter()


def test_a_table_is_plain_text_and_html():
    table = Table(["NAMES", "STATUS"], [["web", "Up 3 seconds"], ["a", "Created"]])
    data, _ = FORMAT.format(table)
    assert data["text/plain"] == "NAMES   STATUS\nweb     Up 3 seconds\na       Created"
    assert data["text/html"].count("<tr>") == 3


def test_a_table_is_data():
    table = Table(["NAMES", "STATUS"], [["web", "Up"], ["a", "Created"]])
    assert table["NAMES"] == ["web", "a"]
    assert table[0] == {"NAMES": "web", "STATUS": "Up"}
    assert table[-1:] == [table[1]] == [table[-1]]
    assert [row["STATUS"] for row in table] == ["Up", "Created"]
    assert len(table) == 2


def test_what_a_container_chooses_is_never_markup_nor_cursor_movement():
    table = Table(["COMMAND"], [['<script>alert(1)</script>"\x1b[2J\r']])
    data, _ = FORMAT.format(table)
    assert "<script>" not in data["text/html"] and "&lt;script&gt;" in data["text/html"]
    assert "\x1b" not in data["text/html"] + data["text/plain"]
    assert "\\x1b[2J\\r" in data["text/plain"]


def test_lines_are_a_list_of_strings_that_looks_like_lines():
    lines = Lines(["abc", "def"])
    assert lines == ["abc", "def"] and lines.n == "abc\ndef"
    assert FORMAT.format(lines)[0] == {"text/plain": "abc\ndef"}
    assert FORMAT.format(Lines([]))[0] == {"text/plain": ""}


def test_very_many_lines_are_shown_as_far_as_any_list_is():
    shown = FORMAT.format(Lines(map(str, range(200_000))))[0]["text/plain"]
    assert shown.startswith("0\n1\n") and shown.endswith("\n999\n… 199,000 lines more")


def test_a_result_with_long_output_shows_its_beginning():
    shown = repr(Result(0, b"x" * 20_000_000, b"no\n"))
    assert len(shown) < 11_000 and "x'… (20,000,000 bytes), stderr=b'no\\n', cut=0" in shown
    assert repr(Result(1, b"short")) == "Result(exit_code=1, output=b'short', stderr=b'', cut=0, oom_killed=False)"


def test_a_document_is_data_that_prints_as_json():
    found = document([{"Id": "abc"}])
    assert found == [{"Id": "abc"}]
    assert FORMAT.format(found)[0]["text/plain"] == '[\n    {\n        "Id": "abc"\n    }\n]'
    assert FORMAT.format(document({"Id": "a"}))[0]["text/plain"] == '{\n    "Id": "a"\n}'


def test_a_plan_is_a_table_of_escaped_text(tmp_path):
    told = Engine(str(tmp_path)).explain("base", ["echo", "<script>\x1b[2J"])
    forms = explanation(told)
    assert forms["text/html"].count("<tr>") == len(told) + 4
    assert "<script>" not in forms["text/html"] and "&lt;script&gt;\\x1b[2J" in forms["text/html"]
    assert "\x1b" not in forms["text/plain"]
