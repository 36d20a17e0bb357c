"""Every named point at which a test build can be killed or made to fail: one list, and what lies there then.

A row is: name, seam, side, what lies on disk and in the kernel at that instant.  The name begins with the process that
has to be there: client, launcher, monitor, starter (which the monitor forks until the program runs), slot (PID 1 while
it waits), child (PID 1 of a container, or an exec's), job (what the launcher forks for anything but a start), sweeper
(whoever removes what a dead one left), prober (a probe's parent), worker (what a pull starts to fetch layers);
the seam is a function of the package as `module:qualified name`; side says whether the point is before its first or
after its last instruction.  A name that ends with "!" may also fail: there the function answers as if the kernel had
refused (ENOSPC).

The steps of a plan are points too, before and after each, without a row: `starter.outside.1.Clone.after`,
`child.inside.7.Mount.before`, `child.last.3.SetUmask.before`, and `slot.Mount.before` for the first such step that is
walked ahead.  What lies there is what the steps before it say in their `shows`.

The shipped package has none of this: a test build is a copy of it, with this list and fault_switch.py laid beside
the code and two lines at the end of each module that is named here.
"""

from __future__ import annotations

# Which process it is from here on.
BECOMES = {
    "launcher.store_namespace:enter": "launcher",
    "launcher.server:Server.__init__": "launcher",
    "launcher.server:run_job": "job",
    "runtime.inside.attend:attend": "monitor",
    "runtime.inside.handing_over:as_starter": "starter",
    "runtime.inside.slot:Slot.wait": "slot",
    "runtime.inside.container:become": "child",
    "runtime.inside.sweep:sweep": "sweeper",
    "runtime.inside.remove:remove": "sweeper",
    "runtime.inside.sweep:sweep_orphans": "sweeper",
    "runtime.inside.probe:_be_parent": "prober",
    "images.registry.download:fetch_layer": "worker",  # of an image of more than one layer
}

WALK = "runtime.inside.walk:walk"

