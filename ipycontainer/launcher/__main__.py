"""The launcher's program: `python -I -S …/launcher/__main__.py ROOT RUN NAME [MODE]`.

It is run twice.  Without MODE it enters the store namespace, binds the interpreter read-only and executes
itself again through that mount; with MODE it loads every job, listens at RUN/NAME.sock, says "ready" on
descriptor 3, and serves.

This is the one place that imports from floors above its own: it is where jobs get their names.
"""

from __future__ import annotations

import os
import sys

_READY = 3
_LOCK = 4  # the starter's lock: nobody else starts a launcher until this one listens
_IDLE_SECONDS = 600.0
# How many containers' beginnings are kept ready at most; IPYCONTAINER_SLOTS says otherwise, and 0 none.
_SLOTS = 4
# After so many rounds the interpreter has specialised its code (PEP 659), and writes to it no more: else each forked
# process would do that again, on pages of its own.
_REHEARSALS = 20
# What a monitor needs for as long as its container runs.  Loaded before all else it lies together, on few pages; each
# of them becomes the monitor's own as soon as it counts a reference there.
_STAYS = (
    "launcher.server",
    "runtime.inside.handing_over",
    "runtime.inside.streams",
    "runtime.inside.log",
    "runtime.inside.clients",
    "runtime.inside.monitor",
)


def main() -> None:
    """Walk both stages; failures go to the starter as an error document."""
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from ipycontainer.errors import Error, to_wire
    from ipycontainer.json_text import dumps

    root, run, name, *mode = sys.argv[1:]
    try:
        if mode:
            _serve(root, run, name, mode[0])
        else:
            _enter(root, run, name)
    except Error as error:
        os.write(_READY, dumps(to_wire(error)).encode())
        sys.exit(1)


def _enter(root: str, run: str, name: str) -> None:
    from ipycontainer.errors import KernelError, LauncherError
    from ipycontainer.launcher import folders, scope, store_namespace
    from ipycontainer.linux import descriptors, inherited, keyrings, signals

    # The starter waits for its child; the launcher proper is its grandchild, so nobody has to reap it.
    if os.fork():
        os._exit(0)
    descriptors.close_from(_LOCK + 1)
    signals.reset_librarys_own()
    inherited.put_off()
    os.umask(0o022)
    os.chdir("/")
    folders.close(root)  # earlier releases did not
    try:
        keyrings.join_new_session()
    except KernelError:
        pass  # no keys on this machine, or a filter in front of them: then there is nothing to be separate from
    # Before the user namespace, in which the launcher is no longer itself to whoever owns the groups.
    scope.settle()
    try:
        mode = store_namespace.enter(run)
        store_namespace.protect_null()
        program = store_namespace.protect_interpreter()
    except (KernelError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        # A security module lets a user namespace be made, and nothing be done in it; or a call is too new, or filtered.
        raise LauncherError(
            f"this machine does not let containers be made ({why}); `ipycontainer doctor` says what withholds it and "
            "what would mend it"
        ) from None
    for descriptor in (_READY, _LOCK):
        os.set_inheritable(descriptor, True)
    main_file = os.path.abspath(__file__)
    os.execv(program, [program, "-I", "-S", "-X", "utf8", main_file, root, run, name, mode])


def _serve(root: str, run: str, name: str, mode: str) -> None:
    for module in _STAYS:
        __import__(f"ipycontainer.{module}")
    from ipycontainer.images.inside.jobs import jobs as image_jobs
    from ipycontainer.json_text import dumps
    from ipycontainer.launcher import heap
    from ipycontainer.launcher.server import Server
    from ipycontainer.linux import pidfd, prctl
    from ipycontainer.runtime.inside.jobs import BRIEF, URGENT, attendance
    from ipycontainer.runtime.inside.jobs import jobs as runtime_jobs
    from ipycontainer.runtime.inside.sweep import sweep_orphans

    slots = int(os.environ.get("IPYCONTAINER_SLOTS", _SLOTS))
    attend, rehearsals = attendance(mode, root, run, slots > 0)

    def orphaned() -> None:
        sweep_orphans(root, run)

    jobs = {**runtime_jobs(mode), **image_jobs(mode)}
    prctl.set_name("ipycontainer")
    facts = os.path.join(run, name + ".json")
    with open(facts + ".new", "w", encoding="utf-8") as file:
        started = pidfd.start_time(os.getpid())
        file.write(dumps({"pid": os.getpid(), "start_time": started, "mode": mode, "root": root}))
    os.replace(facts + ".new", facts)
    idle = float(os.environ.get("IPYCONTAINER_IDLE", _IDLE_SECONDS))
    server = Server(os.path.join(run, name), jobs, BRIEF, URGENT, attend, slots, rehearsals[0], orphaned, idle)
    for rehearse in rehearsals * _REHEARSALS:
        rehearse()
    filling = heap.settle()
    # Imports end here: what a job needs is loaded, and a container's files can never be found as modules.
    sys.path.clear()
    os.close(_LOCK)
    server.fork_sweeper(_READY)
    os.write(_READY, b"ready")
    os.close(_READY)
    server.serve()
    del filling  # whoever was forked until here found no free place where it lay


if __name__ == "__main__":
    main()
