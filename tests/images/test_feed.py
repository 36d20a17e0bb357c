"""A stream between this process and a job, where the job, or the launcher before it, is killed in the middle."""

from __future__ import annotations

import pytest

from tests.personas import Persona

pytestmark = pytest.mark.timeout(120)

BEGIN = """
import hashlib, io, json, os, signal, sys, tarfile, time
sys.path.insert(0, {checkout!r})
from ipycontainer import Engine
from ipycontainer.errors import Error
from ipycontainer.images.drain import Drain
from ipycontainer.images.feed import feed
from tests.crash.victims import is_running

engine = Engine()
launcher = engine.launcher
store = engine.store
store.resolve("base")
lowers = [os.path.basename(os.path.dirname(path)) for path in store.launch("base").lowers]
folder = os.open(os.path.join(engine.root, "layers"), os.O_RDONLY)
place = os.path.join(engine.root, "fed")
os.mkdir(place)
fed = os.open(place, os.O_RDONLY)

def children(pid):
    with open(f"/proc/{{pid}}/task/{{pid}}/children") as file:
        return [int(word) for word in file.read().split()]

def name(pid):
    with open(f"/proc/{{pid}}/comm") as file:
        return file.read().strip()

def kill_jobs():
    for pid in children(launcher.running_pid()):
        try:
            if name(pid) != "ipyc-spare":
                os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass  # one that has just ended

def stop_all():
    # Nobody takes what is asked from here on.
    pid = launcher.facts()["pid"]
    time.sleep(0.3)  # the spare that heard `facts` is replaced
    found = [pid, *children(pid)]
    for one in found:
        os.kill(one, signal.SIGSTOP)
    return found

def kill_all(found):
    for one in found:
        os.kill(one, signal.SIGKILL)
    end = time.monotonic() + 10
    while any(map(is_running, found)) and time.monotonic() < end:
        time.sleep(0.01)

def archive(size):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        member = tarfile.TarInfo("large")
        member.size = size
        tar.addfile(member, io.BytesIO(bytes(size)))
    raw = raw.getvalue()
    return [raw[at:at + 65536] for at in range(0, len(raw), 65536)]

def tell(found):
    os.rmdir(place)
    print(json.dumps(found))
"""


def told(persona: Persona, code: str) -> object:
    from pathlib import Path

    return persona.python(BEGIN.format(checkout=str(Path(__file__).parents[2])) + code, timeout=100)


def test_a_job_that_is_killed_ends_what_is_written_to_it(persona: Persona):
    found = told(
        persona,
        """
asked = 0
def pieces():
    global asked
    for piece in archive(64 << 20):
        asked += 1
        if asked == 20:
            time.sleep(0.2)
            kill_jobs()
        yield piece
try:
    feed(launcher.ask, "images.unpack", {}, fed, pieces())
    said = ""
except Error as error:
    said = str(error)
engine.launcher.call("images.remove", {"names": os.listdir(place)}, [fed])
tell([said, asked])
""",
    )
    assert isinstance(found, list)
    sentence, pieces = found
    assert "'images.unpack' went away without an answer" in sentence
    assert pieces < 100, "no more than a pipe's length was written to nobody"


def test_a_job_that_is_killed_ends_what_is_read_from_it(persona: Persona):
    found = told(
        persona,
        """
count = 0
try:
    with Drain(launcher.ask, "images.export", {"lowers": lowers, "upper": "upper"}, [folder]) as pieces:
        for piece in pieces:
            if not count:
                kill_jobs()
            count += len(piece)
    said = ""
except Error as error:
    said = str(error)
tell([said, count])
""",
    )
    assert isinstance(found, list)
    assert "'images.export' went away without an answer" in found[0]
    assert found[1] < 16 << 20


def test_whoever_listens_no_more_ends_the_job(persona: Persona):
    assert not told(
        persona,
        """
with Drain(launcher.ask, "images.export", {"lowers": lowers, "upper": "upper"}, [folder]) as pieces:
    next(pieces)
end = time.monotonic() + 10
while busy := [pid for pid in children(launcher.running_pid()) if name(pid) != "ipyc-spare"]:
    assert time.monotonic() < end, busy
    time.sleep(0.01)
tell([])
""",
    )


def test_what_nobody_had_read_is_asked_of_the_next_launcher(persona: Persona):
    found = told(
        persona,
        """
def exported(after_asking):
    state = hashlib.sha256()
    with Drain(launcher.ask, "images.export", {"lowers": lowers, "upper": "upper"}, [folder]) as pieces:
        after_asking()
        for piece in pieces:
            state.update(piece)
    return state.hexdigest()

def unpacked(before_writing):
    def pieces():
        yield from archive(300_000)[:3]
        before_writing()
        yield from archive(300_000)[3:]
    answer = feed(launcher.ask, "images.unpack", {}, fed, pieces())
    launcher.call("images.remove", {"names": os.listdir(place)}, [fed])
    return answer["size"]

whole = exported(lambda: None)
open_before = len(os.listdir("/proc/self/fd"))
first = launcher.running_pid()
stopped = stop_all()
again = exported(lambda: kill_all(stopped))
second = launcher.running_pid()
stopped = stop_all()
size = unpacked(lambda: kill_all(stopped))
third = launcher.running_pid()
tell([whole == again, size, len({first, second, third}), len(os.listdir("/proc/self/fd")) - open_before])
""",
    )
    assert found == [True, 300_000, 3, 0]
