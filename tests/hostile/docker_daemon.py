"""Debian's dockerd for the comparison with ours: its own folders, socket, cgroup, network and mount namespace.

It sets the FORWARD chain's policy and mounts its layers; in namespaces of its own all of that goes with it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.personas import Persona

_PATIENCE = 60.0


def need() -> tuple[str, str]:
    """dockerd and the client that came with it.  Skips where there is none, or no root to run it."""
    daemon = shutil.which("dockerd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    client = shutil.which("docker", path="/usr/bin:/bin")
    if os.geteuid() != 0 or daemon is None or client is None:
        pytest.skip("no dockerd to compare with (Debian's docker.io; scripts/docker_daemon.sh installs it for root)")
    return daemon, client


class DockerDaemon:
    """dockerd from the first command to `close`, with the image `base`: the files of our own base image."""

    def __init__(self) -> None:
        self._daemon, self._client = need()
        self.folder = Path(tempfile.mkdtemp(prefix="ipyc-docker-", dir="/tmp"))  # short: a socket lies in it
        self.socket = f"unix://{self.folder}/socket"
        self._group = f"/{self.folder.name}"
        self._log = open(self.folder / "log", "wb")
        self._process = subprocess.Popen(
            [
                *("unshare", "--net", "--mount", "--propagation", "slave"),
                *(self._daemon, "--host", self.socket, "--data-root", self.folder / "data"),
                *("--exec-root", self.folder / "exec", "--pidfile", self.folder / "pid"),
                *("--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
                *("--cgroup-parent", self._group, "--exec-opt", "native.cgroupdriver=cgroupfs"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder)},
            start_new_session=True,
        )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        end = time.monotonic() + _PATIENCE
        while self.run("version").returncode:
            words = (self.folder / "log").read_text(errors="replace").strip().splitlines()[-3:]
            assert self._process.poll() is None and time.monotonic() < end, f"dockerd did not come up: {words}"
            time.sleep(0.1)

    @property
    def command(self) -> list[str]:
        """Its client, for a verb to follow."""
        return [self._client, "--host", self.socket]

    def run(self, *words: str | Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """`docker WORDS…`, to its end."""
        command = [self._client, "--host", self.socket, *words]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "DOCKER_CONFIG": str(self.folder)}
        return subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False, **options)

    @contextmanager
    def asked_by(self, client: str) -> Iterator[None]:
        """Meanwhile another client than the one that came with it."""
        own, self._client = self._client, client
        try:
            yield
        finally:
            self._client = own

    def ok(self, *words: str | Path, **options: Any) -> str:
        """The same where it must succeed: its standard output, without the last newline."""
        done = self.run(*words, **options)
        assert done.returncode == 0, done
        return done.stdout.decode().removesuffix("\n")

    def import_base(self, persona: Persona) -> None:
        """Our base image's files as docker's image `base`."""
        container = persona.ok("create", "base", "true")
        layers = json.loads(persona.ok("inspect", container))[0]["GraphDriver"]["Data"]["LowerDir"].split(":")
        persona.ok("rm", container)
        archive, root = self.folder / "base.tar", self.folder / "base"
        root.mkdir()
        for layer in reversed(layers):  # no layer of base deletes anything
            subprocess.run(["cp", "-a", f"{layer}/.", root], check=True)
        subprocess.run(["tar", "-C", root, "--numeric-owner", "-cf", archive, "."], check=True)
        config = json.loads(persona.ok("image", "inspect", "base"))[0]["Config"]
        changes = [f"ENV {pair}" for pair in config["Env"]] + [f"CMD {json.dumps(config['Cmd'])}"]
        changes += [f"LABEL {name}={value}" for name, value in config["Labels"].items()]
        self.ok("import", *(word for change in changes for word in ("--change", change)), archive, "base")
        archive.unlink()
        shutil.rmtree(root)

    @property
    def network_pid(self) -> int:
        """A process in its network: unshare becomes dockerd itself."""
        return self._process.pid

    def pid(self, container: str) -> int:
        """PID 1 of a running container, as the host counts."""
        return int(self.ok("inspect", "--format", "{{.State.Pid}}", container))

    def close(self) -> None:
        """Ends its containers and itself, and removes all that it made."""
        if self._process.poll() is None:
            left = self.run("ps", "-aq").stdout.decode().split()
            if left:
                self.run("rm", "-f", *left)
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        self._remove_cgroups()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_cgroups(self) -> None:
        for top in ("/sys/fs/cgroup", *(entry.path for entry in os.scandir("/sys/fs/cgroup") if entry.is_dir())):
            group = top + self._group
            for folder, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass  # a control file's folder, or still in use
