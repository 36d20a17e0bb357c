"""Engines as the images' benchmark knows them: the same words for what each does with an image.

Each keeps its store on the benchmark's disk.  Pulling, loading and so on are command lines of docker's grammar,
which podman and ipycontainer speak too; what differs (a daemon, options of podman's, skopeo's own words) is here.
"""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.peers import LIMITS, without_hybrid
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.docker import Docker
    from benchmarks.ground import Ground
    from benchmarks.peers import Peers
    from benchmarks.user import Person


class Engine(Record):
    """words: before the verb; pull, push, run: options after that verb; user: as whom, 0 for root."""

    name: str
    words: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    user: int = 0
    pull: tuple[str, ...] = ()
    push: tuple[str, ...] = ()
    run: tuple[str, ...] = ("--network", "none")

    def do(self, *words: str) -> str:
        """Run a verb to its end; its output.  RuntimeError with its last words where it fails."""
        return command([*self.words, *words], dict(self.environment), self.user)

    def try_to(self, *words: str) -> None:
        """The same, where it may fail: what should be gone may be gone already."""
        try:
            self.do(*words)
        except RuntimeError:
            pass

    def has_images(self) -> bool:
        return bool(self.do("images", "-q", "-a").strip())


def command(words: Sequence[str], environment: Mapping[str, str] | None = None, user: int = 0) -> str:
    whole = {**os.environ, **(environment or {})}
    said = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=whole,
        check=False,
        cwd="/",
        user=user or None,
        group=user or None,
        extra_groups=[] if user else None,
    )
    if said.returncode:
        last = (said.stderr.strip() or said.stdout.strip() or f"exit code {said.returncode}").splitlines()[-1]
        raise RuntimeError(f"{os.path.basename(words[0])} {' '.join(words[1:])[-120:]}: {last}")
    return said.stdout


def ours(ground: Ground, name: str = "ipycontainer", store: str = "store", user: int = 0) -> Engine:
    """The command line beside the interpreter that runs this: the libraries it was installed with count."""
    script = os.path.join(os.path.dirname(sys.executable), "ipycontainer")
    environment = {"IPYCONTAINER_ROOT": f"{ground.disk}/{store}", "HOME": f"{ground.disk}/home-{user}"}
    return Engine(name, (script,), tuple(environment.items()), user)


def docker(daemon: Docker) -> Engine:
    """Its client speaks to the benchmark's own daemon."""
    return Engine("docker", tuple(daemon.client()))


def podman(peers: Peers) -> Engine:
    """As root, with a store of its own."""
    tls = ("--tls-verify=false",)
    limits = (*("--network", "none", "--cgroup-parent", f"/{peers.prefix}/podman"), *LIMITS)
    return Engine("podman", tuple(without_hybrid(peers.podman_words())), (), 0, tls, tls, limits)


def podman_of(ground: Ground, person: Person, podman_program: str) -> Engine:
    """As an ordinary user: overlay in a user namespace, folders that belong to the user."""
    home, run = f"{ground.disk}/podman-{person.name}", f"/tmp/{ground.prefix}-user"
    for place in (home, run):
        os.mkdir(place, 0o700)
        os.chown(place, person.number, person.number)
    options = (
        *("--root", f"{home}/root", "--runroot", f"{run}/run", "--tmpdir", f"{run}/tmp"),
        *("--cgroup-manager", "cgroupfs", "--events-backend", "file", "--storage-driver", "overlay"),
    )
    environment = (("HOME", home), ("XDG_RUNTIME_DIR", run), ("XDG_CONFIG_HOME", home), ("XDG_DATA_HOME", home))
    return Engine("podman, user", (podman_program, *options), environment, person.number, ("--tls-verify=false",))


def containers_storage(peers: Peers, image: str) -> str:
    """How skopeo names an image in podman's store."""
    place = os.path.join(peers.folder, "podman")
    return f"containers-storage:[overlay@{place}/root+/tmp/{peers.prefix}-podman/run]{image}"
