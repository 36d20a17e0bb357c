"""Live pictures in a real kernel: they move while somebody looks, and end with their container."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ipycontainer.jupyter.widgets import picture
from ipycontainer.jupyter.widgets.series import POINTS, Series, words
from tests.jupyter.kernels import Kernel
from tests.personas import Persona

BUSY = """
from ipycontainer import Engine
engine = Engine()
box = engine.run("base", ["sh", "-c", "while :; do :; done"], detach=True, name="busy")
"""
THREADS = "import threading; print([t.name for t in threading.enumerate() if t.name.startswith('ipycontainer')])"


class Looker:
    """A browser's side of one widget: the messages of its comm."""

    def __init__(self, kernel: Kernel, code: str) -> None:
        self.kernel = kernel
        client = kernel.client
        ticket = client.execute(code, allow_stdin=False)
        self.comm, self.bundle = "", {}
        while True:
            message = client.get_iopub_msg(timeout=30)
            content = message["content"]
            if message["parent_header"].get("msg_id") != ticket:
                continue
            if message["msg_type"] == "comm_open":
                self.comm = content["comm_id"]
            elif message["msg_type"] == "display_data":
                self.bundle = content["data"]
            elif message["msg_type"] == "error":
                raise AssertionError(content["traceback"])
            elif content.get("execution_state") == "idle":
                break
        client.get_shell_msg(timeout=10)

    def tell(self, subshell: str | None = None, **content: Any) -> None:
        """What view.js says; subshell: in which of the kernel's threads it wants to be heard (JEP 91)."""
        client = self.kernel.client
        data = {"method": "custom", "content": content}
        message = client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        message["header"]["subshell_id"] = subshell
        client.shell_channel.send(message)

    def ask_control(self, kind: str, **content: Any) -> dict[str, Any]:
        """The reply to a request on the control channel."""
        client = self.kernel.client
        message = client.session.msg(f"{kind}_request", content)
        client.control_channel.send(message)
        while True:
            reply = client.get_control_msg(timeout=10)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                assert reply["content"]["status"] == "ok", reply
                return dict(reply["content"])

    def hear(self, seconds: float = 10.0, until: str = "") -> list[dict[str, Any]]:
        """What was told within some seconds, or until a message of that kind (which is then the last)."""
        heard = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.kernel.client.get_iopub_msg(timeout=left)
            except queue.Empty:
                break
            if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == self.comm:
                heard.append(message["content"]["data"]["content"])
                if until and heard[-1]["kind"] == until:
                    return heard
            elif message["msg_type"] == "update_display_data":
                heard.append({"kind": "update", "data": message["content"]["data"]})
                if until == "update":
                    return heard
        assert not until, f"no {until}: {heard}"
        return heard


@pytest.fixture
def busy(kernel: Kernel) -> Iterator[Kernel]:
    """A kernel with `box`, which computes."""
    kernel.ok(BUSY)
    yield kernel
    kernel.ok("for each in engine.containers(all=True): each.remove(force=True)")


def test_it_moves_while_somebody_looks_and_not_otherwise(busy: Kernel):
    looker = Looker(busy, "box.usage()")
    assert busy.ok(THREADS).out == "[]\n"
    assert looker.hear(1.5) == []
    looker.tell(kind="look", who="one", begins=True)
    (first,) = looker.hear(until="whole")
    (series,) = first["series"]
    assert series["name"] == "busy" and series["counted_by"] in ("cgroup", "/proc")
    points = [message["points"][series["id"]] for message in looker.hear(3.5) if message["kind"] == "points"]
    assert 2 <= len(points) <= 5
    assert all(cpu > 0.01 and memory > 100_000 and pids >= 1 for cpu, memory, pids in points[1:]), points
    # A second one looks; the first goes; then nobody is left.
    looker.tell(kind="look", who="two", begins=True)
    assert looker.hear(until="whole")[-1]["series"][0]["points"][-len(points) :]
    looker.tell(kind="away", who="one")
    assert looker.hear(2.5)
    looker.tell(kind="away", who="two")
    looker.hear(1.5)
    assert looker.hear(2.5) == []
    assert busy.ok(THREADS).out == "[]\n"


def test_it_has_the_name_that_its_container_has_now(busy: Kernel):
    for code in ("box.usage()", "engine.dashboard()"):
        looker = Looker(busy, code)
        looker.tell(kind="look", who="one", begins=True)
        assert looker.hear(until="whole")[-1]["series"][0]["name"] == "busy"
        looker.hear(until="points")
        busy.persona.ok("rename", "busy", "renamed-busy")
        assert looker.hear(until="whole")[-1]["series"][0]["name"] == "renamed-busy"
        busy.persona.ok("rename", "renamed-busy", "busy")
        looker.hear(until="whole")
        looker.tell(kind="away", who="one")


