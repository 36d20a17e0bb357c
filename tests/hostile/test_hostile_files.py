"""An image whose files lie: /proc, /sys, /dev, mount targets, /etc/passwd."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.hostile.images import create_hostile, replace
from tests.life.inside import one_sentence
from tests.personas import Persona


@pytest.mark.parametrize("folder", ["proc", "sys", "dev"])
@pytest.mark.parametrize("kind", ["link", "link out", "file"])
def test_the_kernels_folders_cannot_be_led_elsewhere(persona: Persona, folder: str, kind: str):
    container, upper = create_hostile(persona, "true")
    links = {"link": "tmp", "link out": "../../../../../../tmp"}
    replace(persona, upper, folder, link=links.get(kind), text="a file")
    sentence = one_sentence(persona.cli("start", container), code=1)
    assert f"/{folder} is not a folder" in sentence, sentence


ROOT = "runtime/inside/steps/root.py"
NAMESPACES = "runtime/inside/steps/namespaces.py"
NO_CHECK: list[Edit] = [
    (ROOT, 'if self.target in ("/proc", "/sys", "/dev"):', "if False:"),
    (ROOT, "descriptors.RESOLVE_IN_ROOT | descriptors.RESOLVE_NO_SYMLINKS |", "descriptors.RESOLVE_IN_ROOT |"),
    # The step that writes settings looks too.
    (NAMESPACES, "descriptors.RESOLVE_IN_ROOT | descriptors.RESOLVE_NO_SYMLINKS\n", "descriptors.RESOLVE_IN_ROOT\n"),
]


def test_without_the_check_the_image_says_where_proc_is(persona: Persona):
    """And may swap it for another one while the container is being made."""
    container, upper = create_hostile(persona, "cat", "/false/self/mountinfo")
    replace(persona, upper, "proc", link="false")
    replace(persona, upper, "false/x", text="")
    with copy_with(persona, NO_CHECK) as copy:
        said = copy.told(
            f"""
            with engine.get({container!r}).start(attach=True) as attachment:
                tell(b"".join(data for _, data in attachment).decode())
            """
        )
    assert " /false rw" in said and " /proc rw" not in said, said


@pytest.fixture
def outside(persona: Persona) -> Path:
    """A folder of the host that must stay empty."""
    folder = persona.path("outside/x", "").parent
    (folder / "x").unlink()
    return folder


BY_PATH: Edit = (
    ROOT,
    "target = open_target(place, self.target, folder=is_folder)",
    """target = open_target(place, self.target, folder=is_folder) if not is_folder else -1
        if is_folder:
            os.makedirs(place.launch.staging + self.target, exist_ok=True)
            target = os.open(place.launch.staging + self.target, os.O_PATH)""",
)


@pytest.mark.parametrize("guarded", [True, False])
def test_a_link_in_the_image_leads_no_mount_out(persona: Persona, outside: Path, guarded: bool):
    """-v SOURCE:/out/t where the image's /out is a link to a folder of the host."""
    source = persona.path("source/f", "mine").parent
    container, upper = create_hostile(persona, "sh", "-c", f"cat {outside}/t/f", options=("-v", f"{source}:/out/t"))
    replace(persona, upper, "out", link=f"../../../../../../../../../../{outside}")
    (upper / str(outside)[1:]).mkdir(parents=True)
    replace(persona, upper, "tmp/owned", text="")
    if guarded:
        assert persona.ok("start", "-a", container) == "mine"
        assert os.listdir(outside) == []
        return
    with copy_with(persona, [BY_PATH]) as copy:
        copy.run(f"engine.get({container!r}).start()")
    assert os.listdir(outside) == ["t"], "the attack does not work: the test shows nothing"
    (outside / "t").rmdir()


def test_a_link_that_leads_nowhere_is_a_sentence(persona: Persona, outside: Path):
    container, upper = create_hostile(persona, "true", options=("-v", f"{outside}:/out/t"))
    replace(persona, upper, "out", link="/nowhere")
    assert "link" in one_sentence(persona.cli("start", container), code=1)


def test_links_that_go_round_are_a_sentence(persona: Persona, outside: Path):
    container, upper = create_hostile(persona, "true", options=("-v", f"{outside}:/a/t"))
    replace(persona, upper, "a", link="b")
    replace(persona, upper, "b", link="a")
    assert "ELOOP" in one_sentence(persona.cli("start", container), code=1)


def _passwd(persona: Persona, upper: Path, kind: str) -> None:
    rows = "root:x:0:0::/root:/bin/sh\n"
    texts = {
        "huge": rows + "x" * (2 << 20) + "\nevil:x:0:0::/:/bin/sh\n",
        "beyond 32 bits": rows + "evil:x:4294967296:0::/:/bin/sh\n",
        "minus one": rows + "evil:x:4294967295:0::/:/bin/sh\n",
        "group beyond": rows + "evil:x:1000:4294967296::/:/bin/sh\n",
        "no number": rows + "evil:x:1000x:5::/:/bin/sh\n",
        "empty id": rows + "evil:x::::/:/bin/sh\n",
        "thousands of digits": rows + f"evil:x:{'9' * 10000}:0::/:/bin/sh\n",
        "other digits": rows + "evil:x:\u0660:\u0660::/:/bin/sh\n",
        "no text": b"\xff\xfe\x00" * 1000,
    }
    links = {"zero": "/dev/zero", "kernel log": "/proc/kmsg", "round": "passwd", "host": "../../../../../../etc/passwd"}
    if kind == "fifo":
        os.makedirs(upper / "etc")
        os.mkfifo(upper / "etc/passwd")
        replace(persona, upper, "etc/other", text="")
    else:
        replace(persona, upper, "etc/passwd", link=links.get(kind), text=texts.get(kind))


KINDS = [
    "huge", "beyond 32 bits", "minus one", "group beyond", "no number", "empty id", "thousands of digits",
    "other digits", "no text", "zero", "kernel log", "round", "host", "fifo",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_passwd_makes_nobody_root(persona: Persona, kind: str):
    container, upper = create_hostile(persona, "id", "-u", options=("-u", "evil"))
    _passwd(persona, upper, kind)
    start = time.monotonic()
    one_sentence(persona.cli("start", container, timeout=20), code=1)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("kind", ["huge", "fifo", "zero", "kernel log", "no text"])
def test_and_root_needs_none(persona: Persona, kind: str):
    container, upper = create_hostile(persona, "id", "-u")
    _passwd(persona, upper, kind)
    assert persona.ok("start", "-a", container) == "0"


def test_a_huge_line_of_group_members(persona: Persona):
    container, upper = create_hostile(persona, "id", "-u")
    replace(persona, upper, "etc/group", text="g:x:5:" + "root," * 150_000 + "\n")
    assert persona.ok("start", "-a", container) == "0"
