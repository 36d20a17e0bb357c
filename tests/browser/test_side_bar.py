"""The side bar as a person uses it."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Browser, expect

from tests.browser.conftest import PICTURES
from tests.browser.page import SECOND, LabPage
from tests.lab import Lab
from tests.personas import Persona


def test_a_new_users_first_five_cells(page: LabPage, browsing: Persona):
    page.new_notebook()
    expect(page.run_cell("%load_ext ipycontainer").locator(".jp-OutputArea-output")).to_have_count(0)
    first = page.run_cell('%container run --rm base echo "Hello from a container"')
    expect(first.locator(".jp-OutputArea-output")).to_contain_text("Hello from a container")
    inside = page.run_cell('%%in_container base --hostname box\necho "I am number $$ on $(hostname)"')
    expect(inside.locator(".jp-OutputArea-output")).to_contain_text("I am number 1 on box")
    page.run_cell("%container run -d --name web -m 64m base sleep 1000" if browsing.is_root else
                  "%container run -d --name web base sleep 1000")  # fmt: skip
    expect(page.container("web")).to_have_attribute("data-status", "running", timeout=SECOND)
    listed = page.run_cell("%container ps")
    expect(listed.locator(".jp-OutputArea-output").first).to_contain_text("web")
    expect(page.tab).to_have_accessible_name("Containers (1 running)")
    page.picture()


def test_a_container_removed_in_the_side_bar_is_gone_from_ps(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "base", "sleep", "1000")
    expect(page.container("box")).to_have_attribute("data-status", "running", timeout=SECOND)
    page.button("Remove box").click()
    page.page.get_by_role("dialog").wait_for()
    expect(page.container("box")).not_to_contain_text("removing")  # nobody has said yes
    page.picture("asked")
    page.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.container("box")).to_have_count(0)
    assert "box" not in browsing.ok("ps", "-a")


def test_stop_and_start(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "base", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done")
    page.button("Stop box").click()
    expect(page.container("box")).to_have_attribute("data-status", "exited")
    expect(page.container("box")).to_contain_text("ended with 3")
    assert browsing.ok("ps", "-a", "--format", "{{.State}}") == "exited"
    # Nothing changes, but the seconds go on.
    expect(page.container("box")).to_contain_text("ended with 3, 4 s ago", timeout=8 * SECOND)
    page.button("Start box").click()
    expect(page.container("box")).to_have_attribute("data-status", "running")


def test_pause_and_unpause(chromium: Browser, _everybody: dict[str, Persona]):
    """Root's: on version 1 of control groups nobody else has a freezer."""
    persona = _everybody.get("root") or next(iter(_everybody.values()))
    lab = Lab(persona)
    page = LabPage(chromium, lab, PICTURES, "pause")
    try:
        page.show_containers()
        persona.ok("run", "-d", "--name", "box", "base", "sleep", "1000")
        expect(page.button("Terminal inside box")).to_be_enabled()
        page.palette("Pause a Container")
        page.page.get_by_role("dialog").get_by_role("button", name="Ok").click()
        if not persona.is_root:
            expect(page.page.get_by_role("dialog")).to_contain_text("freezer")
            return
        expect(page.container("box")).to_have_attribute("data-condition", "paused")
        assert persona.ok("ps", "--format", "{{.State}}") == "paused"
        expect(page.button("Terminal inside box")).to_be_disabled()  # nobody can be let in
        page.picture()
        page.button("Unpause box").click()
        expect(page.container("box")).to_have_attribute("data-condition", "")
        expect(page.button("Unpause box")).to_have_count(0)
        assert persona.ok("ps", "--format", "{{.State}}") == "running"
        assert page.complaints == []
    finally:
        page.context.close()
        persona.remove_containers()
        lab.close()


def test_how_one_is_that_runs(page: LabPage, browsing: Persona):
    check = ("--health-cmd", "test -e /well", "--health-interval", "200ms", "--health-retries", "1")
    browsing.ok("run", "-d", "--name", "box", *check, "base", "sleep", "1000")
    expect(page.container("box")).to_contain_text("unhealthy, running for")
    page.picture("unhealthy")
    browsing.ok("exec", "box", "touch", "/well")
    expect(page.container("box")).to_have_attribute("data-condition", "healthy")
    expect(page.container("box")).to_contain_text("healthy, running for")
    page.picture("healthy")


def test_logs_come_as_they_are_written(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "base", "sh", "-c", "echo first; while :; do date +%N; sleep 0.2; done")
    page.button("Logs of box").click()
    log = page.page.get_by_role("log", name="Output of box")
    expect(log).to_contain_text("first")
    before = len(log.inner_text())
    page.page.wait_for_function(
        "before => document.querySelector('.jp-ipycontainer-logs').innerText.length > before + 20", arg=before
    )
    page.picture()


