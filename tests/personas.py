"""Who a test runs as: root, an ordinary user with subordinate ids, one without.

A persona owns a folder that it can reach, with its store, its run folder and its working folder, and
runs the real command or real Python as itself: as a child process, with a clean environment.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
CHECKOUT = Path(__file__).resolve().parent.parent
PATH = f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Persona:
    """One account with one store of its own.

    name: "root", "user" (has subordinate ids) or "solo" (has none);
    folder: it owns this one; home, work, store, run lie in it.
    """

    def __init__(self, name: str, account: str, uid: int, gid: int, folder: Path) -> None:
        self.name = name
        self.account = account
        self.uid = uid
        self.gid = gid
        self.folder = folder
        self.store = folder / "store"
        self.work = folder / "work"
        for path, mode in ((folder, 0o755), (self.work, 0o755), (folder / "run", 0o700)):
            path.mkdir(mode=mode, exist_ok=True)
            os.chown(path, uid, gid)

    def __repr__(self) -> str:
        return self.name

    @property
    def is_root(self) -> bool:
        return self.uid == 0

    @property
    def environment(self) -> dict[str, str]:
        """All of the environment that its processes get."""
        return {
            "PATH": PATH,
            "HOME": str(self.folder),
            "USER": self.account,
            "LOGNAME": self.account,
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "IPYCONTAINER_ROOT": str(self.store),
            # Longer than all tests last: one that left by itself would be missed by the test that runs just then.
            "IPYCONTAINER_IDLE": "10800",
            # `IPYCONTAINER_SLOTS=0 pytest …`: with nothing kept ready.
            **{name: os.environ[name] for name in ("IPYCONTAINER_SLOTS",) if name in os.environ},
        }

    def run_folders(self) -> list[Path]:
        """Where the sockets and locks of this store are."""
        code = f"from ipycontainer.launcher.folders import run_folder; print(run_folder({str(self.store)!r}))"
        return [Path(str(self.python(code)).strip())]

    def popen(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: Any = subprocess.DEVNULL,
        stdout: Any = subprocess.PIPE,
        stderr: Any = subprocess.PIPE,
        **more: Any,
    ) -> subprocess.Popen[bytes]:
        """`command` as this persona, in a session of its own; a name of ours is looked up beside Python."""
        first, *rest = map(str, command)
        if "/" not in first and (BIN / first).exists():
            first = str(BIN / first)
        identity: dict[str, Any] = {}
        if os.geteuid() == 0 and self.uid != 0:
            identity = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.Popen(
            [first, *rest],
            env={**self.environment, **(env or {})},
            cwd=cwd or self.work,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            umask=0o022,
            **identity,
            **more,
        )

    def run(
        self,
        command: Sequence[str | Path],
        *,
        input: str | bytes | None = None,  # noqa: A002 subprocess names it so
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Finished:
        """Any command as this persona, to its end."""
        data = input.encode() if isinstance(input, str) else input
        process = self.popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL if data is None else subprocess.PIPE)
        try:
            out, err = process.communicate(data, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{list(command)} took more than {timeout} s\n{out!r}\n{err!r}") from None
        return Finished([str(word) for word in command], process.returncode, out, err)

    def cli(self, *words: str | Path, **options: Any) -> Finished:
        """`ipycontainer WORDS…` as this persona; options: input, timeout, env, cwd."""
        return self.run(["ipycontainer", *words], **options)

    def ok(self, *words: str | Path, **options: Any) -> str:
        """The same where it must succeed: its standard output, without the last newline."""
        done = self.cli(*words, **options)
        assert done.exit_code == 0, done
        return done.out.removesuffix("\n")

    def python(self, code: str, **options: Any) -> Any:
        """Python code as this persona; what it prints, read as JSON where it is JSON."""
        done = self.run(["python3", "-I", "-c", code], **options)
        assert done.exit_code == 0, done
        try:
            return json.loads(done.out)
        except ValueError:
            return done.out

    def path(self, name: str, content: str | bytes | None = None, mode: int = 0o644) -> Path:
        """A path in its working folder; with `content` a file that it owns."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            path.chmod(mode)
        for made in (path, *path.parents):
            if made == self.work:
                break
            if made.exists():
                os.chown(made, self.uid, self.gid)
        return path

    def fresh(self) -> Persona:
        """The same account with an empty store (short names: a socket's path ends at 108 bytes)."""
        folder = Path(tempfile.mkdtemp(prefix="f", dir=self.folder.parent))
        return Persona(self.name, self.account, self.uid, self.gid, folder)

    def close(self) -> None:
        """Ends everything of this store and removes its folder."""
        try:
            if self.store.exists():
                self.remove_containers()
                self.remove_images()
                folders = self.run_folders()
                self.cli("system", "shutdown")
                for folder in folders:
                    shutil.rmtree(folder, ignore_errors=True)
        finally:
            shutil.rmtree(self.folder, ignore_errors=os.geteuid() != 0)

    def remove_containers(self) -> None:
        """Removes every container of this store, running or not."""
        ids = self.cli("ps", "-aq").out.split()
        if ids:
            self.cli("rm", "-f", *ids, timeout=120)

    def remove_images(self) -> None:
        """Removes every image: files of subordinate ids can only go through the store's namespace."""
        ids = self.cli("images", "-q").out.split()
        if ids:
            self.cli("rmi", "-f", *sorted(set(ids)), timeout=120)


class Finished:
    """A command that ended: exit_code, out and err as text, the bytes beside."""

    def __init__(self, command: list[str], exit_code: int, out: bytes, err: bytes) -> None:
        self.command = command
        self.exit_code = exit_code
        self.out_bytes = out
        self.err_bytes = err
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"{self.command} ended with {self.exit_code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"
