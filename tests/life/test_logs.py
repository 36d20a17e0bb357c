"""Logs: streams, lines, times; rotation; a full disk; a reader that stands still."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ipycontainer.engine.log_watch import LogWatch
from ipycontainer.runtime.inside import log
from ipycontainer.runtime.inside.log import LogWriter, chunk_files
from ipycontainer.runtime.log_reader import Chunk, Lines, LogReader, read_entries
from tests.life.inside import detached, is_running, until, with_engine
from tests.personas import CHECKOUT, Persona

SIZE_LIMIT, FILES = 10 << 20, 3  # runtime/launch.py's


def test_streams_lines_and_order(persona: Persona):
    script = "echo a; echo b >&2; printf half; sleep 0.05; echo ' line'; printf end"
    container = persona.ok("create", "base", "sh", "-c", script)
    persona.ok("start", "-a", container)
    done = persona.cli("logs", container)
    assert (done.out, done.err) == ("a\nhalf line\nend", "b\n")
    told = with_engine(
        persona,
        f"""
        entries = list(engine.get({container!r}).log_entries())
        tell([[e.stream, e.data.decode()] for e in entries])
        """,
    )
    assert sorted(told[:2]) == [["stderr", "b\n"], ["stdout", "a\n"]]
    assert told[2:] == [["stdout", "half line\n"], ["stdout", "end"]]


def test_bytes_are_kept_as_they_are(persona: Persona):
    container = persona.ok("create", "base", "python3", "-c", "import os; os.write(1, bytes(range(256)) * 500)")
    persona.ok("start", "-a", container)
    assert persona.cli("logs", container).out_bytes == bytes(range(256)) * 500


def test_follow_ends_with_the_container(persona: Persona):
    container = detached(persona, "base", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done")
    assert persona.ok("logs", "-f", container, timeout=20) == "1\n2\n3"


def test_tail_since_and_times(persona: Persona):
    container = detached(persona, "base", "sh", "-c", "for i in 1 2 3 4; do echo $i; done")
    persona.ok("wait", container)
    assert persona.ok("logs", "--tail", "2", container) == "3\n4"
    assert persona.ok("logs", "--since", "1h", container) == "1\n2\n3\n4"
    line = persona.ok("logs", "-t", "--tail", "1", container)
    assert line.endswith(" 4") and line[:2] == "20" and "T" in line


@pytest.mark.parametrize("verb", ["logs", "events"])
def test_the_end_may_be_as_far_away_as_one_likes(persona: Persona, verb: str):
    container = detached(persona, "base", "sh", "-c", "echo one; sleep 1000")
    until(lambda: persona.ok("logs", container) == "one", "it has spoken")
    words = ("-f", container) if verb == "logs" else ("--since", "1h")
    watcher = persona.popen(["ipycontainer", verb, "--until", "2100-01-01", *words])
    try:
        assert watcher.stdout is not None and watcher.stdout.readline()
        persona.ok("rm", "-f", container)
        if verb == "events":
            assert any(b" destroy " in line for line in watcher.stdout)
            watcher.send_signal(signal.SIGINT)
        _, err = watcher.communicate(timeout=30)
        assert b"Traceback" not in err
    finally:
        watcher.kill()
        watcher.communicate()


def test_a_follower_that_stands_still_never_blocks_the_container(persona: Persona):
    """It reads files; what it does not read is on the disk."""
    script = "head -c 8000000 /dev/zero; echo done > /mark; sleep 1000"
    container = detached(persona, "base", "sh", "-c", f"sleep 0.2; {script}")
    reader = persona.popen(["ipycontainer", "logs", "-f", container])
    reader.send_signal(signal.SIGSTOP)
    try:
        until(lambda: persona.cli("exec", container, "cat", "/mark").out == "done\n", "the container goes on")
    finally:
        reader.kill()
        reader.communicate()


def test_an_attached_client_that_stands_still_loses_nothing_and_costs_little(persona: Persona):
    """As with a pipe to it: the program waits once a megabyte does, and goes on when it is read."""
    process = persona.popen(
        ["ipycontainer", "run", "--rm", "--name", "flood", "base", "head", "-c", "9000000", "/dev/zero"]
    )
    until(lambda: "flood" in persona.cli("ps", "-a").out, "it is there")
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate(timeout=30)
    assert (len(out), process.returncode) == (9_000_000, 0)


def test_a_client_that_never_reads_again_does_not_hold_the_end(persona: Persona):
    process = persona.popen(
        ["ipycontainer", "run", "--name", "flood", "base", "sh", "-c", "echo x; sleep 0.5; head -c 300000 /dev/zero"]
    )
    assert process.stdout is not None and process.stdout.readline() == b"x\n"
    process.send_signal(signal.SIGSTOP)
    try:
        assert persona.ok("wait", "flood", timeout=20) == "0"
        persona.ok("rm", "flood")
    finally:
        process.kill()
        process.communicate()


def test_yes_for_a_while_stays_within_the_files_limit(persona: Persona):
    container = detached(persona, "base", "yes", "y" * 8000)
    folder = persona.store / "containers" / container / "log"
    until(lambda: folder.exists() and len(chunk_files(str(folder))) == FILES, "it is rotated", 60)
    until(lambda: chunk_files(str(folder))[0] > 1, "the oldest is gone", 60)
    persona.ok("kill", container)
    persona.ok("wait", container)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= FILES * SIZE_LIMIT
    assert persona.ok("logs", "--tail", "2", container).splitlines()[0] == "y" * 8000


def _fill(folder: Path, chunks: int, size: int, **options: int) -> LogWriter:
    writer = LogWriter(str(folder), **{"size_limit": SIZE_LIMIT, "files": FILES, **options})
    for number in range(chunks):
        writer.write(log.STDOUT, b"%d " % number + b"x" * size + b"\n")
    return writer


def test_rotation_keeps_the_newest_and_never_half_a_chunk(tmp_path: Path):
    _fill(tmp_path / "log", 100, 90, size_limit=1000, files=3).end()
    files = [tmp_path / "log" / f"{number}.chunks" for number in chunk_files(str(tmp_path / "log"))]
    assert len(files) == 3 and all(file.stat().st_size <= 1000 for file in files)
    numbers = [int(entry.data.split()[0]) for entry in read_entries(str(tmp_path / "log"))]
    assert numbers == list(range(numbers[0], 100)) and len(numbers) > 15


def test_a_new_start_goes_on_in_a_new_file(tmp_path: Path):
    for _ in range(2):
        _fill(tmp_path / "log", 2, 5).end()
    assert [entry.data[:2] for entry in read_entries(str(tmp_path / "log"))] == [b"0 ", b"1 "] * 2


def test_a_reader_loses_nothing_when_its_file_is_rotated_away(tmp_path: Path):
    writer, reader = _fill(tmp_path / "log", 5, 90, size_limit=1000, files=2), LogReader(str(tmp_path / "log"))
    assert len(list(reader.chunks())) == 5
    for number in range(5, 12):
        writer.write(log.STDOUT, b"%d " % number + b"x" * 90 + b"\n")
    numbers = [int(chunk.data.split()[0]) for chunk in reader.chunks()]
    assert numbers == list(range(5, 12))


def test_a_reader_that_is_too_slow_for_the_rotation_says_so_and_glues_no_lines(tmp_path: Path):
    writer, reader, lines = (
        _fill(tmp_path / "log", 5, 90, size_limit=1000, files=2),
        LogReader(str(tmp_path / "log")),
        Lines(),
    )
    writer.write(log.STDOUT, b"the beginning ")
    found = [entry for chunk in reader.chunks() for entry in lines.feed(chunk)]
    for number in range(6, 60):
        writer.write(log.STDOUT, b"%d " % number + b"x" * 90 + b"\n")
    found += [entry for chunk in reader.chunks() for entry in lines.feed(chunk)]
    note = [number for number, entry in enumerate(found) if entry.stream == "stderr"]
    assert len(note) == 1 and b"files were rotated away before they were read" in found[note[0]].data
    # The file that was open is read to its end, and what it leaves open is not what the next one begins with.
    before, after = found[: note[0]], found[note[0] + 1 :]
    assert before[5].data.startswith(b"the beginning 6 ") and all(entry.data.endswith(b"\n") for entry in before)
    numbers = [int(entry.data.split()[0]) for entry in after]
    assert numbers == list(range(numbers[0], 60))


def test_half_a_line_before_lost_files_is_a_line(tmp_path: Path):
    writer, reader, lines = LogWriter(str(tmp_path / "log"), 100, 1), LogReader(str(tmp_path / "log")), Lines()
    found = []
    for text in (b"a" * 80, b"b" * 80, b"c" * 80 + b"\n"):
        writer.write(log.STDOUT, text)
        if text[:1] != b"b":
            found += [entry.data for chunk in reader.chunks() for entry in lines.feed(chunk)]
    assert (found[0], found[2]) == (b"a" * 80 + b"\n", b"c" * 80 + b"\n") and b": 1 of the log's files" in found[1]


def test_who_looks_at_a_part_is_told_of_the_rest_and_finds_all_of_it(tmp_path: Path):
    _fill(tmp_path / "log", 50, 90, size_limit=1000).end()
    watch = LogWatch(SimpleNamespace(folder=str(tmp_path), name="long"))  # type: ignore[arg-type]
    written, found, looks = len(list(read_entries(str(tmp_path / "log")))), [], 0
    more = True
    while more:
        pieces, passed, more = watch.read(1000, most=300)
        assert passed == 0
        found += [int(line.split()[0]) for _, data in pieces for line in data.splitlines()]
        looks += 1
    watch.close()
    assert looks > 4 and found == list(range(50 - written, 50))


def test_a_line_that_comes_byte_by_byte_is_read_in_no_time():
    """Put together anew at each byte, a megabyte's line is half a million megabytes to copy."""
    lines, before = Lines(), time.process_time()
    one = Chunk(1.0, log.STDOUT, b"x")
    found = [entry for _ in range(600_000) for entry in lines.feed(one)]
    found += [*lines.feed(Chunk(2.0, log.STDOUT, b"end\nmore")), *lines.flush()]
    assert [(entry.time, len(entry.data)) for entry in found] == [(1.0, 600_004), (2.0, 4)]
    assert time.process_time() - before < 10


