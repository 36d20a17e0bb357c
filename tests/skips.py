"""With CI=true a skipped test fails, unless tests/allowed_skips.txt names it with its reason.

A line there is: part of the test's id, two spaces or more, the reason.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

LIST = Path(__file__).parent / "allowed_skips.txt"


def allowed(text: str) -> dict[str, str]:
    """Part of a test's id → why it may be skipped."""
    rows = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            part, _, reason = line.partition("  ")
            assert reason.strip(), f"allowed_skips.txt: no reason for {part}"
            rows[part] = reason.strip()
    return rows


def _forbid(report: Any) -> None:
    """Makes a skipped report a failed one unless it is on the list."""
    if not report.skipped or hasattr(report, "wasxfail") or os.environ.get("CI") != "true":
        return
    if any(part in report.nodeid for part in allowed(LIST.read_text())):
        return
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} was skipped ({why}), and tests/allowed_skips.txt does not name it"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid(report)
    return report
