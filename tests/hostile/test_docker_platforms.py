"""--platform of run and create beside the real docker, with an image that says it is another machine's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.hostile.beside import Beside

pytestmark = [pytest.mark.personas("root"), pytest.mark.timeout(300)]

NEVER = "--network none --pull never --platform"
LINES = (
    "run --rm --network none other:1 echo hi",
    "run --rm --network none --platform linux/arm64 other:1 echo hi",
    "run --rm --network none --platform linux/aarch64 other:1 echo hi",
    "run --rm --network none --platform arm64 other:1 echo hi",
    "run --rm --network none --platform linux/arm64/v8 other:1 echo hi",
    f"run --rm {NEVER} linux/amd64 other:1 true",
    f"create {NEVER} linux/amd64 other:1 true",
    f"run --rm {NEVER} linux/arm64 base true",
    f"create {NEVER} linux/arm64 base true",
    f"run --rm {NEVER} windows/amd64 base true",
    "ps -aq",
    "create --network none --name made other:1 true",
    "start made",
    "wait made",
    "image inspect -f '{{.Os}}/{{.Architecture}}' other:1",
)
# Exit codes and outputs alone: ours says it in other words.
CODES = (
    "run --rm --network none --platform x base true",
    "create --network none --platform x base true",
    "run --rm --network none --platform linux/amd64/v1/x base true",
)


@pytest.fixture
def other(beside: Beside, tmp_path: Path) -> None:
    """An archive of `other:1` for both: the files of `base`, called arm64's."""
    ok = beside.persona.ok
    ok("create", "--name", "filled", "base", "true")
    ok("export", "-o", tmp_path / "root.tar", "filled")
    ok("rm", "filled")
    ok("import", "--platform", "linux/arm64", "-c", 'CMD ["true"]', tmp_path / "root.tar", "other:1")
    ok("save", "-o", beside.ours / "other.tar", "other:1")
    ok("rmi", "other:1")
    shutil.copy(beside.ours / "other.tar", beside.dockers)


def test_an_image_of_another_machine(beside: Beside, other: None):
    try:
        beside.line("load -q -i {h}/other.tar")
        for line in LINES:
            beside.line(line, reasons=True)
        for line in CODES:
            beside.line(line)
    finally:
        beside.remove("made")
        beside.line("rmi other:1", lambda _: "")
    beside.end()
