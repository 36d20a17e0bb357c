"""Nothing of an image is imported by a process of ours: neither in the launcher nor behind the pivot."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from tests.hostile.copies import Edit, copy_with
from tests.hostile.images import create_hostile, own
from tests.personas import CHECKOUT, Persona

# What leaves a trace when it is imported, by whomever.
PLANTED = """
import os
os.write(os.open("/planted", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666), __name__.encode() + b" ")
"""
STANDARD = Path(sysconfig.get_path("stdlib", "posix_prefix", {"installed_base": "/usr"}))
MODULES = (
    "colorsys traceback socket subprocess json/__init__ re/__init__ pwd encodings/idna encodings/ascii "
    "encodings/latin_1 encodings/cp437 ctypes/util linecache tokenize"
).split()


def _plant(persona: Persona, upper: Path, package: Path) -> None:
    """At every place where an import could look: /, the working folder, the library's and our own folders."""
    ours = [f"{package}/ipycontainer/{name}" for name in ("late", "linux/late", "runtime/inside/steps/late")]
    places = [f"{folder}/{name}.py" for folder in ("", "/work", STANDARD) for name in MODULES]
    for place in [*places, *(f"{name}.py" for name in ours)]:
        path = upper / place.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLANTED)
    own(persona, upper)


WAYS = [
    (("true",), ()),
    (("nosuch",), ()),
    (("/etc",), ()),
    (("true",), ("-u", "nobody-such")),
    (("true",), ("-u", "1:")),
    (("true",), ("-w", "/etc/passwd")),
    (("true",), ("-w", "/work", "--init")),
    (("true",), ("--ulimit", "nofile=99999999:99999999")),
    (("true",), ("-t",)),
    (("true",), ("--read-only", "-w", "/not/there")),
]


@pytest.mark.parametrize(("command", "options"), WAYS, ids=lambda words: " ".join(words) or "-")
def test_nothing_that_is_planted_is_run_by_us(persona: Persona, command: tuple[str, ...], options: tuple[str, ...]):
    container, upper = create_hostile(persona, *command, options=options)
    _plant(persona, upper, CHECKOUT)
    persona.cli("start", "-a", container)
    assert not (upper / "planted").exists(), (upper / "planted").read_text()
    assert not Path("/planted").exists()


def test_nor_by_an_exec(persona: Persona):
    container, upper = create_hostile(persona, "sleep", "1000", options=("-w", "/work"))
    _plant(persona, upper, CHECKOUT)
    persona.ok("start", container)
    for words in (["true"], ["nosuch"], ["/etc"]):
        persona.cli("exec", container, *words)
        persona.cli("exec", "-u", "nobody-such", container, *words)
        persona.cli("exec", "-w", "/etc/passwd", container, *words)
    assert not (upper / "planted").exists(), (upper / "planted").read_text()


USED = "runtime/inside/steps/identity.py", '        groups = read_table("/etc/group")\n'
FORGOTTEN: list[Edit] = [  # a late import, as somebody might write one
    (*USED, USED[1] + "        b'x'.decode('cp437')\n        import ipycontainer.linux.late\n")
]
OFF: Edit = ("runtime/inside/container.py", "        forbid_imports()\n", "")


@pytest.mark.parametrize("guarded", [True, False])
def test_a_late_import_finds_nothing(persona: Persona, guarded: bool):
    container, upper = create_hostile(persona, "true")
    with copy_with(persona, FORGOTTEN + ([] if guarded else [OFF])) as copy:
        _plant(persona, upper, copy.package)
        # In a slot the rehearsal may have imported it already, from the host: nothing is late then.
        slots = "" if guarded else 'os.environ["IPYCONTAINER_SLOTS"] = "0"; '
        copy.run(f"{slots}engine.get({container!r}).start(attach=True).close()")
    if guarded:
        assert not (upper / "planted").exists()
    else:
        planted = (upper / "planted").read_text()
        assert "encodings.cp437" in planted, "the attack does not work: the test shows nothing"


JOB = """
    jobs["modules"] = lambda request, descriptors, channel: {
        "path": sys.path,
        "found": {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()},
    }
    prctl.set_name("""
ASKED: Edit = ("launcher/__main__.py", "\n    prctl.set_name(", JOB)


def test_a_live_launcher_has_the_standard_library_and_us_alone(persona: Persona):
    with copy_with(persona, [ASKED]) as copy:
        told = copy.told("tell(engine.launcher.call('modules', {}))")
    assert told["path"] == []
    allowed = (f"{copy.package}/ipycontainer/", f"{STANDARD}/")
    strange = {name: file for name, file in told["found"].items() if file and not file.startswith(allowed)}
    strange |= {name: file for name, file in told["found"].items() if "-packages" in file}
    assert not strange
    assert {"ipycontainer.runtime.plan", "ipycontainer.images.inside.jobs"} <= told["found"].keys()
    # What costs memory in every fork, and what nobody needs there.
    assert (
        not {"json", "re", "subprocess", "socket", "threading", "logging", "asyncio", "typing"} & told["found"].keys()
    )
    assert not [name for name in told["found"] if name.startswith("ipycontainer.") and ".engine" in name]


def test_its_shared_objects_are_the_systems(persona: Persona):
    """The same from outside: what the kernel says is mapped."""
    persona.ok("run", "--rm", "base", "true")
    pid = persona.python("from ipycontainer import Engine; print(Engine().launcher.facts()['pid'])")
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    files = {line.split(maxsplit=5)[5] for line in maps if line.count("/")}
    assert files and all(file.startswith(("/usr/", "/lib", "/dev/")) for file in files), files
    assert not any("site-packages" in file or str(persona.folder) in file for file in files)
    assert sys.version_info >= (3, 11)
