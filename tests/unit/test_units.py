from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.commands import units
from ipycontainer.engine import durations
from ipycontainer.engine.sizes import size_bytes
from ipycontainer.engine.status_text import human_duration


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("512b", 512),
        ("1k", 1024),
        ("64m", 64 << 20),
        ("64M", 64 << 20),
        ("64mb", 64 << 20),
        ("64MiB", 64 << 20),
        ("1.5g", 3 << 29),
        ("1 g", 1 << 30),
        (".5k", 512),
        ("2t", 2 << 40),
        ("1p", 1 << 50),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize(
    "text", ["", "m", "x", "-1", "-1m", "1x", "1bb", "1kk", "1kib2", "1.2.3m", "nan", "inf", "1_0m", " 1m", "9e99"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="invalid s"):
        size_bytes(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1234, "1.23kB"),
        (23_400_000, "23.4MB"),
        (7.05e9, "7.05GB"),
        (2e16, "20PB"),
    ],
)
def test_human_sizes(count: float, text: str) -> None:
    assert units.human_size(count) == text


def test_human_binary_sizes() -> None:
    assert units.human_binary_size(64 << 20) == "64MiB"
    assert units.human_binary_size(1536) == "1.5KiB"
    assert units.human_binary_size(0) == "0B"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "Less than a second"),
        (0.9, "Less than a second"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (5399, "About an hour"),
        (5400, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
        (59 * 86400, "8 weeks"),
        (60 * 86400, "2 months"),
        (729 * 86400, "24 months"),
        (730 * 86400, "2 years"),
    ],
)
def test_human_durations(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1s", 1),
        ("1m30s", 90),
        ("1.5h", 5400),
        ("100ms", 0.1),
        ("-2s", -2),
        ("+2s", 2),
        ("1us", 1e-6),
        ("0s", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert durations.duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "s", "1x", "1m 30s", "1..5s", "-", ".s", "1d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|unit"):
        durations.duration_seconds(text)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (size_bytes, durations.duration_seconds, lambda value: durations.moment(value, 0)):
        try:
            read(text)
        except ValueError as error:
            assert str(error)


def test_moments() -> None:
    assert durations.moment("1700000000.5", 0) == 1700000000.5
    assert durations.moment("42m", 10_000) == 10_000 - 42 * 60
    assert durations.moment("2024-01-02T03:04:05Z", 0) == 1704164645
    assert durations.moment("2024-01-02T03:04:05+01:00", 0) == 1704164645 - 3600
    assert durations.moment("2024-01-02", 0) == time.mktime((2024, 1, 2, 0, 0, 0, 0, 0, -1))
    with pytest.raises(ValueError, match="neither a date"):
        durations.moment("yesterday", 0)


def test_timestamps() -> None:
    assert units.rfc3339(1704164645.678901) == "2024-01-02T03:04:05.678901000Z"
