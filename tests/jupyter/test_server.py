"""The side bar's server half: who may, what it answers, what it tells as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import websocket
from tornado.web import RequestHandler

from ipycontainer.jupyter.server.extension import ADDRESSES
from tests.lab import Lab
from tests.personas import Persona

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def labs() -> Iterator[dict[str, Lab]]:
    started: dict[str, Lab] = {}
    yield started
    for lab in started.values():
        lab.close()


@pytest.fixture
def lab(persona: Persona, labs: dict[str, Lab]) -> Lab:
    if persona.name not in labs:
        labs[persona.name] = Lab(persona)
    return labs[persona.name]


@pytest.fixture
def any_lab(_everybody: dict[str, Persona], labs: dict[str, Lab]) -> Lab:
    """One of an ordinary user (root where there is none), for what is the same for all."""
    persona = _everybody.get("user") or next(iter(_everybody.values()))
    if persona.name not in labs:
        labs[persona.name] = Lab(persona)
    return labs[persona.name]


class Listener:
    """What the stream says, put together as the side bar does it."""

    def __init__(self, lab: Lab) -> None:
        self.socket = lab.socket("ipycontainer/stream")
        self.containers: dict[str, Any] = {}
        self.images: dict[str, Any] = {}
        self.volumes: dict[str, Any] = {}
        self.problem = ""
        self.messages: list[dict[str, Any]] = []
        self.command = json.loads(self.socket.recv())["command"]

    def take(self) -> None:
        message = json.loads(self.socket.recv())
        self.messages.append(message)
        self.problem = message["problem"]
        for name, known in (
            ("containers", self.containers),
            ("images", self.images),
            ("volumes", self.volumes),
        ):
            if message["whole"]:
                known.clear()
            for identity in message[name]["removed"]:
                del known[identity]
            known.update({row["id"]: row for row in message[name]["changed"]})

    def until(self, true: Any, seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not self.messages or not true():
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                self.take()
            except websocket.WebSocketTimeoutException:
                raise AssertionError(f"it was not told within {seconds} s: {self.messages}") from None

    def status(self, identity: str) -> str:
        return str(self.containers.get(identity, {}).get("status", ""))

    def close(self) -> None:
        self.socket.close()


def paths() -> list[str]:
    """An address for each handler."""
    examples = {"([a-zA-Z0-9][a-zA-Z0-9_.-]*)": "box", "(start|stop|kill|pause|unpause)": "start"}
    found = []
    for address, _handler in ADDRESSES:
        for pattern, example in examples.items():
            address = address.replace(pattern, example)
        found.append(f"ipycontainer/{address}")
    return found


@pytest.mark.parametrize(("path", "handler"), list(zip(paths(), [handler for _, handler in ADDRESSES])))
@pytest.mark.parametrize("verb", VERBS)
def test_nobody_in_particular_is_answered_nothing(any_lab: Lab, path: str, handler: type[Any], verb: str):
    has_it = getattr(handler, verb.lower()) is not RequestHandler._unimplemented_method
    for token in (None, "a-wrong-one"):
        answer = any_lab.ask(verb, path, {}, token=token)
        assert answer.status == 403 or (answer.status == 405 and not has_it), answer
        assert "containers" not in answer.text


@pytest.mark.parametrize("path", ["ipycontainer/stream", "ipycontainer/containers/box/logs"])
def test_a_websocket_opens_only_for_those_who_may_and_from_our_own_pages(any_lab: Lab, path: str):
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        any_lab.socket(path, token=None)
    cookie = browser_session(any_lab)["Cookie"]
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        any_lab.socket(path, token=None, cookie=cookie, origin="http://elsewhere.example")
    any_lab.socket(path, token=None, cookie=cookie).close()


def browser_session(lab: Lab) -> dict[str, str]:
    """The cookies of a browser in which the person has logged in."""
    page = lab.ask("GET", f"lab?token={lab.token}", token=None)
    return {"Cookie": "; ".join(page.cookies)}


def test_another_sites_page_cannot_act_with_a_persons_cookie(any_lab: Lab):
    persona = any_lab.persona
    name = "forged"
    persona.ok("create", "--name", name, "base", "sleep", "100")
    cookie = browser_session(any_lab)
    path = f"ipycontainer/containers/{name}/start"
    try:
        # A form of another site's sends the cookie, and its own origin.
        foreign = {**cookie, "Origin": "http://elsewhere.example", "Content-Type": "text/plain"}
        assert any_lab.ask("POST", path, b"", token=None, headers=foreign).status in (403, 404)
        # Even without an origin the token against forgery is missing, which only our own pages can read.
        assert any_lab.ask("POST", path, b"", token=None, headers=cookie).status == 403
        assert any_lab.ask("DELETE", f"ipycontainer/containers/{name}", token=None, headers=cookie).status == 403
        # Nor does it get to read anything.
        reading = {**cookie, "Origin": "http://elsewhere.example"}
        assert any_lab.ask("GET", "ipycontainer/usage", token=None, headers=reading).status in (403, 404)
        assert persona.ok("ps", "-a", "--filter", f"name={name}", "--format", "{{.State}}") == "created"
        # Our own page has both: the cookie is good.
        xsrf = next(part.split("=", 1)[1] for part in cookie["Cookie"].split("; ") if part.startswith("_xsrf"))
        own = {**cookie, "Origin": any_lab.address, "X-XSRFToken": xsrf}
        assert any_lab.ask("POST", path, b"", token=None, headers=own).status == 204
    finally:
        persona.ok("rm", "-f", name)


def test_with_the_guards_off_the_same_forgeries_work(_everybody: dict[str, Persona]):
    """So that the two tests above show the guards, and not an attack that never works."""
    persona = next(iter(_everybody.values()))
    off = ("--ServerApp.disable_check_xsrf=True", "--ServerApp.allow_origin=*")
    open_lab = Lab(persona, options=off)
    persona.ok("create", "--name", "forged", "base", "sleep", "100")
    try:
        cookie = browser_session(open_lab)
        foreign = {**cookie, "Origin": "http://elsewhere.example", "Content-Type": "text/plain"}
        answer = open_lab.ask("POST", "ipycontainer/containers/forged/start", b"", token=None, headers=foreign)
        assert answer.status == 204, answer
        origin = "http://elsewhere.example"
        open_lab.socket("ipycontainer/stream", token=None, cookie=cookie["Cookie"], origin=origin).close()
    finally:
        persona.ok("rm", "-f", "forged")
        open_lab.close()


def test_a_life_by_way_of_the_server(lab: Lab):
    made = lab.ask("POST", "ipycontainer/containers", {"image": "base", "command": "sleep 1000", "name": "byway"})
    assert made.status == 201, made
    row = made.json
    path = f"ipycontainer/containers/{row['id']}"
    listener = Listener(lab)
    try:
        listener.until(lambda: listener.status(row["id"]) == "running")
        assert listener.problem == ""
        assert listener.containers[row["id"]]["command"] == "sleep 1000"
        assert any("base" in name for image in listener.images.values() for name in image["names"])
        usage = lab.ask("GET", "ipycontainer/usage").json
        assert row["id"] in usage["containers"]
        assert usage["containers"][row["id"]]["memory"] > 0
        assert lab.ask("DELETE", path).status == 409
        assert lab.ask("POST", f"{path}/kill").status == 204
        listener.until(lambda: listener.status(row["id"]) == "exited")
        assert listener.containers[row["id"]]["exit_code"] == 137
        assert lab.ask("POST", f"{path}/start").status == 204
        listener.until(lambda: listener.status(row["id"]) == "running")
        again = lab.ask("POST", f"{path}/start")
        assert again.status == 409, again
        assert again.json["kind"] == "WrongState"
        paused = lab.ask("POST", f"{path}/pause")
        if paused.status == 204:
            listener.until(lambda: listener.containers[row["id"]]["condition"] == "paused")
            assert lab.ask("POST", f"{path}/unpause").status == 204
            listener.until(lambda: listener.containers[row["id"]]["condition"] == "")
        else:
            assert not lab.persona.is_root, paused
            assert (paused.status, paused.json["kind"]) == (501, "Refused")
            assert "freezer" in paused.json["message"]
    finally:
        assert lab.ask("DELETE", f"{path}?force=1").status == 204
    listener.until(lambda: row["id"] not in listener.containers)
    listener.close()


def test_volumes_come_and_go(lab: Lab):
    listener = Listener(lab)

    def is_used(times: int) -> bool:
        return bool(listener.volumes.get("told-of", {}).get("used") == times)

    try:
        lab.persona.ok("create", "--name", "user-of-it", "-v", "told-of:/srv", "-v", "/nameless", "base", "true")
        listener.until(lambda: is_used(1) and len(listener.volumes) == 2)
        assert sorted(row["anonymous"] for row in listener.volumes.values()) == [False, True]
        assert lab.ask("DELETE", "ipycontainer/volumes/told-of").status == 409
        lab.persona.ok("rm", "-v", "user-of-it")
        listener.until(lambda: is_used(0) and len(listener.volumes) == 1)
        assert lab.ask("DELETE", "ipycontainer/volumes/told-of").status == 204
        listener.until(lambda: not listener.volumes)
    finally:
        listener.close()


def test_refusals_are_sentences_with_a_status(any_lab: Lab):
    def ask(verb: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = any_lab.ask(verb, f"ipycontainer/{path}", body)
        assert answer.headers["Content-Type"].startswith("application/json")
        return answer.status, answer.json["message"]

    assert ask("POST", "containers/nobody/start") == (404, "No such container: nobody")
    assert ask("DELETE", "images?name=nothing")[0] == 404
    assert ask("DELETE", "images")[0] == 400
    assert ask("DELETE", "volumes/nothing") == (404, "No such volume: nothing")
    assert ask("POST", "containers", {"image": ""}) == (400, "say which image to run")
    assert ask("POST", "containers", b"[1")[0] == 400
    assert ask("POST", "containers", {"image": "base", "memory": "much"})[0] == 400
    assert ask("POST", "containers", {"image": "base", "cpus": "some"})[0] == 400
    assert ask("POST", "containers", {"image": 3})[0] == 400
    status, sentence = ask("POST", "containers", {"image": "base", "command": "no-such-program", "name": "nowhere"})
    assert status == 400
    assert "no-such-program" in sentence
    assert "nowhere" not in any_lab.persona.ok("ps", "-a")


def test_a_sentence_with_an_images_own_words_turns_and_moves_nothing(any_lab: Lab):
    body = {"image": "base", "command": "'/gone\x1b[2J\u202eback\nsecond'"}
    answer = any_lab.ask("POST", "ipycontainer/containers", body)
    assert answer.status == 400 and answer.json["message"].startswith(
        "/gone\N{REPLACEMENT CHARACTER}back second: no such"
    )


def test_the_stream_tells_what_the_command_line_does(lab: Lab):
    persona = lab.persona
    listener = Listener(lab)
    listener.until(lambda: True)
    identity = persona.ok("run", "-d", "--name", "told", "base", "sleep", "1000")
    listener.until(lambda: listener.status(identity) == "running", 5)
    persona.python("from ipycontainer import Engine; Engine().get('told').rename('renamed')")
    listener.until(lambda: listener.containers[identity]["name"] == "renamed", 5)
    persona.ok("rm", "-f", "renamed")
    listener.until(lambda: identity not in listener.containers, 5)
    listener.close()


def test_the_stream_tells_how_one_is_that_runs(lab: Lab):
    persona = lab.persona
    check = ("--health-cmd", "test -e /well", "--health-interval", "100ms", "--health-retries", "1")
    identity = persona.ok("run", "-d", *check, "base", "sleep", "1000")
    again = persona.ok("run", "-d", "--restart", "always", "base", "sh", "-c", "exit 3")
    listener = Listener(lab)

    def condition(one: str = identity) -> str:
        found = listener.containers.get(one)
        return str(found["condition"]) if found and found["status"] == "running" else "none"

    listener.until(lambda: condition() == "unhealthy")
    persona.ok("exec", identity, "touch", "/well")
    listener.until(lambda: condition() == "healthy")
    listener.until(lambda: condition(again) == "restarting")
    paused = persona.cli("pause", identity)
    assert paused.exit_code == 0 or (not persona.is_root and "freezer" in paused.err), paused
    if paused.exit_code == 0:
        listener.until(lambda: condition() == "paused")
        persona.ok("unpause", identity)
        listener.until(lambda: condition() == "healthy")
    persona.ok("rm", "-f", identity, again)
    listener.until(lambda: condition() == condition(again) == "none")
    listener.close()


def test_a_killed_monitor_is_noticed_though_no_journal_tells(lab: Lab):
    persona = lab.persona
    identity = persona.ok("run", "-d", "base", "sleep", "1000")
    listener = Listener(lab)
    listener.until(lambda: listener.status(identity) == "running")
    code = f"from ipycontainer import Engine; import os; os.kill(Engine().get({identity!r}).state().monitor, 9)"
    persona.python(code)
    listener.until(lambda: listener.status(identity) == "unknown", 5)
    persona.ok("rm", "-f", identity)
    listener.close()


def test_fifty_listeners_hear_the_same(any_lab: Lab):
    persona = any_lab.persona
    listeners = [Listener(any_lab) for _ in range(50)]
    identity = persona.ok("run", "-d", "--name", "heard", "base", "sleep", "1000")
    for listener in listeners:
        listener.until(lambda one=listener: one.status(identity) == "running")
    persona.ok("rm", "-f", "heard")
    for listener in listeners:
        listener.until(lambda one=listener: identity not in one.containers)
    pictures = [(listener.containers, listener.images) for listener in listeners]
    assert all(picture == pictures[0] for picture in pictures)
    for listener in listeners:
        listener.close()


def test_between_two_changes_the_server_does_nothing(any_lab: Lab):
    listener = Listener(any_lab)
    listener.until(lambda: True)
    ticks = cpu_ticks(any_lab.process.pid)
    time.sleep(3)
    spent = cpu_ticks(any_lab.process.pid) - ticks
    listener.close()
    assert spent <= 3, f"{spent} hundredths of a second in three seconds"


def cpu_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def read_logs(lab: Lab, name: str, enough: Any) -> tuple[str, list[dict[str, Any]]]:
    socket = lab.socket(f"ipycontainer/containers/{name}/logs")
    messages, text = [], ""
    try:
        while not enough(text):
            messages.append(json.loads(socket.recv()))
            text += "".join(piece["text"] for piece in messages[-1].get("pieces", ()))
    finally:
        socket.close()
    return text, messages


def test_logs_come_as_they_are_written(any_lab: Lab):
    persona = any_lab.persona
    script = "echo first; echo second >&2; printf 'no end'; sleep 1000"
    persona.ok("run", "-d", "--name", "talker", "base", "sh", "-c", script)
    try:
        text, messages = read_logs(any_lab, "talker", lambda text: "no end" in text)
        assert "first\n" in text and "second\n" in text
        streams = {piece["stream"] for message in messages for piece in message["pieces"]}
        assert streams == {"stdout", "stderr"}
    finally:
        persona.ok("rm", "-f", "talker")


def test_logs_of_a_line_without_end_are_bounded_and_escape_sequences_do_not_pass(any_lab: Lab):
    persona = any_lab.persona
    noise = "import sys; sys.stdout.write('\\x1b]0;title\\x07\\x1b[31mred\\x1b[0m\\u202e'); "
    noise += "sys.stdout.write('x' * (80 << 20)); sys.stdout.write('<b>end</b>\\n')"
    persona.ok("run", "--name", "flood", "base", "python3", "-c", noise, timeout=120)
    try:
        text, messages = read_logs(any_lab, "flood", lambda text: "end" in text)
        assert len(text) <= 300_000
        assert sum(message.get("passed_over", 0) for message in messages) > 1_000_000
        assert text.endswith("<b>end</b>\n")  # text it is, and text it stays
        assert "\x1b" not in text
    finally:
        persona.ok("rm", "-f", "flood")


def test_a_long_log_of_one_that_has_ended_is_told_to_its_end(any_lab: Lab):
    persona = any_lab.persona
    noise = "import sys; sys.stdout.write('x' * (80 << 20)); sys.stdout.write('end\\n')"
    persona.ok("run", "--name", "long", "--log-opt", "max-size=200m", "base", "python3", "-c", noise, timeout=120)
    try:
        text, messages = read_logs(any_lab, "long", lambda text: text.endswith("end\n"))
        passed = sum(message["passed_over"] for message in messages)
        assert len(messages) == 2 and len(text) + passed == (80 << 20) + len("end\n")
    finally:
        persona.ok("rm", "-f", "long")


def test_logs_of_nobody_are_a_sentence_and_of_somebody_removed_an_end(any_lab: Lab):
    socket = any_lab.socket("ipycontainer/containers/nobody/logs")
    assert json.loads(socket.recv()) == {"problem": "No such container: nobody"}
    socket.close()
    any_lab.persona.ok("run", "--name", "brief", "base", "echo", "bye")
    socket = any_lab.socket("ipycontainer/containers/brief/logs")
    assert json.loads(socket.recv())["pieces"][0]["text"] == "bye\n"
    any_lab.persona.ok("rm", "brief")
    assert json.loads(socket.recv()) == {"removed": True}
    socket.close()


def test_a_store_that_cannot_be_written_is_said_in_a_sentence(_everybody: dict[str, Persona], tmp_path: Any):
    persona = next(iter(_everybody.values()))
    blocked = persona.path("blocked", "a file stands where the folder should be")
    elsewhere = Lab(persona, environment={"IPYCONTAINER_ROOT": str(blocked / "store")})
    try:
        listener = Listener(elsewhere)
        listener.until(lambda: listener.problem != "")
        assert "IPYCONTAINER_ROOT" in listener.problem
        listener.close()
    finally:
        elsewhere.close()
