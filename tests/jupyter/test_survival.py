"""What outlives a kernel: a detached container, its record and its log."""

from __future__ import annotations

import time

import pytest

from tests.jupyter.kernels import READY, Kernel

NAMES = "names = %container ps {} --format '{{{{.Names}}}}'\nprint(sorted(names))"


PROGRAM = "echo one; until [ -e /go ]; do sleep 0.05; done; echo two; sleep 1; exit 4"
"""It waits until it is told to end, and a second more: who tells it is inside, and would end with it."""


@pytest.fixture
def second_kernel(persona):
    """Kernels that a test starts after the first is gone."""
    started = []

    def start():
        kernel = Kernel(persona)
        started.append(kernel)
        kernel.ok(READY)
        return kernel

    yield start
    for kernel in started:
        kernel.close()
    persona.remove_containers()


def detached(kernel):
    kernel.ok(f"%container run -d --name stays base sh -c '{PROGRAM}'")


def goes_on(kernel):
    """The container still runs; then its exit code and its log are there."""
    assert kernel.ok(NAMES.format("")).out == "['stays']\n"
    kernel.ok("%container exec stays touch /go")
    assert kernel.ok("code = %container wait stays\nprint(*code)").out == "4\n"
    assert kernel.ok("%container logs stays").out == "one\ntwo\n"
    kernel.ok("%container rm stays")


def test_a_detached_container_survives_a_killed_kernel(fresh_kernel, second_kernel):
    detached(fresh_kernel)
    fresh_kernel.kill()
    goes_on(second_kernel())


def test_a_detached_container_survives_a_restart(fresh_kernel, second_kernel):
    detached(fresh_kernel)
    fresh_kernel.restart()
    fresh_kernel.ok(READY)
    goes_on(fresh_kernel)


def test_a_detached_container_survives_a_shutdown(fresh_kernel, second_kernel):
    detached(fresh_kernel)
    fresh_kernel.close()
    goes_on(second_kernel())


def test_a_detached_container_survives_an_interrupt(fresh_kernel, second_kernel):
    detached(fresh_kernel)
    ticket = fresh_kernel.send("import time\nprint('ready')\ntime.sleep(60)")
    fresh_kernel.wait_for("ready", ticket)
    fresh_kernel.interrupt()
    fresh_kernel.finish(ticket)
    goes_on(fresh_kernel)


@pytest.mark.parametrize("end", ["kill", "restart", "close"])
def test_a_foreground_container_is_recorded_when_its_kernel_goes(fresh_kernel, second_kernel, end):
    """It loses its watcher, not its life: it goes on, and its exit code and log are there afterwards."""
    ticket = fresh_kernel.send(f"%container run --name watched base sh -c '{PROGRAM}'")
    fresh_kernel.wait_for("one", ticket)
    getattr(fresh_kernel, end)()
    kernel = second_kernel()
    if end == "kill":
        kernel.ok("%container exec watched touch /go")
    code = kernel.ok("code = %container wait watched\nprint(*code)", timeout=30).out
    try:
        logs = kernel.ok("%container logs watched").out
        if end == "kill":
            assert (code, logs) == ("4\n", "one\ntwo\n")
        else:
            # jupyter_client interrupts before it ends a kernel, and an interrupt stops what runs in the cell.
            assert code.strip().isdigit() and logs.startswith("one\n")
    finally:
        kernel.ok("%container rm -f watched")


def test_a_foreground_container_with_rm_leaves_nothing_when_its_kernel_is_killed(fresh_kernel, second_kernel):
    ticket = fresh_kernel.send("%container run --rm --name brief base sh -c 'echo one; sleep 2'")
    fresh_kernel.wait_for("one", ticket)
    fresh_kernel.kill()
    kernel = second_kernel()
    deadline = time.monotonic() + 15
    while "brief" in kernel.ok(NAMES.format("-a")).out:
        assert time.monotonic() < deadline, "it was not removed"
        time.sleep(0.2)


def test_nothing_is_left_of_cells_that_were_interrupted_and_of_a_kernel_that_was_killed(nothing_left, persona):
    kernel = Kernel(persona)
    try:
        kernel.ok(READY)
        ticket = kernel.send("%container run --rm base sh -c 'trap \"\" INT; echo ready; exec sleep 60'")
        kernel.wait_for("ready", ticket)
        kernel.interrupt()
        kernel.finish(ticket)
        kernel.ok("%container run -d --name over base sleep 60\n%container exec over true\n%container rm -f over")
        kernel.run("%%in_container --python\n1 / 0")
        ticket = kernel.send("%container run --rm base sh -c 'echo ready; sleep 0.5'")
        kernel.wait_for("ready", ticket)
        kernel.kill()
    finally:
        kernel.close()
