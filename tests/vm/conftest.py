"""The virtual machines: booted once for a session, on first use."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.vm import disks
from tests.vm.guest import Guest

# `make test-vm` sets it: the whole suites, and power cuts at more instants.
WHOLE = os.environ.get("IPYCONTAINER_VM") == "whole"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Nothing is skipped: what takes too long for every day is another suite (`make test-vm`)."""
    rest = [item for item in items if not WHOLE and item.get_closest_marker("whole")]
    if rest:
        config.hook.pytest_deselected(items=rest)
        items[:] = [item for item in items if item not in rest]


class Disks(NamedTuple):
    """What a machine is booted from, and the folder that takes what it writes."""

    folder: Path
    images: Path
    checkout: Path


@pytest.fixture(scope="session")
def guest_disks() -> Iterator[Disks]:
    # The first time, this makes them: without pytest's bound on a fixture it would be killed half-way.
    folder = Path(tempfile.mkdtemp(prefix="ipyc-vm-"))
    try:
        yield Disks(folder, disks.images(), disks.checkout(folder))
    except disks.NoGuest as reason:
        pytest.skip(str(reason))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def bare(guest_disks: Disks) -> Iterator[Guest]:
    """Unified control groups with all controllers, and nothing else running."""
    guest = Guest(*guest_disks, flavour="bare")
    yield guest
    guest.close()


@pytest.fixture(scope="session")
def with_systemd(guest_disks: Disks) -> Iterator[Guest]:
    """systemd as PID 1; `ann` (uid 1500, subordinate ids) has a user manager that lingers."""
    guest = Guest(*guest_disks, flavour="systemd")
    yield guest
    guest.close()
