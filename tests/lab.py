"""A real JupyterLab as a persona, with settings of its own, for the server's and the browser's tests."""

from __future__ import annotations

import http.client
import json
import os
import socket
import tempfile
import time
from collections.abc import Sequence
from email.message import Message
from pathlib import Path
from typing import Any

import websocket

from tests.personas import Persona

TOKEN = "a-token-for-tests"

# What tests would otherwise wait for or trip over: news from the internet, terminals that only a canvas shows.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/terminal-extension:plugin": {"screenReaderMode": True},
}


class Answer:
    """What the server said: status, headers, the cookies that it sets (name=value), text; json if it is that."""

    def __init__(self, status: int, headers: Message, text: str) -> None:
        self.status = status
        self.headers = headers
        self.cookies = [cookie.partition(";")[0] for cookie in headers.get_all("Set-Cookie", ())]
        self.text = text

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.text)

    def __repr__(self) -> str:
        return f"{self.status} {self.text[:2000]}"


class Lab:
    """`jupyter lab` (or another application of Jupyter's) of `persona`, in its working folder.

    python: of another environment than this one.
    """

    def __init__(
        self,
        persona: Persona,
        application: str = "lab",
        python: Path | None = None,
        environment: dict[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.persona = persona
        self.port = _free_port()
        self.token = TOKEN
        # A port comes again within a session; a folder does not.
        folder = Path(tempfile.mkdtemp(prefix=f"lab-{self.port}-", dir=persona.folder))
        self.log = folder / "log"
        self._make(folder)
        environment = (environment or {}) | {
            name: str(folder / part)
            for name, part in (
                ("JUPYTER_CONFIG_DIR", "config"),
                ("JUPYTER_DATA_DIR", "data"),
                ("JUPYTER_RUNTIME_DIR", "runtime"),
                ("JUPYTERLAB_SETTINGS_DIR", "settings"),
                ("JUPYTERLAB_WORKSPACES_DIR", "workspaces"),
                ("IPYTHONDIR", "ipython"),
            )
        }
        environment["SHELL"] = "/bin/sh"
        command = [
            python or "python3", "-m", {"lab": "jupyterlab"}.get(application, application),
            "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={persona.work}",
            "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly", *options,
        ]  # fmt: skip
        with open(self.log, "wb") as log:
            self.process = persona.popen(command, env=environment, stdout=log, stderr=log)
        self._wait()

    def _make(self, folder: Path) -> None:
        overrides = folder / "config" / "labconfig" / "default_setting_overrides.json"
        overrides.parent.mkdir(parents=True)
        overrides.write_text(json.dumps(SETTINGS))
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.persona.uid, self.persona.gid)

    @property
    def address(self) -> str:
        """Where it listens, without the token."""
        return f"http://127.0.0.1:{self.port}"

    def _wait(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while True:
            assert self.process.poll() is None, f"the server ended\n{self.log.read_text()}"
            try:
                if self.ask("GET", "api/status").status == 200:
                    return
            except OSError:
                pass  # it does not listen yet
            assert time.monotonic() < end, f"the server did not come\n{self.log.read_text()}"
            time.sleep(0.05)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; token: None for nobody in particular."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {**({"Authorization": f"token {token}"} if token else {}), **(headers or {})}
            data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            connection.request(method, f"/{path}", data, sent)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read().decode())
        finally:
            connection.close()

    def socket(
        self, path: str, *, token: str | None = TOKEN, origin: str | None = None, cookie: str | None = None
    ) -> websocket.WebSocket:
        """A websocket.  Raises websocket.WebSocketBadStatusException where the server refuses."""
        query = f"?token={token}" if token else ""
        return websocket.create_connection(
            f"ws://127.0.0.1:{self.port}/{path}{query}", timeout=20, origin=origin or self.address, cookie=cookie
        )

    def close(self) -> None:
        """As on Ctrl-C twice: kernels and terminals end with it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except TimeoutError:
            self.process.kill()
            self.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
