"""The same tests pass on this machine and in the guest, whose kernel, control groups and neighbours are others."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.personas import CHECKOUT
from tests.vm.conftest import WHOLE
from tests.vm.guest import Guest
from tests.vm.ids import VARIABLE, Outcomes, differences, reasons

HERE = Path(__file__).parent
SUITES = ("tests/linux", "tests/life", "tests/images", "tests/hostile")
# Everything in the guest takes ten times as long, and what waits for something has to wait longer.
PATIENCE = "--timeout=900"
OPTIONS = ("-q", "-p", "no:cacheprovider", "-p", "tests.vm.ids", "--tb=short", PATIENCE)


def selection() -> list[str]:
    """What pytest is given on both machines."""
    if WHOLE:
        return list(SUITES)
    return [line for line in (HERE / "selection.txt").read_text().splitlines() if line and not line.startswith("#")]


@pytest.mark.timeout(4 * 3600)
@pytest.mark.skipif(
    os.geteuid() != 0, reason="the guest runs the tests as root, who is everybody; an ordinary user is one"
)
def test_the_same_tests_pass_here_and_in_the_guest(bare: Guest, capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.NamedTemporaryFile() as told:
        environment = {**os.environ, VARIABLE: told.name, "CI": ""}
        command = [sys.executable, "-m", "pytest", *OPTIONS, *selection()]
        ours = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        try:
            theirs = bare.run(
                *("/checkout/.venv/bin/python", "-m", "pytest", *OPTIONS, *selection()),
                cwd="/checkout",
                env={VARIABLE: "/run/outcomes", "CI": ""},
                timeout=4 * 3600,
            )
            ours.wait(3600)
        finally:
            ours.kill()
        here = Outcomes(told.read().decode())
    there = Outcomes(bare.ok("cat", "/run/outcomes"))
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
    assert here.passed & there.passed, theirs
    assert not unexplained, "\n\n".join(unexplained)
