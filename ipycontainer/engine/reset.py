"""`system reset`: every container, image and volume of a store goes, then its launcher and its folders.

Everything goes in one instant of its own, and whole: a container as `rm -f` removes it, then images, layers and volumes
by one rename each into the trash, the index of images before the layers that it names.  kill -9 in between leaves a
store that lacks the one and still has the other, and works; what lies in the trash the next launcher removes, and
another reset does the rest.  A container that somebody makes meanwhile stays, and with it its store.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Conflict, Error, KernelError
from ipycontainer.images.layout import Lock
from ipycontainer.launcher.alive import is_alive
from ipycontainer.linux import trees
from ipycontainer.runtime import lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.engine.engine import Engine

# What lies in a store (launcher/folders.py), in the order in which it goes.  Of what else is in its folder nothing is
# known, and it stays.
_WHOLE = ("images", "layers", "volumes")
_ENTRIES = ("containers", "names")
_FOLDERS = ("containers", "names", "volumes", "slots", "trash")  # `prepare` makes each where it is missing
_FILES = ("events", "events.1", "version")
_SIGKILL = 9
_PATIENCE = 10.0
_ROUNDS = 3


def reset(engine: Engine) -> None:
    """Remove all of the store.

    Raises Conflict while somebody brings an image in, or goes on starting containers; TimedOut for a launcher that
    does not leave.
    """
    known = {*_WHOLE, *_FOLDERS, *_FILES}
    if not any(os.path.lexists(os.path.join(engine.root, name)) for name in known):
        return
    lock = _lock(engine)
    try:
        for _ in range(_ROUNDS):
            if _end_all(engine):
                break
        else:
            raise Conflict("containers are started faster than they can be removed; end whoever does so, and try again")
        _discard(engine)
    finally:
        if lock is not None:
            lock.__exit__()
    engine.shutdown()
    _see_slots_go(engine)
    _remove_folders(engine.root)


def _lock(engine: Engine) -> Lock | None:
    """Keeps others from bringing images in; None where there are none."""
    folder = engine.store.layout.folder
    if not os.path.isdir(folder):
        return None
    lock = Lock(os.path.join(folder, "collect.lock"), wait=False)
    try:
        return lock.__enter__()
    except BlockingIOError:
        raise Conflict(
            "an image is being brought into this store, or removed from it; wait until that is done, or end it"
        ) from None


def _end_all(engine: Engine) -> bool:
    """Kill and remove every container; whether none runs after that."""
    for container in engine.containers(all=True):
        container.remove(force=True, volumes=True)
    for run in engine.directory.run_folders():
        # One without a record that can be read, or one that has just been started.
        if is_alive(run):
            try:
                lifecycle.kill(engine.launcher, lifecycle.killing(run, _SIGKILL, thaw=True))
            except Error:
                pass  # it ends by itself
        lifecycle.wait_for_sweep(run, _PATIENCE)
    return not any(is_alive(run) for run in engine.directory.run_folders())


def _discard(engine: Engine) -> None:
    """Move what is there into the trash, and empty that: only in the store namespace may all of it be removed."""
    root, trash = engine.root, os.path.join(engine.root, "trash")
    os.makedirs(trash, 0o700, exist_ok=True)
    gone = os.path.join(trash, f"reset-{os.urandom(6).hex()}")
    os.mkdir(gone, 0o700)
    for path in [*(os.path.join(root, name) for name in _WHOLE), *_entries(root)]:
        try:
            os.rename(path, os.path.join(gone, os.urandom(6).hex()))
        except FileNotFoundError:
            continue  # there was none, or somebody else was faster
        except OSError as error:
            raise KernelError("rename", error.errno or 0, path) from None
    descriptor = os.open(trash, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        engine.launcher.call("images.remove", {"names": os.listdir(trash)}, [descriptor])
    finally:
        os.close(descriptor)


def _entries(root: str) -> list[str]:
    """What no container was found by: records that cannot be read, names that lead nowhere."""
    folders = [os.path.join(root, name) for name in _ENTRIES]
    return [os.path.join(folder, name) for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]


def _see_slots_go(engine: Engine) -> None:
    """What was kept ready tidies up by itself when the launcher has left, and keeps the run folder until then."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if not any(os.path.isdir(folder) and os.listdir(folder) for folder in _slots(engine)):
            break
        time.sleep(0.005)
    engine.launcher.forget()


def _slots(engine: Engine) -> list[str]:
    return [os.path.join(folder, "slots") for folder in (engine.root, engine.launcher.run)]


def _remove_folders(root: str) -> None:
    """What is empty now, what the launcher had, and the store's own folder if nobody else has anything in it."""
    trees.remove(os.path.join(root, "trash"))
    try:
        for name in _FOLDERS:
            if os.path.isdir(path := os.path.join(root, name)):
                os.rmdir(path)
        for name in _FILES:
            if os.path.lexists(path := os.path.join(root, name)):
                os.unlink(path)
        os.rmdir(root)
    except OSError:
        pass  # somebody has made something here meanwhile; or it is the root of a disk, or has files of others
