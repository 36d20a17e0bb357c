"""Debian's docker-registry on loopback, for as long as a benchmark lasts; its blobs lie on the benchmark's disk."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time

from benchmarks.peers import Missing, need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Registry:
    """Runs in the benchmark's own network namespace, so the port is always free; ends with the `with`."""

    def __init__(self, folder: str, port: int) -> None:
        need("docker-registry")
        self.folder, self.port = folder, port
        self.address = f"localhost:{port}"
        os.makedirs(folder)
        config = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": f"{folder}/data"}},
            "http": {"addr": f"127.0.0.1:{port}"},
        }
        with open(f"{folder}/config.yml", "w", encoding="utf-8") as file:
            json.dump(config, file)  # JSON is YAML

    def __enter__(self) -> Self:
        self._start()
        return self

    def _start(self) -> None:
        with open(f"{self.folder}/log", "ab") as log:
            words = ["docker-registry", "serve", f"{self.folder}/config.yml"]
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        patience = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > patience:
                    raise Missing(f"docker-registry did not come up; its log is {self.folder}/log") from None
                time.sleep(0.02)
            else:
                return

    def empty(self) -> None:
        """Forget everything, what is kept in memory too."""
        self._end()
        shutil.rmtree(f"{self.folder}/data", ignore_errors=True)
        self._start()

    def _end(self) -> None:
        self.process.kill()
        self.process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
