"""Where state lies: the store's root, and its run folder that a reboot empties.

    ROOT/version, containers/, names/, images/, layers/, volumes/, events, events.1     what must last
    RUN/launcher-DIGEST.sock, launcher.lock, containers/ID/          what lives

Both follow from the root and the user alone, so that any process of the user finds the same ones.
"""

from __future__ import annotations

import os
from errno import EACCES, EROFS

from ipycontainer.errors import NetworkFileSystem, StoreUnwritable

# A socket's path must fit sockaddr_un (108 bytes, unix(7)); "/launcher-" + digest + ".sock" take the rest.
_LONGEST_RUN_FOLDER = 70

# statfs(2) is not in `os`; the mount table says it as well.
NETWORK_KINDS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "lustre"}
)

SCHEMA = "1"

# Below them is what containers write.
_FILES = ("containers", "slots", "trash", "volumes")
# Where the run folder has this one, it has the others.
_LAST_MADE = "etc"

EVENTS_BOUND = 4 << 20
"""Bytes after which the journal of events is set aside; so at most twice as many are kept.

A container whose health is checked each half minute writes some 3 MB a day; docker keeps the last 256 events alone.
"""


def store_root(explicit: str | None = None) -> str:
    """The store's folder: `explicit`, else IPYCONTAINER_ROOT, else root's or the user's own place.

    It may be missing.  Raises StoreUnwritable where it is no folder, or nobody lets this account look into it.
    """
    chosen = explicit or os.environ.get("IPYCONTAINER_ROOT")
    root = _whole(os.path.expanduser(chosen)) if chosen else usual_root()
    try:
        os.stat(f"{root}/.")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreUnwritable(
            f"the state folder {root} cannot be looked into: {error.strerror}; choose another with --root or "
            "IPYCONTAINER_ROOT"
        ) from None
    return root


def _whole(path: str) -> str:
    try:
        return os.path.abspath(path)
    except FileNotFoundError:
        raise StoreUnwritable(
            f"the state folder {path} begins in the current folder, which was removed; go to another, or give a whole "
            "path with --root or IPYCONTAINER_ROOT"
        ) from None


def usual_root() -> str:
    """The store's folder where nobody has chosen one: root's, or the user's own.  Raises StoreUnwritable."""
    if os.geteuid() == 0:
        return "/var/lib/ipycontainer"
    data = os.environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(data):  # such a one is no place, says the XDG Base Directory Specification
        data = os.path.expanduser("~/.local/share")
    if not os.path.isabs(data):
        raise StoreUnwritable(
            "this account has no home folder for the state folder to lie in; set HOME, or give a state folder with "
            "--root or IPYCONTAINER_ROOT"
        )
    return os.path.join(data, "ipycontainer")


def digest(text: str) -> str:
    """A short name for `text`, the same in every process."""
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return str(blake2b(os.fsencode(text), digest_size=6).hexdigest())


def run_folder(root: str) -> str:
    """The run folder of the store at `root`: on a tmpfs for root, within the store for everybody else.

    It must be the same one from a login, from cron and after `su`, or the store's containers would look dead: so
    nothing of the session counts.  And it must outlast a logout, as containers do: XDG_RUNTIME_DIR and what is the
    user's own in /dev/shm are removed then, and what is old in /tmp some day.

    Raises StoreUnwritable where somebody else was there first: whoever only looks would believe what lies there.
    """
    real = os.path.realpath(root)
    if os.geteuid() == 0:
        # Where /run is no tmpfs (in many containers and small guests), /dev/shm mostly is one.
        on_disk = _on_the_root_disk("/run") and not _on_the_root_disk("/dev/shm")
        above = "/dev/shm/ipycontainer-0" if on_disk else "/run/ipycontainer"
    else:
        within = os.path.join(real, "run")
        if len(os.fsencode(within)) <= _LONGEST_RUN_FOLDER:
            return within
        above = f"/tmp/ipycontainer-{os.geteuid()}"
    _refuse_trap(above)
    return os.path.join(above, digest(real))


def _on_the_root_disk(path: str) -> bool:
    try:
        return os.stat(path).st_dev == os.stat("/").st_dev
    except FileNotFoundError:
        return True