def test_a_terminal_inside_takes_typing(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "--hostname", "boxhost", "base", "sleep", "1000")
    page.button("Terminal inside box").click()
    screen = page.page.locator(".xterm-accessibility-tree")
    expect(screen).to_contain_text("ipycontainer box")
    page.page.locator(".jp-Terminal .xterm-helper-textarea").focus()
    expect(screen).to_contain_text("#" if browsing.is_root else "$")
    page.page.keyboard.type("echo inside-$(hostname)-$(cat /proc/1/comm)\n")
    expect(screen).to_contain_text("inside-boxhost-sleep")
    expect(page.page.get_by_role("tab", name="Inside box")).to_be_visible()
    page.picture()
    page.page.keyboard.type("exit\n")
    expect(page.page.get_by_role("tab", name="Inside box")).to_have_count(0)


def test_a_terminal_inside_never_becomes_one_outside(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "base", "sleep", "1000")
    page.button("Terminal inside box").click()
    screen = page.page.locator(".xterm-accessibility-tree")
    page.page.locator(".jp-Terminal .xterm-helper-textarea").focus()
    page.page.keyboard.type("echo in-$(cat /proc/1/comm)\n")
    expect(screen).to_contain_text("in-sleep")
    browsing.ok("kill", "box")
    expect(screen).to_contain_text(re.compile("It has ended; Enter closes this terminal.(.|\n)*It has ended"))
    page.picture()
    page.page.keyboard.type("echo outside\n")
    expect(page.page.get_by_role("tab", name="Inside box")).to_have_count(0)


def test_a_second_tab_agrees_with_the_first(page: LabPage, open_page: type[LabPage], browsing: Persona):
    other = open_page()
    other.show_containers()
    browsing.ok("run", "-d", "--name", "one", "base", "sleep", "1000")
    browsing.ok("create", "--name", "two", "base", "true")
    for tab in (page, other):
        expect(tab.container("one")).to_have_attribute("data-status", "running")
        expect(tab.container("two")).to_have_attribute("data-status", "created")
    other.button("Remove two").click()
    other.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    for tab in (page, other):
        expect(tab.container("two")).to_have_count(0)
        expect(tab.tab).to_have_attribute("data-ipycontainer-running", "1")


def test_run_from_an_image_and_what_it_refuses(page: LabPage, browsing: Persona):
    browsing.ok("run", "--rm", "base", "true")
    page.button("Run base").click()
    dialog = page.page.get_by_role("dialog")
    dialog.get_by_label("Command").fill("sleep 1000")
    dialog.get_by_label("Name").fill("made")
    page.picture("form")
    dialog.get_by_role("button", name="Run").click()
    expect(page.container("made")).to_have_attribute("data-status", "running")
    page.button("Run a container").click()
    dialog.get_by_label("Name").fill("made")
    dialog.get_by_role("button", name="Run").click()
    expect(page.page.get_by_role("dialog")).to_contain_text("already in use")
    page.picture("refused")
    page.page.get_by_role("dialog").get_by_role("button").last.click()
    # It comes back as it was, to be mended.
    expect(dialog.get_by_label("Name")).to_have_value("made")
    dialog.get_by_label("Name").fill("another")
    dialog.get_by_role("button", name="Run").click()
    expect(page.container("another")).to_be_visible()
    expect(dialog).to_have_count(0)


def test_one_that_was_removed_while_its_dialog_was_open(page: LabPage, browsing: Persona):
    browsing.ok("create", "--name", "box", "base", "true")
    page.button("Remove box").click()
    dialog = page.page.get_by_role("dialog")
    dialog.filter(has_text="Remove box?").wait_for()
    browsing.ok("rm", "box")
    expect(page.container("box")).to_have_count(0)
    with page.page.expect_response(lambda response: response.request.method == "DELETE"):
        dialog.get_by_role("button", name="Remove").click()
    browsing.ok("create", "--name", "other", "base", "true")
    expect(page.container("other")).to_be_visible()
    expect(dialog).to_have_count(0)


def test_an_image_that_a_container_uses_loses_its_name(page: LabPage, browsing: Persona):
    browsing.ok("create", "--name", "first", "base", "true")
    browsing.ok("commit", "-m", "mine", "first", "mine")
    browsing.ok("create", "--name", "second", "mine", "true")
    expect(page.bar.locator("li[data-image]").filter(has_text="mine")).to_contain_text("1 container")
    page.button("Remove the image mine").click()
    dialog = page.page.get_by_role("dialog")
    expect(dialog).to_contain_text("A container was made from it: the name goes")
    dialog.get_by_role("button", name="Remove").click()
    expect(page.button("Remove the image mine")).to_have_count(0)
    nameless = browsing.ok("inspect", "--format", "{{.Image}}", "second").removeprefix("sha256:")[:12]
    page.button(f"Remove the image {nameless}").click()
    expect(dialog).to_contain_text("remove the container first")
    assert "--force" not in dialog.inner_text()
    dialog.get_by_role("button").last.click()
    browsing.ok("rm", "second")
    expect(page.container("second")).to_have_count(0)
    page.button(f"Remove the image {nameless}").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.button(f"Remove the image {nameless}")).to_have_count(0)


