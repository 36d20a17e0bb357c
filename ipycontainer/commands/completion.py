"""What could stand next on a line: verbs and options from their rows, and what kind of name an argument is."""

from __future__ import annotations

from ipycontainer.commands.verbs import ALIASES, GROUPS, VERBS, find
from ipycontainer.errors import Error
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipycontainer.commands.options import Option, Verb
    from ipycontainer.engine.engine import Engine


# What an option's value may be, where that is one of a few words.
_WORDS = {
    "cgroupns": "private host",
    "ipc": "private shareable none host",
    "log-driver": "json-file local none",
    "net": "none host",
    "network": "none host",
    "pid": "host",
    "pull": "always missing never",
    "restart": "no on-failure always unless-stopped",
    "type": "container image volume",
    "userns": "host",
    "uts": "host",
}


class Candidates(Record):
    """words: (text, what it is) that the line could go on with; names: what the engine can list.

    names is "container", "running", "image", "volume", "folder" or "" for nothing.
    """

    words: tuple[tuple[str, str], ...] = ()
    names: str = ""


def candidates(before: Sequence[str], prefix: str) -> Candidates:
    """What can follow the whole words `before`, where `prefix` was begun."""
    if not before or (before[0] in GROUPS and len(before) == 1):
        group = f"{before[0]} " if before else ""
        return Candidates(_verbs(group, prefix))
    try:
        verb, used = find(before)
    except Error:
        return Candidates()
    return after(verb, before[used:], prefix)


def after(verb: Verb, words: Sequence[str], prefix: str) -> Candidates:
    """What can follow `words` behind `verb`, where `prefix` was begun."""
    waiting, arguments = _where(verb, words)
    if waiting is not None:
        return _values(waiting, prefix)
    if arguments and not verb.mixed:
        return Candidates()
    if prefix.startswith("-"):
        return Candidates(_options(verb, prefix))
    many = verb.most is None or arguments < verb.most
    return Candidates((), verb.completes if many else "")


def _verbs(group: str, prefix: str) -> tuple[tuple[str, str], ...]:
    names = [name[len(group) :] for name in (*VERBS, *ALIASES) if name.startswith(group)]
    if not group:
        names = [name for name in names if " " not in name] + list(GROUPS)
    return tuple((name, "verb") for name in dict.fromkeys(names) if name.startswith(prefix))


def _options(verb: Verb, prefix: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"--{option.long}", option.help)
        for option in verb.options
        if not option.hidden and f"--{option.long}".startswith(prefix)
    )


def _where(verb: Verb, words: Sequence[str]) -> tuple[Option | None, int]:
    """The option that waits for its value, if any, and how many arguments there were."""
    long = {f"--{option.long}": option for option in verb.options}
    short = {option.short: option for option in verb.options if option.short}
    waiting: Option | None = None
    arguments = 0
    for word in words:
        if waiting is not None:
            waiting = None
        elif word in long:
            waiting = long[word] if long[word].kind != "flag" else None
        elif word.startswith("-") and not word.startswith("--") and len(word) > 1:
            waiting = _waits(word[1:], short)
        elif not word.startswith("-"):
            arguments += 1
            if not verb.mixed:
                break
    return waiting, arguments


def _waits(letters: str, short: dict[str, Option]) -> Option | None:
    """The one of joined short options whose value is the next word: in `-it` none, `-m64m` has its own."""
    for at, letter in enumerate(letters, 1):
        option = short.get(letter)
        if option is not None and option.kind != "flag":
            return option if at == len(letters) else None
    return None


def _values(option: Option, prefix: str) -> Candidates:
    if option.long in _WORDS:
        return Candidates(tuple((word, option.long) for word in _WORDS[option.long].split() if word.startswith(prefix)))
    if option.long == "volumes-from":
        return Candidates((), "container")
    return Candidates((), "folder" if option.long in ("volume", "mount", "env-file", "input") else "")


def names_in(kind: str, open_engine: Callable[[], Engine]) -> list[str]:
    """The names of that kind in the store; none where it cannot be read, for a completion must not fail."""
    try:
        return _in_store(kind, open_engine())
    except (Error, OSError):
        return []


def _in_store(kind: str, engine: Engine) -> list[str]:
    if kind == "image":
        names = {name for image in engine.images() for name in image.names} | {"base:latest"}
        return sorted(names | {name.removesuffix(":latest") for name in names})
    if kind in ("container", "running"):
        return [container.name for container in engine.containers(all=kind == "container")]
    if kind == "volume":
        return [volume.name for volume in engine.volumes.list()]
    return []
