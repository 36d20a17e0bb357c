"""What the crash tests rest on, each with its guard taken out: then it is red, and here that is the proof."""

from __future__ import annotations

import os

import pytest

from tests.crash.build import built
from tests.crash.test_named_points import told
from tests.hostile.copies import Edit, copy_with
from tests.personas import Persona

# Numbers that are used again.

_BY_START_TIME: Edit = (
    "runtime/inside/kill.py",
    'pidfd.start_time(int(state["pid"])) == state["start_time"] and not',
    "not",
)
_SWEPT_BY_START_TIME: Edit = ("runtime/inside/sweep.py", "if pidfd.start_time(pid) == start_time:", "if True:")
_BY_BOOT: Edit = ("runtime/inside/sweep.py", 'if state.get("boot_id") == alive.boot_id():', 'if "pid" in state:')

_INNOCENT = """
import subprocess, time
from ipycontainer.engine.request import RunRequest
from ipycontainer.launcher import alive
innocent = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
started = int(open(f"/proc/{innocent.pid}/stat").read().rpartition(")")[2].split()[19])
container = engine.create(RunRequest(image="base", command=("sleep", "1000")))
container.start()
original = alive.read(container.run_folder)
def write(**changes):
    "What a number that was used again looks like: the record names a process of ours that is somebody else now."
    with open(container.run_folder + "/alive", "w") as file:
        file.write(json.dumps({**original, **changes}) + "\\n")
def attempt(act):
    try:
        act()
    except errors.Error as error:
        return str(error)
def ended():
    "Whether the innocent process was hit: whom a SIGKILL waits for answers nothing any more."
    try:
        innocent.stdin.write(b"well?\\n")
        innocent.stdin.flush()
    except BrokenPipeError:
        return True
    return innocent.stdout.readline() == b""
def swept():
    "The look's sweep may have met the new launcher's own, which is still at it."
    end = time.monotonic() + 20
    while os.path.exists(container.run_folder):
        assert time.monotonic() < end
        time.sleep(0.002)
def die():
    "Monitor and launcher at once, so that nobody sweeps."
    os.kill(engine.launcher.running_pid(), 9)
    os.kill(original["monitor"], 9)
    while container.status == "running":
        time.sleep(0.005)
try:
    tell([ACT, ended()])
finally:
    write() if alive.is_alive(container.run_folder) else None
    innocent.kill()
    innocent.wait()
    container.remove(force=True)
"""

ACTS = {
    "kill": ("write(pid=innocent.pid), attempt(container.kill)", _BY_START_TIME),
    "sweep": ("die(), write(pid=innocent.pid), engine.ps(all=True) and None, swept()", _SWEPT_BY_START_TIME),
    "remove": ("die(), write(pid=innocent.pid), container.remove()", _SWEPT_BY_START_TIME),
    "another boot": (
        "die(), write(pid=innocent.pid, start_time=started, boot_id='another'), engine.ps(all=True) and None, swept()",
        _BY_BOOT,
    ),
}


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
@pytest.mark.parametrize("act", ACTS)
def test_a_number_that_was_used_again_hits_nobody(persona: Persona, act: str, guarded: bool):
    code, guard = ACTS[act]
    with copy_with(persona, [] if guarded else [guard]) as copy:
        *_, hit = copy.told(_INNOCENT.replace("ACT", f"({code})"))
    assert hit == (not guarded)


def test_nor_do_stop_and_exec(persona: Persona):
    code = """
        write(pid=innocent.pid), attempt(lambda: container.stop(0.2)), attempt(lambda: container.exec(["true"]))
    """
    with copy_with(persona) as copy:
        (_, stop, execute), hit = copy.told(_INNOCENT.replace("ACT", f"({code.strip()})"))
    assert not hit and stop is None and execute == "the container is not running any more"


REUSE = """
import json, os, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from ipycontainer import Engine
from ipycontainer.engine.request import RunRequest
from ipycontainer.launcher import alive
engine = Engine(sys.argv[2])
container = engine.create(RunRequest(image="base", command=("sleep", "1000")))
container.start()
pid = alive.read(container.run_folder)["pid"]
os.kill(engine.launcher.running_pid(), 9)
os.kill(alive.read(container.run_folder)["monitor"], 9)
while container.status == "running" or os.path.exists(f"/proc/{pid}"):
    time.sleep(0.005)
    try:
        os.waitpid(-1, os.WNOHANG)  # PID 1 of this namespace are we
    except ChildProcessError:
        pass
with open("/proc/sys/kernel/ns_last_pid", "w") as file:
    file.write(str(pid - 1))
innocent = os.fork()
if innocent == 0:
    os.execvp("sleep", ["sleep", "1000"])
engine.ps(all=True)
container.remove()
ended, status = os.waitpid(innocent, os.WNOHANG)
print(json.dumps([innocent == pid, bool(ended)]))
"""


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_the_kernel_gives_the_number_again(persona: Persona, guarded: bool):
    """In a pid namespace of its own, where the next number can be chosen: pid_namespaces(7), ns_last_pid."""
    space = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with copy_with(persona, [] if guarded else [_SWEPT_BY_START_TIME]) as copy:
        done = persona.run([*space, copy.python, "-I", "-c", REUSE, copy.package, persona.store])
        assert done.exit_code == 0, done
        copy.told("tell(0)")
    assert done.out.split("\n")[-2] == f"[true, {'false' if guarded else 'true'}]", done


