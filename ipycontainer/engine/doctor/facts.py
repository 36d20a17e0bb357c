"""What this machine says about itself: settings that explain why something did not work."""

from __future__ import annotations

import os

from ipycontainer.linux import capabilities, idmaps
from ipycontainer.linux.cgroups.files import text
from ipycontainer.linux.cgroups.layout import parse_own
from ipycontainer.linux.mountinfo import kind_of
from ipycontainer.record import Record

SETTINGS = (
    "user/max_user_namespaces",
    "kernel/unprivileged_userns_clone",
    "kernel/apparmor_restrict_unprivileged_userns",
)


class Facts(Record):
    """settings: some of /proc/sys; a name that this kernel does not have is not in it."""

    store: str
    store_kind: str = ""
    uid: int = 0
    user: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    no_new_privs: bool = False
    filtered: bool = False  # a seccomp filter stands in front of this process
    in_container: bool = False
    systemd: bool = False
    lingers: bool = False
    unit: str = ""  # the systemd unit that this process belongs to
    scope: bool = False  # the launcher got a unit of its own from systemd
    sys_resource: bool = True
    free_ids: int = 100_000  # from here on, subordinate ids belong to nobody

    def setting(self, name: str) -> str:
        """A value of /proc/sys, "" where there is none."""
        return dict(self.settings).get(name, "")


def read_facts(store: str) -> Facts:
    """The facts about this process, its machine, and the state folder."""
    status = dict(line.split(":\t", 1) for line in text("/proc/self/status").splitlines() if ":\t" in line)
    user = idmaps.account(os.geteuid())
    return Facts(
        store=store,
        store_kind=kind_of(os.path.realpath(store)),
        uid=os.geteuid(),
        user=user,
        settings=tuple((name, value) for name in SETTINGS if (value := text(f"/proc/sys/{name}").strip())),
        no_new_privs=status.get("NoNewPrivs") == "1",
        filtered=status.get("Seccomp", "0") != "0",
        in_container=any(os.path.exists(path) for path in ("/.dockerenv", "/run/.containerenv"))
        or "KUBERNETES_SERVICE_HOST" in os.environ,
        systemd=os.path.isdir("/run/systemd/system"),
        lingers=os.path.exists(f"/var/lib/systemd/linger/{user}"),
        unit=unit_of(text("/proc/self/cgroup")),
        sys_resource=capabilities.has("SYS_RESOURCE"),
        free_ids=first_free(text("/etc/subuid") + "\n" + text("/etc/subgid")),
    )


def unit_of(own: str) -> str:
    """The innermost service or scope in a /proc/self/cgroup; systemd keeps it in its own hierarchy or in v2's.

    >>> unit_of("0::/user.slice/user-1000.slice/user@1000.service/app.slice/jupyter.service/kernel\\n")
    'jupyter.service'
    """
    paths = parse_own(own)
    path = paths.get(("name=systemd",)) or paths.get((), "")
    units = [part for part in path.split("/") if part.endswith((".service", ".scope"))]
    return units[-1] if units else ""


def first_free(subordinate: str) -> int:
    """The first id past all ranges of a subuid(5) text, and past what distributions leave to accounts.

    >>> first_free("ann:100000:65536\\nbob:165536:65536\\n")
    231072
    """
    rows = [line.split(":") for line in subordinate.splitlines()]
    ends = [int(row[1]) + int(row[2]) for row in rows if len(row) == 3 and _is_id(row[1]) and _is_id(row[2])]
    return max([100_000, *ends])


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= 10