def test_a_volume_that_nobody_uses_any_more_is_removed(page: LabPage, browsing: Persona):
    expect(page.bar).to_contain_text("No volumes yet")
    browsing.ok("create", "--name", "user-of-it", "-v", "kept-files:/srv", "base", "true")
    item = page.bar.locator("li[data-volume=kept-files]")
    expect(item).to_contain_text("1 container")
    page.picture()
    page.button("Remove the volume kept-files").click()
    dialog = page.page.get_by_role("dialog")
    expect(dialog).to_contain_text("remove the container first")
    dialog.get_by_role("button").last.click()
    browsing.ok("rm", "user-of-it")
    expect(item).not_to_contain_text("container")
    assert page.findings("#ipycontainer-panel") == []
    item.focus()
    page.page.keyboard.press("Delete")
    expect(dialog).to_contain_text("Its files go with it")
    dialog.get_by_role("button", name="Remove").click()
    expect(item).to_have_count(0)
    assert browsing.ok("volume", "ls", "-q") == ""


def test_the_running_panel_shuts_a_container_down(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "base", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    page.execute("running:show-panel")
    expect(page.page.locator("#jp-running-sessions")).to_contain_text("box")
    page.picture()
    item = page.page.locator(".jp-RunningSessions-item", has_text="box")
    item.hover()
    item.locator(".jp-RunningSessions-itemShutdown").click()
    expect(page.page.locator("#jp-running-sessions")).not_to_contain_text("box")
    assert browsing.ok("ps", "-a", "--format", "{{.State}}") == "exited"


def test_the_palette_knows_the_commands(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "base", "sleep", "1000")
    page.palette("Remove a Container")
    dialog = page.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Ok").click()
    page.page.get_by_role("dialog").filter(has_text="Remove box?").get_by_role("button", name="Remove").click()
    expect(page.container("box")).to_have_count(0)


def test_everything_by_keyboard(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "under", "base", "sleep", "1000")
    browsing.ok("run", "-d", "--name", "over", "base", "sleep", "1000")
    expect(page.container("over")).to_be_visible()
    page.button("Run a container").focus()
    page.page.keyboard.press("Tab")
    expect(page.container("over")).to_be_focused()
    page.page.keyboard.press("ArrowDown")
    expect(page.container("under")).to_be_focused()
    page.page.keyboard.press("Tab")
    expect(page.button("Stop under")).to_be_focused()
    page.picture()
    browsing.ok("run", "-d", "--name", "newest", "base", "sleep", "1000")
    expect(page.container("newest")).to_be_visible()
    expect(page.button("Stop under")).to_be_focused()
    page.page.keyboard.press("Tab")
    expect(page.button("Logs of under")).to_be_focused()
    page.page.keyboard.press("Shift+Tab")
    page.page.keyboard.press("Shift+Tab")
    expect(page.container("under")).to_be_focused()
    page.page.keyboard.press("ArrowUp")
    expect(page.container("over")).to_be_focused()
    page.page.keyboard.press("Delete")
    page.page.get_by_role("dialog").filter(has_text="Remove over?").wait_for()
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    expect(page.container("over")).to_have_count(0)
    expect(page.container("under")).to_be_focused()
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    expect(page.button("Start under")).to_be_focused(timeout=20_000)


def test_the_last_one_removed_by_keyboard(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "lonely", "base", "sleep", "1000")
    expect(page.container("lonely")).to_be_visible()
    page.container("lonely").focus()
    page.page.keyboard.press("Delete")
    page.page.get_by_role("dialog").filter(has_text="Remove lonely?").wait_for()
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    expect(page.container("lonely")).to_have_count(0)
    expect(page.bar.locator(".jp-ipycontainer-empty").first).to_be_focused()
    page.picture()
    browsing.ok("run", "-d", "--name", "newcomer", "base", "sleep", "1000")
    expect(page.container("newcomer")).to_be_focused()


def test_memory_and_cpu_are_shown_while_somebody_looks(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "busy", "base", "sh", "-c", "while :; do :; done")
    figures = page.container("busy").locator(".jp-ipycontainer-figures")
    expect(figures).to_contain_text("CPU")
    expect(figures).to_contain_text("iB")
    asked: list[float] = []
    page.page.on("request", lambda request: asked.append(time.monotonic()) if "/usage" in request.url else None)
    with page.page.expect_request(lambda request: "/usage" in request.url):
        pass  # it goes on while the side bar is shown
    page.tab.click()  # hidden
    expect(page.bar).to_be_hidden()
    page.page.wait_for_timeout(3500)  # one that was on its way
    asked.clear()
    page.page.wait_for_timeout(7000)
    assert asked == []
