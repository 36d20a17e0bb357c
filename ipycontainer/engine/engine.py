"""The engine: one store of images and containers, and all that can be asked of it.

Everything above this floor (magics, command line, kernels, a daemon later) talks to an Engine.  It holds no
state of its own beyond where the store is, so any number of engines, threads and processes may share a store.
"""

from __future__ import annotations

import os
import select

from ipycontainer.engine import kinds
from ipycontainer.engine.container import Container
from ipycontainer.engine.directory import Directory
from ipycontainer.engine.image_verbs import Images
from ipycontainer.errors import Error, NoSuchContainer, TimedOut
from ipycontainer.launcher import folders
from ipycontainer.launcher.alive import look
from ipycontainer.runtime import lifecycle
from ipycontainer.runtime.container_state import read_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Literal, overload

    from ipycontainer.engine.doctor import Findings
    from ipycontainer.engine.event_stream import EventStream
    from ipycontainer.engine.explanation import Explanation
    from ipycontainer.engine.prunes import Pruned
    from ipycontainer.engine.registries import Told
    from ipycontainer.engine.request import RunRequest
    from ipycontainer.engine.result import Result
    from ipycontainer.engine.usage import Dashboard

    Words = Sequence[str] | str | None
    Filters = Mapping[str, str] | Sequence[tuple[str, str]]

_SWEEP_SECONDS = 2.0


