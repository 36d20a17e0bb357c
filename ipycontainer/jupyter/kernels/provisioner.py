"""The provisioner that jupyter_client asks to start a kernel of ours (entry point jupyter_client.kernel_provisioners).

It gives the kernel socket files in place of ports, so that nothing listens on a network and no byte is relayed;
all the rest is the command's, which works alone as well.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from ipycontainer.commands.kernels.connection import LAST_WORD, SOCKETS, clear_away
from ipycontainer.commands.kernels.specs import OURS
from ipycontainer.control_characters import on_one_line
from ipycontainer.json_text import loads

# Where Jupyter's own runtime folder lies, a socket's path would often be longer than the kernel takes.
_PLACE = "/tmp"
_PATIENCE, _LOOK = 20.0, 0.02  # seconds until a kernel is left to begin by itself; between two looks


class ContainerProvisioner(LocalProvisioner):
    """A kernel behind socket files in a folder of its own, which is kept over restarts."""

    folder = ""
    reason = ""
    begun = False  # it has been seen to run; what ends it later is the restarter's

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Make the folder, and have the connection file name sockets in it."""
        if not self.folder:
            self.folder = tempfile.mkdtemp(prefix="ipycontainer-kernel-", dir=_PLACE)
        manager = self.parent
        if manager is not None:
            manager.transport = "ipc"
            manager.ip = os.path.join(self.folder, SOCKETS, "kernel")
            manager.cache_ports = False
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start it.  Raises RuntimeError with the reason where it ends at once, as for an image that is gone.

        At the first start alone: a front end shows the reason then.  Later ones are the restarter's, which counts.
        """
        found = await super().launch_kernel(cmd, **kwargs)
        if not self.begun and (code := await self._ended_at_once()) is not None:
            reason = self.reason or f"the kernel ended with exit code {code}; the server's log says more"
            await self.cleanup()
            if self.parent is not None:
                self.parent.cleanup_connection_file()
            raise RuntimeError(reason)
        self.begun = True
        return found

    async def _ended_at_once(self) -> int | None:
        """Its exit code; None as soon as it listens, or when it takes its time."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            code = await self.poll()
            if code is not None or self._listens():
                return code
            await asyncio.sleep(_LOOK)
        return None

    def _listens(self) -> bool:
        try:
            return any(name.startswith("kernel-") for name in os.listdir(os.path.join(self.folder, SOCKETS)))
        except FileNotFoundError:
            return False

    async def poll(self) -> int | None:
        """None while the kernel runs; the first look afterwards tells the log why it ended."""
        code = await super().poll()
        if code is not None and self.process and self.folder:
            self._tell_reason()
        return code

    def _tell_reason(self) -> None:
        path = os.path.join(self.folder, LAST_WORD)
        try:
            with open(path, encoding="utf-8") as file:
                self.reason = on_one_line(str(loads(file.read())["reason"]))  # an image's own words may stand in it
            os.unlink(path)
        except (OSError, ValueError, KeyError):
            return
        if self.reason:
            self.log.warning("kernel %s: %s", self.kernel_id, self.reason)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the sockets' folder, unless the kernel is about to start anew in it."""
        if not restart and self.folder:
            clear_away(self.folder)
            self.folder = ""
        await super().cleanup(restart)

    def resolve_path(self, path_str: str) -> str | None:
        """The path, out here, of a file that the kernel names: through its binds, else it is none of ours."""
        source = self._outside(path_str)
        return source if source is not None and os.path.exists(source) else None

    def _outside(self, path: str) -> str | None:
        words = list((self.kernel_spec.metadata.get(OURS) or {}).get("options", ()))
        values = list(zip(words[::2], words[1::2]))  # each option has one value
        here = str(self.cwd or os.getcwd())
        work = next((value for name, value in values if name == "--workdir"), "/")
        inside = os.path.normpath(os.path.join(work, path))
        for name, value in values:
            source, _, rest = value.partition(":")
            target = os.path.normpath(rest.partition(":")[0] or "/")
            if name == "--volume" and (inside == target or inside.startswith(target + "/")):
                return os.path.normpath(os.path.join(here, source, os.path.relpath(inside, target)))
        return None

    async def get_provisioner_info(self) -> dict[str, Any]:
        """What another manager needs to take this kernel over."""
        return {**await super().get_provisioner_info(), "folder": self.folder}

    async def load_provisioner_info(self, provisioner_info: dict[str, Any]) -> None:
        """Take a kernel over."""
        self.begun = True
        await super().load_provisioner_info(provisioner_info)
        self.folder = str(provisioner_info["folder"])