# A monitor that dies while PID 1 is on its way.

_SLOW: list[Edit] = [
    # The starter does not go with its monitor, so that its end of the channel stays open …
    ("runtime/inside/handing_over.py", "    forks.die_with(monitor)\n", ""),
    # … and PID 1 asks to be killed with its parent when that one is dead already.
    (
        "runtime/inside/steps/confine.py",
        "        prctl.set_parent_death_signal(_SIGKILL)\n",
        """        while not descriptors.hangs_up(place.monitor):
            os.sched_yield()
        prctl.set_parent_death_signal(_SIGKILL)
""",
    ),
]
_UNSEEN: Edit = (
    "runtime/inside/steps/confine.py",
    "if place.monitor >= 0 and descriptors.hangs_up(place.monitor):",
    "if False:",
)

# The cold way: in a slot PID 1 asks at once, and only a change of ids makes it ask again.
_LATE = """
import signal, time
os.environ["IPYCONTAINER_SLOTS"] = "0"
from ipycontainer.engine.request import RunRequest
from ipycontainer.launcher import alive
from ipycontainer.linux import pidfd
container = engine.create(RunRequest(image="base", command=("sleep", "1000"), attach=()))
client = os.fork()
if client == 0:
    try:
        container.start()
    except errors.Error:
        pass
    finally:
        os._exit(0)
end = time.monotonic() + 20
while not (state := alive.read(container.run_folder)).get("pid"):
    assert time.monotonic() < end
    time.sleep(0.002)
first = os.pidfd_open(state["pid"])
os.kill(engine.launcher.running_pid(), signal.SIGKILL)  # else it would sweep
os.kill(state["monitor"], signal.SIGKILL)
os.waitpid(client, 0)
ended = pidfd.await_end(first, 2)
if not ended:
    with open(f"/proc/{state['pid']}/cmdline") as file:
        ended = file.read().replace("\\0", " ").strip()
    signal.pidfd_send_signal(first, signal.SIGKILL)
    pidfd.await_end(first, 10)
container.remove(force=True)
tell(ended)
"""


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_no_program_runs_whose_monitor_died_before_it(persona: Persona, guarded: bool):
    with copy_with(persona, _SLOW if guarded else [*_SLOW, _UNSEEN]) as copy:
        said = copy.told(_LATE)
    assert said == (True if guarded else "sleep 1000")


# The lock.

_IGNORED: Edit = (
    "runtime/inside/life.py",
    "        if not locks.take(lock, alive.SWEEPER if sweeps else 0):\n",
    "        if False:\n",
)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_what_is_locked_is_not_swept(persona: Persona, guarded: bool):
    with copy_with(persona, [] if guarded else [_IGNORED]) as copy:
        said = copy.told(
            """
            from ipycontainer.engine.request import RunRequest
            container = engine.create(RunRequest(image="base", command=("sleep", "1000")))
            container.start()
            try:
                engine.launcher.call("sweep", {"run": container.run_folder})
                said = "swept alive"
            except errors.WrongState as error:
                said = str(error)
            tell(said)
            container.remove(force=True)
            """
        )
    assert ("already running" in said) == guarded and (said == "swept alive") == (not guarded)


# The sweep.

_UNSWEPT: list[Edit] = [
    ("runtime/inside/sweep.py", "        sweep_leavings(run)\n        gone", "        return\n        gone"),
]


def test_without_the_sweep_the_walk_is_red(persona: Persona):
    with built(persona, _UNSWEPT) as copy:
        said = told(copy, "walk([('monitor.record', 'kill', 'kept')])")
    assert any("run folders are left" in line for line in said["troubles"]), said
    persona.ok("ps", "-a")
    persona.remove_containers()


_ONE_LOOK: Edit = (
    "runtime/inside/sweep.py",
    'if "sweeping" in state or (number and not pidfd.is_gone(number)) or time.monotonic() >= end:',
    "if True:",
)

