from __future__ import annotations

import pytest

from ipycontainer.commands.tables import Table, cut, in_quotes, width
from ipycontainer.control_characters import on_one_line


def test_columns_are_dockers() -> None:
    """The very lines of `docker ps` with one container."""
    table = Table(
        ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"),
        (("0123456789ab", "base", '"sleep 1000"', "3 seconds ago", "Up 2 seconds", "", "web"),),
    )
    assert table.text() == (
        "CONTAINER ID   IMAGE     COMMAND        CREATED         STATUS         PORTS     NAMES\n"
        '0123456789ab   base      "sleep 1000"   3 seconds ago   Up 2 seconds             web'
    )


def test_headings_alone() -> None:
    assert Table(("CONTAINER ID", "IMAGE", "NAMES"), ()).text() == "CONTAINER ID   IMAGE     NAMES"


def test_wide_letters_take_two_columns() -> None:
    assert width("日本") == 4 and width("é") == 1 and width("e\u0301") == 1
    assert Table(("NAME", "X"), (("日本日本日本", "y"),)).text() == "NAME           X\n日本日本日本   y"


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [("short", 20, "short"), ("x" * 20, 20, "x" * 20), ("x" * 21, 20, "x" * 19 + "…"), ("日本日本", 5, "日本…")],
)
def test_cut(text: str, most: int, short: str) -> None:
    assert cut(text, most) == short


def test_nothing_in_quotes_can_move_the_cursor() -> None:
    assert in_quotes('a "b" \\ \n\t\x1b[2J\x07é\u202e') == '"a \\"b\\" \\\\ \\n\\t\\x1b[2J\\x07é\\u202e"'


def test_one_line_is_one_line() -> None:
    assert on_one_line("日本 é 'x' \"y\" \\") == "日本 é 'x' \"y\" \\"
    assert on_one_line("a\nb\r\tc\x1b[2J\x85\u2028\u202e\udcff") == "a\\nb\\r\\tc\\x1b[2J\\u0085\\u2028\\u202e\\udcff"
