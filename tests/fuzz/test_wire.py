"""The launcher's wire: a hostile client of the same user, a hostile launcher, and no end of either's own making."""

from __future__ import annotations

import _socket
import os
import time

from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.errors import Error
from ipycontainer.launcher.pending import unwrap
from ipycontainer.launcher.wire import Channel
from ipycontainer.runtime.attachment import Attachment
from ipycontainer.runtime.inside.streams import Streams
from tests.fuzz.some import text_like
from tests.life.inside import with_engine
from tests.personas import Persona

ANSWERS = {
    "answer": {"exit_code": 1, "oom_killed": False},
    "error": {"class": "KernelError", "sentence": "x", "call": "y", "errno": 2, "path": "z"},
    "started": 4, "created": 4, "failed": {"class": "StartError", "sentence": "x"}, "signal": 4, "resize": [2, 3],
}  # fmt: skip


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, str]:
    """What one message holds, and which descriptor goes with it."""
    kind = draw(st.sampled_from([b"j", b"m", b"o", b"e", b"i", b"x", b"\xff", b""]))
    along = draw(st.sampled_from(["", "memfd", "empty", "long", "pipe", "folder", "two"]))
    return kind + draw(text_like(ANSWERS)), along


def descriptors(kind: str, content: bytes) -> list[int]:
    """The descriptors of that kind, to be closed."""
    if kind == "pipe":
        return list(os.pipe())
    if kind == "folder":
        return [os.open("/", os.O_RDONLY)]
    if not kind:
        return []
    memory = os.memfd_create("fuzz")
    if kind == "long":
        os.truncate(memory, 1 << 40)
    elif kind != "empty":
        os.write(memory, content)
    return [memory] if kind != "two" else [memory, os.dup(memory)]


def pair() -> tuple[_socket.socket, Channel]:
    left, right = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    right.settimeout(5)
    return left, Channel(right)


def say(sock: _socket.socket, raw: bytes, kind: str) -> None:
    given_descriptors = descriptors(kind, raw[1:])
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, b"".join(n.to_bytes(4, "little") for n in given_descriptors))]
    sock.sendmsg([raw], rights if given_descriptors else [])
    for descriptor in given_descriptors:
        os.close(descriptor)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@given(st.lists(messages(), min_size=1, max_size=3))
def test_a_hostile_launcher(said: list[tuple[bytes, str]]):
    """Whoever attends to its answers gets an error of ours, and no descriptor stays open."""
    before = open_descriptors()
    sock, channel = pair()
    attachment = Attachment(channel, 1)
    for raw, kind in said:
        say(sock, raw, kind)
    sock.close()
    try:
        for _ in attachment:
            pass
    except Error as error:
        str(error)
    attachment.close()
    assert open_descriptors() == before


@given(text_like(ANSWERS))
def test_an_answer(raw: bytes):
    sock, channel = pair()
    sock.send(b"j" + raw)
    try:
        message = channel.receive()
        assert message is not None
        unwrap(message.document)
    except Error:
        pass
    finally:
        sock.close()
        channel.close()


@given(st.lists(messages(), min_size=1, max_size=3))
def test_a_hostile_client_of_a_monitor(said: list[tuple[bytes, str]]):
    """The monitor outlives what an attached client says; a program shall not die of it."""
    sock, channel = pair()
    streams = Streams(channel, None)
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    pidfd = os.pidfd_open(child)
    for raw, kind in said:
        # Not a signal that ends the program: that is a client's right.
        say(sock, raw.replace(b"signal", b"sagnil"), kind)
    sock.close()
    reading, writing = os.pipe()
    os.close(writing)
    streams.take([reading, os.open("/dev/null", os.O_RDONLY)], False)
    os.kill(child, 9)
    streams.pump(pidfd)
    streams.drain()
    streams.finish({"answer": {}}, wait=False)
    os.waitpid(child, 0)
    os.close(pidfd)


REQUESTS = [
    b"", b"j", b"jx", b"m", b"j[]", b"j1", b'j{"job":"run"}', b'j{"job":["x"],"request":{}}',
    b'j{"job":"no such job","request":{}}', b'j{"job":"run","request":[]}', b'j{"job":"run","request":{"id":1}}',
    b'j{"job":"kill","request":{}}', b'j{"job":"kill","request":{"run":"/etc","signal":9}}',
    b'j{"job":"sweep","request":{"run":5}}', b'j{"job":"exec","request":{"spec":{}}}',
    b'j{"job":"images.unpack","request":{}}', b'j{"job":"images.remove","request":{"names":["../x"]}}',
    b'j{"job":"run","request":{"a":1,"a":2}}', b'j{"job":"\\ud800","request":{}}',
]  # fmt: skip

HOSTILE = """
import _socket, os, select
requests = {requests!r} + [b"j" + b"[" * 60000, b"x" * 70000]
def ask(raw, descriptor):
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    sock.connect(engine.launcher.socket_path)
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptor.to_bytes(4, "little"))] if descriptor >= 0 else []
    sock.sendmsg([raw], rights)
    if not raw:
        sock.close()
        return b"gone"
    sock.settimeout(10)
    try:
        answer = sock.recv(65536)
    except ConnectionResetError:
        answer = b"reset"
    sock.close()
    return answer
engine.launcher.connect().close()
reading, writing = os.pipe()
memory = os.memfd_create("x")
huge = os.memfd_create("huge")
os.truncate(huge, 1 << 40)
said = []
for raw in requests:
    for descriptor in (-1, reading, memory, huge):
        answer = ask(raw, descriptor)
        said.append([repr(raw[:60]), descriptor, answer.decode("utf-8", "replace")])
pid = engine.launcher.running_pid()
result = engine.run("base", ["echo", "on"], remove=True)
tell([said, result.text, pid == engine.launcher.running_pid()])
"""


def test_a_hostile_client(persona: Persona):
    """Every request gets one of our errors for an answer, and the launcher goes on."""
    persona.ok("system", "shutdown")
    said, text, same = with_engine(persona, HOSTILE.format(requests=REQUESTS))
    unanswered = [
        (raw, number) for raw, number, answer in said if not answer.startswith(('j{"error"', 'j{"answer"', "gone"))
    ]
    assert unanswered == []
    assert text == "on\n" and same
