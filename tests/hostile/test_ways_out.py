"""Known ways out of other runtimes: each is tried with the guard that stops it, and without.

Others have files of their own: /proc/self/exe (test_interpreter), descriptors (test_descriptors), /proc, /sys and /dev
as links (test_hostile_files), device nodes (test_devices), the abstract socket (life/test_isolation).
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.copies import Copy, Edit, copy_with
from tests.hostile.images import create_hostile, replace
from tests.personas import Persona

ROOT = "runtime/inside/steps/root.py"
WATCH = """
with engine.get({container!r}).start(attach=True) as attachment:
    tell(b"".join(data for _, data in attachment).decode())
"""


def _outcome(copy: Copy, container: str) -> str:
    """What a start says, or its error."""
    done = copy.run(WATCH.format(container=container))
    return done.out if done.exit_code == 0 else done.err


@pytest.fixture
def folder(persona: Persona) -> Iterator[Path]:
    """A folder of the host that is shown in the container, and that an attacker has filled."""
    path = persona.path("shown/x", "").parent
    (path / "x").unlink()
    yield path
    shutil.rmtree(path)


# Nothing of such a container is made ahead, when no image has a say.
COLD = ("--sysctl", "net.ipv4.ip_forward=1")
NULL_BY_NAME: Edit = (ROOT, "null = through(place.null)", 'null = through(place.root) + "/dev/null"')


@pytest.mark.parametrize("guarded", [True, False])
def test_a_swapped_null_masks_all_the_same(persona: Persona, folder: Path, guarded: bool):
    """CVE-2025-31133: what masks /proc/keys is bound from a /dev/null that is a link to a file of the host."""
    secret = persona.path("secret", "what the host keeps")
    (folder / "null").symlink_to(secret)
    container, _ = create_hostile(persona, "cat", "/proc/keys", options=("-v", f"{folder}:/dev", *COLD))
    with copy_with(persona, [] if guarded else [NULL_BY_NAME]) as copy:
        said = _outcome(copy, container)
    assert ("what the host keeps" in said) is not guarded, said


CONSOLE: Edit = (
    "runtime/inside/steps/devices.py",
    "flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC",
    "flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC",
)


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False])
def test_a_swapped_console_is_not_followed(persona: Persona, folder: Path, guarded: bool):
    """CVE-2025-52565: /dev/console is a link, and the terminal is mounted over what it leads to."""
    (folder / "console").symlink_to("/marker")
    script = "if [ -c /marker ]; then echo mounted; fi"
    shown = ("-t", "-v", f"{folder}:/dev", "-v", "/dev/pts:/dev/pts")
    container, upper = create_hostile(persona, "sh", "-c", script, options=shown)
    replace(persona, upper, "marker", text="")
    with copy_with(persona, [] if guarded else [CONSOLE]) as copy:
        said = _outcome(copy, container)
    assert ("mounted" in said) is not guarded, said


OVER_PROC: Edit = (ROOT, "if os.fstat(found).st_dev in place.kernels_own:", "if False:")


@pytest.mark.parametrize("guarded", [True, False])
def test_no_mount_goes_over_the_kernels_files(persona: Persona, folder: Path, guarded: bool):
    """CVE-2025-52881: -v FOLDER:/foo/attr where the image's /foo is a link to /proc/self: a label goes into a file."""
    (folder / "exec").write_text("mine")
    container, upper = create_hostile(persona, "cat", "/proc/self/attr/exec", options=("-v", f"{folder}:/foo/attr"))
    replace(persona, upper, "foo", link="/proc/self")
    with copy_with(persona, [] if guarded else [OVER_PROC]) as copy:
        said = _outcome(copy, container)
    assert ("mine" in said) is not guarded, said
    assert not guarded or "the kernel's own" in said


MEASURED: Edit = (
    "runtime/inside/steps/identity.py",
    "    value = int(word) if len(word) < 12 else _HIGHEST_ID + 1\n    if value > _HIGHEST_ID:",
    "    value = int(word) & 0xFFFFFFFF  # as a C program's uid_t cuts it\n    if False:",
)
WELL_FORMED: Edit = ("runtime/inside/steps/identity.py", "if colon and not name:", "if False:")


@pytest.mark.personas("root", "user")
@pytest.mark.parametrize(
    ("user", "edit", "kind"), [("4294967296", MEASURED, "-u"), (":1234", WELL_FORMED, "-u")], ids=["cut", "empty name"]
)
@pytest.mark.parametrize("guarded", [True, False])
def test_no_number_is_read_as_root(persona: Persona, user: str, edit: Edit, kind: str, guarded: bool):
    with copy_with(persona, [] if guarded else [edit]) as copy:
        code, said, error = copy.told(
            f"tell(outcome(lambda: engine.run('base', ['id', {kind!r}], user={user!r}, remove=True)))"
        )
    assert (code == 0 and said == "0\n") is not guarded, (code, said, error)