_DYING = """
import os, time
from ipycontainer.runtime.inside import life, sweep
engine.launcher.connect().close()
root, run = engine.root, engine.launcher.run
gone = 2 ** 22 + 1  # no process has that number; an older release's slot bore it alone
folders = [f"{run}/containers/{'d' * 64}", f"{run}/slots/slot-0a1b2c3d4e5f-{gone}", f"{run}/slots/slot-{gone}"]
os.makedirs(f"{run}/slots", exist_ok=True)
reading, writing = os.pipe()
starter = os.fork()
if starter == 0:
    for folder in folders:
        life.claim(folder)
    os.write(writing, b".")
    time.sleep(0.3)
    os._exit(0)
os.read(reading, 1)
sweep.sweep_orphans(root, run)
os.waitpid(starter, 0)
left = [folder for folder in folders if os.path.isdir(folder)]
for folder in left:
    sweep.sweep_dead(folder)
tell(len(left))
"""


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_what_a_dying_starter_holds_is_swept_when_it_is_dead(persona: Persona, guarded: bool):
    """Its monitor was killed, the launcher knows, and the lock is still held by a process on its way out."""
    with copy_with(persona, [] if guarded else [_ONE_LOOK]) as copy:
        assert copy.told(_DYING) == (0 if guarded else 3)


_SLOW_SWEEP: Edit = (
    "runtime/inside/sweep.py",
    '    trash = os.path.join(root, "trash")\n    failure = None\n',
    '    time.sleep(4)\n    trash = os.path.join(root, "trash")\n    failure = None\n',
)
_TAKES_IN: Edit = (
    "launcher/server.py",
    "        self._close_listeners()\n        self._orphaned()\n",
    "        self._orphaned()\n",
)

_KILLED_BESIDE = """
import os, time
from ipycontainer.engine.request import RunRequest
engine.run("base", ["true"], remove=True)
container = engine.create(RunRequest(image="base", command=("sleep", "1000")))
container.start()
launcher, monitor = engine.launcher.running_pid(), container.state().monitor
time.sleep(5)  # the sweep that every launcher begins with is over
def sweeps():
    "The launcher has forked one more child, which is no spare."
    with open(f"/proc/{launcher}/task/{launcher}/children") as file:
        others = [pid for pid in file.read().split() if pid != str(monitor)]
    return any(open(f"/proc/{pid}/comm").read() == "ipycontainer\\n" for pid in others)
os.kill(monitor, 9)
while not sweeps():
    time.sleep(0.001)
os.kill(launcher, 9)
time.sleep(0.5)  # whoever waited has seen that it is gone
begin = time.monotonic()
engine.run("base", ["true"], remove=True)
seconds = time.monotonic() - begin
time.sleep(6)
container.remove(force=True)
tell(seconds)
"""


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_who_sweeps_keeps_nobody_waiting_whose_launcher_was_killed(persona: Persona, guarded: bool):
    """Its copy of the listening sockets would take clients in, whom nobody serves."""
    with copy_with(persona, [_SLOW_SWEEP] if guarded else [_SLOW_SWEEP, _TAKES_IN]) as copy:
        seconds = copy.told(_KILLED_BESIDE)
    assert (seconds < 3) == guarded, seconds


_BY_NUMBER_ALONE: Edit = (
    "runtime/inside/slot.py",
    '{PREFIX}{os.urandom(6).hex()}-{start_time(number)}-{number}"',
    '{PREFIX}{number}"',
)

_ANOTHER_STORES = """
import os, time
from ipycontainer.engine import about
from ipycontainer.engine.request import RunRequest
from ipycontainer.launcher import alive
from ipycontainer.linux import cgroups
from ipycontainer.runtime.inside import jobs, life, slot, sweep
os.environ["IPYCONTAINER_SLOTS"] = "1"
engine.run("base", ["true"], remove=True)
end = time.monotonic() + 20
while not about.slots(engine.launcher.run)["Waiting"] and time.monotonic() < end:
    time.sleep(0.01)
container = engine.create(RunRequest(image="base", command=("sleep", "1000")))
container.start()
state = container.state()
assert os.path.basename(state.cgroups[0]).startswith(slot.PREFIX), state
# What a slot of another store has left, whose monitor had this one's number: its record, which nobody has swept.
other = engine.root + "-other"
for name in ("slots", "run/slots"):
    os.makedirs(f"{other}/{name}")
host = jobs.read_host("root").replace(layout=cgroups.read_layout(engine.launcher.running_pid()))
left = slot.Slot(slot.Slots(host, other, f"{other}/run"), state.monitor)
life.write_leaves(left.lock, left.group.leaves, "", left.layer)
os.close(left.lock)
sweep.sweep_dead(left.run)
swept = not os.path.exists(left.run)
end = time.monotonic() + 1
while container.status == "running" and time.monotonic() < end:
    time.sleep(0.01)
tell([swept, container.status])
container.remove(force=True)
for name in ("run/slots", "run", "slots", ""):
    os.rmdir(f"{other}/{name}")
"""


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_a_slot_s_record_names_no_group_of_a_later_slot_with_its_number(persona: Persona, guarded: bool):
    """Numbers come again, in every store of this machine; where an ordinary user has groups it is no different."""
    with copy_with(persona, [] if guarded else [_BY_NUMBER_ALONE]) as copy:
        swept, status = copy.told(_ANOTHER_STORES)
    assert swept and (status == "running") == guarded, status


