"""Steps that build the root: the overlay, what is mounted into it, what is masked, and the pivot.

Everything is mounted before the pivot, through a descriptor of the new root: the host's /dev/null and
/proc are still the host's there, and no path of the image is ever followed out of it.
"""

from __future__ import annotations

import os
import stat

from ipycontainer.errors import KernelError, StartError
from ipycontainer.linux import descriptors, mounts, trees
from ipycontainer.linux.mountinfo import kind_of
from ipycontainer.runtime.inside.step import Place, Step

_ENOENT, _ELOOP, _ENOTDIR, _EINVAL = 2, 40, 20, 22
_NO_LINKS = descriptors.RESOLVE_IN_ROOT | descriptors.RESOLVE_NO_SYMLINKS | descriptors.RESOLVE_NO_MAGICLINKS


def through(descriptor: int) -> str:
    """A path that leads to just what `descriptor` is open on, for calls that take only paths."""
    return f"/proc/self/fd/{descriptor}"


def open_target(place: Place, path: str, folder: bool) -> int:
    """A descriptor of `path` in the new root, made there if it is missing; links lead nowhere outside.

    folder says which of a folder or an empty file is made.  Raises StartError where it lies in /proc or /sys.
    """
    clean = os.path.normpath("/" + path)
    try:
        found = descriptors.open_in_root(place.root, clean)
        if os.fstat(found).st_dev in place.kernels_own:
            # A link of the image to /proc/self, and what a label is written to is a file of the attacker's
            # (CVE-2025-52881).
            raise StartError(f"cannot mount at {path}: the image leads there into /proc or /sys, the kernel's own")
        return found
    except KernelError as error:
        if error.errno != _ENOENT:
            raise
    parts = clean.strip("/").split("/")
    current = os.dup(place.root)
    for depth, part in enumerate(parts, 1):
        here = "/".join(parts[:depth])
        try:
            found = descriptors.open_in_root(place.root, here)
        except KernelError as error:
            if error.errno != _ENOENT:
                raise
            _make(current, part, folder or depth < len(parts), here)
            found = descriptors.open_in_root(place.root, here)
        os.close(current)
        current = found
    return current


def open_folder(place: Place, path: str) -> int:
    """A descriptor of the folder `path` in the new root, made there if it is missing."""
    return open_target(place, path, folder=True)


def _make(parent: int, name: str, folder: bool, shown: str) -> None:
    try:
        if folder:
            os.mkdir(name, 0o755, dir_fd=parent)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(name, flags, 0o644, dir_fd=parent))
    except FileExistsError:
        # A dangling link of the image: what it points to is not there, and making it is not ours to do.
        raise StartError(f"cannot mount at /{shown}: the image has a link there that leads nowhere") from None
    except OSError as error:
        raise KernelError("mkdir" if folder else "creat", error.errno or 0, "/" + shown) from None


class DetachMounts(Step):
    """Let no mount of this namespace reach another one."""

    call = "mount(2) MS_PRIVATE"
    why = "a new mount namespace is a copy whose mounts still propagate until it is told that they do not"
    shows = "/proc/self/mountinfo (no shared: or master:)"

    slave: bool = False  # what the host mounts later still arrives, for the binds that ask for it

    def take(self, place: Place) -> None:
        kind = mounts.MS_SLAVE if self.slave else mounts.MS_PRIVATE
        mounts.mount("none", "/", flags=mounts.MS_REC | kind)
        place.null = os.open("/dev/null", os.O_PATH | os.O_CLOEXEC)


class MakeWritableLayer(Step):
    """Make the folders of the writable layer: upper for the changes, work for overlay's own use."""

    call = "mkdir(2)"
    why = "layers of an image are shared and never change; a container writes into one of its own"
    shows = "containers/ID/0/upper"

    upper: str
    work: str

    def take(self, place: Place) -> None:
        for folder in (self.upper, self.work):
            try:
                os.makedirs(folder, 0o755, exist_ok=True)
            except OSError as error:
                raise KernelError("mkdir", error.errno or 0, folder) from None
        os.chmod(self.upper, 0o755)
        # A volatile overlay marks its work folder, and a second mount is refused (EINVAL) while the mark is there.
        trees.remove(os.path.join(self.work, "work", "incompat"))


