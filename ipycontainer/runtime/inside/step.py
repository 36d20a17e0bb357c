"""A step: one thing that is done to make a container, as data that can be printed and walked."""

from __future__ import annotations

from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.launcher.wire import Channel
    from ipycontainer.runtime.launch import Launch


class User(Record):
    """Who the program runs as, looked up in the container's own files."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


class Place:
    """Where a walk is: what one step makes and a later one needs.

    child, pidfd: PID 1, once it is cloned (in the starter); ended: other children of the monitor, which are dead and
    wait to be reaped; root: a descriptor of the container's root
    before the pivot; kernels_own: the numbers (st_dev) of its /proc and /sys, over which nothing else is mounted;
    null: the host's /dev/null, taken before the image has any say; user: see FindUser;
    environment: the program's; etc: descriptors of the files that are written for this container;
    others: pidfds of the containers whose namespaces are shared, by kind; groups: descriptors of the files by which
    a process joins the container's cgroup, and of the one below it where its first process sits (-1: in that very one);
    limits: descriptors of files of that cgroup with what is still to be written there; terminal: the monitor's end of
    the pseudo-terminal, until the monitor has it;
    channel: to the other side, PID 1 or the starter; monitor: a descriptor that hangs up when the monitor dies (-1: it
    is the channel that does).
    """

    def __init__(self, launch: Launch, channel: Channel | None = None) -> None:
        self.launch = launch
        self.channel = channel
        self.child = 0
        self.pidfd = -1
        self.ended: list[int] = []
        self.root = -1
        self.null = -1
        self.monitor = -1
        self.kernels_own: set[int] = set()
        self.user = User(0, 0, (), "/")
        self.environment: dict[str, str] = {}
        self.etc: dict[str, int] = {}
        self.others: dict[str, int] = {}
        self.groups: list[tuple[int, int]] = []
        self.limits: list[tuple[int, str]] = []
        self.terminal = -1


class Step(Record):
    """One step.  `call` names its system calls, `why` says why it is there, `shows` where the kernel shows it."""

    call = ""
    why = ""
    shows = ""

    def take(self, place: Place) -> None:
        """Do it.  Raises KernelError or another Error; nothing is undone here (sweep removes by name)."""
        raise NotImplementedError(type(self).__name__)


class Plan(Record):
    """A container as three lists of steps, named by who walks them and when.

    outside: by the monitor's starter; the last of them run beside the child, after Clone;
    inside: by the child in its new namespaces, up to pivot_root;
    last: by the child after the barrier, up to the program's first instruction.
    """

    outside: tuple[Step, ...]
    inside: tuple[Step, ...]
    last: tuple[Step, ...]
