"""RESULTS.md and its sections."""

from __future__ import annotations

from benchmarks.report import Promise, replaced, row, sections, table


def test_a_section_is_replaced_by_name_and_the_others_are_kept_in_their_order() -> None:
    first = replaced(replaced("", "start", "one\n"), "user", "two\n### Part\n")
    second = replaced(first, "start", "three")
    assert list(sections(second)) == ["start", "user"]
    assert sections(second)["start"].strip() == "three"
    assert sections(second)["user"] == sections(first)["user"]
    assert second.startswith("# Results\n")
    assert replaced(second, "start", "three") == second


def test_a_promise_is_held_missed_or_not_measured() -> None:
    assert Promise("a ÷ b", 2, 2.0).row() == ["a ÷ b", "≤ 2 ×", "2.00 ×", "held"]
    assert Promise("a ÷ b", 2, 2.01).verdict() == "**missed**"
    assert Promise("a", 1.5, None, "s").row() == ["a", "≤ 1.5 s", "–", "not measured"]


def test_a_row_is_median_least_and_most() -> None:
    assert row("a", [3, 1, 20]) == ["a", "3.00", "1.00", "20.00"]
    assert table(["", "n"], [["a", "1"]]) == "|  | n |\n|---|---:|\n| a | 1 |\n"
