"""Events and logs as streams in Python: `for`, `async for`, time limits, and a close from elsewhere."""

from __future__ import annotations

import pytest

from tests.life.inside import with_engine
from tests.personas import Persona

TALKER = "for i in 1 2 3; do echo line $i; sleep 0.1; done"


def test_lines_as_they_come(persona: Persona, nothing_left: None):
    told = with_engine(
        persona,
        f"""
        one = engine.run("base", ["sh", "-c", {TALKER!r}], detach=True)
        lines = [entry.data.decode() for entry in one.logs(follow=True)]
        tell([lines, one.logs().decode(), one.wait()])
        one.remove()
        """,
    )
    lines = ["line 1\n", "line 2\n", "line 3\n"]
    assert told == [lines, "".join(lines), 0]


def test_lines_and_events_beside_each_other_in_coroutines(persona: Persona):
    told = with_engine(
        persona,
        f"""
        import asyncio

        async def lines(one):
            return [entry.data.decode() async for entry in one.follow()]

        async def until_it_died(stream, one):
            seen = []
            async for event in stream:
                if event.id == one.id:
                    seen.append(event.action)
                    if event.action == "die":
                        return seen

        async def main():
            stream = engine.events()
            one = engine.run("base", ["sh", "-c", {TALKER!r}], detach=True)
            said, seen, code = await asyncio.gather(lines(one), until_it_died(stream, one), one.ended(30))
            stream.close()
            one.remove()
            return [said, seen, code]

        tell(asyncio.run(main()))
        """,
    )
    assert told == [["line 1\n", "line 2\n", "line 3\n"], ["create", "start", "die"], 0]


def test_a_time_limit(persona: Persona):
    told = with_engine(
        persona,
        """
        import asyncio
        one = engine.run("base", ["sh", "-c", "echo first; sleep 100"], detach=True)
        stream = one.follow(timeout=0.3)
        found = [next(stream).data.decode()]
        for wait in (lambda: next(stream), lambda: next(engine.events(timeout=0.1)),
                     lambda: asyncio.run(anext(engine.events(timeout=0.1))), lambda: asyncio.run(one.ended(0.1))):
            try:
                found.append(repr(wait()))
            except errors.TimedOut as error:
                found.append(str(error).partition(";")[0])
        one.remove(force=True)
        tell([found, [entry.data.decode() for entry in stream]])
        """,
    )
    assert told == [
        [
            "first\n",
            "nothing came within 0.3 s",
            "nothing came within 0.1 s",
            "nothing came within 0.1 s",
            "the container did not end within 0.1 s",
        ],
        [],
    ]


def test_closed_from_another_thread_and_cancelled(persona: Persona):
    told = with_engine(
        persona,
        """
        import asyncio, os, threading
        one = engine.run("base", ["sleep", "100"], detach=True)
        before = len(os.listdir("/proc/self/fd"))
        ends = []
        for stream in (one.follow(), engine.events()):
            threading.Timer(0.2, stream.close).start()
            ends.append(list(stream))

        async def cancelled(stream):
            task = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0.1)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                ends.append("cancelled")
            stream.close()

        asyncio.run(cancelled(one.follow()))
        asyncio.run(cancelled(engine.events()))
        with engine.events() as stream:
            pass
        ends.append(list(stream))
        del stream
        after = len(os.listdir("/proc/self/fd"))
        one.remove(force=True)
        tell([ends, after - before])
        """,
    )
    assert told == [[[], [], "cancelled", "cancelled", []], 0]


def test_between_two_moments(persona: Persona):
    told = with_engine(
        persona,
        f"""
        import time
        one = engine.run("base", ["sh", "-c", {TALKER!r}], detach=True)
        begun = time.time()
        stream = one.follow(until=begun + 0.5)
        lines = list(stream)
        took = time.time() - begun
        early = [event.action for event in engine.events(since=begun - 5, until=begun, follow=False)]
        some = [entry.data.decode() for entry in one.follow(tail=1)]
        tell([len(lines), took < 3, early[-2:], some, one.wait()])
        one.remove()
        """,
    )
    assert told == [3, True, ["create", "start"], ["line 3\n"], 0]


def test_a_flood_comes_whole(persona: Persona):
    told = with_engine(
        persona,
        """
        one = engine.run("base", ["seq", "100000"], detach=True)
        total = sum(len(entry.data) for entry in one.follow())
        one.wait()
        tell([total, len(one.logs())])
        one.remove()
        """,
    )
    assert told == [588895, 588895]


def test_nobody_looks_in_a_loop(persona: Persona):
    """Two seconds of waiting for a silent container's lines and for events take no time of the CPU."""
    told = with_engine(
        persona,
        """
        import os, threading, time
        one = engine.run("base", ["sleep", "100"], detach=True)
        streams = [one.follow(), engine.events()]
        threads = [threading.Thread(target=list, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        before = time.process_time()
        time.sleep(2)
        took = time.process_time() - before
        for stream in streams:
            stream.close()
        for thread in threads:
            thread.join()
        one.remove(force=True)
        tell(took < 0.01)
        """,
    )
    assert told


@pytest.mark.personas("root")
def test_where_no_watch_is_left(persona: Persona):
    """Without inotify it is looked again and again, and nothing is lost."""
    told = with_engine(
        persona,
        f"""
        from ipycontainer.linux import inotify
        def none_left(self):
            raise errors.KernelError("inotify_init1", 24)
        inotify.Inotify.__init__ = none_left
        one = engine.run("base", ["sh", "-c", {TALKER!r}], detach=True)
        stream = engine.events(since=one.created)
        lines = [entry.data.decode() for entry in one.follow()]
        tell([lines, next(stream).action, one.wait()])
        one.remove()
        """,
    )
    assert told == [["line 1\n", "line 2\n", "line 3\n"], "create", 0]
