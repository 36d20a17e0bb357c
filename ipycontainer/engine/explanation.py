"""A plan for a person: each step, its system call, why it is there, and where the kernel shows its effect.

The steps are the plan's own (`runtime/plan.py`), in the lists and in the order in which a start walks them.
Nothing is made and nothing is started to find them out, so this works where containers do not.
"""

from __future__ import annotations

from ipycontainer.engine.container import Container
from ipycontainer.engine.creation import compose
from ipycontainer.engine.launches import launch_of
from ipycontainer.launcher.expected import expected
from ipycontainer.linux import cgroups
from ipycontainer.linux.cgroups.cgroup_plan import OURS
from ipycontainer.linux.mounts import FLAG_NAMES
from ipycontainer.record import Record
from ipycontainer.runtime.inside.jobs import host_with
from ipycontainer.runtime.plan import plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ipycontainer.engine.engine import Engine
    from ipycontainer.engine.request import RunRequest
    from ipycontainer.runtime.inside.step import Step
    from ipycontainer.runtime.launch import Host

# Stands where a start puts 64 random digits.
ID = "ID"

PARTS = {
    "outside": "outside: by the monitor, before and beside the container's first process",
    "inside": "inside: by that process itself, in its new namespaces",
    "last": "last: by the same process, after the barrier between create and start",
}

MODES = {
    "root": "as root",
    "range": "as an ordinary user, in a user namespace with subordinate ids",
    "one": "as an ordinary user, in a user namespace with one id",
}


class ExplainedStep(Record):
    """One step.  part: the list that it is in; number: its place there; name: its class; details: what it is about."""

    part: str
    number: int
    name: str
    details: str
    call: str
    why: str
    shows: str


class Explanation:
    """What a start would do, in order.

    >>> Engine().explain("base", ["true"])   # doctest: +SKIP
    """

    HEADINGS = ("#", "STEP", "SYSTEM CALL", "WHY", "WHERE THE KERNEL SHOWS IT")

    def __init__(self, command: tuple[str, ...], image: str, mode: str, steps: tuple[ExplainedStep, ...]) -> None:
        self.command = command
        self.image = image
        self.mode = mode
        self.steps = steps

    def __iter__(self) -> Iterator[ExplainedStep]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: int) -> ExplainedStep:
        return self.steps[place]

    @property
    def title(self) -> str:
        """One sentence about the whole."""
        return (
            f"The plan for `{' '.join(self.command)}` in {self.image}, {MODES[self.mode]}: {len(self)} steps. "
            "Nothing was made or started."
        )

    def parts(self) -> Iterator[tuple[str, list[ExplainedStep]]]:
        """(title, steps) of each of the three lists."""
        for part, title in PARTS.items():
            yield title, [step for step in self.steps if step.part == part]

    def text(self, width: int = 100) -> str:
        """All of it as aligned text, at most `width` columns wide (80 at least)."""
        from ipycontainer.engine.explanation_text import text

        return text(self, max(width, 80))

    def __repr__(self) -> str:
        return self.text()


def explain(engine: Engine, request: RunRequest) -> Explanation:
    """The plan of `request`.  Raises what a create would: NoSuchImage, InputError, Refused."""
    image = engine.store.outlook(request.image)
    config, written = compose(engine, request, image, ID)
    container = Container(engine, ID, config, request.name or "NAME", written)
    launch = launch_of(engine, container, attach=True, stdin=request.interactive, size=None)
    host = _host(engine)
    lists = plan(launch, host)
    steps: list[ExplainedStep] = []
    for part in PARTS:
        for number, step in enumerate(getattr(lists, part)):
            details = _details(step, engine)
            name = type(step).__name__
            steps.append(ExplainedStep(part, number, name, details, step.call, step.why, step.shows))
    return Explanation(container.command, image.name, host.mode, tuple(steps))


def _host(engine: Engine) -> Host:
    """What a launcher knows of this host; asked of no launcher, since none may be there and none shall be started."""
    found = expected()
    uids, gids = (tuple((item.inside, item.outside, item.length) for item in m) for m in (found.uid_map, found.gid_map))
    return host_with(found.mode, uids, gids)


def _details(step: Step, engine: Engine) -> str:
    """The step's own fields in few words; paths are those below the store's folder or the run folder."""
    words = [_word(name, value) for name, value in step.as_dict().items()]
    text = " ".join(word for word in words if word)
    for folder, short in ((engine.launcher.run, "RUN"), (engine.root, "ROOT")):
        text = text.replace(folder, short)
    return text


def _word(name: str, value: Any) -> str:
    if name == "flags":
        single = [word for word, bit in FLAG_NAMES.items() if bit & value and not bit & (bit - 1)]
        return ",".join(single)
    if name == "program" and not value.startswith("builtin:"):
        return f"{len(value) // 16} instructions"
    if isinstance(value, bool):
        return name.replace("_", "-") if value else ""
    if isinstance(value, int):
        return f"{value:#05o}".replace("0o", "0") if name == "mask" else f"{name}={value}"
    if isinstance(value, cgroups.CgroupPlan):
        return " ".join(f"{file.rpartition('/')[2]}={text}" for file, text in value.writes)
    if isinstance(value, tuple):
        return " ".join(_item(item) for item in value)
    return _shortened(str(value))


def _item(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ":".join(str(item) for item in value)
    return _shortened(str(value))


def _shortened(text: str) -> str:
    """Digests by their first 12 digits, as everywhere; groups without the way to them."""
    parts = text.split("/")
    if text.startswith("/sys/fs/cgroup/") and OURS in parts:
        parts[4 : parts.index(OURS)] = ["…"]  # in which group we sit ourselves tells nobody anything
    return "/".join(part[:12] if len(part) == 64 and part.isalnum() else part for part in parts)