def test_who_looks_is_not_flooded_by_pieces(tmp_path: Path):
    """A byte here, a byte there: each piece is a node of a page."""
    writer = LogWriter(str(tmp_path / "log"), 100 << 20, 3)
    for number in range(30_000):
        writer.write((log.STDOUT, log.STDERR)[number % 2], b"x")
    for _ in range(30_000):
        writer.write(log.STDOUT, b"y")
    writer.end()
    watch = LogWatch(SimpleNamespace(folder=str(tmp_path), name="drops"))  # type: ignore[arg-type]
    pieces, passed, more = watch.read(100_000)
    watch.close()
    assert not more and len(pieces) < 100_000 / 65 + 1
    text = b"".join(data for _, data in pieces)
    assert passed + len(text) == 60_000 and text.endswith(b"xy" + b"y" * 29_999)


def test_half_a_chunk_is_read_again_when_it_is_whole(tmp_path: Path):
    """On a full disk the writer takes half a chunk back and writes another in its place."""
    writer, reader = _fill(tmp_path / "log", 1, 5), LogReader(str(tmp_path / "log"))
    file = tmp_path / "log" / "1.chunks"
    whole = file.stat().st_size
    with file.open("ab") as raw:
        raw.write(log.HEADER.pack(time.time(), 100, log.STDOUT) + b"half")
    assert len(list(reader.chunks())) == 1
    os.truncate(file, whole)
    writer.write(log.STDOUT, b"other\n")
    assert [chunk.data for chunk in reader.chunks()] == [b"other\n"]


