"""A pytest plugin (`-p tests.vm.ids`): each test's outcome as a line of JSON in the file OUTCOMES names.

It is written test by test, so a run that is cut short has told what it had.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

VARIABLE = "OUTCOMES"


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test passed if its call did; what fails or skips in another phase counts as that."""
    if report.when != "call" and report.passed:
        return
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    note(report.nodeid, report.outcome, why)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that skips or fails as a whole has no tests to tell of it."""
    if not report.passed:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        note(report.nodeid, report.outcome, why)


def note(identity: str, outcome: str, why: str) -> None:
    with open(os.environ[VARIABLE], "a", encoding="utf-8") as file:
        file.write(json.dumps({"id": identity, "outcome": outcome, "why": why[-1500:]}) + "\n")


class Outcomes:
    """What one run told: `passed`, and why the others did not."""

    def __init__(self, text: str) -> None:
        self.passed: set[str] = set()
        self.why: dict[str, str] = {}
        for line in text.splitlines():
            row = json.loads(line)
            if row["outcome"] == "passed":
                self.passed.add(row["id"])
            else:
                self.why[row["id"]] = f"{row['outcome']}: {row['why']}"
        # Passed, and then its teardown failed.
        self.passed -= self.why.keys()


def reasons(path: Path) -> dict[str, str]:
    """differences.txt: part of a test's id, two spaces or more, why one side alone passes it."""
    rows = [line.partition("  ") for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {part: reason.strip() for part, _, reason in rows}


def differences(here: Outcomes, there: Outcomes, listed: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """(id, who alone passed it, the listed reason or ""), in order."""
    for identity in sorted(here.passed ^ there.passed):
        reason = next((reason for part, reason in listed.items() if part in identity), "")
        yield identity, "here" if identity in here.passed else "in the guest", reason
