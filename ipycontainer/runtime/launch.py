"""What the engine asks the launcher to start, and what of this host a plan depends on: plain data both."""

from __future__ import annotations

import os

from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


# The annotations of its spec that its events are told from: the image's name, and its labels as JSON.
IMAGE, LABELS = "ipycontainer.image", "ipycontainer.labels"


class Launch(Record):
    """One start of one container.

    spec: the OCI runtime spec (config.md); lowers: its layers' folders, the top one first;
    generation: the folder of the writable layer (upper/ and work/ lie in it);
    folder, run: the container's own folders in the store and in the run folder;
    staging: an empty folder where the root is put together; names: the folder of names;
    journal: the file of events; trash: where a removed folder goes first; etc: texts of files that are written
    for this start, by name, where only the container sees them: in `etc_folder`;
    user: docker's USER ("name", "1000:1000", …), looked up in the container's own passwd;
    attach, stdin, terminal: which streams the caller wants; hold: stop at the barrier for a "go";
    others: run folders of the containers whose namespaces it shares, by kind;
    stdin_once: its input ends when the client that gives it leaves;
    kept: paths of the namespaces that it had before its restart policy started it again, by kind;
    log_size, log_files: of how many bytes and how many files its log consists (no files: nothing is kept);
    volumes: those it uses, as Charge has them; remove: --rm; init: a reaping PID 1 of ours beside the program;
    health: its health check (inside/health.py's Check as a dict); None: none;
    restart, retries: the restart policy ("": none) and how often on-failure tries (0: for ever).
    """

    id: str
    name: str
    spec: dict[str, Any]
    lowers: list[str]
    generation: str
    folder: str
    run: str
    staging: str
    names: str
    journal: str
    trash: str
    etc: dict[str, str]
    etc_folder: str
    user: str = ""
    attach: bool = False
    stdin: bool = False
    terminal: bool = False
    rows: int = 0
    columns: int = 0
    hold: bool = False
    remove: bool = False
    init: bool = False
    log_size: int = 10 << 20
    log_files: int = 3
    restart: str = ""
    retries: int = 0
    volumes: Sequence[dict[str, Any]] = ()
    others: tuple[tuple[str, str], ...] = ()
    stdin_once: bool = False
    health: dict[str, Any] | None = None
    kept: tuple[tuple[str, str], ...] = ()

    @property
    def upper(self) -> str:
        """Where the container's own changes go."""
        return os.path.join(self.generation, "upper")

    @property
    def work(self) -> str:
        """overlay's work folder, on the same file system as upper."""
        return os.path.join(self.generation, "work")


class Host(Record):
    """What a plan depends on beside the spec.

    mode: "root", "range" or "one" (launcher/store_namespace.py); uid_map, gid_map: the store namespace's
    own maps as (inside, outside, length); layout: its cgroups; last_capability: the kernel's highest;
    boot_id: this boot's, proc_sys_kernel(5); devices: what keeps devices away (linux/cgroups/devices.py);
    protected: this process has a negative oom_score_adj, which is not for containers; apparmor:
    docker's own profile, where the host has it loaded.
    """

    mode: str
    uid_map: tuple[tuple[int, int, int], ...]
    gid_map: tuple[tuple[int, int, int], ...]
    layout: Any
    last_capability: int
    boot_id: str = ""
    devices: str = ""
    protected: bool = False
    apparmor: str = ""
    descriptors: int = 0

    @property
    def rootless(self) -> bool:
        """Whether a container needs a user namespace to be made by this host's user."""
        return self.mode != "root"
