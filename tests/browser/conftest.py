"""Debian's chromium at a real JupyterLab."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.page import LabPage
from tests.lab import Lab
from tests.personas import CHECKOUT, Persona

PICTURES = CHECKOUT / "artefacts" / "browser"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all; each page has a profile of its own.

    It goes with the last test here: as long as it lives an event loop runs in this thread, and nobody's `await` could.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium: apt-get install chromium (scripts/browser.sh does, as root)")
    with sync_playwright() as playwright:
        # Without the last, chromium looks for Google's hosts at every start.
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browsing(_everybody: dict[str, Persona]) -> Persona:
    """Whose JupyterLab it is: an ordinary user's, where there can be one."""
    return _everybody.get("user") or next(iter(_everybody.values()))


@pytest.fixture(scope="session")
def lab(browsing: Persona) -> Iterator[Lab]:
    """The server; its persona's store is shared, so remove what you make."""
    server = Lab(browsing)
    yield server
    server.close()


@pytest.fixture
def open_page(chromium: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[type[LabPage]]:
    """Makes pages: `open_page()`; a picture of each is kept, and what its console said is looked at."""
    pages: list[LabPage] = []

    def opened(**options: object) -> LabPage:
        page = LabPage(chromium, lab, PICTURES, request.node.name, **options)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def page(open_page: type[LabPage]) -> LabPage:
    """One page, with the side bar open."""
    found = open_page()
    found.show_containers()
    return found


@pytest.fixture(autouse=True)
def _emptied(browsing: Persona, lab: Lab) -> Iterator[None]:
    """Containers, kernels, terminals, notebooks and settings go with the test that made them."""
    yield
    browsing.remove_containers()
    for kind, name in (("sessions", "id"), ("terminals", "name")):
        for one in lab.ask("GET", f"api/{kind}").json:
            lab.ask("DELETE", f"api/{kind}/{one[name]}")
    lab.ask("PUT", "lab/api/settings/@jupyterlab/apputils-extension:themes", {"raw": "{}"})
    for path in browsing.work.glob("*.ipynb"):
        path.unlink()