FULL = """
import os, subprocess, sys
sys.path.insert(0, sys.argv[2])
from ipycontainer.runtime.inside.log import STDOUT, LogWriter
from ipycontainer.runtime.log_reader import read_entries
folder = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "full", folder], check=True)
with open(folder + "/ballast", "wb") as ballast:
    ballast.write(bytes(192 << 10))
writer = LogWriter(folder + "/log", 10 << 20, 3)
for number in range(100):
    writer.write(STDOUT, b"%d " % number + b"x" * 4000 + b"\\n")
entries = [entry.data for entry in read_entries(folder + "/log")]
kept = [int(data.split()[0]) for data in entries if data[:1] != b"["]
assert kept == list(range(len(kept))) and 5 < len(kept) <= 16, kept
os.unlink(folder + "/ballast")
writer.write(STDOUT, b"room again\\n")
writer.end()
entries = [entry.data for entry in read_entries(folder + "/log")]
assert entries[-1] == b"room again\\n"
# The count is written as soon as there is room for it, so there may be several.
lost = [data for data in entries if data[:1] == b"["]
assert all(data.endswith(b" bytes of output were lost: the disk was full]\\n") for data in lost)
dropped = sum(len(b"%d " % number) + 4001 for number in range(len(kept), 100))
assert sum(int(data[1:].split()[0]) for data in lost) == dropped, lost
print("counted")
"""


def test_a_full_disk_drops_and_counts_and_never_stops(tmp_path: Path):
    """A small tmpfs in a mount namespace of its own."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    command = [*unshare, sys.executable, "-I", "-c", FULL, str(tmp_path), str(CHECKOUT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "counted\n", done


@pytest.mark.personas("root")
def test_a_container_whose_log_s_disk_is_full_runs_to_its_end(persona: Persona):
    """/dev/full as its log file would be too easy: the folder is a file, so that nothing can be made in it."""
    container = persona.ok("create", "base", "sh", "-c", "head -c 3000000 /dev/zero; exit 6")
    (persona.store / "containers" / container / "log").write_text("in the way")
    done = persona.cli("start", "-a", container)
    assert (done.exit_code, len(done.out_bytes)) == (6, 3_000_000)


def test_the_monitor_stays_small_while_a_client_stands_still(persona: Persona):
    process = persona.popen(["ipycontainer", "run", "--name", "flood", "base", "yes"])
    assert process.stdout is not None and process.stdout.read(2) == b"y\n"
    process.send_signal(signal.SIGSTOP)
    try:
        monitor = with_engine(persona, "tell(engine.get('flood').state().monitor)")
        time.sleep(0.5)
        with open(f"/proc/{monitor}/status", encoding="utf-8") as file:
            kilobytes = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        assert is_running(monitor) and kilobytes < 40_000
    finally:
        process.kill()
        process.communicate()