# A launcher that leaves, and what a killed job leaves.

_SLOW_TO_LEAVE: Edit = (
    "launcher/server.py",
    "            ours = queue.unlink()\n",
    "            ours = queue.unlink()\n        time.sleep(3)\n",
)
_WHOSEVER: Edit = ("launcher/server.py", "os.stat(self._facts).st_ino == self._facts_inode:", "True:")

_SUCCEEDED = """
import os, select, time
launcher = engine.launcher
launcher.connect().close()
def process(pid):
    poll = select.poll()
    poll.register(os.pidfd_open(pid), select.POLLIN)
    return poll
first = launcher.running_pid()
ends = process(first)
if os.fork() == 0:
    launcher.leave()
    os._exit(0)
while os.path.exists(launcher.socket_path):
    time.sleep(0.001)
second = launcher.facts()["pid"]
assert second != first and ends.poll(20000)
tell(launcher.running_pid() == second)
ends = process(second)
launcher.leave()  # by its socket: where nobody knows its number any more, nobody would see it go
assert ends.poll(20000)
"""


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_a_launcher_that_leaves_takes_nothing_of_its_successor_s_away(persona: Persona, guarded: bool):
    """Its sockets' names are gone, so the next one has come, and has written who it is, before the first is gone."""
    with copy_with(persona, [_SLOW_TO_LEAVE] if guarded else [_SLOW_TO_LEAVE, _WHOSEVER]) as copy:
        assert copy.told(_SUCCEEDED) is guarded


_LETS_NOBODY_GO: Edit = ("runtime/lifecycle.py", "        if not self._let_go(self._channel):\n", "        if False:\n")
_KILLS_WHAT_STANDS: Edit = (
    "runtime/inside/kill.py",
    '        if request["signal"] == _SIGKILL:\n',
    "        if False:\n",
)

_HELD = """
import os, time
from ipycontainer.engine.request import RunRequest
from ipycontainer.linux import cgroups
from ipycontainer.runtime import lifecycle
engine.run("base", ["true"], remove=True)
container = engine.create(RunRequest(image="base", command=("sleep", "1000")))
container.start()
leaves = container.state().cgroups
def frozen():
    return cgroups.is_frozen(leaves)
def children():
    "The launcher's children that are neither spare nor monitor."
    launcher = engine.launcher.running_pid()
    with open(f"/proc/{launcher}/task/{launcher}/children") as file:
        others = [int(pid) for pid in file.read().split() if int(pid) != container.state().monitor]
    return [pid for pid in others if open(f"/proc/{pid}/comm").read() == "ipycontainer\\n"]
def job():
    "The one that has the container stand still; a spare is called so a moment after its fork."
    end = time.monotonic() + 3
    while len(found := children()) != 1:
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found[0]
held = lifecycle.standing_still(engine.launcher, container.run_folder)
held.__enter__()
assert frozen()
os.kill(job(), 9)
end = time.monotonic() + 3
while not frozen() and time.monotonic() < end:
    time.sleep(0.01)
assert frozen()  # a killed one has let nobody go
try:
    ACT
finally:
    if frozen():
        cgroups.thaw(leaves)
    container.remove(force=True) if os.path.isdir(container.folder) else None
"""


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_what_a_killed_job_held_goes_on_when_its_asker_is_done(persona: Persona, guarded: bool):
    with copy_with(persona, [] if guarded else [_LETS_NOBODY_GO]) as copy:
        assert copy.told(_HELD.replace("ACT", "held.__exit__(); tell(frozen())")) is not guarded


_V1 = os.path.exists("/sys/fs/cgroup/freezer")


@pytest.mark.personas("root")
@pytest.mark.parametrize("guarded", [True, False] if _V1 else [True], ids=["guarded", "guard off"][: 1 + _V1])
def test_what_a_killed_job_held_can_be_killed(persona: Persona, guarded: bool):
    """Whoever asked for it was killed too.  With cgroup v2 SIGKILL ends what stands still."""
    act = "container.kill(); time.sleep(1); tell(container.status)"
    with copy_with(persona, [] if guarded else [_KILLS_WHAT_STANDS]) as copy:
        assert copy.told(_HELD.replace("ACT", act)) == ("exited" if guarded else "running")
