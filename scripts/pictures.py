"""The README's picture of the side bar, made from the real thing: a JupyterLab of its own, with real containers."""

from __future__ import annotations

import os
import pwd
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from tests.browser.page import LabPage  # noqa: E402 the checkout is no package of its own
from tests.lab import Lab  # noqa: E402
from tests.personas import Persona  # noqa: E402

CELLS = (
    "%load_ext ipycontainer",
    "%container run -d --name web -m 64m base python3 -m http.server",
    "%container run -d --name counter -m 32m base sh -c 'while :; do n=$((n+1)); done'",
    '%%in_container base --hostname box\necho "I am PID $$ on $(hostname)"',
    "%container ps",
)


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="ipyc-", dir="/tmp"))
    folder.chmod(0o755)
    entry = pwd.getpwuid(os.geteuid())
    persona = Persona("you", entry.pw_name, entry.pw_uid, entry.pw_gid, folder / "you")
    persona.ok("run", "--name", "yesterday", "base", "true", timeout=120)
    lab = Lab(persona)
    try:
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
            page = LabPage(browser, lab, folder, "picture")
            page.page.set_viewport_size({"width": 1100, "height": 560})
            page.show_containers()
            page.new_notebook()
            for cell in CELLS:
                page.run_cell(cell)
            expect(page.container("counter").locator(".jp-ipycontainer-figures")).to_contain_text("CPU", timeout=20_000)
            page.page.screenshot(path=CHECKOUT / "docs" / "side-bar.png")
            browser.close()
    finally:
        lab.close()
        persona.close()
        folder.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
