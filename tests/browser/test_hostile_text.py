"""What a container says and is called reaches the page as text, whatever it holds."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.page import SECOND, LabPage
from tests.personas import Persona

MARKUP = "<img src=x onerror=window.taken=1><script>window.taken=1</script><b class=hostile>b</b>"
ESCAPES = "\\033]0;taken\\007\\033[31mred\\033[0m\\033[2J\\033[?1049h\\u202eback"
HUGE = 1_000_000_000


def untouched(page: LabPage) -> None:
    """Nothing of what the container said has become an element or run."""
    assert page.page.evaluate("() => window.taken") is None
    assert page.page.locator("b.hostile").count() == 0


def test_markup_in_a_command_and_in_the_output(page: LabPage, browsing: Persona):
    browsing.ok("run", "-d", "--name", "box", "base", "sh", "-c", f"echo '{MARKUP}'; echo '{MARKUP}' >&2; sleep 1000")
    expect(page.container("box")).to_be_visible()
    assert MARKUP in str(page.container("box").locator("[title]").first.get_attribute("title"))
    page.button("Logs of box").click()
    log = page.page.get_by_role("log", name="Output of box")
    expect(log).to_contain_text(MARKUP)
    page.picture()
    untouched(page)
    # The guard is that text stays text: the same words as markup would have run.
    page.page.evaluate(
        "words => { document.body.appendChild(document.createElement('div')).innerHTML = words; }", MARKUP
    )
    page.page.wait_for_function("() => window.taken === 1")


def test_markup_in_an_error_and_in_a_table(page: LabPage, browsing: Persona):
    browsing.ok("run", "--rm", "base", "true")
    page.button("Run base").click()
    dialog = page.page.get_by_role("dialog")
    dialog.get_by_label("Command").fill(f'"{MARKUP}"')
    dialog.get_by_role("button", name="Run").click()
    expect(page.page.get_by_role("dialog")).to_contain_text("<img src=x")
    page.picture()
    untouched(page)
    page.page.get_by_role("dialog").get_by_role("button").last.click()
    page.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()  # what was refused comes back
    browsing.ok("create", "base", MARKUP)
    page.new_notebook()
    page.run_cell("%load_ext ipycontainer")
    listed = page.run_cell("%container ps -a --no-trunc")
    expect(listed.locator("table")).to_contain_text("<img src=x")
    untouched(page)


def test_escape_sequences_and_turned_text(page: LabPage, browsing: Persona):
    program = f"import sys; sys.stdout.write('{ESCAPES}\\n')".replace("\\033", "\\x1b").replace("\\007", "\\x07")
    browsing.ok("run", "--name", "box", "base", "python3", "-c", program)
    title = page.page.title()
    page.button("Logs of box").click()
    log = page.page.get_by_role("log", name="Output of box")
    expect(log).to_have_text("red\N{REPLACEMENT CHARACTER}back\n")
    assert "taken" not in page.page.title()
    assert title
    untouched(page)


def test_a_line_of_a_gigabyte_leaves_the_page_alive(page: LabPage, browsing: Persona):
    script = f"head -c {HUGE} /dev/zero | tr '\\0' '<'; echo end-of-line; sleep 1000"
    browsing.ok("run", "-d", "--name", "flood", "base", "sh", "-c", script)
    page.button("Logs of flood").click()
    log = page.page.get_by_role("log", name="Output of flood")
    expect(log).to_contain_text("end-of-line", timeout=60 * SECOND)
    assert page.page.evaluate("() => document.querySelector('.jp-ipycontainer-logs').textContent.length") < 700_000
    # The page still answers.
    browsing.ok("rm", "-f", "flood")
    expect(page.container("flood")).to_have_count(0, timeout=5 * SECOND)
    expect(log).to_contain_text("The container was removed.")