_RUN: tuple[tuple[str, str, str, str], ...] = (
    # The client: it writes what shall be, and asks.
    ("client.reserve!", "engine.directory:Directory.add", "before", "nothing"),
    ("client.folder-made", "engine.directory:write_file", "before", "an empty folder of the container"),
    ("client.recorded!", "engine.directory:write_file", "after", "the folder with its record; no name yet"),
    ("client.created", "engine.directory:Directory.add", "after", "record and name"),
    ("client.connect!", "launcher.client:Launcher.connect", "before", "record and name"),
    ("client.connected", "launcher.client:Launcher.connect", "after", "a monitor has taken the connection, or will"),
    ("client.sent", "launcher.wire:Channel.send", "after", "the request is on its way; anything may follow"),
    ("client.answered", "launcher.client:Launcher.begin", "after", "the program runs, or its start has failed"),
    ("client.attached", "runtime.lifecycle:start", "after", "the same; the client is about to read"),
    ("client.told", "runtime.attachment:Attachment._take", "after", "the client has the code; the record lies there"),
    # The launcher: it only forks; nothing of a container hangs on it.
    ("launcher.forking", "launcher.server:Server._fork", "before", "one spare less than there should be"),
    ("launcher.forked", "launcher.server:Server._fork", "after", "a monitor, or one that waits for jobs"),
    ("launcher.noted", "launcher.server:Server._note_taken", "after", "a start is under way; no spare waits"),
    ("launcher.refilling", "launcher.server:Server._fork_waiting", "before", "one less waits than should"),
    ("launcher.refilled", "launcher.server:Server._fork_waiting", "after", "a monitor that is about to make its slot"),
    # PID 1 ahead of its container, and as its container's.
    ("slot.walks", "runtime.inside.slot:Slot._prepare", "before", "a cgroup and namespaces that nobody uses"),
    ("slot.waits", "runtime.inside.slot:Slot._prepare", "after", "the same, with a root put together"),
    ("slot.taken", "runtime.inside.slot:Slot._take", "before", "record and name; PID 1 has read the request"),
    ("slot.moved-in", "runtime.inside.slot:Slot._move_in", "after", "the slot's folders bear the container's name"),
    ("child.begins", "runtime.inside.container:become", "before", "the monitor has the charge, or will"),
    # The monitor and its starter: everything has its name on disk before it is made.
    ("monitor.forked", "runtime.inside.attend:attend", "before", "nothing"),
    ("monitor.waits", "runtime.inside.handing_over:receive", "before", "nothing, or a slot"),
    ("starter.forked!", "runtime.inside.handing_over:as_starter", "before", "nothing"),
    ("starter.claim!", "runtime.inside.life:claim", "before", "nothing"),
    ("starter.claimed", "runtime.inside.life:claim", "after", "alive, empty and locked"),
    ("starter.names-write!", "runtime.inside.life:write_leaves", "before", "alive, empty and locked"),
    ("starter.names-written", "runtime.inside.life:write_leaves", "after", "alive names all that will be made"),
    ("starter.first-written", "runtime.inside.life:write_first", "after", "alive names PID 1, which has no maps yet"),
    ("starter.slot-made!", "runtime.inside.first:First.walk", "after", "PID 1 in its namespaces, on its way"),
    ("starter.begin!", "runtime.inside.life:begin", "before", "record and name; PID 1 may be on its way"),
    ("starter.begun", "runtime.inside.life:begin", "after", "life.json without an end; with --rm alive says so"),
    ("starter.state-write!", "runtime.inside.life:write_state", "before", "PID 1, whose number nobody has written yet"),
    ("starter.state-written", "runtime.inside.life:write_state", "after", "alive names PID 1 and the monitor"),
    ("starter.going", "runtime.inside.starter:Starter._await_program", "before", "PID 1 goes on to the program"),
    ("starter.program-runs!", "runtime.inside.starter:Starter._await_program", "after", "the program runs"),
    ("starter.marked", "runtime.inside.life:mark_running", "after", "alive says that it runs"),
    ("starter.start-written", "runtime.inside.life:record_start", "after", "the journal says start"),
    ("starter.start-told", "runtime.inside.starter:tell", "after", "the client knows that it runs"),
    ("starter.hands-over!", "runtime.inside.handing_over:send", "before", "the program runs; nobody attends"),
    ("starter.attach-bind", "runtime.inside.clients:open_listener", "before", "the same; nobody can attach"),
    ("starter.attach-listens", "runtime.inside.clients:open_listener", "after", "a socket; nobody is served yet"),
    ("starter.handed-over", "runtime.inside.handing_over:send", "after", "the monitor has it, or will"),
    ("monitor.received!", "runtime.inside.handing_over:receive", "after", "the same; the starter ends"),
    ("monitor.pump", "runtime.inside.streams:Streams.pump", "before", "the program runs"),
    ("monitor.log-opened", "runtime.inside.log:LogWriter._rotate", "after", "an empty log file; output on its way"),
    ("monitor.exit-seen", "runtime.inside.streams:Streams.pump", "after", "PID 1 is a zombie; output in the pipes"),
    ("monitor.reaped", "runtime.inside.streams:Streams.drain", "before", "no PID 1; only the monitor knows the code"),
    ("monitor.drained", "runtime.inside.streams:Streams.drain", "after", "the log is whole"),
    ("monitor.log-closed", "runtime.inside.streams:Streams.close_log", "after", "the log says that it has ended"),
    ("monitor.record!", "runtime.inside.ending:record", "before", "life.json still without an end; cgroup, upper"),
    ("monitor.recorded", "runtime.inside.ending:record", "after", "life.json with its end; with --rm: the trash"),
    ("monitor.told", "runtime.inside.streams:Streams.finish", "after", "the client knows; cgroup, run folder"),
    ("monitor.sweep!", "runtime.inside.ending:sweep_all", "before", "cgroup, run folder, trash"),
    ("monitor.cgroups-swept", "runtime.inside.sweep:sweep_cgroups", "after", "run folder, trash"),
    ("monitor.swept", "runtime.inside.ending:sweep_all", "after", "nothing but the record; the lock of a removed file"),
    ("monitor.released", "runtime.inside.attend:attend", "after", "nothing but the record"),
)  # fmt: skip

_KEPT = (("monitor.life-renamed", "linux.durability:sync_folder", "before", "life.json with its end, not yet synced"),)

_REMOVED = (
    ("monitor.discard!", "runtime.inside.sweep:discard", "before", "the dead container, whole"),
    ("monitor.discarded", "runtime.inside.sweep:discard", "after", "no name; the folder lies in the trash"),
    ("monitor.tree-removed", "linux.trees:remove", "after", "no cgroup, no tree; the run folder"),
)

_MISSING = (
    ("starter.failing", "runtime.inside.starter:Starter._fail", "before", "a start that failed; PID 1 ends"),
    ("starter.fail-record!", "runtime.inside.ending:record", "before", "PID 1 is dead; life.json without an end"),
    ("starter.fail-recorded", "runtime.inside.ending:record", "after", "life.json says 127 and why"),
    ("starter.fail-sweep", "runtime.inside.ending:sweep_all", "before", "the client knows; cgroup and run folder"),
    ("starter.fail-swept", "runtime.inside.ending:sweep_all", "after", "nothing but the record"),
)

