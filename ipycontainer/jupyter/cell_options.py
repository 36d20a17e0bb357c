"""The options that only a cell has: where output goes, what a failure does, `$name` from Python.

They stand before the verb in `%container` and anywhere in `%%in_container`;
their names and meaning are those of IPython's `%%script`.
"""

from __future__ import annotations

from ipycontainer.commands.options import Option
from ipycontainer.commands.words import Word
from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

CELL_OPTIONS = (
    Option("out", "", "text", "Put stdout into this variable instead of showing it"),
    Option("err", "", "text", "Put stderr into this variable instead of showing it"),
    Option("no-raise", "", "flag", "Do not fail the cell when the program or the verb fails"),
    Option("no-raise-error", "", "flag", "The same, as %%script calls it"),
    Option("expand", "", "flag", "Replace $name and {expression} in unquoted words by Python's values"),
)

PROGRAM_OPTIONS = (
    Option("python", "", "flag", "The cell is Python, run by the image's python3"),
    Option("interpreter", "", "text", "The cell is run by this command, which reads it from stdin"),
)


def cell_help() -> str:
    """The part of `%container --help` that the command line has not."""
    width = max(len(option.long) for option in CELL_OPTIONS) + len(" VAR")
    rows = []
    for option in CELL_OPTIONS:
        name = option.long if option.kind == "flag" else f"{option.long} VAR"
        rows.append(f"      --{name:<{width}}  {option.help}")
    return "\n".join(("", "Only in a cell, before the verb:", *rows))


def variable(name: str, option: str) -> str:
    """A name that Python can bind."""
    if name and not name.isidentifier():
        raise OptionError(f"--{option} needs a variable's name, which {name!r} is not")
    return name


def expanded(words: Iterable[Word], names: Mapping[str, Any]) -> list[Word]:
    """`words` with Python's values in them.

    A quoted word belongs to the guest and stays.  A value may have spaces: the
    word stays one word.  A word that is just `$name` of a list becomes as many
    words as the list has items.
    """
    result: list[Word] = []
    for word in words:
        if word.quoted or not ("$" in word.text or "{" in word.text):
            result.append(word)
            continue
        whole = names.get(word.text[1:]) if word.text[:1] == "$" else None
        if isinstance(whole, list | tuple):
            result += [Word(str(item), True) for item in whole]
        else:
            result.append(Word(_filled(word.text, names), True))
    return result


def advice(words: Iterable[Word], names: Mapping[str, Any], place: str = "") -> str:
    """What to say when a line without `--expand` fails that names something of Python's or a shell's; else empty.

    place: where `--expand` belongs, " before the verb".
    """
    import re

    for word in words:
        for found in () if word.quoted else re.finditer(r"\$(\w+)|\{(\w+)[^{}]*\}", word.text):
            if (found[1] or found[2]) in names:
                return f"{found[0]} was left as it stands; --expand{place} puts Python's value in its place"
    return next(filter(None, map(_shells, words)), "")


def misplaced(words: Iterable[Word]) -> str:
    """What to say of an option of ours that stands behind the verb, which does not know it; else empty."""
    ours = {f"--{option.long}" for option in CELL_OPTIONS}
    found = next((word.text for word in words if not word.quoted and word.text.partition("=")[0] in ours), "")
    return f"{found} belongs before the verb: %container {found} …" if found else ""


def _shells(word: Word) -> str:
    """What to say of a word that a shell would have acted on; empty for any other."""
    import re

    if re.match(r"(.*=)?(\$PWD|\$\{PWD\}|\$\(pwd\)|`pwd`)(?![^/:,])", word.text):
        better = "./ is this notebook's folder"
    elif not word.quoted and re.fullmatch(r"\|\|?|&&?|;|2>\S+|\$\(.*|`.*", word.text):
        better = "an assignment takes what a command says (ids = %container ps -q), and after a ! a shell reads"
    else:
        return ""
    return f"{word.text} was left as it stands, for no shell reads this line: {better}"


def _filled(text: str, names: Mapping[str, Any]) -> str:
    from IPython.utils.text import DollarFormatter

    try:
        return str(DollarFormatter().vformat(text, (), names))
    except NameError as error:
        raise OptionError(f"--expand, {text}: {error}; quote the word if it belongs to the container") from None
    except Exception as error:  # noqa: BLE001 it is the person's own expression, which may raise anything
        said = " ".join(str(error).split()) or type(error).__name__
        raise OptionError(
            f"--expand cannot fill in {text} ({said}); quote the word if it belongs to the container"
        ) from None
