"""What a container, an image or a store may be called is text in widgets, pictures and tables of a notebook too."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.page import LabPage
from tests.browser.test_hostile_text import MARKUP, untouched
from tests.personas import Persona

USAGE = ".ipycontainer-usage"
ESCAPES = "\x1b[31mred\x1b[0m\x1b[2J\x1b]8;;http://evil/\x07link\x1b]8;;\x07"
LONG = "<" * 60_000
LONGEST_NAME = "<" * 255

# No name of a container may hold this; nothing here relies on that.
CALLED = f"""
from ipycontainer.engine.container import Container
Container.name = property(lambda self: {MARKUP!r} + {ESCAPES!r} + {LONGEST_NAME!r}, lambda self, name: None)
"""


@pytest.fixture
def notebook(open_page: type[LabPage], browsing: Persona) -> LabPage:
    """A notebook beside a container whose command and label hold all of it, and whose output is nothing else."""
    page = open_page()
    hostile = f"printf '%s' '{MARKUP}{ESCAPES}{LONG}'; sleep 1000"
    browsing.ok("run", "-d", "--name", "box", "-l", f"hostile={MARKUP}{ESCAPES}", "base", "sh", "-c", hostile)
    page.new_notebook()
    page.run_cell("%load_ext ipycontainer\nfrom ipycontainer import Engine\nengine = Engine()\nbox = engine.get('box')")
    return page


def output(cell: Locator) -> Locator:
    return cell.locator(".jp-OutputArea-output").first


def unharmed(page: LabPage, cell: Locator) -> None:
    """No element, no script, no colour, and the words are there.  JupyterLab makes links of addresses in plain text."""
    untouched(page)
    expect(output(cell)).to_contain_text("<img src=x onerror=window.taken=1><script>window.taken=1</script>")
    assert "\x1b" not in output(cell).inner_text()
    assert output(cell).locator("script, img:not([role]), [class*=ansi]").count() == 0
    links = output(cell).locator("a").evaluate_all("links => links.map(link => [link.href, link.textContent])")
    assert [
        (href, text) for href, text in links if not href.startswith("http://evil/") or "http://evil/" not in text
    ] == []
    # However long a word is, the page does not become wider for it.
    assert page.page.evaluate("() => document.documentElement.scrollWidth") <= 1280


@pytest.mark.parametrize("code", ["box.usage()", "engine.dashboard()"])
def test_a_widget_shows_text(notebook: LabPage, code: str):
    page = notebook
    page.run_cell(CALLED)
    cell = page.run_cell(code)
    expect(cell.locator(USAGE)).to_contain_text("<img src=x onerror")
    expect(cell.get_by_role("img", name=re.compile("^Memory of <img src=x onerror"))).to_be_visible()
    expect(cell.locator(f"{USAGE} polyline").nth(1)).to_have_attribute("points", re.compile(r"\d"))
    # A name as long as a name may be does not push the figures away.
    assert cell.locator(f"{USAGE} svg").last.evaluate("svg => svg.getBoundingClientRect().right") <= 1280
    unharmed(page, cell)
    page.picture()
    # What the notebook keeps of it is parsed as HTML, by the next who opens it.
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
    kept = page.page.evaluate(
        """() => {
          const { outputs } = window.jupyterapp.shell.currentWidget.content.widgets[2].model;
          return outputs.get(0).data['text/html'];
        }"""
    )
    assert "polyline" in kept and "&lt;img src=x onerror" in kept and "<img" not in kept and "<script" not in kept


@pytest.mark.parametrize("code", ["box", "%container ps -a --no-trunc", "%container inspect box", "engine.images()[0]"])
def test_a_result_shows_text(notebook: LabPage, code: str, browsing: Persona):
    page = notebook
    if code.startswith("engine.images"):
        code = f"import ipycontainer.engine.image as image\nimage.Image.names = [{MARKUP!r} + {ESCAPES!r}]\n{code}"
    cell = page.run_cell(code)
    unharmed(page, cell)
    page.picture()


def test_dollars_in_a_command_are_no_formula(open_page: type[LabPage], browsing: Persona):
    page = open_page()
    line = "i=$((i+1)); printf '%s' $i '\\(x\\)' $$; sleep 1000"
    browsing.ok("run", "-d", "--name", "sums", "base", "sh", "-c", line)
    page.new_notebook()
    page.run_cell("%load_ext ipycontainer\nfrom ipycontainer import Engine\nfrom IPython.display import HTML, display")
    formula = "display(HTML('<p>$x^2$</p>'))  # when this is drawn, all before it is"
    for code in (
        "display(Engine().get('sums'))",
        "%container ps --no-trunc",
        "display(Engine().explain('base', ['sh', '-c', 'echo $i $x']))",
    ):
        cell = page.run_cell(f"{code}\n{formula}")
        outputs = cell.locator(".jp-OutputArea-output")
        expect(outputs.last.locator("mjx-container")).to_be_visible()
        expect(outputs.first).to_contain_text("$i")
        assert outputs.first.locator("mjx-container").count() == 0, code


def test_the_picture_of_one_that_has_ended_is_text(notebook: LabPage, browsing: Persona):
    page = notebook
    page.run_cell(f"from ipycontainer.jupyter.widgets import picture\npicture.heading = lambda series: {MARKUP!r}")
    cell = page.run_cell("box.usage()")
    expect(cell.locator(f"{USAGE} polyline").nth(1)).to_have_attribute("points", re.compile(r"\d"))
    browsing.ok("rm", "-f", "box")
    expect(cell.locator(".jp-RenderedHTMLCommon")).to_contain_text("<img src=x onerror")
    unharmed(page, cell)
    page.picture()