_SWEPT = (
    ("client.sweep", "runtime.lifecycle:sweep", "before", "what a killed monitor left: alive, cgroup, upper"),
    ("sweeper.claim!", "runtime.inside.life:claim", "before", "the same; the launcher was killed too"),
    ("sweeper.claimed", "runtime.inside.life:claim", "after", "the same; the lock in a sweep's hands"),
    ("sweeper.marked", "runtime.inside.life:mark_swept", "after", "alive says that a sweep was here"),
    ("sweeper.killed!", "runtime.inside.sweep:sweep_leavings", "after", "no cgroup; the run folder"),
    ("sweeper.done", "runtime.inside.sweep:sweep_dead", "after", "nothing but a record without an end"),
)

_DELETED = (
    ("client.delete", "runtime.lifecycle:delete", "before", "an exited container"),
    ("client.deleted", "runtime.lifecycle:delete", "after", "nothing; the journal does not say destroy yet"),
    ("sweeper.delete-discard!", "runtime.inside.sweep:discard", "before", "an exited container; the lock in our hands"),
    ("sweeper.delete-discarded", "runtime.inside.sweep:discard", "after", "no name; the folder lies in the trash"),
    ("sweeper.delete-tree", "linux.trees:remove", "after", "no name, no folder; the run folder"),
)

_LAUNCHED = (
    ("client.launcher-lock", "launcher.client:Launcher._lock", "after", "launcher.lock is held"),
    ("client.launching!", "launcher.client:Launcher._start", "before", "no launcher; launcher.lock is held"),
    ("client.launcher-spawned", "launcher.client:_read_all", "before", "a launcher on its way, which nobody waits for"),
    ("client.launched", "launcher.client:Launcher._start", "after", "a launcher listens"),
    ("launcher.enter!", "launcher.store_namespace:enter", "before", "nothing"),
    ("launcher.entered", "launcher.store_namespace:enter", "after", "a store namespace that dies with it"),
    ("launcher.bind", "launcher.server:Server.__init__", "before", "launcher-DIGEST.json; no socket"),
    ("launcher.listening", "launcher.server:Server.__init__", "after", "a socket, at which nobody is served yet"),
    ("launcher.serving", "launcher.server:Server.serve", "before", "the client knows that it may ask"),
)

_LEFT = (
    ("client.leave", "launcher.client:Launcher.leave", "before", "a launcher"),
    ("client.left", "launcher.client:Launcher.leave", "after", "a launcher on its way out"),
    ("client.forget", "launcher.client:Launcher.forget", "before", "no launcher; an empty run folder"),
    ("launcher.closing", "launcher.server:Server._close", "before", "a launcher that was asked to leave"),
    ("launcher.closed", "launcher.server:Server._close", "after", "no socket; the spares were told to go"),
)

_EXECUTED = (
    ("job.exec-received", "runtime.inside.exec:execute", "before", "a running container"),
    ("job.exec-found!", "runtime.inside.exec:open_init", "after", "a running container, its PID 1 by descriptor"),
    ("job.exec-told", "runtime.inside.exec_events:ExecEvents.begin", "after", "the journal says exec_start"),
    ("job.exec-serves", "runtime.inside.exec:_serve", "before", "one more program in the container"),
    ("job.exec-ended", "runtime.inside.exec_events:ExecEvents.die", "before", "the program has ended; nobody knows"),
    ("job.exec-done", "runtime.inside.exec:execute", "after", "the program has ended; the client knows"),
)

_FILLED = (
    ("client.volume!", "engine.volumes:Volumes.ensure", "before", "nothing"),
    ("client.volume-made", "engine.volumes:Volumes.ensure", "after", "an empty volume that nobody uses"),
    ("child.fill!", "runtime.inside.copy_up:fill", "before", "an empty volume; PID 1 on its way"),
    ("child.fill-copies!", "runtime.inside.copy_up:copy_all", "before", "the same; the volume's lock"),
    ("child.fill-goes-on!", "runtime.inside.copy_up:_copy_content", "before", "a part of a copy in `filling`"),
    ("child.fill-copied", "runtime.inside.copy_up:copy_all", "after", "the whole copy in `filled`; no name moved"),
    ("child.fill-moving", "linux.renames:rename_new", "after", "some names in the volume, the others in `filled`"),
    ("child.fill-moved", "runtime.inside.copy_up:move_in", "after", "the volume, filled"),
)

_ANONYMOUS = (
    ("monitor.volumes-go", "runtime.inside.volumes:take_along", "before", "the dead container, whole, and its volume"),
    ("monitor.volumes-gone", "runtime.inside.volumes:take_along", "after", "the volume lies in the container's folder"),
)

