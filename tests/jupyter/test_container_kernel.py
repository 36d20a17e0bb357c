"""A Jupyter kernel in a container: started, used, interrupted, restarted and killed through jupyter_client."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipycontainer.commands.kernels.connection import CHANNELS
from tests.jupyter.served_kernel import ServedKernel, until_gone
from tests.personas import BIN, Persona

PLATFORM = {"JUPYTER_PLATFORM_DIRS": "1"}


@pytest.fixture
def box(persona: Persona) -> Iterator[Callable[..., ServedKernel]]:
    """Installs a kernel with some options, and starts it."""
    served: list[ServedKernel] = []

    def start(*options: str, alone: bool = False) -> ServedKernel:
        persona.ok("kernel", "install", "--user", "--name", "box", *options, env=PLATFORM, timeout=120)
        if alone:
            _without_provisioner(persona)
        served.append(ServedKernel(persona, "box"))
        return served[-1]

    yield start
    for kernel in served:
        kernel.close()
    persona.cli("kernel", "remove", "box", env=PLATFORM)


def _without_provisioner(persona: Persona) -> None:
    """What a front end that knows no provisioners makes of the spec."""
    path = next(persona.folder.glob(".local/share/jupyter/kernels/box/kernel.json"))
    document = json.loads(path.read_text())
    del document["metadata"]["kernel_provisioner"]
    path.write_text(json.dumps(document))


def test_it_is_a_container_without_a_network(persona: Persona, box, nothing_left: None):
    kernel = box()
    assert kernel.ok("import os; print(os.getppid(), *os.listdir('/sys/class/net'))") == "1 lo"
    assert kernel.ok("import pathlib; print(pathlib.Path('/proc/1/comm').read_text().strip())") == "init"
    # None of this machine's folders is there, and its own sockets are no door to anywhere.
    assert kernel.ok(f"print(os.path.exists({str(persona.folder)!r}), os.getcwd())") == "False /"
    assert persona.ok("ps", "-q", "--filter", "label=ipycontainer.kernel=true") != ""
    assert [name for name in os.listdir(kernel.folder / "sockets") if name.startswith("kernel-")] != []
    # What its launcher keeps for itself is not shown to it.
    assert kernel.ok("print(*sorted(name.partition('-')[0] for name in set(os.listdir('/run/jupyter-kernel'))))") == (
        "connection.json kernel kernel kernel kernel kernel"
    )
    kernel.ask("shutdown")
    assert not kernel.folder.exists() and not kernel.connection_file.exists()
    kernel.close()


def test_interrupt_restart_and_interrupt_again(persona: Persona, box, nothing_left: None):
    kernel = box()
    kernel.ok("kept = 1")
    for code in (
        "print('here', flush=True)\nwhile True: pass",
        "import time; print('here', flush=True); time.sleep(60)",
    ):
        kernel.ask("send", code)
        kernel.ask("said", "here")
        kernel.ask("interrupt")
        assert kernel.ask("finish")[0] == "KeyboardInterrupt"
    assert kernel.ok("print(kept)") == "1"
    for now in (False, True):
        kernel.ask("restart", now)
        assert kernel.run("kept")[0] == "NameError"
        kernel.ok("kept = 2")
    assert len(persona.ok("ps", "-q").split()) == 1
    kernel.ask("shutdown", True)
    kernel.close()


def test_when_the_server_is_killed_nothing_is_left(persona: Persona, box, nothing_left: None):
    kernel = box()
    kernel.ok("x = 1")
    kernel.kill_server()
    until_gone(kernel.folder)
    until_gone(kernel.connection_file)
    kernel.close()


def test_when_the_launching_process_is_killed_the_container_goes_too(persona: Persona, box, nothing_left: None):
    kernel = box()
    os.kill(kernel.pid, signal.SIGKILL)
    kernel.ask("dead")
    deadline = time.monotonic() + 15
    while persona.ok("ps", "-aq"):
        assert time.monotonic() < deadline
    kernel.ask("restart")
    assert kernel.ok("print('again')") == "again"
    kernel.ask("shutdown")
    kernel.close()


def test_a_kernel_that_kills_itself_is_dead_and_the_log_says_why(persona: Persona, box, nothing_left: None):
    kernel = box()
    kernel.ask("send", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert kernel.ask("dead") == "the kernel was ended by signal 9"
    assert "the kernel was ended by signal 9" in kernel.log.read_text()
    kernel.ask("restart")
    assert kernel.ok("print('again')") == "again"
    kernel.ask("shutdown")
    kernel.close()


@pytest.mark.personas("root")
def test_out_of_memory_is_called_by_its_name(persona: Persona, box, nothing_left: None):
    kernel = box("-m", "200m")
    kernel.ask("send", "data = b'x' * 500_000_000")
    assert kernel.ask("dead").startswith("out of memory: ") and "of 200 MB" in kernel.log.read_text()
    kernel.ask("shutdown")
    kernel.close()


def test_the_arguments_work_alone_over_tcp(persona: Persona, box, nothing_left: None):
    """As VS Code starts it: ports on this machine, and no provisioner of ours."""
    before = _folders()
    kernel = box(alone=True)
    assert len(_folders() - before) == 1
    assert json.loads(kernel.connection_file.read_text())["transport"] == "tcp"
    assert kernel.ok("import os; print(*os.listdir('/sys/class/net'))") == "lo"
    # More than all buffers on the way hold.
    status, output = kernel.run("import sys\nfor _ in range(40): sys.stdout.write('x' * 250_000)")
    assert (status, len(output)) == ("ok", 10_000_000)
    kernel.ask("send", "print('here', flush=True)\nwhile True: pass")
    kernel.ask("said", "here")
    kernel.ask("interrupt")
    assert kernel.ask("finish")[0] == "KeyboardInterrupt"
    kernel.ask("restart")
    assert kernel.ok("print(6 * 7)") == "42"
    kernel.ask("shutdown")
    kernel.close()
    assert _folders() == before


def _folders() -> set[str]:
    return {str(path) for path in Path("/tmp").glob("ipycontainer-kernel-*")}


def test_what_a_hostile_kernel_leaves_beside_its_sockets_holds_nothing_up(persona: Persona, box, nothing_left: None):
    """Links to files of the host, pipes that nobody writes to, folders: in the one folder that it shares with us."""
    victim = persona.path("victim", "dear")
    kernel = box()
    kernel.ask(
        "send",
        f"""
