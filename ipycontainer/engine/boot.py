"""After a start of the machine nothing runs by itself: `system boot` applies restart policies, a unit calls it.

Looking never starts anything; and a number that was written down in an earlier boot is never signalled, because the
record carries the boot that it is of.
"""

from __future__ import annotations

import os
import sys

from ipycontainer.errors import Error, StoreUnwritable
from ipycontainer.runtime.inside import stopped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine


def boot(engine: Engine, failed: Callable[[Container, Error], None]) -> list[Container]:
    """Start what its restart policy wants to run and nobody has stopped; those that were started.

    failed: told of each that could not be.
    """
    started = []
    for container in sorted(engine.containers(all=True), key=lambda one: one.created):
        if not is_wanted(container):
            continue
        try:
            container.start()
        except Error as error:
            failed(container, error)
        else:
            started.append(container)
    return started


def is_wanted(container: Container) -> bool:
    """Whether it ran, has the policy `always` or `unless-stopped`, and was not stopped by hand since.

    A signal by hand that is not its stop signal keeps `unless-stopped` alone away, as docker has it.
    """
    policy = container.config["request"]["restart"]
    mark = stopped.read(container.folder)
    if policy not in ("always", "unless-stopped") or mark == stopped.FINAL:
        return False
    if policy == "unless-stopped" and mark:
        return False
    return not container.state().runs and os.path.exists(os.path.join(container.folder, "life.json"))


def unit(root: str, user: bool) -> str:
    """A systemd unit that calls `system boot` for the store at `root`.  systemd.service(5)."""
    return f"""[Unit]
Description=Restart policies of the containers in {root}
After=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
# What was started goes on when the unit is stopped; its monitors see to it.
KillMode=process
Delegate=yes
ExecStart="{sys.executable}" -P -m ipycontainer.cli --root "{root}" system boot

[Install]
WantedBy={"default.target" if user else "multi-user.target"}
"""


def install(root: str) -> tuple[str, str]:
    """Write the unit where systemd looks for it: its path, and what makes it run from the next boot on."""
    user = os.geteuid() != 0
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    folder = os.path.join(home, "systemd/user") if user else "/etc/systemd/system"
    path = os.path.join(folder, "ipycontainer.service")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(unit(root, user))
    except OSError as error:
        raise StoreUnwritable(f"cannot write {path}: {error.strerror}; --print shows the unit") from None
    enable = "systemctl enable ipycontainer.service"
    if user:
        enable = "systemctl --user enable ipycontainer.service && loginctl enable-linger"
    return path, enable
