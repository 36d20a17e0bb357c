"""`system boot`: who runs again after a start of the machine, and who does not; `system install`: what calls it.

A boot is made up: the living are ended as a power cut ends them, monitor first, and what they had written down bears
the boot of an earlier day.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from tests.life.inside import alive_record, detached, state, until
from tests.personas import Persona


def _power_cut(persona: Persona, *containers: str) -> None:
    for container in containers:
        os.kill(alive_record(persona, container)["monitor"], signal.SIGKILL)
    for container in containers:
        until(lambda one=container: not state(persona, one)["Running"], "it is dead")


def _old_record(persona: Persona, container: str, pid: int) -> Path:
    """What an earlier boot left in a run folder that outlived it: a number that is somebody else's by now."""
    run = persona.run_folders()[0] / "containers" / container
    run.mkdir(mode=0o700, exist_ok=True)
    alive = run / "alive"
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        started = int(file.read().rpartition(")")[2].split()[19])
    lines = [{"cgroups": [], "devices": ""}, {"pid": pid, "start_time": started, "monitor": pid, "boot_id": "earlier"}]
    alive.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in (run, alive):
        os.chown(path, persona.uid, persona.gid)
    return alive


def test_policies_after_a_boot(fresh_persona: Persona):
    persona = fresh_persona
    persona.ok("run", "--rm", "base", "true", timeout=120)
    make = ("base", "sleep", "1000")
    runs = {word: detached(persona, "--restart", word, "--name", word, *make) for word in ("always", "unless-stopped")}
    plain = detached(persona, "--name", "plain", *make)
    failing = detached(persona, "--restart", "on-failure", "--name", "failing", *make)
    halted = {}
    for word in runs:
        halted[word] = detached(persona, "--restart", word, "--name", f"halted-{word}", *make)
        persona.ok("stop", "-t", "0", halted[word])
    persona.ok("create", "--restart", "always", "--name", "never", *make)
    _power_cut(persona, *runs.values(), plain, failing)
    bystander = persona.popen(["sleep", "1000"])
    try:
        _old_record(persona, plain, bystander.pid)
        _old_record(persona, runs["always"], bystander.pid)
        persona.ok("ps", "-a")
        assert persona.ok("ps", "-q") == "", "looking starts nothing"
        assert persona.ok("system", "boot").split() == ["always", "unless-stopped"]
        assert bystander.poll() is None, "an old number is never signalled"
    finally:
        bystander.kill()
        bystander.communicate()
    assert sorted(persona.ok("ps", "--format", "{{.Names}}").split()) == ["always", "unless-stopped"]
    assert persona.ok("system", "boot") == "", "they run already"


def test_what_calls_it(fresh_persona: Persona):
    shown = fresh_persona.ok("system", "install", "--print")
    assert "Type=oneshot" in shown and f'--root "{fresh_persona.store}" system boot' in shown
    wanted = "multi-user.target" if fresh_persona.is_root else "default.target"
    assert f"WantedBy={wanted}" in shown
    if not fresh_persona.is_root:
        assert "systemctl --user enable ipycontainer.service" in fresh_persona.ok("system", "install")
        written = fresh_persona.folder / ".config/systemd/user/ipycontainer.service"
        assert written.read_text().strip() == shown


def test_in_python(fresh_persona: Persona):
    code = """
from ipycontainer import Engine
engine = Engine()
engine.run("base", ["true"], remove=True)
print(engine.boot())
"""
    assert fresh_persona.python(code, timeout=120) == []
