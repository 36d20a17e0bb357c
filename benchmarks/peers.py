"""The peers: the runtimes and engines that people use today, each asked for the same container.

All get the same files, namespaces of their own (network too, with no interface but
`lo`), Docker's capabilities where they know them, and run `true`.  What differs is
what each is: crun, runc and bwrap work on a plain folder (no overlay to make), bwrap
makes no cgroup, podman and docker keep images, names and logs as ipycontainer does.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from benchmarks import bundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# crun refuses to work where an empty v2 tree hangs beside the v1 hierarchies.
HYBRID = "/sys/fs/cgroup/unified"
# podman asks for limits that need CAP_SYS_RESOURCE; these it may have.
LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]


class Missing(Exception):
    """The peer is not installed here, or cannot be prepared."""


def need(program: str) -> str:
    found = shutil.which(program)
    if not found:
        raise Missing(f"{program} is not installed")
    return found


def without_hybrid(words: Sequence[str]) -> list[str]:
    """The same command where the empty v2 tree is not mounted."""
    if not os.path.isdir(HYBRID):
        return list(words)
    return ["unshare", "--mount", "sh", "-c", f'umount {HYBRID}; exec "$@"', "sh", *words]


def done(words: Sequence[str]) -> str:
    """A preparing command; its output."""
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    if said.returncode:
        last = (said.stderr.strip() or f"exit code {said.returncode}").splitlines()[-1]
        raise Missing(f"{os.path.basename(words[0])}: {last}")
    return said.stdout.strip()


class Peers:
    """Each method prepares one peer and gives the words that start one container in it.

    stopwatch: the compiled stopwatch, put before the words; folder: where each keeps its
    state; rootfs: the plain root folder; archive: the same as a tar file; prefix: of every
    cgroup's name, so that all can be found and removed.
    """

    def __init__(self, stopwatch: str, folder: str, rootfs: str, archive: str, prefix: str) -> None:
        self.stopwatch, self.folder, self.rootfs, self.archive, self.prefix = (
            stopwatch,
            folder,
            rootfs,
            archive,
            prefix,
        )

    def _bundle(self, name: str) -> list[str]:
        need(name)
        place = os.path.join(self.folder, name)
        bundle.write(place, self.rootfs, ["true"], f"/{self.prefix}/{name}")
        return [self.stopwatch, name, "--root", f"{place}/state", "run", "--bundle", place, f"{self.prefix}-{name}"]

    def crun(self) -> list[str]:
        return without_hybrid(self._bundle("crun"))

    def runc(self) -> list[str]:
        return self._bundle("runc")

    def bwrap(self) -> list[str]:
        need("bwrap")
        words = ["--unshare-all", "--bind", self.rootfs, "/", "--proc", "/proc", "--dev", "/dev"]
        return [self.stopwatch, "bwrap", *words, "--tmpfs", "/dev/shm", "--hostname", "bwrap", "true"]

    def podman_words(self) -> list[str]:
        place = os.path.join(self.folder, "podman")
        run = f"/tmp/{self.prefix}-podman"  # podman takes no more than 50 characters
        return [
            need("podman"),
            *("--root", f"{place}/root", "--runroot", f"{run}/run", "--tmpdir", f"{run}/tmp"),
            *("--cgroup-manager", "cgroupfs", "--events-backend", "file"),
        ]

    def podman(self) -> list[str]:
        podman = self.podman_words()
        cache = "/var/lib/containers"
        if os.path.isdir(cache):  # podman keeps a cache there whatever its --root; here it is ours and goes with us
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", cache], check=True)
        done(without_hybrid([*podman, "import", self.archive, "bench"]))
        run = ["run", "--rm", "--network", "none", "--cgroup-parent", f"/{self.prefix}/podman", *LIMITS]
        return without_hybrid([self.stopwatch, *podman, *run, "bench", "true"])
