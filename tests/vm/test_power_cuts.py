"""The power goes at random instants while containers and images are made: afterwards nothing that was reported is lost.

The guest's disk is an ext4 with a journal; what its kernel had not written yet goes with it.
"""

from __future__ import annotations

import json
import os
import random
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.vm import disks
from tests.vm.conftest import WHOLE, Disks
from tests.vm.guest import Guest, PowerCut
from tests.vm.journal import Journal

STORE = "/state/store"
PYTHON = "/checkout/.venv/bin/python"
INSTANTS = 20 if WHOLE else 2
# Longest time from the workload's first call to the cut, in seconds.
LONGEST = 20.0 if WHOLE else 10.0
# Every fsync of every program in the guest does nothing: what the tests are to notice.
NO_FSYNC = "echo $(ls /usr/lib/*/libeatmydata.so | head -n 1) >/etc/ld.so.preload"

pytestmark = pytest.mark.timeout(3600 if WHOLE else 900)


def work_until_cut(guest: Guest, journal: Journal, seed: str, seconds: float) -> None:
    """Let the workload run, and cut the power `seconds` after its first call."""
    end = 0.0
    journal.ready = False

    def heard(text: str) -> None:
        nonlocal end
        journal.hear(text)
        if journal.ready and not end:
            end = time.monotonic() + seconds
            guest.cut_at(end)

    with pytest.raises(PowerCut):
        done = guest.run(
            PYTHON, "-m", "tests.vm.inside.workload", STORE, seed, cwd="/checkout", timeout=600, heard=heard
        )
        raise AssertionError(f"the workload ended by itself\n{done}")
    if guest.hung:
        say_hung(guest)  # it went at another instant than the chosen one, that is all
    journal.cut()


def verdict_of(guest: Guest) -> dict[str, Any]:
    done = guest.ok(PYTHON, "-m", "tests.vm.inside.verdict", STORE, cwd="/checkout", timeout=600)
    found: dict[str, Any] = json.loads(done)
    return found


def judged(guest_disks: Disks, state: Path) -> tuple[Guest, dict[str, Any]]:
    """The machine booted again, and what it finds; a kernel that hangs meanwhile is one more power cut."""
    for _ in range(3):
        guest = Guest(*guest_disks, state=state)
        try:
            return guest, verdict_of(guest)
        except PowerCut:
            if not guest.hung:
                raise
            say_hung(guest)
    raise AssertionError("the guest hung three times in a row")


def say_hung(guest: Guest) -> None:
    """In pytest's summary, whether the test passes or not."""
    warnings.warn(f"the emulated kernel hung, and panicked:\n{guest.hung[:8000]}", stacklevel=1)


def test_after_a_power_cut_nothing_that_was_reported_is_lost(
    guest_disks: Disks, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = os.environ.get("IPYCONTAINER_SEED") or str(random.randrange(1_000_000))
    chance = random.Random(seed)
    instants = [chance.uniform(0, LONGEST) for _ in range(INSTANTS)]
    with capsys.disabled():
        print(f"\npower cuts: IPYCONTAINER_SEED={seed}, after {', '.join(f'{each:.1f}' for each in instants)} s")
    journal, state = Journal(), disks.make(guest_disks.folder / "power.img", 2048)
    told: list[str] = []
    guest = Guest(*guest_disks, state=state)
    try:
        for number, seconds in enumerate(instants):
            work_until_cut(guest, journal, f"{number}", seconds)
            guest, verdict = judged(guest_disks, state)
            told += [f"cut {number}, after {seconds:.1f} s: {lie}" for lie in journal.lies(verdict)]
            told += [f"cut {number}: left: {name}" for name in verdict["left"]]
            journal.now(verdict)
    finally:
        guest.cut()
    assert len(journal.lines) > INSTANTS, "the workload did next to nothing"
    assert not told, "\n".join([*told, f"IPYCONTAINER_SEED={seed}", *journal.lines[-60:]])


@pytest.mark.whole
def test_without_fsync_the_same_test_finds_what_is_lost(guest_disks: Disks) -> None:
    """The guard taken away: reports are then worth nothing, and the journal sees it."""
    journal, state = Journal(), disks.make(guest_disks.folder / "careless.img", 2048)
    guest = Guest(*guest_disks, state=state)
    try:
        # The base image is made durable first: without it there would be nothing left to look at.
        guest.ok(PYTHON, "-c", f"from ipycontainer import Engine; Engine({STORE!r}).run('base', 'true', remove=True)",
                 timeout=300)  # fmt: skip
        guest.ok("sh", "-c", f"sync; {NO_FSYNC}; exec {PYTHON} -c ''")
        guest.ok("/checkout/.venv/bin/ipycontainer", "--root", STORE, "system", "shutdown", timeout=120)
        work_until_cut(guest, journal, "careless", LONGEST)
        guest, verdict = judged(guest_disks, state)
        lies = journal.lies(verdict)
    finally:
        guest.cut()
    assert lies, journal.lines
