"""What docker's help says: its verbs, their second names and their options.

verbs: the commands of `docker --help`, and of `docker GROUP --help`
options: `  -a, --all    …`, two spaces or six before the dashes
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

Ask = Callable[..., str]  # the words before --help -> the help's text

# Groups whose verbs are compared, and the verbs without a group that belong to them or to a registry.
GROUPS = ("container", "image", "volume", "system")
SINGLE = ("inspect", "login", "logout", "search", "version")
RECORDED = Path(__file__).with_name("docker_28.txt")

_COMMAND = re.compile(r"^  ([a-z][a-z-]*)\*? {2,}\S")
_OPTION = re.compile(r"^ {2,6}(?:-(?P<short>\w), )?--(?P<long>[a-z][a-z0-9-]*)")

# group verb -> the same verb without its group, where the names differ; the others keep theirs.
_SHORT = {"container ls": "ps", "image ls": "images", "image rm": "rmi"}
_GROUPED_ALONE = ("prune", "df", "build")
# Its help shows them to a client of a daemon on Windows alone; they are there.
_HIDDEN = ("cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops")
# `docker inspect` looks at objects of every kind and has options of its own.
_OTHERS = ("container inspect", "image inspect")


def short_name(verb: str) -> str:
    """`ps` for `container ls`; "" where docker has no second spelling."""
    group, _, name = verb.partition(" ")
    if not name or group == "volume" or name in _GROUPED_ALONE or verb in _OTHERS:
        return ""
    return _SHORT.get(verb, name)


def commands(text: str) -> list[str]:
    """The verbs that a help's text lists."""
    return [found[1] for line in text.splitlines() if (found := _COMMAND.match(line))]


def options(text: str) -> dict[str, str]:
    """Each option's long name -> its short one, "" where it has none."""
    found = filter(None, map(_OPTION.match, text.splitlines()))
    return {option["long"]: option["short"] or "" for option in found if option["long"] != "help"}


def read(ask: Ask) -> dict[str, dict[str, str]]:
    """Every verb of the compared groups -> its options."""
    verbs = [f"{group} {name}" for group in GROUPS for name in commands(ask(group))]
    found = {verb: options(ask(*verb.split())) for verb in (*verbs, *SINGLE)}
    for verb in ("container create", "container run"):
        found[verb].update(dict.fromkeys(_HIDDEN, ""))
    return found


def recorded() -> dict[str, dict[str, str]]:
    """docker 28's, as it was written down: a verb and its options on a line."""
    found: dict[str, dict[str, str]] = {}
    for line in RECORDED.read_text().splitlines():
        if line and not line.startswith("#"):
            verb, _, words = line.partition(":")
            pairs = (word.partition("/") for word in words.split())
            found[verb] = {long: short for long, _, short in pairs}
    return found