_RESTARTED = (
    ("monitor.swept-to-restart", "runtime.inside.ending:sweep_to_restart", "after", "run folder and lock; no cgroup"),
    ("monitor.backoff", "runtime.inside.stopped:wait", "before", "life.json says restarting; no PID 1; the lock"),
    ("monitor.waited", "runtime.inside.stopped:wait", "after", "the same; it is about to be started again"),
)

_PROBED = (
    ("monitor.probe-begins", "runtime.inside.probe:Probes._begin", "before", "RUN/health; no probe"),
    ("monitor.probe-forked", "runtime.inside.probe:Probes._begin", "after", "a probe's parent on its way"),
    ("prober.begins", "runtime.inside.probe:_be_parent", "before", "the same; it still holds the container's lock"),
    ("prober.program", "runtime.inside.probe:_start", "after", "the probe's program, whose parent goes"),
    ("prober.answers", "runtime.inside.probe:_answer", "after", "the program has ended; only its parent knows how"),
    ("monitor.probe-ended", "runtime.inside.probe:Probes._take_down", "before", "a result that nobody has written"),
    ("monitor.probe-written", "runtime.inside.probe:Probes._take_down", "after", "RUN/health, and the journal"),
)

_ROTATED = (
    ("starter.journal-full", "linux.rotation:_set_aside", "before", "a journal over its bound, locked"),
    ("starter.journal-set-aside", "linux.rotation:_set_aside", "after", "events.1, locked; no events"),
)

_ROTATED_FIRST = (
    ("client.journal-full", "linux.rotation:_set_aside", "before", "the same; record and name"),
    ("client.journal-set-aside", "linux.rotation:_set_aside", "after", "events.1, locked; no events; record and name"),
)

# Processes that outlived their monitor, which on cgroup v1 are frozen to be killed: for root alone.
_FROZEN = (
    ("sweeper.freezes", "linux.cgroups.group:freeze", "before", "processes that nobody looks after; alive, cgroup"),
    ("sweeper.frozen", "linux.cgroups.group:freeze", "after", "the same; they stand still, and nothing says so"),
    ("sweeper.each-killed", "linux.cgroups.group:_kill_each", "after", "they are dead, or about to be"),
)

# By what has to be done to reach them (tests/crash/driver.py): run and keep, run with --rm, run what is not there, look
# at what a killed monitor left, remove, start the first launcher, let it leave, exec, run with an empty volume where
# the image has files, run with --rm and a volume that has no name, run with a restart
# policy, have its health checked, start or create where the journal is full, look at what a killed monitor left whose
# processes were in the host's PID namespace.
POINTS = {
    "kept": (*_RUN, *_KEPT),
    "removed": (*(row for row in _RUN if row[0].startswith(("monitor.", "starter.", "slot."))), *_REMOVED),
    "missing": _MISSING,
    "swept": _SWEPT,
    "deleted": _DELETED,
    "launched": _LAUNCHED,
    "left": _LEFT,
    "executed": _EXECUTED,
    "filled": _FILLED,
    "anonymous": _ANONYMOUS,
    "restarted": _RESTARTED,
    "probed": _PROBED,
    "rotated": _ROTATED,
    "rotated first": _ROTATED_FIRST,
    "frozen": _FROZEN,
}


