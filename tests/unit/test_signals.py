"""Signals as docker names them."""

from __future__ import annotations

import signal

import pytest

from ipycontainer.engine.signals import number_of
from ipycontainer.errors import InputError


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("RTMIN", signal.SIGRTMIN),
        ("SIGRTMIN+3", signal.SIGRTMIN + 3),  # systemd's, and so that of many images
        ("sigrtmin+15", signal.SIGRTMIN + 15),
        ("RTMAX-14", signal.SIGRTMAX - 14),
        ("rtmax-1", signal.SIGRTMAX - 1),
        ("RTMAX", signal.SIGRTMAX),
    ],
)
def test_real_time_signals_count_from_either_end(name: str, number: int):
    assert number_of(name) == number


@pytest.mark.parametrize(
    "name", ["RTMIN+0", "RTMIN+16", "RTMIN-1", "RTMIN+", "RTMIN+03", "RTMIN+ 3", "RTMAX-15", "RTMAX+1", "RTMAX-", ""]
)
def test_what_is_beyond_the_middle_is_none(name: str):
    with pytest.raises(InputError, match="Invalid signal"):
        number_of(name)
