"""The engine: one store of images and containers, and all that can be asked of it.

Everything above this floor (magics, command line, kernels, a daemon later) talks to an Engine.  It holds no
state of its own beyond where the store is, so any number of engines, threads and processes may share a store.
"""

from __future__ import annotations

import os
import select

from ipycontainer.engine.container import Container
from ipycontainer.engine.directory import Directory
from ipycontainer.engine.events import Event, Journal, check_filters, matches
from ipycontainer.errors import Error, NoSuchContainer, TimedOut
from ipycontainer.launcher import folders
from ipycontainer.launcher.alive import is_alive
from ipycontainer.launcher.alive import read as read_alive
from ipycontainer.launcher.client import Launcher
from ipycontainer.runtime import lifecycle
from ipycontainer.runtime.container_state import read_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from ipycontainer.engine.doctor import Finding
    from ipycontainer.engine.explanation import Explanation
    from ipycontainer.engine.image import Image
    from ipycontainer.engine.registries import Told
    from ipycontainer.engine.request import RunRequest
    from ipycontainer.engine.result import Result
    from ipycontainer.engine.usage import Dashboard
    from ipycontainer.images.store import Store

_SWEEP_SECONDS = 2.0


class Engine:
    """One store.  root: its folder; None for the user's own (IPYCONTAINER_ROOT, or the usual place).

    >>> engine = Engine()
    >>> engine.run("base", ["echo", "hello"], remove=True).text   # doctest: +SKIP
    'hello\\n'
    """

    def __init__(self, root: str | None = None) -> None:
        self.root = folders.store_root(root)
        self.launcher = Launcher(self.root)
        self.directory = Directory(self.root, self.launcher.run)
        self.journal = Journal(os.path.join(self.root, "events"))

    @property
    def etc_folder(self) -> str:
        """An empty folder that each container covers, in its own mount namespace, with its files below /etc."""
        return os.path.join(self.launcher.run, "etc")

    @property
    def store(self) -> Store:
        """The images."""
        return self.store_for()

    def store_for(self, ignore_ids: bool = False) -> Store:
        """The images; ignore_ids: what comes in and belongs to ids that this user does not have is given to root."""
        from ipycontainer.images.store import Store

        return Store(self.root, self.launcher.call, lambda: self.launcher.mode, ignore_ids)

    # Containers.

    def create(self, request: RunRequest, *, pull: str = "missing", tell: Told | None = None) -> Container:
        """Make a container, without starting it.  Nothing is in the kernel yet, and bad input leaves nothing.

        pull: when its image is brought from its registry: "missing", "always" or "never"; tell: as for `pull`.
        Raises NoSuchImage, NameTaken, InputError, Refused, StoreUnwritable.
        """
        return self._create(request, pull, tell, starts=False)

    def _create(self, request: RunRequest, pull: str, tell: Told | None, starts: bool) -> Container:
        from ipycontainer.engine.creation import create_or_pull

        return create_or_pull(self, request, pull, lambda _absent: self.pull(request.image, tell=tell), starts)

    def run(
        self,
        image: str,
        command: Sequence[str] | str | None = None,
        *,
        detach: bool = False,
        remove: bool = False,
        name: str = "",
        entrypoint: Sequence[str] | None = None,
        env: Mapping[str, str] | Sequence[str] = (),
        workdir: str = "",
        user: str = "",
        hostname: str = "",
        labels: Mapping[str, str] | Sequence[str] = (),
        stdin: bytes | None = None,
        init: bool = False,
        read_only: bool = False,
        memory: str | int = 0,
        cpus: float = 0.0,
        cpu_shares: int = 0,
        pids_limit: int = 0,
        volumes: Mapping[str, str] | Sequence[str] = (),
        tmpfs: Sequence[str] = (),
        ulimits: Mapping[str, int] | None = None,
        cap_add: Sequence[str] = (),
        cap_drop: Sequence[str] = (),
        security_opt: Sequence[str] = (),
        privileged: bool = False,
        devices: Sequence[str] = (),
        sysctls: Mapping[str, str] | Sequence[str] = (),
        group_add: Sequence[str] = (),
        annotations: Mapping[str, str] | Sequence[str] = (),
        shm_size: str | int = 0,
        memory_swap: str | int = 0,
        memory_reservation: str | int = 0,
        oom_score_adj: int = 0,
        network: str = "none",
        stop_signal: str = "",
        output_limit: int = 16 << 20,
        pull: str = "missing",
    ) -> Result | Container:
        """Make a container and run it: a Result when it has ended, or with `detach` a Container at once.

        command: a list, or text that is split at blanks; memory: bytes, or "64m"; volumes: "SOURCE:TARGET[:ro]"
        items, or a mapping from source to target; stdin: bytes for its standard input; security_opt: docker's words,
        such as "seccomp=FILE"; output_limit: how many bytes of each stream are kept (Result.cut says how many were
        dropped); pull: when the image is brought from its registry ("missing", "always" or "never").
        Raises CommandNotFound, CommandNotExecutable, StartError and what `create` raises.
        """
        from ipycontainer.engine.friendly import friendly_request

        request = friendly_request(
            image, command, name=name, remove=remove, entrypoint=entrypoint, env=env, workdir=workdir, user=user,
            hostname=hostname, labels=labels, interactive=stdin is not None, init=init, read_only=read_only,
            memory=memory, cpus=cpus, cpu_shares=cpu_shares, pids_limit=pids_limit, volumes=volumes, tmpfs=tmpfs,
            ulimits=ulimits, cap_add=cap_add, cap_drop=cap_drop, security_opt=security_opt, network=network,
            privileged=privileged, devices=devices, sysctls=sysctls, stop_signal=stop_signal, group_add=group_add,
            annotations=annotations, shm_size=shm_size, memory_swap=memory_swap, oom_score_adj=oom_score_adj,
            memory_reservation=memory_reservation,
        )  # fmt: skip
        container = self._create(request, pull, None, starts=True)
        if detach:
            container.start()
            return container
        from ipycontainer.engine.result import converse

        attachment = container.start(attach=True, stdin=stdin is not None)
        assert attachment is not None
        with attachment:
            return converse(attachment, stdin, output_limit)

    def explain(self, image: str, command: Sequence[str] | str | None = None, **options: Any) -> Explanation:
        """What `run` would do, step by step: system call, why, and where the kernel shows it.

        options: those of `run`.  Nothing is made or started; where containers cannot run it works too.
        Raises what `create` raises, and TypeError for an option that `run` does not have.
        """
        from ipycontainer.engine.explanation import explain
        from ipycontainer.engine.friendly import request_like

        return explain(self, request_like(self.run, image, command, options))

    def containers(self, all: bool = False, filters: Sequence[tuple[str, str]] = (), last: int = 0) -> list[Container]:
        """The running containers, or `all`, the newest first.

        filters: docker's, as (name, value): status, name, id, label, ancestor, exited, before, since;
        last: only the so many newest, whatever their state.
        """
        self._sweep_the_dead()
        all = all or last > 0
        if filters:
            from ipycontainer.engine.selection import check, select

            all = check(filters) or all
        names = self.directory.names()
        found: list[Container] = []
        for identity in self.directory.ids():
            config = self.directory.read(identity)
            if config is None:
                self.directory.forget_unfinished(identity)
                continue
            container = Container(self, identity, config, names.get(identity, ""))
            if not container.forget_if_of_an_earlier_boot():
                found.append(container)
        found.sort(key=lambda container: container.created, reverse=True)
        if filters:
            found = select(found, filters, self.get)
        if not all:
            found = [container for container in found if container.state().runs]
        return found[:last] if last > 0 else found

    def _sweep_the_dead(self) -> None:
        """Whoever looks and finds that a monitor was killed removes what it left in the kernel."""
        for run in self.directory.run_folders():
            # One that is just being started has written nothing yet.
            if not is_alive(run) and read_alive(run):
                try:
                    lifecycle.sweep(self.launcher, run)
                except Error:
                    continue  # to look is still possible, and the next one who looks tries again

    def dashboard(self) -> Dashboard:
        """What all running containers use; as the value of a notebook's cell a live table, while somebody looks."""
        from ipycontainer.engine.usage import Dashboard

        return Dashboard(self)

    def ps(self, all: bool = False) -> list[Container]:
        """docker's word for `containers`."""
        return self.containers(all)

    def get(self, reference: str) -> Container:
        """The container with that name, id, or beginning of an id.  Raises NoSuchContainer."""
        identity = self.directory.find(reference)
        config = self.directory.read(identity)
        if config is None:
            raise NoSuchContainer(f"No such container: {reference}")
        return Container(self, identity, config, self.directory.names().get(identity, ""))

    # Images.

    def images(self, broken: Callable[[str], object] | None = None) -> list[Image]:
        """All images, the newest first; `broken` is told of each one that cannot be read."""
        from ipycontainer.engine.image import Image

        store = self.store
        return [Image(record, store) for record in store.list(broken or (lambda _sentence: None))]

    def image(self, reference: str) -> Image:
        """One image by name or id.  Raises NoSuchImage."""
        from ipycontainer.engine.image import Image

        store = self.store
        return Image(store.resolve(reference), store)

    def tag(self, source: str, target: str) -> None:
        """Give an image one more name.  Raises NoSuchImage, ImageNameError."""
        from ipycontainer.images.names import tag

        folders.prepare(self.root)
        tag(self.store, source, target)
        self.journal.append("image", "tag", target, {"name": target})

    def save(self, references: Sequence[str] | str, path: str | None = None) -> Iterator[bytes]:
        """Images as one archive: in the file `path`, whole or not at all, or as pieces of bytes.

        Raises NoSuchImage, StoreError, StoreUnwritable.
        """
        from ipycontainer.engine.images import save

        return save(self, [references] if isinstance(references, str) else references, path)

    def load(self, source: str | int, *, ignore_ids: bool = False) -> list[str]:
        """Load what `docker save` wrote, from a path or a descriptor; the names (or ids) that came.

        ignore_ids: give to root what belongs to ids that this user does not have (`Image.folded` says how much).
        """
        folders.prepare(self.root)
        names = self.store_for(ignore_ids).load(source)
        for name in names:
            self.journal.append("image", "load", name, {"name": name})
        return names

    def import_tree(
        self,
        source: str | int,
        name: str = "",
        message: str = "",
        changes: Sequence[str] = (),
        *,
        ignore_ids: bool = False,
    ) -> Image:
        """docker's import: a tar of a whole root, from a path or a descriptor, as an image of one layer.

        changes: Dockerfile instructions ("CMD [\"sh\"]"); ignore_ids: as for `load`.
        Raises ArchiveError, InputError, StoreUnwritable.
        """
        from ipycontainer.engine.images import import_tree

        folders.prepare(self.root)
        return import_tree(self, source, name, message, changes, ignore_ids)

    def bootstrap(self, name: str, include: Sequence[str] = (), mirror: str = "") -> Image:
        """A distribution's image ("debian:bookworm") from its packages, by mmdebstrap; include: more packages.

        Raises Error where no mirror is reached, Refused where mmdebstrap is missing.
        """
        from ipycontainer.engine.bootstrap import bootstrap

        folders.prepare(self.root)
        return bootstrap(self, name, include, mirror)

    def pull(self, name: str, platform: str = "", tell: Told | None = None, *, ignore_ids: bool = False) -> Image:
        """Bring an image from its registry.

        platform: "linux/arm64" for another machine's; tell: called with (layer, state, bytes, of bytes);
        ignore_ids: as for `load`.
        Raises NotInRegistry, AccessDenied, RegistryError, NoSuchImage (nothing for this platform).
        """
        from ipycontainer.engine.registries import pull, silent

        folders.prepare(self.root)
        return self.image(pull(self, name, platform, tell or silent, ignore_ids).id)

    def push(self, name: str, tell: Told | None = None) -> str:
        """Bring an image to the registry that its name says; the digest that it has there."""
        from ipycontainer.engine.registries import push, silent

        return str(push(self, name, tell or silent).digest)

    def remove_image(self, reference: str, force: bool = False) -> list[str]:
        """docker's rmi: lines "Untagged: …" and "Deleted: …".  Raises NoSuchImage, ImageInUse."""
        in_use = [str(container.config["image_id"]) for container in self.containers(all=True)]
        lines = self.store.remove(reference, force, in_use)
        self.journal.append("image", "delete", reference, {"name": reference})
        return lines

    # The engine itself.

    def events(
        self,
        since: float | None = None,
        until: float | None = None,
        follow: bool = True,
        filters: Sequence[tuple[str, str]] = (),
    ) -> Iterator[Event]:
        """What happens, as it happens; from `since` (seconds since the epoch) if given.

        filters: docker's, as (name, value): event, type, container, image, label.
        """
        check_filters(filters)
        folders.prepare(self.root)
        return (event for event in self.journal.read(since, until, follow) if matches(event, filters))

    def info(self) -> dict[str, Any]:
        """What `info` shows: the store, its counts, the host."""
        from ipycontainer.engine.about import info

        return info(self)

    def version(self) -> dict[str, Any]:
        """What `version` shows."""
        from ipycontainer.engine.about import version

        return version()

    def doctor(self) -> list[Finding]:
        """What this machine allows, what each lack costs, and what would mend it."""
        from ipycontainer.engine.doctor import doctor

        return doctor(self.root, folders.prepare(self.root), self.launcher)

    def shutdown(self, timeout: float = 10.0) -> None:
        """Ask the launcher to leave and wait until it has; containers go on."""
        pid = self.launcher.running_pid()
        if pid is not None:
            self._see_launcher_leave(pid, timeout)
        for run in self.directory.run_folders():
            # Its monitor answers first and sweeps then: what is being swept shall not keep the run folder.
            if not read_state(self.directory.folder(os.path.basename(run)), run).runs:
                lifecycle.wait_for_sweep(run, _SWEEP_SECONDS)
        self.launcher.forget()

    def _see_launcher_leave(self, pid: int, timeout: float) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return  # killed; those who waited with it were still there to be reached
        try:
            self.launcher.leave()
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(timeout * 1000):
                raise TimedOut(f"the launcher (process {pid}) did not leave within {timeout:g} s")
        finally:
            os.close(descriptor)

    def __repr__(self) -> str:
        return f"<Engine {self.root}>"