import os, signal
os.chdir("/run/jupyter-kernel")
for name in ("ended.json", "lock"):
    os.symlink({str(victim)!r}, name)
os.rename("ended.json", "link")
os.mkfifo("ended.json")
os.makedirs("folder/deep")
os.symlink({str(persona.work)!r}, "folder/link")
os.unlink("connection.json")
os.symlink({str(victim)!r}, "connection.json")
os.kill(os.getpid(), signal.SIGKILL)
""",
    )
    assert kernel.ask("dead") == "the kernel was ended by signal 9"
    kernel.ask("restart")
    assert kernel.ok("import os; print(os.path.exists('/run/jupyter-kernel/folder'))") == "False"
    assert victim.read_text() == "dear"
    kernel.ask("shutdown")
    kernel.close()
    assert not kernel.folder.exists()
    victim.unlink()


def test_sockets_beside_what_is_not_the_kernels_are_refused(persona: Persona, nothing_left: None):
    """A front end's own ipc sockets lie in Jupyter's runtime folder, with the keys of all its kernels."""
    ports = {name: number for number, name in enumerate(CHANNELS, 1)}
    file = persona.path("kernel.json", json.dumps({"transport": "ipc", "ip": f"{persona.work}/kernel-ipc", **ports}))
    done = persona.cli("kernel", "run", "base", file)
    assert done.exit_code == 125 and "a folder of its own" in done.err and file.exists(), done
    assert persona.ok("ps", "-aq") == ""
    file.unlink()


def test_the_notebooks_folder_where_it_was_asked_for(persona: Persona, box, nothing_left: None):
    kernel = box("-v", "./:/work", "-w", "/work", "-e", "GREETING=hello")
    persona.path("data.csv", "1,2\n")
    kernel.ok("open('made', 'w').write(open('data.csv').read())")
    assert persona.path("made").read_text() == "1,2\n"
    assert kernel.ok("import os; print(os.environ['GREETING'])") == "hello"
    assert kernel.ask("outside", "data.csv") == str(persona.work / "data.csv")
    assert kernel.ask("outside", "/etc/passwd") is None
    kernel.ask("shutdown")
    kernel.close()
    for name in ("made", "data.csv"):
        (persona.work / name).unlink()


GONE = """
import glob, json, os
from jupyter_client.manager import KernelManager
manager = KernelManager(kernel_name="gone")
try:
    manager.start_kernel()
