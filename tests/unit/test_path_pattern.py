"""Patterns as Go's path.Match reads them."""

from __future__ import annotations

import pytest

from ipycontainer.commands.path_pattern import PathPattern
from ipycontainer.errors import InputError


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("my*", "myx", True),
        ("my*", "my/x", False),
        ("*/*", "my/x", True),
        ("my?x", "my/x", False),
        ("[^a]", "b", True),
        ("[^a]", "a", False),
        ("[!a]", "!", True),  # no negation in Go
        ("[!a]", "b", False),
        ("[a-ce]", "b", True),
        ("[a-ce]", "d", False),
        ("[^a-c]", "b", False),
        ("[z-a]", "m", False),
        ("[^z-a]", "m", True),
        (r"[\]\-^]", "]", True),
        (r"[\]\-^]", "-", True),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        ("a.c", "abc", False),
        ("a", "a\n", False),
        ("", "", True),
    ],
)
def test_it_fits_what_go_s_fits(pattern: str, path: str, fits: bool):
    assert PathPattern(pattern).matches(path) is fits


@pytest.mark.parametrize("pattern", ["[", "[]a]", "[^", "[a", "[a-", "[a-]", "[-a]", "x\\", "[\\"])
def test_what_is_no_pattern_is_told(pattern: str):
    with pytest.raises(InputError, match="syntax error in pattern"):
        PathPattern(pattern)
