"""Which module holds a verb; only the one asked for is imported."""

from __future__ import annotations

from ipycontainer.errors import Error, NoSuchVerb, Refused
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.commands.options import Verb

# A verb's name -> the module that holds it and the name of its row there.
VERBS = {
    "run": ("run", "RUN"),
    "create": ("run", "CREATE"),
    "exec": ("exec", "EXEC"),
    "start": ("life", "START"),
    "stop": ("life", "STOP"),
    "restart": ("life", "RESTART"),
    "kill": ("life", "KILL"),
    "pause": ("life", "PAUSE"),
    "unpause": ("life", "UNPAUSE"),
    "wait": ("life", "WAIT"),
    "attach": ("attach", "ATTACH"),
    "rm": ("life", "RM"),
    "rename": ("life", "RENAME"),
    "update": ("update", "UPDATE"),
    "ps": ("ps", "PS"),
    "top": ("top", "TOP"),
    "port": ("top", "PORT"),
    "stats": ("stats", "STATS"),
    "logs": ("logs", "LOGS"),
    "inspect": ("look", "INSPECT"),
    "container inspect": ("look", "CONTAINER_INSPECT"),
    "events": ("look", "EVENTS"),
    "images": ("images", "IMAGES"),
    "image inspect": ("images", "IMAGE_INSPECT"),
    "rmi": ("images", "RMI"),
    "load": ("images", "LOAD"),
    "save": ("archives", "SAVE"),
    "export": ("archives", "EXPORT"),
    "import": ("archives", "IMPORT"),
    "cp": ("cp", "CP"),
    "diff": ("changes", "DIFF"),
    "commit": ("changes", "COMMIT"),
    "pull": ("registries", "PULL"),
    "push": ("registries", "PUSH"),
    "login": ("registries", "LOGIN"),
    "logout": ("registries", "LOGOUT"),
    "search": ("registries", "SEARCH"),
    "catalog": ("registries", "CATALOG"),
    "tag": ("history", "TAG"),
    "history": ("history", "HISTORY"),
    "version": ("about", "VERSION"),
    "info": ("about", "INFO"),
    "doctor": ("about", "DOCTOR"),
    "completion": ("shell_completion", "COMPLETION"),
    "image bootstrap": ("bootstrap", "BOOTSTRAP"),
    "image prune": ("upkeep", "IMAGE_PRUNE"),
    **{f"volume {name}": ("volumes", name.upper()) for name in ("create", "inspect", "ls", "prune", "rm")},
    "container prune": ("prunes", "CONTAINERS"),
    "system prune": ("prunes", "SYSTEM"),
    "system df": ("upkeep", "DF"),
    "system check": ("upkeep", "CHECK"),
    "system shutdown": ("about", "SHUTDOWN"),
    "system reset": ("reset", "RESET"),
    "system boot": ("boot", "BOOT"),
    "system install": ("boot", "INSTALL"),
    "kernel install": ("kernels.verbs", "INSTALL"),
    "kernel list": ("kernels.verbs", "LIST"),
    "kernel remove": ("kernels.verbs", "REMOVE"),
    "kernel run": ("kernels.verbs", "RUN"),
}

# docker's second names.
ALIASES = {
    **{f"container {name}": name for name in ("run", "create", "exec", "start", "stop", "kill", "wait", "rm")},
    **{f"container {name}": name for name in ("logs", "ps", "rename", "restart", "pause", "unpause")},
    **{f"container {name}": name for name in ("diff", "commit", "export", "attach")},
    **{f"container {name}": name for name in ("top", "port", "stats", "cp", "update")},
    "container ls": "ps",
    "container list": "ps",
    "container remove": "rm",
    "image ls": "images",
    "image list": "images",
    "image rm": "rmi",
    "image remove": "rmi",
    **{f"image {name}": name for name in ("load", "save", "import", "tag", "history", "pull", "push")},
    "system info": "info",
    "system events": "events",
    "system doctor": "doctor",
    "volume list": "volume ls",
    "volume remove": "volume rm",
    "kernel ls": "kernel list",
    "kernel rm": "kernel remove",
}

GROUPS = {
    "container": "containers",
    "image": "images",
    "kernel": "Jupyter kernels in containers",
    "volume": "volumes: files that outlive containers",
    "system": "the store, this machine and the launcher",
}

