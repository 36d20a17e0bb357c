"""The statistics of the benchmarks."""

from __future__ import annotations

import pytest

from benchmarks.rounds import Times, in_turn, median, paired_ratios, rotated


def test_the_median_is_the_middle_or_between_the_two_middle_ones() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 3, 2]) == 2.5
    assert median([7]) == 7


def test_there_is_no_median_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        median([])


def test_everyone_begins_a_round_equally_often() -> None:
    names = ["a", "b", "c"]
    assert [rotated(names, turn)[0] for turn in range(6)] == ["a", "b", "c", "a", "b", "c"]
    assert sorted(rotated(names, 7)) == names
    assert rotated([], 3) == []


def test_ratios_are_of_the_same_round() -> None:
    assert paired_ratios([2, 30, 8], [1, 10, 2]) == [2, 3, 4]


def test_unequal_numbers_of_rounds_are_not_paired() -> None:
    with pytest.raises(ValueError, match="2 rounds cannot be paired with 1"):
        paired_ratios([1, 2], [1])


def test_the_median_of_ratios_is_not_the_ratio_of_medians() -> None:
    times = Times(["ours", "theirs"])
    times.taken = {"ours": [2, 9, 4], "theirs": [1, 10, 20]}
    assert times.median("ours") / times.median("theirs") == 0.4
    assert times.ratio("ours", "theirs") == 0.9
    assert times.ratio("theirs", "theirs") == 1


def test_contenders_run_in_turn_and_the_first_rounds_are_dropped() -> None:
    ran: list[str] = []

    def contender(name: str) -> float:
        ran.append(name)
        return float(len(ran))

    times = in_turn({"a": lambda: contender("a"), "b": lambda: contender("b")}, rounds=2, gap=0, warm_up=1)
    assert ran == ["a", "b", "b", "a", "a", "b"]
    assert times.taken == {"a": [4.0, 5.0], "b": [3.0, 6.0]}


def test_who_fails_is_left_out_with_the_reason_and_the_others_go_on() -> None:
    def broken() -> float:
        raise RuntimeError("exit code 125: no such thing")

    times = in_turn({"a": lambda: 1.0, "broken": broken}, rounds=3, gap=0, warm_up=0)
    assert times.names() == ["a"]
    assert times.taken["a"] == [1.0, 1.0, 1.0]
    assert times.failed == {"broken": "exit code 125: no such thing"}