def test_a_page_that_deletes_its_subshell_makes_the_widget_deaf_for_nobody(busy: Kernel):
    """JupyterLab makes a subshell for what it asks when it restores a page, and deletes it at once."""
    looker = Looker(busy, "box.usage()")
    looker.tell(kind="look", who="one", begins=True)
    looker.hear(until="points")
    subshell = looker.ask_control("create_subshell")["subshell_id"]
    looker.tell(subshell, kind="look", who="two", begins=True)
    looker.hear(until="whole")
    looker.hear(until="points")
    looker.ask_control("delete_subshell", subshell_id=subshell)
    looker.tell(kind="look", who="three", begins=True)
    looker.hear(until="whole")


def test_it_moves_while_a_cell_runs(busy: Kernel):
    looker = Looker(busy, "box.usage()")
    looker.tell(kind="look", who="one", begins=True)
    looker.hear(until="whole")
    busy.client.execute("import time; time.sleep(4)", allow_stdin=False)
    assert len([message for message in looker.hear(3.5) if message["kind"] == "points"]) >= 2
    busy.client.get_shell_msg(timeout=10)


def test_with_the_container_it_ends_and_leaves_a_picture(busy: Kernel):
    looker = Looker(busy, "box.usage()")
    looker.tell(kind="look", who="one", begins=True)
    looker.hear(until="points")
    begun = time.monotonic()
    busy.client.execute("box.kill()", allow_stdin=False)
    last = looker.hear(until="update")
    assert time.monotonic() - begun < 5
    assert [each for each in last if each["kind"] == "whole"][-1]["series"][0]["ended"] == "ended with exit code 137"
    assert "<polyline" in last[-1]["data"]["text/html"] and "137" in last[-1]["data"]["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" not in last[-1]["data"]
    busy.client.get_shell_msg(timeout=10)
    # A browser that goes on looking learns nothing new, and nothing is measured for it.
    looker.tell(kind="look", who="one")
    assert looker.hear(1.5) == []
    assert busy.ok(THREADS).out == "[]\n"
    looker.tell(kind="look", who="two", begins=True)
    looker.hear(until="whole")


KEPT = (
    "import gc; from ipycontainer.jupyter.widgets import live; gc.collect(); "
    "print(sum(isinstance(each, live.LiveUsage) for each in gc.get_objects()), "
    "len(get_ipython().events.callbacks['pre_run_cell']))"
)


@pytest.mark.parametrize("says_so", [True, False], ids=["says away", "says nothing more"])
def test_after_that_nothing_is_kept_for_nobody(busy: Kernel, says_so: bool):
    before = busy.ok(KEPT).out
    busy.ok("from ipycontainer.jupyter.widgets import sampler; lease, sampler.LEASE = sampler.LEASE, 3.0")
    looker = Looker(busy, "box.usage()")
    looker.tell(kind="look", who="one", begins=True)
    looker.hear(until="points")
    assert busy.ok(KEPT).out != before
    looker.tell(kind="look", who="one")
    busy.client.execute("box.kill()", allow_stdin=False)
    looker.hear(until="update")
    assert busy.ok(KEPT).out != before, "it still looks"
    if says_so:
        looker.tell(kind="away", who="one")
    else:
        time.sleep(3.5)
    busy.ok("sampler.LEASE = lease")
    assert busy.ok(KEPT).out == before


def test_one_that_nobody_looked_at_ends_with_its_container_too(busy: Kernel):
    """Its page is closed, or its view was out of sight: in a notebook that runs for days one more stays each time."""
    before = busy.ok(KEPT).out
    looker = Looker(busy, "box.usage()")
    assert busy.ok(KEPT).out != before, "it runs, and may be looked at yet"
    busy.ok("box.kill(); box.wait()")
    busy.client.execute("'the next cell'", allow_stdin=False)
    (last,) = looker.hear(until="update")
    busy.client.get_shell_msg(timeout=10)
    assert "137" in last["data"]["text/plain"]
    assert busy.ok(KEPT).out == before


def test_a_page_without_a_kernel_gets_what_there_was_to_see(busy: Kernel):
    """What a runner keeps of the widget is its state: nobody will tell its view anything."""
    busy.ok("box.usage()")
    seen = "[each.first for each in gc.get_objects() if isinstance(each, live.LiveUsage) and each.comm]"
    busy.ok(KEPT)
    assert busy.ok(f"print([(one['name'], len(one['points'])) for one in {seen}[-1]])").out == "[('busy', 1)]\n"


GIVEN_UP = "for each in gc.get_objects():\n    if isinstance(each, live.LiveUsage): each.close()\ndel each"
WIDGETS = "from ipywidgets.widgets.widget import _instances; print(len(_instances))"


def test_one_whose_cell_is_run_again_is_let_go_of(busy: Kernel):
    """Its output is gone; a dashboard's own end never comes, and each run would leave one more."""
    busy.ok(KEPT)
    busy.ok(GIVEN_UP)
    pictures, watches = map(int, busy.ok(KEPT).out.split())
    widgets = busy.ok(WIDGETS).out
    for cell in ("first", "second", "first", "first", "second"):
        session = busy.client.session
        content = {"code": "engine.dashboard()", "silent": False, "allow_stdin": False}
        message = session.msg("execute_request", content, metadata={"cellId": cell})
        busy.started = time.monotonic()
        busy.client.shell_channel.send(message)
        assert busy.finish(message["header"]["msg_id"]).status == "ok"
    assert busy.ok(KEPT).out.split() == [str(pictures + 2), str(watches + 2)]
    busy.ok(GIVEN_UP)
    assert busy.ok(WIDGETS).out == widgets, "each has a layout"


def test_the_dashboard_hears_of_starts_and_ends(busy: Kernel):
    looker = Looker(busy, "engine.dashboard()")
    assert "busy" in looker.bundle["text/html"] and "<svg" in looker.bundle["text/html"]
    looker.tell(kind="look", who="one", begins=True)
    looker.hear(until="points")
    busy.client.execute("other = engine.run('base', ['sleep', '100'], detach=True, name='other')", allow_stdin=False)
    wholes = [each for each in looker.hear(3) if each["kind"] == "whole"]
    assert {series["name"] for series in wholes[-1]["series"]} == {"busy", "other"}
    # The points of the one that was there go on.
    assert [len(series["points"]) >= 2 for series in wholes[-1]["series"] if series["name"] == "busy"] == [True]
    busy.client.execute("other.remove(force=True)", allow_stdin=False)
    wholes = [each for each in looker.hear(3) if each["kind"] == "whole"]
    assert {series["name"] for series in wholes[-1]["series"]} == {"busy"}


def test_the_dashboard_goes_on_after_a_reset(fresh_persona: Persona):
    kernel = Kernel(fresh_persona)
    try:
        kernel.ok(f"%load_ext ipycontainer\n{BUSY}", timeout=120)
        looker = Looker(kernel, "engine.dashboard()")
        looker.tell(kind="look", who="one", begins=True)
        looker.hear(until="points")
        kernel.ok("%container system reset -f")
        kernel.client.execute("again = engine.run('base', ['sleep', '100'], detach=True, name='again')")
        deadline, shown = time.monotonic() + 20, ["busy"]
        while shown != ["again"]:
            assert time.monotonic() < deadline, shown
            shown = [series["name"] for series in looker.hear(until="whole")[-1]["series"]]
        kernel.ok("again.remove(force=True)")
    finally:
        kernel.close()


def test_numbers_for_whom_wants_numbers(busy: Kernel):
    reply = busy.ok("now = box.usage(); print(now.memory > 0, now.pids_current, now.counted_by, now.cpus_max)")
    assert reply.out.split() == ["True", "1", "cgroup" if busy.persona.is_root else reply.out.split()[2], "None"]
    assert "busy: CPU" in busy.ok("print(repr(box.usage()), repr(engine.dashboard()))").out


def test_rich_forms(busy: Kernel):
    (bundle,) = busy.ok("box").data
    assert bundle["text/plain"].startswith("<Container busy") and "<td" in bundle["text/html"]
    (bundle,) = busy.ok("engine.images()[0]").data
    assert "base:latest" in bundle["text/plain"] and "base:latest</td>" in bundle["text/html"]
    (bundle,) = busy.ok("box.top()").data
    assert bundle["text/plain"].startswith("UID") and "<td" in bundle["text/html"]
    (bundle,) = busy.ok("engine.doctor()").data
    assert "WHAT WOULD MEND IT" in bundle["text/html"] and "Finding(" in bundle["text/plain"]
    (one,) = busy.ok("engine.volumes.create('rich-form')").data
    (all,) = busy.ok("engine.volumes").data
    assert all["text/plain"].startswith("<Volumes of") and one["text/plain"] == "<Volume rich-form>"
    assert ">rich-form</td>" in one["text/html"] and ">rich-form</td>" in all["text/html"]
    busy.ok("engine.volumes.remove('rich-form')")


class _Reading:
    """What a Series begins with, without a container."""

    def __init__(self, name: str) -> None:
        self.container = type("Box", (), {"id": "1", "name": name})()
        self.counted_by, self.time = "/proc", 1.0
        self.cpus_max, self.memory_max, self.pids_max = 0.5, 64 << 20, None
        self.cpu_usec, self.memory, self.pids_current = 0, 32 << 20, 3


def test_a_picture_is_escaped_text_and_numbers():
    series = Series(_Reading('<script>"\x1b[2J'))  # type: ignore[arg-type]
    for second in range(2, 100):
        series.add(float(second), second * 250_000, 32 << 20, 3)
    assert len(series.points) == POINTS and series.points[-1] == (0.25, 32 << 20, 3)
    for html in (picture.one(series), picture.many([series])):
        assert "<script>" not in html and "&lt;script&gt;&quot;\\x1b[2J" in html and "\x1b" not in html
        assert html.count("stroke-dasharray") == 2  # two of the three are limited
    assert picture.many([]) == "<p>No container runs.</p>"


@pytest.mark.parametrize(
    ("key", "value", "limit", "said"),
    [
        ("cpu", 0.25, 0.5, "0.25 of 0.5 CPUs"),
        ("cpu", None, 0.5, "not counted yet"),
        ("memory", 32 << 20, 64 << 20, "32.0 MB of 64.0 MB"),
        ("memory", 3 << 30, None, "3.00 GB"),
        ("pids", 3, None, "3"),
    ],
)
def test_words(key: str, value: float | None, limit: float | None, said: str):
    assert words(key, value, limit) == said
