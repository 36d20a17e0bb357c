"""--security-opt: what of a container's profile is asked to be otherwise."""

from __future__ import annotations

import os

from ipycontainer.errors import InputError, OptionError, Refused
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

BUILTIN, UNCONFINED = "builtin", "unconfined"
_LATER = {"writable-cgroups": "cgroups stay read-only inside in this release"}


class SecurityOptions(Record):
    """seccomp: "builtin", "unconfined", or a profile as JSON; no_new_privileges: on unless it is asked to be off.

    apparmor: a profile's name; labels: SELinux's, "disable" or "type:…"; system_paths: "unconfined" for no masked
    and no read-only paths.  "" and () are the defaults.  given: the names that were asked for.
    """

    seccomp: str = BUILTIN
    no_new_privileges: bool = True
    apparmor: str = ""
    labels: tuple[str, ...] = ()
    system_paths: str = ""
    given: tuple[str, ...] = ()


def read_files(options: Sequence[str], cwd: str) -> tuple[str, ...]:
    """The options as they are kept: a profile's file replaced by what it says, as docker's client does.

    A name is followed by = or, in docker's old way, by a colon.  Raises OptionError.
    """
    kept = []
    for option in options:
        name, value = _split(option)
        if name == "seccomp" and value not in (BUILTIN, UNCONFINED) and not value.lstrip().startswith("{"):
            kept.append(f"seccomp={_profile(value, cwd)}")
        else:
            kept.append(option)
    parse(kept)
    return tuple(kept)


def parse(options: Iterable[str]) -> SecurityOptions:
    """What the options ask for; a later one wins.  Raises OptionError, Refused."""
    found = SecurityOptions()
    for option in options:
        name, value = _split(option)
        found = found.replace(given=(*found.given, name))
        if name == "seccomp":
            found = found.replace(seccomp=value)
        elif name == "no-new-privileges":
            found = found.replace(no_new_privileges=_boolean(option, value) if value else True)
        elif name == "apparmor":
            found = found.replace(apparmor=value)
        elif name in ("label", "disable"):
            found = found.replace(labels=(*found.labels, value or "disable"))
        elif option == "systempaths=unconfined":
            found = found.replace(system_paths=value)
        elif name in _LATER:
            raise Refused(f"--security-opt {option} is refused: {_LATER[name]}")
        else:
            raise OptionError(
                f"invalid --security-opt: {option!r}; write seccomp=FILE|unconfined, no-new-privileges, "
                "apparmor=PROFILE, label=TYPE:VALUE or systempaths=unconfined"
            )
    return found


def seccomp_part(asked: SecurityOptions, capabilities: Sequence[str]) -> dict[str, Any]:
    """{"seccomp": …} for the spec's `linux`, or nothing where there is to be no filter.

    capabilities: the bounding set.  Raises DocumentError for a profile that is not well-formed.
    """
    from ipycontainer.runtime.seccomp_profile import default_seccomp, given_seccomp

    if asked.seccomp == UNCONFINED:
        return {}
    if asked.seccomp == BUILTIN:
        return {"seccomp": default_seccomp(capabilities)}
    part = given_seccomp(asked.seccomp, capabilities)
    return {} if part is None else {"seccomp": part}


def _split(option: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals and name != "no-new-privileges":
        name, equals, value = option.partition(":")
    if (not equals or not value) and name not in ("no-new-privileges", "disable"):
        raise OptionError(f"invalid --security-opt: {option!r}; it is NAME=VALUE")
    return name, value


def _boolean(option: str, value: str) -> bool:
    if value in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if value in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise OptionError(f"invalid --security-opt: {option!r}; no-new-privileges is true or false")


def _profile(path: str, cwd: str) -> str:
    from ipycontainer.json_text import dumps
    from ipycontainer.oci.document import Document

    try:
        with open(os.path.join(cwd, os.path.expanduser(path)), "rb") as file:
            raw = file.read()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OptionError(f"opening seccomp profile ({path}) failed: {reason}") from None
    try:
        return dumps(Document(raw, f"the seccomp profile {path}").mapping())
    except InputError as error:
        raise OptionError(f"{error}") from None