class MountOverlay(Step):
    """Stack the image's layers, read-only, under a writable one, and show the sum as one tree."""

    call = "mount(2) overlay"
    why = "any number of containers share the layers; each sees its own changes on top"
    shows = "/proc/self/mountinfo: overlay on /"

    lowers: tuple[str, ...]
    upper: str
    work: str
    target: str
    rootless: bool
    devices: bool  # nodes in it open drivers; False where nothing else keeps the host's disks away

    def take(self, place: Place) -> None:
        data = self._options([escape(lower) for lower in self.lowers])
        if len(os.fsencode(data)) <= mounts.DATA_LIMIT:
            self._mount(data)
        else:
            self._mount_by_descriptors()
        place.root = os.open(self.target, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def _options(self, lowers: list[str]) -> str:
        # volatile: without it the teardown syncs the whole upper file system.
        # userxattr: without it a user namespace mounts and silently ignores opaque folders.
        more = ",userxattr,volatile" if self.rootless else ",volatile"
        return f"lowerdir={':'.join(lowers)},upperdir={escape(self.upper)},workdir={escape(self.work)}{more}"

    def _mount(self, data: str) -> None:
        try:
            mounts.mount("overlay", self.target, "overlay", 0 if self.devices else mounts.MS_NODEV, data)
        except KernelError as error:
            if error.errno != _EINVAL:
                raise
            raise StartError(
                f"MountOverlay: {error}; the state folder lies on {kind_of(self.upper)}, which overlay may refuse for "
                "what a container writes: set IPYCONTAINER_ROOT to a folder on ext4, xfs or btrfs (`ipycontainer "
                "doctor` tries it)"
            ) from None

    def _mount_by_descriptors(self) -> None:
        """Many layers: mount(2) takes a page of options, and in this folder each layer's name is a number.

        Overlay takes layers one by one only since Linux 6.5.
        """
        opened: list[int] = []
        here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for lower in self.lowers:
                opened.append(os.open(lower, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
            os.chdir("/proc/self/fd")
            self._mount(self._options([str(descriptor) for descriptor in opened]))
        finally:
            os.fchdir(here)
            for descriptor in (here, *opened):
                os.close(descriptor)


def escape(path: str) -> str:
    """A path for overlay's options: its separators are taken literally after a backslash."""
    for special in ("\\", ":", ","):
        path = path.replace(special, "\\" + special)
    return path


class Mount(Step):
    """Mount a file system of the kernel's own (proc, sysfs, tmpfs, devpts, mqueue) in the new root."""

    call = "mount(2)"
    why = "what programs expect to find in a Unix tree, in the container's own namespaces"
    shows = "/proc/self/mountinfo"

    kind: str
    target: str
    flags: int = 0
    data: str = ""
    source: str = ""  # what mountinfo shows as its source; the kind where it is empty

    def take(self, place: Place) -> None:
        if self.target in ("/proc", "/sys", "/dev"):
            target = open_kernels_own(place, self.target.strip("/"))
        else:
            target = open_target(place, self.target, folder=True)
        try:
            mounts.mount(self.source or self.kind, through(target), self.kind, self.flags, self.data)
        except KernelError as error:
            raise KernelError(error.call, error.errno, self.target) from None
        finally:
            os.close(target)
        if self.kind in ("proc", "sysfs"):
            place.kernels_own.add(os.stat(self.target.strip("/"), dir_fd=place.root).st_dev)


def open_kernels_own(place: Place, name: str) -> int:
    """A descriptor of /proc, /dev or /sys in the new root, made there if it is missing.

    The image may not say where the kernel's files appear (CVE-2025-52881): a link or a file is refused.
    """
    try:
        return descriptors.openat2(place.root, name, os.O_PATH | os.O_DIRECTORY, _NO_LINKS)
    except KernelError as error:
        if error.errno in (_ELOOP, _ENOTDIR):
            raise StartError(f"the image's /{name} is not a folder; a container's must be one") from None
        if error.errno != _ENOENT:
            raise
    os.mkdir(name, 0o755, dir_fd=place.root)
    return descriptors.openat2(place.root, name, os.O_PATH | os.O_DIRECTORY, _NO_LINKS)


class Bind(Step):
    """Show a file or folder of the host in the container."""

    call = "mount(2) MS_BIND"
    why = "what was asked for with -v, and the files that are written for this container alone"
    shows = "/proc/self/mountinfo"

    source: str
    target: str
    read_only: bool = False
    recursive: bool = True
    devices: bool = True  # False: nodes below a folder open no driver, for who may make some
    propagation: str = ""  # "slave": the host's later mounts appear; "private": they do not, where others' do

    def take(self, place: Place) -> None:
        is_folder = os.path.isdir(self.source)
        if self.target == "/sys":
            target = open_kernels_own(place, "sys")
            place.kernels_own.add(os.stat(self.source).st_dev)
        else:
            target = open_target(place, self.target, folder=is_folder)
        attributes = mounts.MOUNT_ATTR_RDONLY if self.read_only else 0
        if is_folder and not self.devices:
            attributes |= mounts.MOUNT_ATTR_NODEV
        try:
            if attributes or self.propagation == "private":
                self._attach(target, attributes)
            else:
                mounts.bind(self.source, through(target), self.recursive)
        except KernelError as error:
            raise KernelError("mount bind", error.errno, f"{self.source} at {self.target}") from None
        finally:
            os.close(target)

    def _attach(self, target: int, attributes: int) -> None:
        """The same with attributes, which it has before it has a place: that is not found again by name.

        In a folder that is another container's too, that one may have put a link there meanwhile.
        """
        tree = mounts.clone_tree(self.source, self.recursive)
        try:
            if stat.S_ISDIR(os.fstat(tree).st_mode) != stat.S_ISDIR(os.fstat(target).st_mode):
                raise KernelError("move_mount", _ENOTDIR, self.target)  # which says EINVAL, as to much else
            if attributes:
                mounts.set_attributes(tree, attributes, self.recursive)
            if self.propagation == "private":
                mounts.set_private(tree)
            mounts.attach(tree, target, self.target)
        finally:
            os.close(tree)


class MakeEtcFiles(Step):
    """Make hosts, resolv.conf and hostname on a small tmpfs of this mount namespace; they are bound from there."""

    call = "mount(2) tmpfs, open(2)"
    why = "an image cannot know its containers' names; a tmpfs in the namespace is gone with it, for nothing"
    shows = "/proc/self/mountinfo: tmpfs on /etc/hosts"

    folder: str
    names: tuple[str, ...]

    def take(self, place: Place) -> None:
        quiet = mounts.MS_NOSUID | mounts.MS_NODEV | mounts.MS_NOEXEC
        mounts.mount("tmpfs", self.folder, "tmpfs", quiet, "size=1m,mode=755")
        for name in self.names:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            place.etc[name] = os.open(os.path.join(self.folder, name), flags, 0o644)


class WriteEtcFiles(Step):
    """Write this container's own words into them."""

    call = "write(2)"
    why = "its name and its address are in them; they were made before anybody knew these"
    shows = "/etc/hosts"

    names: tuple[str, ...]

    def take(self, place: Place) -> None:
        for name in self.names:
            descriptor = place.etc.pop(name)
            os.write(descriptor, place.launch.etc[name].encode())
            os.close(descriptor)


class MaskPaths(Step):
    """Hide what tells of, or reaches into, the whole machine."""

    call = "mount(2)"
    why = "/proc and /sys show some things that no namespace divides: memory, keys, firmware, timers"
    shows = "/proc/self/mountinfo"

    paths: tuple[str, ...]

    def take(self, place: Place) -> None:
        # The null is the host's, opened before the image had a say (CVE-2025-31133).
        null = through(place.null)
        for path in self.paths:
            target = _existing(place, path)
            if target < 0:
                continue
            if os.path.isdir(through(target)):
                mounts.mount("tmpfs", through(target), "tmpfs", mounts.MS_RDONLY, "size=0k")
            else:
                mounts.bind(null, through(target), recursive=False)
                masked = _existing(place, path)
                mounts.set_read_only(masked)  # or root in the container could chmod the host's /dev/null by it
                os.close(masked)
            os.close(target)


class ReadOnlyPaths(Step):
    """Let what must be seen be seen, but not written."""

    call = "mount(2), mount_setattr(2)"
    why = "root in a container may write /proc/sys as far as its capabilities go; here they do not count"
    shows = "/proc/self/mountinfo"

    paths: tuple[str, ...]

    def take(self, place: Place) -> None:
        for path in self.paths:
            target = _existing(place, path)
            if target < 0:
                continue
            tree = mounts.clone_tree(target)
            mounts.set_read_only(tree, recursive=True)
            mounts.attach(tree, target, path)
            os.close(tree)
            os.close(target)


def _existing(place: Place, path: str) -> int:
    """A descriptor of `path` in the new root, or -1 where this kernel has no such file."""
    try:
        return descriptors.openat2(place.root, path, os.O_PATH, _NO_LINKS)
    except KernelError as error:
        if error.errno in (_ENOENT, _ENOTDIR):
            return -1
        raise


class RootReadOnly(Step):
    """Make the root itself read-only; what is mounted on it stays as it is."""

    call = "mount_setattr(2)"
    why = "--read-only: the program may write only where a volume or a tmpfs is"
    shows = "/proc/self/mountinfo"

    def take(self, place: Place) -> None:
        mounts.set_read_only(place.root)


class PivotRoot(Step):
    """Make the new root this mount namespace's `/` and let the old one go."""

    call = "pivot_root(2), umount2(2)"
    why = "chroot can be walked out of by anyone who may call chroot again; a root that is gone cannot"
    shows = "/proc/self/mountinfo"

    def take(self, place: Place) -> None:
        os.fchdir(place.root)
        mounts.pivot_root(".", ".")  # the new root stacked on the old: man 2 pivot_root, NOTES
        mounts.umount(".", mounts.MNT_DETACH)
        os.chdir("/")
        os.close(place.root)
        os.close(place.null)
        place.root = place.null = -1
