"""A virtual machine that a test boots, talks to, and cuts the power of."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

# Software emulation everywhere: it needs no privilege, and there are machines whose /dev/kvm hangs.
QEMU = (
    "qemu-system-x86_64 -accel tcg,thread=multi -cpu qemu64,+rdrand,+rdseed -nodefaults -no-user-config -no-reboot "
    "-display none -nic none"
).split()
# no_timer_check: on a busy host the emulated timer's first ticks come too late for the kernel's patience.
# An emulated kernel may hang (inside/first-group has what is known of it): where it has stood for a minute it says with
# all its stacks where, which are warnings, and panics, and the machine ends as at a power cut.
_HUNG = "watchdog_thresh=30 softlockup_panic=1 softlockup_all_cpu_backtrace=1"
WORDS = f"console=ttyS0 quiet loglevel=5 panic=-1 {_HUNG} random.trust_cpu=on mitigations=off no_timer_check"
_STANDS = "BUG: soft lockup"
FLAVOURS = {"bare": "/checkout/tests/vm/inside/init", "systemd": "/checkout/tests/vm/inside/init-systemd"}


class Result:
    """A command that ended in the guest."""

    def __init__(self, command: Sequence[str], exit_code: int, out: str, err: str) -> None:
        self.command = list(command)
        self.exit_code = exit_code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"{self.command} ended with {self.exit_code}\n{self.out}\n{self.err}"


class PowerCut(Exception):
    """The guest is gone."""


class Guest:
    """One machine.  `folder` takes its console's log and its serial line; `state` is a disk that lasts.

    images: from disks.images(); checkout: from disks.checkout().
    Root and checkout are as new at every boot; /state, where there is one, keeps what reached it.
    """

    def __init__(
        self,
        folder: Path,
        images: Path,
        checkout: Path,
        flavour: str = "bare",
        state: Path | None = None,
        megabytes: int = 1536,
        cores: int = 2,
    ) -> None:
        self.folder = folder
        self.console = folder / f"{flavour}-console.log"
        self._line = b""
        self._cut_at: float | None = None
        line = folder / f"{flavour}.sock"
        line.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(line))
        listener.listen(1)
        temporary = ",format=raw,if=virtio,snapshot=on"
        command = [
            *QEMU,
            *("-m", str(megabytes), "-smp", str(cores)),
            *("-kernel", str(images / "vmlinuz"), "-initrd", str(images / "initrd")),
            *("-append", f"{WORDS} guest.init={FLAVOURS[flavour]}"),
            *("-drive", f"file={images / 'root.img'}{temporary}"),
            *("-drive", f"file={checkout}{temporary}"),
            *(("-drive", f"file={state},format=raw,if=virtio,cache=writeback") if state else ()),
            *("-serial", f"file:{self.console}"),
            *("-serial", f"unix:{line}"),
        ]
        # The two disks' changes lie in TMPDIR; they end with qemu.
        environment = {**os.environ, "TMPDIR": str(folder)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )
        try:
            listener.settimeout(30)
            self._socket = listener.accept()[0]
            listener.close()
            self.up = float(self._read(time.monotonic() + 180)["up"])
        except BaseException:
            self.cut()
            raise

    def run(
        self,
        *command: str,
        user: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        input: str = "",  # noqa: A002 subprocess names it so
        timeout: float = 60,
        heard: Callable[[str], None] | None = None,
    ) -> Result:
        """A command to its end; `heard` gets what it writes to its standard output as it comes."""
        request: dict[str, Any] = {"run": command, "env": dict(env or {}), "user": user, "cwd": cwd, "input": input}
        self._send(request)
        said = {"out": "", "err": ""}
        end = time.monotonic() + timeout
        while True:
            document = self._read(end)
            for name in said:
                said[name] += document.get(name, "")
            if heard and "out" in document:
                heard(document["out"])
            if "exit" in document:
                return Result(command, document["exit"], said["out"], said["err"])

    def ok(self, *command: str, **options: Any) -> str:
        """The same where it must succeed: its standard output without the last newline."""
        done = self.run(*command, **options)
        assert done.exit_code == 0, done
        return done.out.removesuffix("\n")

    def cut_at(self, moment: float) -> None:
        """Cut the power at this moment of time.monotonic(), while a command runs; its `run` raises PowerCut.

        What had left the guest by then is still heard.
        """
        self._cut_at = moment

    def cut(self) -> None:
        """The power goes: nothing in the guest is told, and what its kernel had not written is lost."""
        self._process.kill()
        self._process.wait()
        if hasattr(self, "_socket"):
            self._socket.close()

    def close(self) -> None:
        """An orderly end, within a bound."""
        try:
            self._send({"leave": True})
            self._process.wait(20)
        except (OSError, PowerCut, subprocess.TimeoutExpired):
            pass
        self.cut()

    def _send(self, document: dict[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps(document).encode() + b"\n")
        except OSError:
            raise PowerCut(self._last_words()) from None

    def _read(self, end: float) -> dict[str, Any]:
        while b"\n" not in self._line:
            if self._cut_at is not None:
                self._await_cut(self._cut_at)
            elif not select.select([self._socket], [], [], max(0.0, end - time.monotonic()))[0]:
                raise AssertionError(f"the guest did not answer in time\n{self._last_words()}")
            try:
                chunk = self._socket.recv(65536)
            except ConnectionResetError:
                chunk = b""  # qemu went with something of ours unread
            if not chunk:
                raise PowerCut(self._last_words())
            self._line += chunk
        line, _, self._line = self._line.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _await_cut(self, moment: float) -> None:
        """Until something can be read, or the power has gone; then the end of the line can."""
        if self._process.poll() is not None:
            return
        if not select.select([self._socket], [], [], max(0.0, moment - time.monotonic()))[0] or (
            time.monotonic() >= moment
        ):
            self._process.kill()
            self._process.wait()

    @property
    def hung(self) -> str:
        """What its kernel said when it stood still, with its stacks; "" if it never did."""
        words = self._words()
        return words[words.index(_STANDS) :] if _STANDS in words else ""

    def _words(self) -> str:
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def _last_words(self) -> str:
        words = self.hung[:8000] or self._words()[-2000:]
        return f"the guest's console ends with:\n{words}"
