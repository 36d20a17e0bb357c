"""What a sweep ends before it removes anything."""

from __future__ import annotations

import os
import signal

import pytest

from ipycontainer.launcher import alive
from ipycontainer.linux import pidfd
from ipycontainer.runtime.inside import life, sweep


@pytest.mark.parametrize("boot", ["this", "earlier"])
def test_a_slots_first_process_is_dead_before_its_layer_goes(tmp_path, boot: str) -> None:
    """It may be inside mkdir(2) as its monitor is killed: what it makes there must not come after the removal."""
    run, layer = tmp_path / "slot-1", tmp_path / "layer"
    layer.mkdir()
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    lock = life.claim(str(run))
    life.write_leaves(lock, [], "", str(layer))
    life.write_first(lock, child, alive.boot_id() if boot == "this" else "another boot")
    os.close(lock)
    process = pidfd.open_process(child)
    try:
        sweep.sweep_dead(str(run))
        assert pidfd.has_ended(process) == (boot == "this"), "a number of an earlier boot is somebody else's"
        assert not run.exists() and not layer.exists()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(process)
