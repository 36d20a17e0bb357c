"""With CI=true a skip is a failure unless it is on the list."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import skips
from tests.personas import CHECKOUT

SUITE = """
import pytest

@pytest.mark.skip(reason="by a mark")
def test_marked(): pass

def test_inside(): pytest.skip("inside")

@pytest.mark.xfail(strict=True)
def test_expected_failure(): assert False

def test_fine(): pass
"""


def run(folder: Path, ci: bool, listed: str = "", suite: str = SUITE) -> str:
    (folder / "test_it.py").write_text(suite)
    (folder / "allowed.txt").write_text(listed)
    (folder / "conftest.py").write_text(
        f"from tests import skips\nskips.LIST = skips.Path({str(folder)!r}) / 'allowed.txt'\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PYTHONPATH": str(CHECKOUT), **({"CI": "true"} if ci else {})}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.skips",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        folder,
        folder,
    ]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[-1]


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path):
    assert "1 passed, 2 skipped, 1 xfailed" in run(tmp_path, ci=False)


def test_with_ci_a_skip_fails(tmp_path: Path):
    # A mark skips in the set-up, which pytest counts as an error.
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in run(tmp_path, ci=True)


def test_with_ci_a_listed_skip_stays_one(tmp_path: Path):
    listed = "# why\ntest_it.py::test_marked  the machine has no such thing\n"
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed" in run(tmp_path, ci=True, listed=listed)


def test_a_whole_file_that_is_skipped_fails_too(tmp_path: Path):
    suite = "import pytest\npytest.skip('all of it', allow_module_level=True)\n"
    assert "error" in run(tmp_path, ci=True, suite=suite)


def test_the_list_gives_a_reason_for_each():
    assert all(skips.allowed(skips.LIST.read_text()).values())
    with pytest.raises(AssertionError, match="no reason"):
        skips.allowed("test_it.py::test_marked\n")