# Of images, by the verb that reaches them (tests/images/kill_driver.py).  A layer comes in the same way whoever
# brings it, so these rows stand for each: the names are WHO.VERB-NAME.
_LAYER_COMES = (
    ("blob-begin!", "images.layout:BlobWriter.__init__", "before", "nothing"),
    ("blob-begun", "images.layout:BlobWriter.__init__", "after", "an empty file in ingest/, locked"),
    ("tree-begin!", "images.layers:Layers._new", "before", "the same"),
    ("tree-begun", "images.layers:Layers._new", "after", "and an empty .new-… folder, locked"),
    ("blob-grows!", "images.layout:BlobWriter.write", "after", "a piece of the blob; a job that waits for more"),
    ("tree-publish!", "images.layers:Layers._publish", "before", "the tree, whole, under its temporary name"),
    ("tree-published", "images.layers:Layers._publish", "after", "the tree under its own name; the blob not yet"),
    ("blob-finish!", "images.layout:BlobWriter.finish", "before", "the same"),
    ("blob-finished", "images.layout:BlobWriter.finish", "after", "tree and blob, which nobody refers to yet"),
)
_UNPACKING = (
    ("unpack-begins!", "images.inside.unpack:unpack", "before", "an empty .new-… folder"),
    ("unpack-goes-on!", "images.inside.unpack:Unpacker._put", "after", "a part of a tree"),
    ("unpack-folders", "images.inside.unpack:Unpacker._finish_directory", "before", "all files, folders not finished"),
    ("unpack-syncs!", "images.inside.writeback:Writeback.finish", "before", "the whole tree, not on disk"),
    ("unpacked", "images.inside.unpack:unpack", "after", "the whole tree, on disk, under its temporary name"),
)
_NAMING = (
    ("documents!", "images.layout:Layout.put_document", "before", "all layers"),
    ("document-written", "linux.durability:_write_all", "after", "a temporary file beside the blobs"),
    ("document-there", "images.layout:Layout.put_document", "after", "the config; no manifest"),
    ("index-change!", "images.layout:Layout.change", "before", "all blobs, no name"),
    ("index-changed", "images.layout:Layout.change", "after", "the image"),
)
_GOING = (
    ("untag!", "images.layout:Layout.change", "before", "the image"),
    ("index-written", "linux.durability:_write_all", "after", "a temporary file beside the index"),
    ("untagged", "images.removal:_untag", "after", "everything but the name"),
    ("collect!", "images.collect:collect", "before", "the same; the lock against those who bring images"),
    ("discard!", "images.layers:Layers.discard", "before", "the same"),
    ("trees-aside", "images.layers:Layers._remove", "before", "the trees as .gone-…"),
    ("discarded", "images.layers:Layers.discard", "after", "no trees; all blobs"),
    ("blobs!", "images.collect:_remove_blobs", "before", "the same"),
    ("collected", "images.collect:collect", "after", "nothing"),
)
_REMOVING = (
    ("remove-begins!", "images.inside.remove:remove", "before", "the trees as .gone-…"),
    ("remove-goes-on", "images.inside.remove:_gone", "after", "a part of a tree"),
    ("removed", "images.inside.remove:remove", "after", "no trees; all blobs"),
)


def _rows(who: str, verb: str, *groups: tuple[tuple[str, str, str, str], ...]) -> tuple[tuple[str, str, str, str], ...]:
    return tuple((f"{who}.{verb}-{name}", *rest) for group in groups for name, *rest in group)  # type: ignore[misc]


IMAGE_POINTS = {
    "pull": (
        ("client.pull-resolved", "images.registry.repository:Repository.resolve", "after", "nothing"),
        ("client.pull-spawned", "images.registry.pull:_spawn", "after", "a process that is about to fetch layers"),
        ("worker.pull-fetch", "images.registry.download:fetch_layer", "before", "nothing"),
        ("worker.pull-locked", "images.registry.download:LayerLock.__enter__", "after", "the layer's lock"),
        *_rows("worker", "pull", _LAYER_COMES),
        ("worker.pull-fetched", "images.registry.download:fetch_layer", "after", "one layer, which nobody refers to"),
        *_rows("job", "pull", _UNPACKING),
        ("client.pull-fetched", "images.registry.pull:_fetch_layers", "after", "all layers, which nobody refers to"),
        *_rows("client", "pull", _NAMING),
    ),
    "load": (
        ("client.load-read", "images.archives.members:Members._read", "after", "nothing"),
        *_rows("client", "load", _LAYER_COMES, _NAMING),
        *_rows("job", "load", _UNPACKING),
    ),
    "commit": (
        ("client.commit-begins", "images.commit:make_image", "before", "the container"),
        ("job.commit-packs!", "images.inside.pack:pack_layer", "before", "the container"),
        ("job.commit-packs-on", "images.inside.pack:_Packer.put", "after", "pieces of a blob and of a tree"),
        ("job.commit-packed", "images.inside.pack:pack_layer", "after", "a blob and a tree that wait for their ends"),
        *_rows("client", "commit", _LAYER_COMES, _NAMING),
        *_rows("job", "commit", _UNPACKING),
        ("client.commit-done", "images.commit:make_image", "after", "the image; the journal does not say so"),
    ),
    "rmi": (*_rows("client", "rmi", _GOING), *_rows("job", "rmi", _REMOVING)),
    "prune": (*_rows("client", "prune", _GOING), *_rows("job", "prune", _REMOVING)),
}


def every_row() -> dict[str, tuple[str, str, str, str]]:
    """All rows by name, without the "!"."""
    every = (*POINTS.values(), *IMAGE_POINTS.values())
    return {row[0].rstrip("!"): row for rows in every for row in rows}


def may_fail(name: str) -> bool:
    """Whether a failure there makes sense: before a step, or where the row says so."""
    row = every_row().get(name)
    return row[0].endswith("!") if row else name.endswith(".before")