def make_private(folder: str, root: str) -> None:
    """Make `folder`, 0700, and what is above it unless that is `root`; refuse what somebody else made (a trap)."""
    above = os.path.dirname(folder)
    for path in (folder,) if above == os.path.realpath(root) else (above, folder):
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            pass
        except OSError as error:
            raise StoreUnwritable(_sentence(path, error)) from None
        _refuse_trap(path)


def _refuse_trap(path: str) -> None:
    """Refuse a folder that somebody else made where everybody may make some; one that is not there is none."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if found.st_uid != os.geteuid() or found.st_mode & 0o170000 != 0o040000 or found.st_mode & 0o022:
        raise StoreUnwritable(
            f"the run folder {path} belongs to somebody else or others may write it; remove it or choose another "
            "state folder with IPYCONTAINER_ROOT"
        )


def remove_run(run: str) -> None:
    """Remove a run folder in which no launcher listens, as far as no container needs it; the caller holds its lock."""
    try:
        names = os.listdir(run)
    except FileNotFoundError:
        return
    used = [name for kind in ("containers", "slots") if kind in names for name in os.listdir(os.path.join(run, kind))]
    # First what `prepare` takes for all of them: kill -9 in between would leave a folder in which no launcher starts.
    for name in sorted(names, key=lambda name: name != _LAST_MADE):
        path = os.path.join(run, name)
        if os.path.isdir(path):
            if not used:
                os.rmdir(path)
        elif not used or name.endswith((".sock", ".start", ".json")):
            os.unlink(path)
    if not used:
        os.rmdir(run)


def prepare(root: str) -> str:
    """Make the store's and the run folder where they are missing; gives the run folder.

    Raises StoreUnwritable or NetworkFileSystem, before anything else is made.
    """
    run = run_folder(root)
    if os.path.exists(os.path.join(root, "version")) and os.path.isdir(os.path.join(run, _LAST_MADE)):
        containers = os.path.join(root, "containers")
        if os.access(containers, os.W_OK):
            return run
        if os.path.isdir(containers):  # else a reset was killed
            number = EROFS if os.statvfs(root).f_flag & os.ST_RDONLY else EACCES
            raise StoreUnwritable(_sentence(root, OSError(number, os.strerror(number))))
    try:
        _refuse_network(root)
        os.makedirs(root, 0o711, exist_ok=True)
        for name in ("names", *_FILES):
            os.makedirs(os.path.join(root, name), 0o700, exist_ok=True)
        close(root)
        _spread(root)
        version = os.path.join(root, "version")
        if not os.path.exists(version):
            temporary = f"{version}.{os.urandom(6).hex()}"  # threads come here at once too
            with open(temporary, "w", encoding="ascii") as file:
                file.write(SCHEMA + "\n")
            os.replace(temporary, version)
    except OSError as error:
        raise StoreUnwritable(_sentence(root, error)) from None
    make_private(run, root)
    for name in ("containers", "slots", "root", _LAST_MADE):
        os.makedirs(os.path.join(run, name), 0o700, exist_ok=True)
    return run


def close(root: str) -> None:
    """Let nobody else reach the files of containers and volumes by their paths.

    Root in a container may make a set-user-ID program there, and whoever executed it on the host would be its owner
    (CVE-2021-41091).
    """
    for name in _FILES:
        path = os.path.join(root, name)
        try:
            if os.stat(path).st_mode & 0o077:
                os.chmod(path, 0o700)
        except OSError:
            continue  # a store without volumes; or whose is it?


def _spread(root: str) -> None:
    from ipycontainer.linux.placement import spread  # for a new store or after a boot: no run waits for these imports

    for name in ("containers", "slots"):
        spread(os.path.join(root, name))


def _sentence(path: str, error: OSError) -> str:
    return (
        f"cannot write the state folder {path}: {error.strerror}; "
        "choose another with --root or IPYCONTAINER_ROOT, or make this one writable"
    )


def _refuse_network(root: str) -> None:
    """Neither locks nor overlay uppers hold on a network file system.

    A root that is not there yet would lie on whatever holds its nearest folder that is.
    """
    from ipycontainer.linux.mountinfo import kind_of

    kind = kind_of(os.path.realpath(root))
    if kind in NETWORK_KINDS:
        raise NetworkFileSystem(
            f"the state folder {root} lies on {kind}, where neither locks nor overlays hold; "
            "set IPYCONTAINER_ROOT to a folder on a local disk"
        )
