"""The options before the verb: `ipycontainer --root DIR ps`."""

from __future__ import annotations

from ipycontainer.commands.options import Option, Verb, read
from ipycontainer.commands.verbs import GROUPS, Before
from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipycontainer.commands import Call

OPTIONS = (
    Option("root", "", "text", "The store to work in (else IPYCONTAINER_ROOT, else the user's own)"),
    Option("version", "v", "flag", "Print the version"),
    Option("help", "", "flag", "Print how it is used"),
)


def _nothing(_call: Call) -> int:
    return 0


_BEFORE = Verb("before the verb", "[OPTIONS] VERB", "", _nothing, OPTIONS, mixed=False)


def read_before(words: Sequence[str]) -> Before:
    """What stands before the verb, and how many words it took."""
    parsed = read(_BEFORE, words)
    used = len(words) - len(parsed.arguments)
    root = parsed.text("root") if parsed.given("root") else None
    if root == "":
        raise OptionError("--root needs the path of a folder")
    if parsed.help and parsed.arguments:
        return Before(used, root, "help", " ".join(parsed.arguments[: 2 if parsed.arguments[0] in GROUPS else 1]))
    if parsed.help or (not parsed.arguments and not parsed.flag("version")):
        return Before(used, root, "help")
    return Before(used, root, "version" if parsed.flag("version") else "")