# docker's verbs that a later release brings.
LATER = (
    "build", "builder", "network", "prune",
    "image build",
)  # fmt: skip


# Those that nothing here could mean.
NEVER = {"volume update": "there is no cluster here, and so no volume of one"}


class Before(Record):
    """What stands before the verb."""

    used: int
    root: str | None = None
    answer: str = ""  # "help" or "version": said instead of performing a verb
    topic: str = ""  # what the help is about, of `--help run`


def before_the_verb(words: Sequence[str]) -> Before:
    """Reads `--root DIR`, `--help` and `--version`; docker's own others are refused in a sentence."""
    if words and words[0][:1] != "-":
        return Before(0)
    if not words:
        return Before(0, None, "help")
    from ipycontainer.commands.before import read_before

    return read_before(words)


def help_topic(words: Sequence[str]) -> str | None:
    """What `help run`, `container` alone or `container --help` ask about ("" is everything); None for a verb's line."""
    if words and words[0] == "help":
        return " ".join(words[1:])
    if words and words[0] in GROUPS and (len(words) == 1 or words[1] in ("--help", "-h")):
        return words[0]
    return None


def find(words: Sequence[str]) -> tuple[Verb, int]:
    """The verb that `words` begin with, and how many of them name it."""
    if not words:
        raise NoSuchVerb("no verb was given: ipycontainer --help lists them")
    first = words[0]
    if first in VERBS:
        return load(first), 1
    if len(words) > 1:
        two = f"{first} {words[1]}"
        if two in VERBS or two in ALIASES:
            return load(ALIASES.get(two, two)), 2
    raise _unknown(words)


def load(name: str) -> Verb:
    """The verb's row; its module is imported now."""
    module, row = VERBS[name]
    # __import__ rather than importlib.import_module, whose own module costs a millisecond.
    verb: Verb = getattr(__import__(f"ipycontainer.commands.{module}", fromlist=(row,)), row)
    return verb


def _unknown(words: Sequence[str]) -> Error:
    first = words[0]
    if first in GROUPS:
        if len(words) == 1 or words[1].startswith("-"):
            error: Error = NoSuchVerb(f"'{first}' needs a verb: {', '.join(of_group(first))}")
            return _ends_with_one(error)
        first = f"{first} {words[1]}"
    if first in LATER:
        error = Refused(f"'{first}' comes in a later release")
    elif first in NEVER:
        error = Refused(f"'{first}' is refused: {NEVER[first]}")
    else:
        near = _near(first)
        hint = f"; did you mean '{near}'?" if near else "; --help lists the verbs"
        error = NoSuchVerb(f"unknown verb '{first}'{hint}")
    return _ends_with_one(error)


def _ends_with_one(error: Error) -> Error:
    error.exit_code = 1
    return error


def of_group(group: str) -> list[str]:
    """The verbs that stand after a group's name."""
    names = {name.partition(" ")[2] for name in (*VERBS, *ALIASES) if name.startswith(group + " ")}
    return sorted(names)


def _near(name: str) -> str:
    """The verb that was probably meant; found by letters, since difflib would cost 9 ms and a verb is short."""
    best, distance = "", 3
    for known in (*VERBS, *ALIASES):
        steps = _edits(name, known)
        if steps < min(distance, max(2, len(known) // 2 + 1)):
            best, distance = known, steps
    return best


def _edits(left: str, right: str) -> int:
    """How many letters to add, drop, change or swap with their neighbour between two words."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left):
        following = [i + 1]
        for j, other in enumerate(right):
            cost = min(row[j] + (letter != other), row[j + 1] + 1, following[j] + 1)
            if i and j and letter == right[j - 1] and left[i - 1] == other:
                cost = min(cost, before[j - 1] + 1)
            following.append(cost)
        before, row = row, following
    return row[-1]


def answer(question: str, program: str, topic: str = "") -> str:
    """What `--help` or `--version` says.  Raises NoSuchVerb."""
    if question == "version":
        from ipycontainer import __version__

        return f"ipycontainer version {__version__}"
    from ipycontainer.commands.help import topic_help

    return topic_help(topic, program)
