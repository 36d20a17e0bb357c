"""A selection of this machine's files, with the links that lead to them and the libraries that they need."""

from __future__ import annotations

import os
from stat import S_ISDIR, S_ISLNK, S_ISREG

from ipycontainer.images.base.elf import Elf, Finder, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipycontainer.images.inside.tar_entry import Entry


class Selection:
    """Paths as the container will have them, and what is there.

    Every link on the way to a file is taken along: `/bin -> usr/bin`, `/etc/alternatives/…`, a library's
    short name.  `below`: a selection that lies beneath as a lower layer; what it has is not taken again.
    """

    def __init__(self, finder: Finder, below: Selection | None = None) -> None:
        self._finder = finder
        self._below = below
        self.links: dict[str, str] = {}
        self.files: dict[str, os.stat_result] = {}
        self.folders: dict[str, int] = {}
        self.texts: dict[str, bytes] = {}

    def _has(self, path: str) -> bool:
        here = path in self.links or path in self.files or path in self.folders or path in self.texts
        return here or (self._below is not None and self._below._has(path))

    def folder(self, path: str, mode: int = 0o755) -> None:
        """A folder of our own making."""
        if not self._has(path):
            self.folders[path] = mode

    def text(self, path: str, content: str) -> None:
        """A file of our own making."""
        self._above(os.path.dirname(path))
        self.texts[path] = content.encode()

    def link(self, path: str, target: str) -> None:
        """A link of our own making, unless something is there."""
        self._above(os.path.dirname(path))
        if not self._has(path):
            self.links[path] = target

    def add(self, path: str) -> bool:
        """Take the file at `path` along, with its libraries; False where there is none that can be read."""
        real = self._walk(path)
        if real is None:
            return False
        if self._has(real):
            return True
        try:
            found = os.lstat(real)
        except OSError:
            return False
        if not S_ISREG(found.st_mode) or not os.access(real, os.R_OK):
            return False
        self.files[real] = found
        self._libraries(real, ())
        return True

    def add_tree(self, path: str, leave_out: Iterable[str] = (), suffixes: Iterable[str] = ()) -> None:
        """Take a folder along, but nothing whose name is in `leave_out` or ends in one of `suffixes`."""
        names, ends = set(leave_out), tuple(suffixes)
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if name not in names)
            for name in sorted(files):
                if name not in names and not (ends and name.endswith(ends)):
                    self.add(os.path.join(folder, name))

    def _walk(self, path: str, depth: int = 0) -> str | None:
        """The real path, after taking along every link on the way; None where it leads nowhere."""
        if depth > 20:
            return None
        at = "/"
        parts = [part for part in path.split("/") if part not in ("", ".")]
        for position, part in enumerate(parts):
            if part == "..":
                at = os.path.dirname(at)
                continue
            at = os.path.join(at, part)
            if at in self.folders or (self._below is not None and at in self._below.folders):
                continue
            try:
                found = os.lstat(at)
            except OSError:
                return None
            if S_ISLNK(found.st_mode):
                target = os.readlink(at)
                onward = os.path.join(os.path.dirname(at), target, *parts[position + 1 :])
                # What the link leads to first: a link that dangles is not taken.
                real = self._walk(onward, depth + 1)
                if real is not None and not self._has(at):
                    self.links[at] = target
                return real
            if S_ISDIR(found.st_mode):
                self.folder(at)
        return at

    def _above(self, path: str) -> None:
        if path != "/" and not self._has(path):
            self._above(os.path.dirname(path))
            self.folder(path)

    def _libraries(self, path: str, inherited: tuple[str, ...]) -> None:
        elf = read(path)
        if elf is None:
            return
        if elf.interpreter:
            self.add(elf.interpreter)
        rpaths = inherited if elf.runpath else (*elf.rpath, *inherited)
        for name, found in self._finder.needed(path, elf, inherited):
            if found is None:
                continue
            real = self._walk(found)
            if real is not None and not self._has(real):
                self.files[real] = os.lstat(real)
                self._libraries(real, rpaths)
            self._reachable(name, found, elf)

    def _reachable(self, name: str, found: str, elf: Elf) -> None:
        """A library that only ld.so.conf leads to gets a link where the loader looks without its cache."""
        defaults = self._finder.default_folders(elf)
        folder = os.path.dirname(found)
        if (
            elf.runpath
            or elf.rpath
            or folder in defaults
            or os.path.realpath(folder) in map(os.path.realpath, defaults)
        ):
            return
        home = self._walk(defaults[0])
        if home is not None:
            self.link(os.path.join(home, name), found)

    def _folders_above(self) -> dict[str, int]:
        """The folders of the layer below in which something of this one lies.

        A layer that leaves its files' folders out gives them a mode and a time of its own making.
        """
        found: dict[str, int] = {}
        for path in (*self.files, *self.links, *self.texts, *self.folders):
            above = os.path.dirname(path)
            while above != "/" and above not in found:
                mode = self._mode_below(above)
                if mode is not None:
                    found[above] = mode
                above = os.path.dirname(above)
        return found

    def _mode_below(self, path: str) -> int | None:
        if self._below is None:
            return None
        mode = self._below.folders.get(path)
        return mode if mode is not None else self._below._mode_below(path)

    def newest(self) -> int:
        """The latest time of any file, in whole seconds: the time of what we make ourselves."""
        return max((int(found.st_mtime) for found in self.files.values()), default=0)

    def entries(self, when: int) -> list[tuple[Entry, str | bytes | None]]:
        """The tar entries, sorted, with where each one's content is: a path, bytes, or nothing."""
        from ipycontainer.images.inside.tar_entry import DIRECTORY, FILE, SYMLINK, Entry

        found: list[tuple[Entry, str | bytes | None]] = []
        for path, mode in (self._folders_above() | self.folders).items():
            found.append((Entry(os.fsencode(path[1:]), DIRECTORY, mode), None))
        for path, target in self.links.items():
            entry = Entry(os.fsencode(path[1:]), SYMLINK, 0o777)
            entry.link = os.fsencode(target)
            found.append((entry, None))
        for path, content in self.texts.items():
            found.append((Entry(os.fsencode(path[1:]), FILE, 0o644, len(content)), content))
        for entry, _ in found:
            entry.mtime_ns = when * 1_000_000_000
        for path, status in self.files.items():
            # Set-user-ID bits are left behind: a copy has no right to them.
            entry = Entry(os.fsencode(path[1:]), FILE, 0o755 if status.st_mode & 0o111 else 0o644, status.st_size)
            # Whole seconds, which is what compiled Python files compare.
            entry.mtime_ns = int(status.st_mtime) * 1_000_000_000
            found.append((entry, path))
        return sorted(found, key=lambda pair: pair[0].name)
