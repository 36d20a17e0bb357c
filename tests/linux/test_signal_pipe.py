"""Signals as bytes in a pipe: none waits until the main thread runs Python again."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

import pytest

from ipycontainer.linux.signal_pipe import SignalPipe, await_any


def _is_ready(descriptor, seconds):
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


@pytest.fixture
def bystander():
    """A thread that a signal may be given to, as the kernel does when the main thread has one already."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    yield thread.ident
    done.set()
    thread.join()


def test_what_another_thread_got_ends_the_poll(bystander):
    """So does one that comes when the main thread is on its way into poll(): there too it runs no more Python."""
    with SignalPipe({signal.SIGINT}) as signals:
        timer = threading.Timer(0.2, signal.pthread_kill, (bystander, signal.SIGINT))
        timer.start()
        began = time.monotonic()
        assert _is_ready(signals.reader, 20)
        assert time.monotonic() - began < 15
        assert signals.arrived() == bytes([signal.SIGINT])
        timer.join()


def test_each_is_noted_and_none_interrupts():
    with SignalPipe({signal.SIGUSR1, signal.SIGINT}) as signals:
        assert signals.arrived() == b""
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert sorted(signals.arrived()) == [signal.SIGINT, signal.SIGUSR1]
        assert signals.arrived() == b""


def test_it_is_as_it_was_afterwards():
    before = signal.getsignal(signal.SIGINT)
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    was = signal.set_wakeup_fd(writer)
    try:
        with SignalPipe({signal.SIGINT}):
            assert signal.getsignal(signal.SIGINT) is not before
        assert signal.getsignal(signal.SIGINT) is before
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        assert os.read(reader, 8) == bytes([signal.SIGINT])
    finally:
        signal.set_wakeup_fd(was)
        os.close(reader)
        os.close(writer)


def test_what_others_wait_for_reaches_them():
    """An event loop's own descriptor hears of its signals, a moment later."""
    heard = []
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    was, handler = (
        signal.set_wakeup_fd(writer),
        signal.signal(signal.SIGUSR2, lambda number, _frame: heard.append(number)),
    )
    try:
        with SignalPipe({signal.SIGINT}) as signals:
            os.kill(os.getpid(), signal.SIGUSR2)
            os.kill(os.getpid(), signal.SIGINT)
            assert signals.arrived() == bytes([signal.SIGINT])
        assert heard == [signal.SIGUSR2]
        assert os.read(reader, 8) == bytes([signal.SIGUSR2])
    finally:
        signal.signal(signal.SIGUSR2, handler)
        signal.set_wakeup_fd(was)
        os.close(reader)
        os.close(writer)


def test_another_thread_takes_none():
    before, told = signal.getsignal(signal.SIGINT), []

    def enter():
        with SignalPipe({signal.SIGINT}) as signals:
            told.append((signals.arrived(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert told == [(b"", before)]


def test_waiting_ends_with_a_signal_that_another_thread_got(bystander):
    """As it does with one that comes when the main thread is on its way into poll(): it runs no Python either way."""
    reading, writing = os.pipe()
    timer = threading.Timer(0.2, signal.pthread_kill, (bystander, signal.SIGINT))
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            await_any([reading], 20)
        assert time.monotonic() - began < 15
    finally:
        timer.join()
        os.close(reading)
        os.close(writing)


def test_who_collects_signals_otherwise_gets_what_came_meanwhile():
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    handler, was = signal.signal(signal.SIGUSR1, lambda *_: None), signal.set_wakeup_fd(writer)
    try:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        await_any([], 20)
        assert os.read(reader, 8) == bytes([signal.SIGUSR1])
    finally:
        signal.set_wakeup_fd(was)
        signal.signal(signal.SIGUSR1, handler)
        os.close(reader)
        os.close(writer)


def test_waiting_ends_with_what_is_waited_for_and_with_the_time():
    reading, writing = os.pipe()
    await_any([reading], 0.05)
    os.write(writing, b"x")
    await_any([reading], None)
    found = []
    thread = threading.Thread(target=lambda: found.append(await_any([reading], 5)))  # no signal is for it
    thread.start()
    thread.join()
    assert found == [None]
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("limit", [1e10, float("inf")])
def test_a_limit_beyond_what_the_kernel_counts_is_none_of_the_callers_business(limit: float):
    reading, writing = os.pipe()
    os.write(writing, b"!")
    await_any([reading], limit)
    os.close(reading)
    os.close(writing)


def test_nor_is_it_lost_where_a_handler_raises():
    class Late(Exception):
        pass

    def raise_late(*_):
        raise Late

    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    handlers = signal.signal(signal.SIGUSR1, lambda *_: None), signal.signal(signal.SIGUSR2, raise_late)
    was = signal.set_wakeup_fd(writer)
    before = len(os.listdir("/proc/self/fd"))

    def both():
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)

    timer = threading.Timer(0.1, both)
    timer.start()
    try:
        with pytest.raises(Late):
            while True:
                await_any([], 20)
        timer.join()
        assert signal.SIGUSR1 in os.read(reader, 8)
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        signal.set_wakeup_fd(was)
        for number, handler in zip((signal.SIGUSR1, signal.SIGUSR2), handlers):
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
