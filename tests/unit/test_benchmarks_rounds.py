"""The statistics of the benchmarks."""

from __future__ import annotations

import pytest

from benchmarks.rounds import Times, burst, in_turn, median, order, paired_differences, paired_ratios


def test_the_median_is_the_middle_or_between_the_two_middle_ones() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 3, 2]) == 2.5
    assert median([7]) == 7


def test_there_is_no_median_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        median([])


def test_every_turn_has_all_names_in_another_order_and_the_same_order_again() -> None:
    names = list("abcdef")
    turns = [order(names, turn) for turn in range(40)]
    assert all(sorted(turn) == names for turn in turns)
    assert turns == [order(names, turn) for turn in range(40)]
    assert len({tuple(turn) for turn in turns}) > 35
    followers = {turn[turn.index("a") + 1] for turn in turns if turn[-1] != "a"}
    assert followers == set("bcdef"), "each neighbour in its turn"
    assert order([], 3) == []


def test_the_first_of_a_burst_is_left_out() -> None:
    taken = iter([90.0, 1.0, 2.0, 3.0])
    assert burst(lambda: next(taken), 4) == 2.0
    assert burst(lambda: 7.0, 1) == 7.0


def test_ratios_are_of_the_same_round() -> None:
    assert paired_ratios([2, 30, 8], [1, 10, 2]) == [2, 3, 4]


def test_unequal_numbers_of_rounds_are_not_paired() -> None:
    for pair in (paired_ratios, paired_differences):
        with pytest.raises(ValueError, match="2 rounds cannot be paired with 1"):
            pair([1, 2], [1])


def test_differences_are_of_the_same_round() -> None:
    assert paired_differences([20, 50, 10], [10, 20, 10]) == [10, 30, 0]
    times = Times(["ours", "theirs"])
    times.taken = {"ours": [20, 50, 10], "theirs": [10, 20, 10]}
    assert times.difference("ours", "theirs") == 10


def test_there_is_no_ratio_to_who_did_not_run() -> None:
    times = Times(["ours", "theirs"])
    times.taken["ours"] = [1.0]
    times.fail("theirs", "not installed")
    assert times.ratio_if_both("ours", "theirs") is None
    assert times.ratio_if_both("ours", "ours") == 1


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
    assert ran == [*order(["a", "b"], 0), *order(["a", "b"], 1), *order(["a", "b"], 2)]
    for name in "ab":
        assert times.taken[name] == [ran.index(name, 2) + 1, ran.index(name, 4) + 1]


def test_who_fails_is_left_out_with_the_reason_and_the_others_go_on() -> None:
    def broken() -> float:
        raise RuntimeError("exit code 125: no such thing")

    times = in_turn({"a": lambda: 1.0, "broken": broken}, rounds=3, gap=0, warm_up=0)
    assert times.names() == ["a"]
    assert times.taken["a"] == [1.0, 1.0, 1.0]
    assert times.failed == {"broken": "exit code 125: no such thing"}
