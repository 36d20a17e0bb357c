"""What the side bar costs a JupyterLab in which nothing happens: its server and its browser, with it and without."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import report
from benchmarks.ground import PROJECT, Ground
from benchmarks.report import Promise
from benchmarks.rounds import median

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

    from playwright.sync_api import Browser, Page, Playwright

    from tests.lab import Lab
    from tests.personas import Persona

NAME = "side_bar"
NEEDS_PACKAGES = True
HELP = "the side bar where nothing happens: what of a core a JupyterLab with it takes more than one without"

COUNT = 10
_SECONDS = 10.0
_SETTLE = 8.0
_SERVER, _BROWSER = "server", "browser"
_STATES = {
    "hidden": f"hidden, beside {COUNT} running containers",
    "quiet": f"shown, {COUNT} containers that have ended",
    "shown": f"shown, {COUNT} running containers, figures every 3 s",
}


class Seat:
    """One JupyterLab with a browser of its own before it."""

    def __init__(self, playwright: Playwright, lab: Lab) -> None:
        self.lab = lab
        arguments = ["--no-sandbox", "--disable-background-networking"]
        self.browser: Browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        self.page: Page = self.browser.new_page(viewport={"width": 1280, "height": 800})
        self.page.goto(f"{lab.address}/lab?token={lab.token}")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.locator(".jp-LauncherCard").first.wait_for()
        self.processes = self._processes()

    def _processes(self) -> dict[str, list[int]]:
        session = self.browser.new_browser_cdp_session()
        told = session.send("SystemInfo.getProcessInfo")["processInfo"]
        session.detach()
        return {_SERVER: [self.lab.process.pid], _BROWSER: [int(one["id"]) for one in told]}

    def spent(self) -> dict[str, int]:
        """Nanoseconds that the processes of each half have run."""
        return {half: sum(map(_nanoseconds, pids)) for half, pids in self.processes.items()}

    def close(self) -> None:
        self.browser.close()
        self.lab.close()


def _nanoseconds(pid: int) -> int:
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def _shares(seats: Iterable[Seat]) -> list[dict[str, float]]:
    """Per cent of a core that each half of each seat takes, all in the same seconds."""
    seats = list(seats)
    begun, before = time.monotonic(), [seat.spent() for seat in seats]
    time.sleep(_SECONDS)
    seconds = time.monotonic() - begun
    after = [seat.spent() for seat in seats]
    return [{half: (now[half] - then[half]) / 1e9 / seconds * 100 for half in now} for then, now in zip(before, after)]


def _labs(ground: Ground) -> tuple[Persona, Lab, Lab]:
    """Somebody, a JupyterLab as it is installed, and one in which our two halves are switched off."""
    sys.path.insert(0, PROJECT)
    from tests.lab import Lab
    from tests.personas import Persona

    persona = Persona("you", "root", 0, 0, Path(ground.disk) / "you")
    off = Path(ground.folder) / "off"
    (off / "labconfig").mkdir(parents=True)
    (off / "labconfig" / "page_config.json").write_text(json.dumps({"disabledExtensions": {"ipycontainer": True}}))
    server = {"ServerApp": {"jpserver_extensions": {"ipycontainer": False}}}
    (off / "jupyter_server_config.json").write_text(json.dumps(server))
    return persona, Lab(persona), Lab(persona, environment={"JUPYTER_CONFIG_PATH": str(off)})


def _arrange(state: str, seat: Seat, persona: Persona) -> None:
    """What is measured: containers that run or have ended, and the side bar shown or not."""
    names = [f"box{number}" for number in range(COUNT)]
    persona.ok("kill", *names) if state == "quiet" else persona.ok("start", *names)
    panel = seat.page.locator("#ipycontainer-panel")
    if panel.is_visible() != (state != "hidden"):
        seat.page.locator("li[data-id=ipycontainer-panel]").click()
    assert panel.is_visible() == (state != "hidden")


def run(options: Namespace) -> None:
    from playwright.sync_api import sync_playwright

    rounds = max(options.rounds // 10, 3)
    more: dict[str, dict[str, list[float]]] = {state: {_SERVER: [], _BROWSER: []} for state in _STATES}
    without: dict[str, list[float]] = {_SERVER: [], _BROWSER: []}
    with Ground() as ground, ExitStack() as stack:
        os.environ["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
        persona, lab, bare = _labs(ground)
        stack.callback(persona.close)
        for number in range(COUNT):
            persona.ok("run", "-d", "--name", f"box{number}", "base", "sleep", "100000", timeout=120)
        playwright = stack.enter_context(sync_playwright())
        seats = [Seat(playwright, one) for one in (lab, bare)]
        for seat in seats:
            stack.callback(seat.close)
        assert bare.ask("GET", "ipycontainer/usage").status == 404, "it is not switched off"
        for number in range(rounds):
            for state in _STATES:
                if number or state != "hidden":
                    _arrange(state, seats[0], persona)
                time.sleep(_SETTLE)
                ours, theirs = _shares(seats)
                for half in (_SERVER, _BROWSER):
                    more[state][half].append(ours[half] - theirs[half])
                    without[half].append(theirs[half])
    _write(more, without)


def _write(more: dict[str, dict[str, list[float]]], without: dict[str, list[float]]) -> None:
    promises = [
        Promise(f"{_STATES[state]}: more than without, {half}", 0.2, median(more[state][half]), "%")
        for state in ("hidden", "quiet")
        for half in (_SERVER, _BROWSER)
    ]
    rows = [report.row(f"{_STATES[state]}: {half}", taken) for state in _STATES for half, taken in more[state].items()]
    rows += [report.row(f"JupyterLab without it: {half}", taken) for half, taken in without.items()]
    head = ["per cent of a core, more than without", "median", "min", "max"]
    report.write(NAME, "\n".join([report.machine_lines(), report.promises(promises), report.table(head, rows)]))