class Engine(Images):
    """One store.  root: its folder; None for the user's own (IPYCONTAINER_ROOT, or the usual place).

    >>> engine = Engine()
    >>> engine.run("base", ["echo", "hello"], remove=True).text   # doctest: +SKIP
    'hello\\n'
    """

    def __init__(self, root: str | None = None) -> None:
        super().__init__(root)
        self.directory = Directory(self.root, self.launcher.run)

    @property
    def etc_folder(self) -> str:
        """An empty folder that each container covers, in its own mount namespace, with its files below /etc."""
        return os.path.join(self.launcher.run, "etc")

    # Containers.

    def create(self, request: RunRequest, *, pull: str = "missing", tell: Told | None = None) -> Container:
        """Make a container, without starting it.  Nothing is in the kernel yet, and bad input leaves nothing.

        pull: when its image is brought from its registry: "missing", "always" or "never"; tell: as for `pull`.
        Raises NoSuchImage, NameTaken, InputError, Refused, StoreUnwritable.
        """
        return self._create(request, pull, tell, starts=False)

    def _create(self, request: RunRequest, pull: str, tell: Told | None, starts: bool) -> Container:
        from ipycontainer.engine.creation import create_or_pull

        return create_or_pull(
            self, request, pull, lambda _absent: self.pull(request.image, request.platform, tell), starts
        )

    if TYPE_CHECKING:

        @overload
        def run(self, image: str, command: Words = None, *, detach: Literal[True], **more: Any) -> Container: ...
        @overload
        def run(self, image: str, command: Words = None, *, detach: Literal[False] = ..., **more: Any) -> Result: ...
        @overload
        def run(self, image: str, command: Words = None, *, detach: bool, **more: Any) -> Result | Container: ...

    def run(  # type: ignore[misc]  # the overloads say what comes back; the options' kinds are written once, here
        self,
        image: str,
        command: Words = None,
        *,
        detach: bool = False,
        remove: bool = False,
        name: str = "",
        entrypoint: Sequence[str] | str | None = None,
        env: Mapping[str, str | int | None] | Sequence[str] = (),
        workdir: str = "",
        user: str | int = "",
        hostname: str = "",
        labels: Mapping[str, str] | Sequence[str] = (),
        stdin: bytes | None = None,
        init: bool = False,
        read_only: bool = False,
        memory: str | float = 0,
        cpus: float = 0.0,
        cpu_shares: int = 0,
        pids_limit: int = 0,
        volumes: Mapping[str, str] | Sequence[str] = (),
        volumes_from: Sequence[str] = (),
        mounts: Sequence[str] = (),
        tmpfs: Sequence[str] = (),
        ulimits: Mapping[str, int] | None = None,
        cap_add: Sequence[str] = (),
        cap_drop: Sequence[str] = (),
        security_opt: Sequence[str] = (),
        privileged: bool = False,
        devices: Sequence[str] = (),
        sysctls: Mapping[str, str] | Sequence[str] = (),
        group_add: Sequence[str | int] = (),
        annotations: Mapping[str, str] | Sequence[str] = (),
        shm_size: str | float = 0,
        memory_swap: str | float = 0,
        memory_reservation: str | float = 0,
        memory_swappiness: int = -1,
        oom_kill_disable: bool = False,
        cpu_period: int = 0,
        cpu_quota: int = 0,
        cpu_rt_period: int = 0,
        cpu_rt_runtime: int = 0,
        cpuset_cpus: str = "",
        cpuset_mems: str = "",
        blkio_weight: int = 0,
        blkio_weight_devices: Mapping[str, int] | Sequence[str] = (),
        device_read_bps: Mapping[str, str | int] | Sequence[str] = (),
        device_write_bps: Mapping[str, str | int] | Sequence[str] = (),
        device_read_iops: Mapping[str, int] | Sequence[str] = (),
        device_write_iops: Mapping[str, int] | Sequence[str] = (),
        device_cgroup_rules: Sequence[str] = (),
        oom_score_adj: int = 0,
        log_driver: str = "",
        log_opts: Mapping[str, str | int] | Sequence[str] = (),
        network: str = "none",
        pid_mode: str = "",
        ipc_mode: str = "",
        uts_mode: str = "",
        cgroupns: str = "",
        userns_mode: str = "",
        domainname: str = "",
        extra_hosts: Mapping[str, str] | Sequence[str] = (),
        dns: Sequence[str] = (),
        dns_opt: Sequence[str] = (),
        dns_search: Sequence[str] = (),
        stop_signal: str | int = "",
        restart: str = "no",
        health_cmd: str = "",
        health_interval: str | float = 0.0,
        health_timeout: str | float = 0.0,
        health_retries: int = 0,
        health_start_period: str | float = 0.0,
        health_start_interval: str | float = 0.0,
        no_healthcheck: bool = False,
        exposed_ports: Sequence[str | int] = (),
        gpus: str | int = "",
        runtime: str = "",
        isolation: str = "",
        platform: str = "",
        cgroup_parent: str = "",
        storage_opts: Mapping[str, str] | Sequence[str] = (),
        output_limit: int = 16 << 20,
        timeout: float | None = None,
        pull: str = "missing",
    ) -> Result | Container:
        """Make a container and run it: a Result when it has ended, or with `detach` a Container at once.

        command, entrypoint: a list, or text that is split as a shell splits it; env: None as a value takes the
        image's away; memory: bytes, or "64m"; volumes: "SOURCE:TARGET[:ro]"
        items, or a mapping from source to target, where a source is a folder or a volume's name; mounts: docker's
        --mount, each as text; stdin: bytes for its standard input (with `detach` b"" keeps it open for `attach`);
        security_opt: docker's words ("seccomp=FILE"); device_write_bps and its kin: {"/dev/sda": "1mb"};
        output_limit: how many bytes of each stream are kept (Result.cut says how many were dropped); timeout: seconds
        from its start after which it is ended, as by an interrupt; pull: when the image is brought from its registry
        ("missing", "always" or "never"); restart: "on-failure:3", "always" or "unless-stopped";
        health_cmd: a shell's line that tells whether it is well (Container.health), health_interval and its kin:
        seconds, or "1m30s"; exposed_ports: 80, "53/udp", "90-92"; gpus: docker's words (no driver is here).
        An interrupt (KeyboardInterrupt, or what else a signal's handler raises) reaches the program as SIGINT, and
        kills it if it is still there after two seconds, or at a second one; with `detach` it goes on.
        Raises CommandTimedOut, CommandNotFound, CommandNotExecutable, StartError and what `create` raises.
        """
        from ipycontainer.engine import foreground
        from ipycontainer.engine.friendly import friendly_request

        how = foreground.stay(stdin, output_limit, timeout, detach)
        request = friendly_request(
            image, command, name=name, remove=remove, entrypoint=entrypoint, env=env, workdir=workdir, user=user,
            hostname=hostname, labels=labels, interactive=stdin is not None, init=init, read_only=read_only,
            memory=memory, cpus=cpus, cpu_shares=cpu_shares, pids_limit=pids_limit, volumes=volumes, tmpfs=tmpfs,
            volumes_from=volumes_from, mounts=mounts,
            ulimits=ulimits, cap_add=cap_add, cap_drop=cap_drop, security_opt=security_opt, network=network,
            privileged=privileged, devices=devices, sysctls=sysctls, stop_signal=stop_signal, group_add=group_add,
            annotations=annotations, shm_size=shm_size, memory_swap=memory_swap, oom_score_adj=oom_score_adj,
            memory_reservation=memory_reservation, memory_swappiness=memory_swappiness,
            oom_kill_disable=oom_kill_disable, cpu_period=cpu_period, cpu_quota=cpu_quota, cpuset_cpus=cpuset_cpus,
            cpuset_mems=cpuset_mems, blkio_weight=blkio_weight, blkio_weight_devices=blkio_weight_devices,
            device_read_bps=device_read_bps, device_write_bps=device_write_bps, device_read_iops=device_read_iops,
            log_driver=log_driver, log_opts=log_opts, device_write_iops=device_write_iops,
            device_cgroup_rules=device_cgroup_rules, pid_mode=pid_mode, ipc_mode=ipc_mode, uts_mode=uts_mode,
            cgroupns=cgroupns, userns_mode=userns_mode, domainname=domainname, extra_hosts=extra_hosts, dns=dns,
            dns_opt=dns_opt, dns_search=dns_search, restart=restart,
            health_cmd=health_cmd, health_interval=health_interval, health_timeout=health_timeout,
            health_retries=health_retries, health_start_period=health_start_period,
            health_start_interval=health_start_interval, no_healthcheck=no_healthcheck,
            cpu_rt_period=cpu_rt_period, cpu_rt_runtime=cpu_rt_runtime,
            exposed_ports=exposed_ports, gpus=gpus, runtime=runtime, isolation=isolation,
            storage_opts=storage_opts, platform=platform, cgroup_parent=cgroup_parent,
        )  # fmt: skip
        container = self._create(request, pull, None, starts=True)
        return foreground.run(container, detach, remove, how)

    def explain(self, image: str, command: Words = None, **options: Any) -> Explanation:
        """What `run` would do, step by step: system call, why, and where the kernel shows it.

        options: those of `run`.  Nothing is made or started; where containers cannot run it works too.
        Raises what `create` raises, and TypeError for an option that `run` does not have.
        """
        from ipycontainer.engine.explanation import explain
        from ipycontainer.engine.friendly import request_like

        return explain(self, request_like(self.run, image, command, options))

    def containers(self, all: bool = False, filters: Filters = (), last: int = 0) -> list[Container]:
        """The running containers, or `all`, the newest first.

        filters: docker's, as (name, value) or a mapping: status, name, id, label, ancestor, exited, before, since;
        last: only the so many newest, whatever their state.
        """
        looks = self._look_and_sweep()
        all = all or last > 0
        if asked := kinds.filters(filters):
            from ipycontainer.engine.selection import check, select

            all = check(asked) or all
        names = self.directory.names()
        found: list[Container] = []
        for identity in self.directory.ids():
            config = self.directory.read(identity)
            if config is None:
                self.directory.forget_unfinished(identity)
                continue
            container = Container(self, identity, config, self.directory.name_of(identity, names))
            if not container.forget_if_of_an_earlier_boot():
                found.append(container)
        found.sort(key=lambda container: container.created, reverse=True)
        if asked:
            found = select(found, asked, self.get, self.store.find)
        if not all:
            found = [one for one in found if one.id in looks and one.state(looks[one.id]).runs]
        return found[:last] if last > 0 else found

    def _look_and_sweep(self) -> dict[str, tuple[bool, dict[str, Any]]]:
        """What `alive.look` finds of each container that has a run folder, by id.

        Whoever looks and finds that a monitor was killed removes what it left in the kernel.
        """
        looks = {}
        for identity in self.directory.run_ids():
            run = self.directory.run(identity)
            held, written = looks[identity] = look(run)
            # One that is just being started has written nothing yet.
            if not held and written:
                try:
                    lifecycle.sweep(self.launcher, run)
                except Error:
                    continue  # to look is still possible, and the next one who looks tries again
        return looks

    def dashboard(self) -> Dashboard:
        """What all running containers use; as the value of a notebook's cell a live table, while somebody looks."""
        from ipycontainer.engine.usage import Dashboard

        return Dashboard(self)

    def ps(self, all: bool = False) -> list[Container]:
        """docker's word for `containers`."""
        return self.containers(all)

    def get(self, reference: str) -> Container:
        """The container with that name, id, or beginning of an id.  Raises NoSuchContainer."""
        identity = self.directory.find(kinds.name(reference, "a container's name or id"))
        config = self.directory.read(identity)
        if config is None:
            raise NoSuchContainer(f"No such container: {reference}")
        return Container(self, identity, config, self.directory.name_of(identity, self.directory.names()))

    def remove_image(self, reference: str, force: bool = False) -> list[str]:
        """docker's rmi: lines "Untagged: …" and "Deleted: …".  Raises NoSuchImage, ImageInUse."""

        def in_use() -> list[str]:
            return [identity for container in self.containers(all=True) for identity in container.image_ids]

        from ipycontainer.engine.images import remove

        return remove(self, reference, force, in_use)

    def prune_containers(self, filters: Filters = ()) -> tuple[list[str], int]:
        """Remove the containers that do not run: their ids, and the bytes that came free.  filters: until, label."""
        from ipycontainer.engine.prunes import prune_containers

        return prune_containers(self, kinds.filters(filters))

    def prune(self, all: bool = False, volumes: bool = False, filters: Filters = ()) -> Pruned:
        """docker's `system prune`: what does not run, images without a name (`all`: without a container), volumes."""
        from ipycontainer.engine.prunes import prune_all

        return prune_all(self, all, volumes, kinds.filters(filters))

    # The engine itself.

    def events(
        self,
        since: float | None = None,
        until: float | None = None,
        follow: bool = True,
        filters: Filters = (),
        timeout: float | None = None,
    ) -> EventStream:
        """What happens, as it happens, for `for` and `async for`; from `since` (seconds since the epoch) if given.

        filters: docker's, as (name, value) or a mapping: event, type, container, image, label; timeout: how many
        seconds may pass without an event before TimedOut is raised.  Its `close`, from any thread, ends it.
        """
        from ipycontainer.engine.event_stream import stream

        folders.prepare(self.root)
        return stream(self.journal.path, since, until, follow, kinds.filters(filters), timeout)

    def info(self) -> dict[str, Any]:
        """What `info` shows: the store, its counts, the host."""
        from ipycontainer.engine.about import info

        return info(self)

    def version(self) -> dict[str, Any]:
        """What `version` shows."""
        from ipycontainer.engine.about import version

        return version()

    def doctor(self) -> Findings:
        """What this machine allows, what each lack costs, and what would mend it."""
        from ipycontainer.engine.doctor import doctor

        return doctor(self.root, folders.prepare(self.root), self.launcher)

    def boot(self, failed: Callable[[Container, Error], None] = lambda _container, _error: None) -> list[Container]:
        """Start what its restart policy wants to run and nobody has stopped, after a start of the machine.

        failed: told of each that could not be started.
        """
        from ipycontainer.engine.boot import boot

        return boot(self, failed)

    def shutdown(self, timeout: float = 10.0) -> None:
        """Ask the launcher to leave, and those of other releases, and wait until they have; containers go on."""
        for path in self.launcher.sockets():
            pid = self.launcher.running_pid(path)
            if pid is not None:
                self._see_launcher_leave(path, pid, timeout)
        for run in self.directory.run_folders():
            # Its monitor answers first and sweeps then: what is being swept shall not keep the run folder.
            if not read_state(self.directory.folder(os.path.basename(run)), run).runs:
                lifecycle.wait_for_sweep(run, _SWEEP_SECONDS)
        self.launcher.forget()

    def reset(self) -> None:
        """podman's `system reset`: kill and remove all containers, remove all images, volumes, the store's folders.

        The launcher ends too; the next use makes a new store.  Raises Conflict while somebody brings in an image.
        """
        from ipycontainer.engine.reset import reset

        reset(self)

    def _see_launcher_leave(self, path: str, pid: int, timeout: float) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return  # killed; those who waited with it were still there to be reached
        try:
            self.launcher.leave(path)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(timeout * 1000):
                raise TimedOut(f"the launcher (process {pid}) did not leave within {timeout:g} s")
        finally:
            os.close(descriptor)

    def __repr__(self) -> str:
        return f"<Engine {self.root}>"
