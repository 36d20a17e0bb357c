"""What is done while nobody waits: all of a start that leaves no trace, on a container that there never is.

A forked process pays for each page that it first writes to, and Python writes to whatever it looks at
(reference counts).  Here this is paid while nobody waits.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Error
from ipycontainer.launcher import wire
from ipycontainer.linux import cgroups, pidfd
from ipycontainer.runtime.inside.charge import charge_of
from ipycontainer.runtime.inside.exec_events import ExecEvents
from ipycontainer.runtime.inside.journal import text_of
from ipycontainer.runtime.inside.step import Place
from ipycontainer.runtime.inside.streams import Streams, program_pipes
from ipycontainer.runtime.launch import IMAGE, LABELS, Host, Launch
from ipycontainer.runtime.plan import namespace_kinds, plan
from ipycontainer.runtime.program_plan import plan_exec
from ipycontainer.runtime.seccomp_profile import SHIPPED
from ipycontainer.runtime.usual import MASKED, READ_ONLY, SYSCTLS, base_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def sample() -> dict[str, Any]:
    """A Launch as it comes over the wire, of about the usual size."""
    spec = {
        "hostname": "rehearsal",
        "annotations": {IMAGE: "rehearsal", LABELS: '{"a":"b"}'},
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
    """Receive a start, plan and record it in memory; whatever goes wrong is for the real start to say."""
    launch, channels = _receive({"job": "run", "request": request or sample()})
    try:
        charge = charge_of(launch, time.time())
        plan(launch, host)
        Place(launch)
        _pass_on(charge.as_dict(), *channels)
        cgroups.make(cgroups.CgroupPlan())
        pidfd.start_time(os.getpid())
    except (Error, OSError):
        pass
    finally:
        for channel in channels:
            channel.close()


def rehearse_exec(host: Host) -> None:
    """The same for one more program in a running container."""
    launch, channels = _receive({"job": "exec", "request": sample()})
    try:
        plan_exec(launch, host, namespace_kinds(launch.spec, host.rootless), ())
        text_of(ExecEvents(launch).beginnings())
        theirs, ours = program_pipes(launch, piped=True)
        _pass_on({"started": 1}, *channels)
        streams = Streams(channels[0], None)
        streams.take(ours, False)
        streams.drain()
        for descriptor in (*theirs, *ours):
            os.close(descriptor)
    except (Error, OSError):
        pass
    finally:
        for channel in channels:
            channel.close()


def _receive(document: dict[str, Any]) -> tuple[Launch, tuple[wire.Channel, wire.Channel]]:
    """A request, as it comes over a connection, and that connection."""
    left, right = wire.pair()
    left.send(document)
    message = right.receive()
    assert message is not None
    return Launch.from_dict(message.document["request"]), (left, right)


def _pass_on(document: dict[str, Any], left: wire.Channel, right: wire.Channel) -> None:
    left.send(document, [right.fileno()])
    received = right.receive()
    assert received is not None
    for descriptor in (*received.descriptors, *os.pipe()):
        os.close(descriptor)