except RuntimeError as error:
    mine = [path for path in glob.glob("/tmp/ipycontainer-kernel-*") if os.stat(path).st_uid == os.geteuid()]
    print(json.dumps([str(error), os.path.exists(manager.connection_file), mine]))
else:
    manager.shutdown_kernel(now=True)
"""


def test_one_whose_image_is_gone_says_so_at_its_start(persona: Persona):
    persona.ok("create", "--name", "soon", "base")
    persona.ok("commit", "soon", "localhost:1/soon/gone:1")
    persona.ok("rm", "soon")
    persona.ok("kernel", "install", "--user", "--name", "gone", "--image", "localhost:1/soon/gone:1", env=PLATFORM,
               timeout=120)  # fmt: skip
    persona.ok("rmi", "localhost:1/soon/gone:1")
    try:
        before = {str(path) for path in Path("/tmp").glob("ipycontainer-kernel-*")}
        reason, has_file, folders = persona.python(GONE, env=PLATFORM)
        assert "localhost:1/soon/gone:1" in reason and "\n" not in reason
        assert not has_file and set(folders) <= before
    finally:
        persona.ok("kernel", "remove", "gone", env=PLATFORM)


def test_install_list_remove(persona: Persona):
    said = persona.cli("kernel", "install", "--user", "--name", "box", "--cpus", "0.5" if persona.is_root else "0",
                       env=PLATFORM)  # fmt: skip
    assert said.exit_code == 0 and "Installed kernel box" in said.out, said
    assert "the same Python" in said.out and "none of your folders" in said.err
    assert persona.ok("kernel", "list", "-q", env=PLATFORM).split() == ["box"]
    assert persona.ok("kernel", "remove", "box", env=PLATFORM) == "box"
    assert persona.ok("kernel", "ls", "-q", env=PLATFORM) == ""
    gone = persona.cli("kernel", "remove", "box", env=PLATFORM)
    assert gone.exit_code == 1 and "no such kernel of ours: box" in gone.err


def test_it_is_installed_where_its_person_may_write(persona: Persona):
    environment = BIN.parent
    may = persona.uid in (0, environment.stat().st_uid)
    said = persona.ok("kernel", "install", "--name", "whose", env=PLATFORM, timeout=120)
    try:
        where = environment / "share/jupyter" if may else persona.folder / ".local/share/jupyter"
        assert f"Installed kernel whose in {where}/kernels/whose" in said
        assert persona.ok("kernel", "list", "-q", env=PLATFORM) == "whose"
    finally:
        persona.ok("kernel", "remove", "whose", env=PLATFORM)
    if not may:
        done = persona.cli("kernel", "install", "--name", "whose", "--sys-prefix", env=PLATFORM, timeout=120)
        assert done.exit_code == 1 and "Permission denied" in done.err


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--name", "a b"], "a kernel's name has letters"),
        (["--user", "--sys-prefix"], "give one of them"),
        (["--image", "nosuch"], "Unable to find image"),
        (["--packages-from-host=false"], "has no ipykernel"),
        (["-v", "nowhere"], "mount path must be absolute"),
    ],
)
def test_what_cannot_work_is_not_installed(persona: Persona, options: list[str], part: str, nothing_left: None):
    done = persona.cli("kernel", "install", *options, env=PLATFORM)
    assert done.exit_code == 1 or done.exit_code == 125, done
    assert part in done.err and len(done.err.splitlines()) == 1, done
    assert persona.ok("kernel", "list", "-q", env=PLATFORM) == ""


def test_a_connection_file_that_is_none_is_refused(persona: Persona):
    path = persona.path("nothing.json", "{}")
    done = persona.cli("kernel", "run", "base", path)
    assert done.exit_code == 125 and "no connection file" in done.err
    assert persona.ok("ps", "-aq") == ""
