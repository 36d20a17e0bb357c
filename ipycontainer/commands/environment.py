"""Environment variables from `-e` and `--env-file`, and labels from `--label-file`."""

from __future__ import annotations

import os

from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def variables(files: Iterable[str], given: Iterable[str], cwd: str) -> tuple[str, ...]:
    """All of them as NAME=value; a bare NAME that is not set outside is left out."""
    found: dict[str, str] = {}
    for entry in (*(line for file in files for line in _of_file(os.path.join(cwd, file))), *given):
        name, equals, value = entry.partition("=")
        if equals:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name]
        else:
            found.pop(name, None)
    return tuple(f"{name}={value}" for name, value in found.items())


def labels(files: Iterable[str], given: Iterable[str], cwd: str) -> tuple[str, ...]:
    """All of them as NAME=value; a bare NAME has an empty value, and in a file, as with docker, is none."""
    entries = (line for file in files for line in _of_file(os.path.join(cwd, file), "--label-file") if "=" in line)
    return (*entries, *(entry if "=" in entry else entry + "=" for entry in given))


def _of_file(path: str, option: str = "--env-file") -> list[str]:
    """The entries of a file: a line each, `#` begins a comment line."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().split("\n")
    except OSError as error:
        raise OptionError(f"{option} {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OptionError(f"{option} {path} is not text in UTF-8") from None
    entries = []
    for line in lines:
        line = line.lstrip().removesuffix("\r")
        if not line or line[0] == "#":
            continue
        name = line.partition("=")[0]
        if not name:
            raise OptionError(f"{option} {path}: no variable name in the line {line!r}")
        if any(letter.isspace() for letter in name):
            raise OptionError(f"{option} {path}: the name {name!r} contains whitespace")
        entries.append(line)
    return entries
