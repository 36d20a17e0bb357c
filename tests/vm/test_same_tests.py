"""The same tests pass on this machine and in the guest, whose kernel, control groups and neighbours are others."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.personas import CHECKOUT
from tests.vm.conftest import WHOLE, Disks
from tests.vm.guest import Guest, Result
from tests.vm.ids import VARIABLE, Outcomes, differences, reasons

HERE = Path(__file__).parent
SUITES = ("tests/linux", "tests/life", "tests/images", "tests/hostile")
# Everything in the guest takes ten times as long, and what waits for something has to wait longer.
PATIENCE = "--timeout=900"
OPTIONS = ("-q", "-p", "no:cacheprovider", "-p", "tests.vm.ids", "--tb=short", PATIENCE)


def selection() -> list[str]:
    """What pytest is given on both machines."""
    if WHOLE:
        return [
            str(path.relative_to(CHECKOUT)) for suite in SUITES for path in sorted((CHECKOUT / suite).glob("test_*.py"))
        ]
    return [line for line in (HERE / "selection.txt").read_text().splitlines() if line and not line.startswith("#")]


@pytest.fixture
def guests(bare: Guest, guest_disks: Disks) -> Iterator[list[Guest]]:
    """For the whole suites one for each processor here: each of them keeps little more than one busy."""
    more: list[Guest] = []
    try:
        for number in range(1, len(os.sched_getaffinity(0)) if WHOLE else 1):
            folder = guest_disks.folder / str(number)
            folder.mkdir()
            more.append(Guest(folder, guest_disks.images, guest_disks.checkout))
        yield [bare, *more]
    finally:
        for guest in more:
            guest.close()


def run_in(guest: Guest, tests: list[str]) -> tuple[Result, str]:
    """How pytest ended on these, and what it told of each."""
    command = ("/checkout/.venv/bin/python", "-m", "pytest", *OPTIONS, *tests)
    done = guest.run(*command, cwd="/checkout", env={VARIABLE: "/run/outcomes", "CI": ""}, timeout=4 * 3600)
    return done, guest.ok("cat", "/run/outcomes", timeout=300)


@pytest.mark.timeout(5 * 3600)
@pytest.mark.skipif(
    os.geteuid() != 0, reason="the guest runs the tests as root, who is everybody; an ordinary user is one"
)
def test_the_same_tests_pass_here_and_in_the_guest(guests: list[Guest], capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.NamedTemporaryFile() as told, ThreadPoolExecutor(len(guests)) as threads:
        environment = {**os.environ, VARIABLE: told.name, "CI": ""}
        command = [sys.executable, "-m", "pytest", *OPTIONS, *selection()]
        ours = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        try:
            shares = [selection()[number :: len(guests)] for number in range(len(guests))]
            ended = list(threads.map(run_in, guests, shares))
            ours.wait(3600)
        finally:
            ours.kill()
        here = Outcomes(told.read().decode())
    there = Outcomes("".join(outcomes for _, outcomes in ended))
    lines, unexplained = [], []
    for identity, alone, reason in differences(here, there, reasons(HERE / "differences.txt")):
        lines.append(f"passes {alone} alone: {identity}: {reason or 'unexplained'}")
        if not reason:
            unexplained.append(
                f"{lines[-1]}\n{(there if alone == 'here' else here).why.get(identity, 'it did not run')}"
            )
    with capsys.disabled():
        print(
            f"\n{len(here.passed & there.passed)} tests pass here and in the guest; {len(lines)} on one of them alone"
        )
        print("\n".join(lines))
    assert here.passed & there.passed, [done for done, _ in ended]
    assert not unexplained, "\n\n".join(unexplained)
