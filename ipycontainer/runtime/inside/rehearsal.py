"""What a starter does while it waits: all of a start that leaves no trace, on a container that there never is.

A forked process pays for each page that it first writes to, and Python writes to whatever it looks at
(reference counts).  Paid while nobody waits, this is half of a starter's share of a start.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Error
from ipycontainer.launcher import wire
from ipycontainer.linux import cgroups, pidfd
from ipycontainer.runtime.inside.charge import charge_of
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.launch import Host, Launch
from ipycontainer.runtime.plan import plan
from ipycontainer.runtime.seccomp_profile import SHIPPED
from ipycontainer.runtime.usual import MASKED, READ_ONLY, SYSCTLS, base_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def sample() -> dict[str, Any]:
    """A Launch as it comes over the wire, of about the usual size."""
    spec = {
        "hostname": "rehearsal",
        "annotations": {"ipycontainer.image": "rehearsal"},
        "root": {"readonly": False},
        "process": {
            "args": ["true"],
            "env": ["PATH=/usr/bin:/bin", "HOSTNAME=rehearsal"],
            "cwd": "/",
            "capabilities": {"bounding": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"]},
            "noNewPrivileges": True,
        },
        "mounts": base_mounts(),
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "network", "mount", "ipc", "uts", "cgroup")],
            "resources": {},
            "sysctl": SYSCTLS,
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
            "seccomp": {"program": SHIPPED[0]},
        },
    }
    empty = ("generation", "folder", "run", "staging", "names", "journal", "trash", "etc_folder")
    fields: dict[str, Any] = dict.fromkeys(empty, "/nowhere")
    return {**fields, "id": "0" * 64, "name": "rehearsal", "spec": spec, "lowers": ["/nowhere"], "etc": {"hosts": ""}}


def rehearse(host: Host, request: dict[str, Any] | None = None) -> None:
    """Receive, plan and record in memory; whatever goes wrong is for the real start to say."""
    left, right = wire.pair()
    try:
        left.send({"job": "run", "request": request or sample()})
        message = right.receive()
        assert message is not None
        launch = Launch.from_dict(message.document["request"])
        charge = charge_of(launch, time.time())
        plan(launch, host)
        Place(launch)
        left.send(charge.as_dict(), [right.fileno()])
        received = right.receive()
        assert received is not None
        for descriptor in received.descriptors:
            os.close(descriptor)
        cgroups.make(cgroups.CgroupPlan())
        pidfd.start_time(os.getpid())
        for descriptor in os.pipe():
            os.close(descriptor)
    except (Error, OSError):
        pass
    finally:
        left.close()
        right.close()
