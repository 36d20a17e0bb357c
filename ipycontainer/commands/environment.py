"""Environment variables from `-e` and `--env-file`, and labels from `--label-file`."""

from __future__ import annotations

import os

from ipycontainer.errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def variables(files: Iterable[str], given: Iterable[str], cwd: str) -> tuple[str, ...]:
    """All of them as NAME=value.

    A bare NAME is taken from outside; where it is not set there, a file's is left out, and a given one stays bare: as
    docker's it takes the variable away.
    """
    found: dict[str, str] = {}
    for line in (line for file in files for line in _of_file(os.path.join(cwd, file))):
        name, equals, _ = line.partition("=")
        if equals or name in os.environ:
            found[name] = line if equals else f"{name}={os.environ[name]}"
    for entry in given:
        name, equals, _ = entry.partition("=")
        found[name] = f"{name}={os.environ[name]}" if not equals and name in os.environ else entry
    return tuple(found.values())


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
