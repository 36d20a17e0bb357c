"""Following a program from a cell: output as it comes, and the interrupt button.

The attachment here is an ordinary process of this machine; the same with
containers stands in test_interrupts.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time

import pytest

from ipycontainer.jupyter.follow import follow
from ipycontainer.jupyter.stream import CellStream


class Program:
    """A process in the shape of an Attachment."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.exit_code = None

    def fileno(self):
        return self.process.stdout.fileno()

    def __iter__(self):
        while chunk := os.read(self.fileno(), 65536):
            yield "stdout", chunk
        ended = self.process.wait()
        self.exit_code = ended if ended >= 0 else 128 - ended

    def signal(self, number):
        self.process.send_signal(number)


class Page:
    def __init__(self):
        self.shown = []

    def write(self, text):
        self.shown.append((time.monotonic(), text))

    def flush(self):
        self.shown.append((time.monotonic(), None))

    @property
    def text(self):
        return "".join(text for _, text in self.shown if text)


@pytest.fixture
def page():
    return Page()


def followed(page, *command, patience=2.0):
    return follow(Program(*command), {"stdout": CellStream(page.write, page.flush)}, patience)


def pressing(*delays):
    def press():
        for delay in delays:
            time.sleep(delay)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def test_output_and_exit_code(page):
    ending = followed(page, "sh", "-c", "echo hello; exit 3")
    assert (page.text, ending.exit_code, ending.sent) == ("hello\n", 3, 0)


def test_a_prompt_without_newline_is_flushed_while_the_program_goes_on(page):
    followed(page, "sh", "-c", "printf a; printf b; sleep 0.01; printf c; sleep 0.6")
    last_text = max(when for when, text in page.shown if text)
    flush_after = min(when for when, text in page.shown if text is None and when >= last_text)
    assert flush_after - last_text < 0.2


def test_a_press_sends_int(page):
    thread = pressing(0.3)
    ending = followed(page, "sleep", "30")
    thread.join()
    assert (ending.exit_code, ending.sent) == (130, signal.SIGINT)


def test_a_program_that_ignores_int_is_killed_in_time(page):
    thread = pressing(0.3)
    started = time.monotonic()
    ending = followed(page, "sh", "-c", "trap '' INT; exec sleep 30", patience=0.5)
    thread.join()
    assert (ending.exit_code, ending.sent) == (137, signal.SIGKILL)
    assert 0.7 < time.monotonic() - started < 5


def test_a_second_press_kills_at_once(page):
    thread = pressing(0.3, 0.3)
    started = time.monotonic()
    ending = followed(page, "python3", "-c", "import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(30)")
    thread.join()
    assert (ending.exit_code, ending.sent) == (137, signal.SIGKILL)
    assert time.monotonic() - started < 2


def test_a_flood_is_interrupted_promptly(page):
    thread = pressing(0.5)
    started = time.monotonic()
    ending = followed(page, "yes")
    thread.join()
    assert ending.exit_code == 130
    assert time.monotonic() - started < 2
    assert "cut here" in page.text and len(page.text) < 700_000


def test_the_button_works_as_before_afterwards(page):
    before = signal.getsignal(signal.SIGINT)
    followed(page, "true")
    assert signal.getsignal(signal.SIGINT) is before