INHERIT: list[Edit] = [
    ("runtime/inside/steps/confine.py", "capabilities.set_all(wanted, wanted, 0)",
     "capabilities.set_all(wanted, wanted, wanted)"),
    # The kernel clears the inheritable set at no change of ids, so for another user it is the same line.
    ("runtime/inside/steps/confine.py", "            return  # ChangeIds has taken them all\n", "            pass\n"),
]  # fmt: skip
# A file with CAP_NET_RAW in its inheritable set, and a user who starts it.
FILE_CAPABILITY = """
import os, shutil, struct
shutil.copy(os.path.realpath("/usr/bin/cat"), "/mycat")
os.setxattr("/mycat", "security.capability", struct.pack("<IIIII", 0x02000001, 0, 1 << 13, 0, 0))
os.setgroups([]); os.setresgid(1000, 1000, 1000); os.setresuid(1000, 1000, 1000)
os.execv("/mycat", ["cat", "/proc/self/status"])
"""


@pytest.mark.personas("root", "user")
@pytest.mark.parametrize("guarded", [True, False])
def test_no_capability_is_inheritable(persona: Persona, guarded: bool):
    """CVE-2022-29162: a file with inheritable capabilities gives them to any user whose process has them so."""
    with copy_with(persona, [] if guarded else INHERIT[:1]) as copy:
        said = copy.told(
            f"tell(engine.run('base', ['python3', '-c', {FILE_CAPABILITY!r}], remove=True, "
            "security_opt=['no-new-privileges=false']).text)"
        )
    effective = next(line.split()[1] for line in said.splitlines() if line.startswith("CapEff"))
    assert (int(effective, 16) != 0) is not guarded, said


BY_PATH: Edit = (
    ROOT,
    "            target = open_target(place, self.target, folder=is_folder)\n",
    """            os.close(open_target(place, self.target, folder=is_folder))
            target = os.open(place.launch.staging + self.target, os.O_PATH)
            if not os.readlink(through(target)).startswith(place.launch.staging):
                raise StartError("outside: " + os.readlink(through(target)))
""",
)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("guarded", [True, False])
def test_a_target_that_is_swapped_meanwhile(persona: Persona, folder: Path, guarded: bool):
    """CVE-2021-30465: a shared volume in which a folder turns into a link and back while containers start."""
    source = persona.path("source/f", "mine").parent
    outside = persona.path("outside/x", "").parent
    (folder / "t").mkdir()
    (folder / "link").symlink_to("../" * 20 + str(outside)[1:])
    options = [f"{folder}:/vol", f"{source}:/vol/t"]
    done = threading.Event()
    swapper = threading.Thread(target=_swap, args=(folder, done))
    code = f"""
    found = []
    for _ in range({40 if guarded else 400}):
        code, text, said = outcome(lambda: engine.run("base", ["cat", "/vol/t/f"], volumes={options!r}, remove=True))
        found.append(said)
        if "outside: " in said: break
    tell(found)
    """
    with copy_with(persona, [] if guarded else [BY_PATH]) as copy:
        swapper.start()
        try:
            found = copy.told(code)
        finally:
            done.set()
            swapper.join()
    got_out = [each for each in found if "outside: " in each]
    assert bool(got_out) is not guarded, found[-3:]
    assert os.listdir(outside) == ["x"]


def _swap(folder: Path, done: threading.Event) -> None:
    """renameat2(2) RENAME_EXCHANGE, as fast as it goes."""
    import ctypes

    libc = ctypes.CDLL(None)
    names = os.fsencode(folder / "t"), os.fsencode(folder / "link")
    while not done.is_set():
        libc.renameat2(-100, names[0], -100, names[1], 2)
        os.sched_yield()


OWNED = "            os.chown(name, self.uid, self.gid, dir_fd=folder, follow_symlinks=False)\n"
SWAPPED = OWNED + "            os.rename('link', name, src_dir_fd=folder, dst_dir_fd=folder)\n"
BY_NAME = "            os.chmod(f'{through(folder)}/{name}', stat.S_IMODE(self.mode))\n"


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False])
def test_a_node_that_is_swapped_meanwhile(persona: Persona, folder: Path, guarded: bool):
    """--device into a folder that another container shares: who is in there puts a link in the node's place."""
    theirs = persona.path("of-the-host", "")
    theirs.chmod(0o600)
    (folder / "link").symlink_to(theirs)
    edit: Edit = ("runtime/inside/steps/devices.py", OWNED, SWAPPED if guarded else SWAPPED + BY_NAME)
    with copy_with(persona, [edit]) as copy:
        copy.told(
            f"""
            shared = {{"volumes": ["{folder}:/shared"], "devices": ["/dev/full:/shared/node"]}}
            tell(engine.run("base", ["true"], remove=True, **shared).exit_code)
            """
        )
    assert (folder / "node").is_symlink()
    assert theirs.stat().st_mode & 0o777 == (0o600 if guarded else 0o666)
    theirs.unlink()
