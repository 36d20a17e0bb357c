"""The job "root": a descriptor of a container's root, for whoever copies out of it and into it.

Of a running one it is the root of its mount namespace, as its processes see it; of one that does not run its layers
are stacked for the time being, under its lock, so that nobody starts or removes it meanwhile.
"""

from __future__ import annotations

import os

from ipycontainer.errors import NoSuchContainer, WrongState
from ipycontainer.linux import mounts, namespaces, trees
from ipycontainer.runtime import mount_plan
from ipycontainer.runtime.inside import container, life
from ipycontainer.runtime.inside.kill import join, open_init
from ipycontainer.runtime.inside.step import Place, Step
from ipycontainer.runtime.inside.steps.root import DetachMounts, MakeWritableLayer, MountOverlay, RootReadOnly
from ipycontainer.runtime.inside.sweep import living_state, sweep_leavings
from ipycontainer.runtime.inside.walk import forbid_imports, walk
from ipycontainer.runtime.launch import Host, Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.launcher.wire import Channel

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def lend(host: Host, request: dict[str, Any], _descriptors: list[int], channel: Channel) -> dict[str, Any] | None:
    """request: a Launch.  Sends the descriptor, and gives up the root when the caller says so or goes away."""
    launch = Launch.from_dict(request)
    forbid_imports()
    try:
        state = living_state(launch.run, "runs")
    except WrongState:
        return _lend_resting(host, launch, channel)
    init = open_init(state)
    # What is joined is the container's: let nobody in there look into this process.
    container.hide()
    try:
        join(init, namespaces.CLONE_NEWNS)
    finally:
        os.close(init)
    return _lend("/", channel)


def _lend_resting(host: Host, launch: Launch, channel: Channel) -> dict[str, Any] | None:
    lock = life.claim(launch.run, sweeps=True)
    try:
        if not os.path.isdir(launch.folder):
            # It was removed a moment ago; a writable layer that is made anew would be a container without a record.
            raise NoSuchContainer(f"No such container: {launch.name}")
        life.mark_swept(lock)
        sweep_leavings(launch.run)
        namespaces.unshare(namespaces.CLONE_NEWNS)
        # No device of it is opened here, so none may be.
        steps: list[Step] = [
            DetachMounts(),
            MakeWritableLayer(launch.upper, launch.work),
            MountOverlay(
                tuple(launch.lowers), launch.upper, launch.work, launch.staging, rootless=host.rootless, devices=False
            ),
            *mount_plan.resting_steps(launch, host),
        ]
        if launch.spec["root"].get("readonly"):
            steps.append(RootReadOnly())
        place = Place(launch)
        walk("copy", steps, place)
        try:
            return _lend(launch.staging, channel)
        finally:
            os.close(place.root)
            mounts.umount(launch.staging, mounts.MNT_DETACH)
    finally:
        trees.remove(launch.run)
        os.close(lock)


def _lend(path: str, channel: Channel) -> dict[str, Any] | None:
    descriptor = os.open(path, _FOLDER)
    channel.send({"lent": True}, [descriptor])
    os.close(descriptor)
    return None if channel.receive() is None else {}
