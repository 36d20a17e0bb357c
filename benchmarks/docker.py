"""A Docker daemon that belongs to the benchmark: its own folders, socket and network namespace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time

from benchmarks.peers import Missing, done, need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Docker:
    """dockerd for as long as the `with` lasts.

    It runs in a network namespace of its own (shared_network: in that of the benchmark, which has one itself), for it
    sets the FORWARD chain's policy to DROP and writes ip_forward; its mounts are in the benchmark's mount namespace
    and go with it; its cgroups have the prefix and are removed by the benchmark.
    """

    def __init__(self, folder: str, prefix: str, shared_network: bool = False) -> None:
        need("dockerd")
        self.folder = os.path.join(folder, "docker")
        self.run = f"/tmp/{prefix}-docker"  # a socket's name must be short
        self.socket = f"unix://{self.run}/socket"
        self.prefix = prefix
        self.before = [] if shared_network else ["unshare", "--net"]

    def client(self, *words: str) -> list[str]:
        """The client that came with the daemon, not whatever else bears its name."""
        beside = os.path.join(os.path.dirname(need("dockerd")), "docker")
        beside = beside.replace("/sbin/", "/bin/")
        return [beside if os.path.exists(beside) else need("docker"), "--host", self.socket, *words]

    def __enter__(self) -> Self:
        os.makedirs(self.folder, exist_ok=True)
        os.makedirs(self.run, mode=0o700)
        self.log = open(os.path.join(self.folder, "log"), "wb")
        words = [
            *("dockerd", "--host", self.socket, "--data-root", f"{self.folder}/data"),
            *("--exec-root", f"{self.run}/exec", "--pidfile", f"{self.run}/pid"),
            *("--bridge", "none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"),
            *("--cgroup-parent", f"/{self.prefix}/docker", "--exec-opt", "native.cgroupdriver=cgroupfs"),
        ]
        self.process = subprocess.Popen(
            [*self.before, *words], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.close()
            raise
        return self

    def _wait_until_it_answers(self) -> None:
        patience = time.monotonic() + 60
        while subprocess.run(self.client("version"), capture_output=True, check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > patience:
                raise Missing(f"dockerd did not come up: {self._last_words()}")
            time.sleep(0.1)

    def _last_words(self) -> str:
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            lines = log.read().strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def load(self, archive: str) -> None:
        done(self.client("import", archive, "bench"))

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.run, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
