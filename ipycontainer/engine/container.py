"""A container, as the engine's callers see it: what it is, and what can be done with it."""

from __future__ import annotations

import os
import time

from ipycontainer.engine.container_kept import Kept
from ipycontainer.errors import Error, WrongState
from ipycontainer.launcher.alive import boot_id
from ipycontainer.runtime import lifecycle
from ipycontainer.runtime.container_state import PAUSED, RUNNING, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ipycontainer.engine.engine import Engine
    from ipycontainer.engine.image import Image
    from ipycontainer.engine.processes import Processes
    from ipycontainer.engine.result import Result
    from ipycontainer.engine.usage import Reading
    from ipycontainer.runtime.attachment import Attachment

_PATIENCE = 10.0  # seconds: how long the sweep after an end may take


class Container(Kept):
    """One container.  What it is does not change; its state is read anew at every look."""

    def __init__(
        self,
        engine: Engine,
        identity: str,
        config: dict[str, Any],
        name: str,
        written: dict[str, Any] | None = None,
        settled: bool = True,
    ) -> None:
        super().__init__(engine, identity, config, name)
        self.written = written
        self._settled = settled  # what was written survives a power cut, or need not

    # How it is.

    def usage(self) -> Reading:
        """What it uses now: memory, CPU and processes, and their limits.  All None unless it runs.

        As the value of a notebook's cell it goes on: a live picture, while somebody looks.
        """
        from ipycontainer.engine.usage import readings

        return readings([self])[0]

    # What can be done.

    def start(
        self, attach: bool = False, stdin: bool = False, size: tuple[int, int] | None = None
    ) -> Attachment | None:
        """Start it; an Attachment to its streams if `attach`.  size: (rows, columns) of a terminal.

        Returns when its program has been executed.  Raises WrongState when it runs, NoSuchContainer, StartError and
        its kin.
        """
        self.sweep_if_dead()
        self.must_be_there()
        if self.status == PAUSED:
            raise WrongState(f"cannot start a paused container, try unpause instead: {self.name}")
        self._refuse_what_is_not_here(self._config["request"])
        from ipycontainer.engine.launches import launch_of

        launch = launch_of(self._engine, self, attach, stdin, size)
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                attachment = lifecycle.start(self._engine.launcher, "run", launch, self._settle)
                self.written = None  # the next start is what its record says then: it may be updated
                return attachment
            except WrongState:
                # Its monitor is still sweeping, or somebody else is: what ran before is over all the same.
                if self.state().runs or time.monotonic() > end:
                    raise
            time.sleep(0.005)

    @staticmethod
    def _refuse_what_is_not_here(request: dict[str, Any]) -> None:
        """docker makes it, and finds out at its start.  Raises StartError."""
        if request["gpus"]:
            from ipycontainer.engine.machine_options import refuse_devices

            refuse_devices(request["gpus"])
        if request["ip"] or request["ip6"] or request["link_local_ips"]:
            from ipycontainer.engine.addresses import refuse

            refuse(request["ip"], request["ip6"], request["link_local_ips"])

    def attach(self, stdin: bool = False, size: tuple[int, int] | None = None) -> Attachment:
        """Join it, as any number may: its output from now on, and our input if `stdin`.  Raises WrongState."""
        from ipycontainer.engine.attaching import attach

        return attach(self, stdin, size)

    def _settle(self) -> None:
        """Make what was written durable, while others are at work: nobody has been told of it so far."""
        if not self._settled:
            self._engine.directory.settle(self.id)
            self._settled = True

    def exec(
        self,
        command: Sequence[str] | str,
        *,
        env: Mapping[str, str | int | None] | Sequence[str] = (),
        user: str | int = "",
        workdir: str = "",
        stdin: bytes | None = None,
        output_limit: int = 16 << 20,
        timeout: float | None = None,
    ) -> Result:
        """Run one more program in it, to its end; command, env, user, stdin, output_limit as for `Engine.run`.

        An interrupt ends it, as it ends `Engine.run`, and so does `timeout` (seconds): the container goes on, and what
        the program has started in it too.
        Raises CommandTimedOut, WrongState, NoSuchContainer, CommandNotFound and its kin.
        """
        from ipycontainer.engine.foreground import converse, stay

        how = stay(stdin, output_limit, timeout)
        attachment = self.exec_start(command, env=env, user=user, workdir=workdir, interactive=how.stdin is not None)
        assert attachment is not None
        return converse(attachment, how, attachment.signal)

    def exec_start(
        self,
        command: Sequence[str] | str,
        *,
        env: Mapping[str, str | int | None] | Sequence[str] = (),
        user: str | int = "",
        workdir: str = "",
        interactive: bool = False,
        tty: bool = False,
        detach: bool = False,
        size: tuple[int, int] | None = None,
        privileged: bool = False,
    ) -> Attachment | None:
        """Start one more program in it; an Attachment unless `detach`.  Raises WrongState unless it runs."""
        from ipycontainer.engine.launches import exec_launch, need_running

        need_running(self)
        launch = exec_launch(
            self._engine, self, command, env=env, user=user, workdir=workdir, interactive=interactive, tty=tty,
            detach=detach, size=size, privileged=privileged,
        )  # fmt: skip
        return lifecycle.start(self._engine.launcher, "exec", launch)

    def kill(self, signal: str | int = "KILL") -> None:
        """Send a signal to PID 1: a number, `KILL` or `SIGKILL`.  Raises WrongState unless it runs.

        A paused one goes on by it, as docker's does, unless it is another than the stop signal it was made with.
        """
        from ipycontainer.engine.transitions import kill

        kill(self, signal)

    def stop(self, timeout: float | None = None, signal: str | int = "") -> None:
        """Ask PID 1 to end with its stop signal, kill it after `timeout` seconds (10, or what create said).

        Below 0 it is never killed.  signal: another than the one that create said.

        Nothing to do, and no error, when it does not run.
        """
        from ipycontainer.engine.transitions import stop

        stop(self, timeout, signal)

    def restart(self, timeout: float | None = None, signal: str | int = "") -> None:
        """Stop it if it runs, as `stop` does, and start it; one that was made with --rm stays for that."""
        from ipycontainer.engine.transitions import restart

        restart(self, timeout, signal)

    def pause(self) -> None:
        """Let every process in it stand still.  Raises WrongState unless it runs, Refused where there is no freezer."""
        from ipycontainer.engine.transitions import pause

        pause(self)

    def unpause(self) -> None:
        """Let them go on.  Raises WrongState unless it is paused."""
        from ipycontainer.engine.transitions import unpause

        unpause(self)

    def update(
        self,
        *,
        memory: str | float = 0,
        memory_swap: str | float = 0,
        memory_reservation: str | float = 0,
        cpus: float = 0.0,
        cpu_shares: int = 0,
        cpu_period: int = 0,
        cpu_quota: int = 0,
        cpu_rt_period: int = 0,
        cpu_rt_runtime: int = 0,
        cpuset_cpus: str = "",
        cpuset_mems: str = "",
        blkio_weight: int = 0,
        pids_limit: int = 0,
        restart: str = "",
    ) -> None:
        """Give it other limits, now and for its next starts; what is not given stays.  Words as for `Engine.run`.

        pids_limit and memory_swap: -1 lifts that limit.
        Raises InputError, Refused, and KernelError for a value that the kernel refuses; then nothing has changed.
        """
        from ipycontainer.engine.friendly import size
        from ipycontainer.engine.kinds import number, text, whole
        from ipycontainer.engine.update import update

        sizes = {"memory": memory, "memory_swap": memory_swap, "memory_reservation": memory_reservation}
        numbers = {
            "cpu_shares": cpu_shares, "cpu_period": cpu_period, "cpu_quota": cpu_quota, "cpu_rt_period": cpu_rt_period,
            "cpu_rt_runtime": cpu_rt_runtime, "blkio_weight": blkio_weight, "pids_limit": pids_limit,
        }  # fmt: skip
        texts = {"cpuset_cpus": cpuset_cpus, "cpuset_mems": cpuset_mems, "restart": restart}
        asked: dict[str, Any] = {
            **{name: size(value, name) for name, value in sizes.items()},
            **{name: whole(value, name) for name, value in numbers.items()},
            **{name: text(value, name) for name, value in texts.items() if value is not None},
            "cpus": number(cpus, "cpus"),
        }
        update(self, {name: value for name, value in asked.items() if value})
        self.written = None

    def wait(self, timeout: float | None = None) -> int:
        """Until it does not run; its exit code, and 0 at once, as docker's, if it was never started.

        Raises TimedOut after `timeout` seconds, WrongState where the exit is not known.
        """
        from ipycontainer.engine.kinds import patience

        if self.was_never_started:
            return self.exit_code or 0
        state = lifecycle.wait(self.folder, self.run_folder, patience(timeout, "timeout"), once=self.has_restart_policy)
        if state.status != UNKNOWN and state.exit_code is not None:
            return state.exit_code
        # It is removed, or its policy has started it again already: the journal has that end.
        is_past = state.runs or not os.path.isdir(self.folder)
        gone = self._engine.journal.exit_code(self.id) if is_past else None
        if gone is None:
            raise WrongState(f"how container {self.name} ended is not known: its monitor was killed")
        return gone

    async def ended(self, timeout: float | None = None) -> int:
        """`wait` for coroutines: others go on meanwhile, and it can be cancelled."""
        from ipycontainer.engine.ending import ended

        return await ended(self, timeout)

    def remove(self, force: bool = False, volumes: bool = False) -> None:
        """Remove it and all that it wrote; volumes: and its anonymous volumes, where nobody else uses them.

        Raises WrongState when it runs, unless `force`, which kills it first.
        """
        from ipycontainer.engine.removal import remove

        remove(self, force, volumes)

    def forget_if_of_an_earlier_boot(self) -> bool:
        """Remove what was made with --rm before this machine was last started; whether it was that, and is gone."""
        boot = self._config.get("boot_id")
        if not boot or boot == boot_id():
            return False
        try:
            self.remove()
        except Error:
            return False  # to look is still possible, and the next one who looks tries again
        return True

    def rename(self, name: str) -> None:
        """Give it another name, in one instant.  Raises InputError, NameTaken, NoSuchContainer."""
        from ipycontainer.engine.directory import without_slash
        from ipycontainer.engine.kinds import text

        old = self._engine.directory.rename(self.id, text(name, "a container's name"))
        self.name = without_slash(name)
        self._engine.journal.append("container", "rename", self.id, {**self.told, "oldName": f"/{old}"})

    def sweep_if_dead(self) -> None:
        """Remove what it left in the kernel if its monitor was killed."""
        if not self.state().runs and os.path.isdir(self.run_folder):
            try:
                lifecycle.sweep(self._engine.launcher, self.run_folder)
            except WrongState:
                pass  # its monitor is still at it

    def top(self, options: Sequence[str] | str = ()) -> Processes:
        """Its processes, from the host's ps with these options (-ef).  Raises WrongState unless it runs.

        options: a list, or text that is split as a shell splits it.
        """
        from ipycontainer.engine.processes import top

        return top(self, options)

    @property
    def ports(self) -> dict[str, list[str]]:
        """Which of its ports the host has: none in this release."""
        return {}

    # Its files.

    def copy_out(self, path: str, to: str | os.PathLike[str], *, archive: bool = False, follow: bool = False) -> None:
        """Copy its file or folder `path` to the host's `to`; archive: with owners; follow: what a link leads to."""
        from ipycontainer.engine.copying import copy_out

        copy_out(self, path, to, archive, follow)

    def copy_in(
        self, source: str | os.PathLike[str], path: str, *, archive: bool = False, follow: bool = False
    ) -> None:
        """Copy the host's file or folder `source` to its `path`; what comes in is root's unless `archive`."""
        from ipycontainer.engine.copying import copy_in

        copy_in(self, source, path, archive, follow)

    def archive(self, path: str, *, follow: bool = False) -> Iterator[bytes]:
        """Its file or folder `path` as a plain tar, in pieces."""
        from ipycontainer.engine.copying import archive_of

        return archive_of(self, path, follow)

    def unpack(self, path: str, pieces: Iterable[bytes]) -> None:
        """Unpack the pieces of a plain tar into its folder `path`, owners included."""
        from ipycontainer.engine.copying import unpack_into

        unpack_into(self, path, pieces)

    def commit(
        self,
        name: str = "",
        *,
        author: str = "",
        message: str = "",
        changes: Sequence[str] = (),
        pause: bool | None = None,
    ) -> Image:
        """What it changed as a new image, called `name` if given.

        changes: Dockerfile instructions for the image's settings (`CMD ["sh"]`, `ENV A=b`); pause: whether its
        processes stand still meanwhile (None: where that can be), else what they write just then may be half there.
        Raises ImageNameError, InputError, StoreUnwritable; Refused for a pause that cannot be.
        """
        from ipycontainer.engine.images import commit
        from ipycontainer.engine.kinds import items

        return commit(self, name, author, message, items(changes, "changes"), pause)

    @property
    def can_pause(self) -> bool:
        """Whether it runs and its processes can be made to stand still."""
        if self.status != RUNNING:
            return False
        from ipycontainer.launcher import alive
        from ipycontainer.linux import cgroups

        return cgroups.has_freezer(alive.read(self.run_folder).get("cgroups", []))

    def inspect(self, size: bool = False) -> dict[str, Any]:
        """docker's `inspect`; `size`: with SizeRw and SizeRootFs."""
        from ipycontainer.engine.inspection import describe

        return describe(self, self._engine, size)

    def __repr__(self) -> str:
        return f"<Container {self.name} ({self.short_id}): {self.status_text}>"
