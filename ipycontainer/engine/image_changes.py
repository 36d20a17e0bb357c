"""`commit -c` and `import -c`: Dockerfile instructions that change an image's settings."""

from __future__ import annotations

from ipycontainer.engine.dockerfile_words import expanded, split
from ipycontainer.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_KNOWN = (
    "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip


def changed(settings: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """New settings: `settings` after each of `changes` ("CMD [\\"sh\\"]", "ENV A=b").  Raises InputError."""
    found = dict(settings)
    command_given = False
    for change in changes:
        word, _, rest = change.strip().partition(" ")
        word, rest = word.upper(), rest.strip()
        if word not in _KNOWN:
            raise InputError(f"{word or change!r} is not a valid change command; there are {', '.join(_KNOWN)}")
        if not rest:
            raise InputError(f"{word} needs something after it, such as {_EXAMPLES[word]}")
        _APPLY[word](found, rest)
        command_given |= word == "CMD"
        if word == "ENTRYPOINT" and not command_given:
            found.pop("Cmd", None)  # it was another program's
    return found


def _variables(settings: Mapping[str, Any]) -> dict[str, str]:
    return dict(item.partition("=")[::2] for item in settings.get("Env") or ())


def _list(text: str, word: str) -> list[str] | None:
    """The JSON form; None for what is none, as docker sees it."""
    from ipycontainer.json_text import loads

    try:
        found = loads(text) if text.startswith("[") else None
    except ValueError:
        return None
    if found is not None and not all(isinstance(item, str) for item in found):
        raise InputError(f"{word} {text} is no JSON list of strings; write {_EXAMPLES[word]}")
    return found


def _program(text: str, word: str) -> list[str]:
    """The JSON form, or the shell form, which means a shell."""
    found = _list(text, word)
    return ["/bin/sh", "-c", text] if found is None else found


def _pairs(settings: Mapping[str, Any], text: str, word: str) -> list[tuple[str, str]]:
    words = split(text)
    if "=" in words[0]:
        pairs = [item.partition("=") for item in words]
    else:  # the old form: a name, then everything else
        name, *rest = text.split(None, 1)
        pairs = [(name, "=" if rest else "", "".join(rest))]
    if not all(name and equals for name, equals, _ in pairs):
        raise InputError(f"{word} {text} must be NAME=VALUE; write {_EXAMPLES[word]}")
    known = _variables(settings)
    return [(expanded(name, known), expanded(value, known)) for name, _, value in pairs]


def _command(settings: dict[str, Any], text: str) -> None:
    settings["Cmd"] = _program(text, "CMD")


def _entrypoint(settings: dict[str, Any], text: str) -> None:
    settings["Entrypoint"] = _program(text, "ENTRYPOINT")


def _environment(settings: dict[str, Any], text: str) -> None:
    settings["Env"] = with_environment(
        settings.get("Env") or [], [f"{name}={value}" for name, value in _pairs(settings, text, "ENV")]
    )


def with_environment(old: Iterable[str], new: Iterable[str]) -> list[str]:
    """NAME=VALUE items where each name stands once, in the order of its first appearance."""
    found = {item.partition("=")[0]: item for item in old}
    found.update((item.partition("=")[0], item) for item in new)
    return list(found.values())


def _several(settings: Mapping[str, Any], items: Iterable[str]) -> list[str]:
    known = _variables(settings)
    return [expanded(item, known) for item in items]


def _expose(settings: dict[str, Any], text: str) -> None:
    from ipycontainer.engine.exposed_ports import ports

    found = dict(settings.get("ExposedPorts") or {})
    for item in _several(settings, text.split()):
        try:
            named = ports(item.lower())
        except ValueError:
            named = ()
        if not named or named[0].partition("/")[2] not in ("tcp", "udp", "sctp"):
            raise InputError(f"EXPOSE {item} is no port; write {_EXAMPLES['EXPOSE']}")
        found.update((port, {}) for port in named)
    settings["ExposedPorts"] = found


def _health_check(settings: dict[str, Any], text: str) -> None:
    from ipycontainer.engine.health import instruction

    settings["Healthcheck"] = instruction(text)


def _label(settings: dict[str, Any], text: str) -> None:
    settings["Labels"] = {**(settings.get("Labels") or {}), **dict(_pairs(settings, text, "LABEL"))}


def _on_build(settings: dict[str, Any], text: str) -> None:
    word = text.split(None, 1)[0].upper()
    if word in ("ONBUILD", "FROM", "MAINTAINER"):
        raise InputError(f"{word} isn't allowed as an ONBUILD trigger; write {_EXAMPLES['ONBUILD']}")
    settings["OnBuild"] = [*(settings.get("OnBuild") or []), text]


def _volume(settings: dict[str, Any], text: str) -> None:
    listed = _list(text, "VOLUME")
    paths = _several(settings, text.split() if listed is None else listed)
    if not all(paths):
        raise InputError(f"VOLUME specified can not be an empty string; write {_EXAMPLES['VOLUME']}")
    settings["Volumes"] = {**(settings.get("Volumes") or {}), **{path: {} for path in paths}}


def _stop_signal(settings: dict[str, Any], text: str) -> None:
    settings["StopSignal"] = expanded(text, _variables(settings))


def _user(settings: dict[str, Any], text: str) -> None:
    settings["User"] = expanded(text, _variables(settings))


def _folder(settings: dict[str, Any], text: str) -> None:
    from posixpath import isabs, join, normpath

    folder = expanded(text, _variables(settings))
    settings["WorkingDir"] = folder if isabs(folder) else normpath(join("/", settings.get("WorkingDir") or "/", folder))


_APPLY = {
    "CMD": _command,
    "ENTRYPOINT": _entrypoint,
    "ENV": _environment,
    "EXPOSE": _expose,
    "HEALTHCHECK": _health_check,
    "LABEL": _label,
    "ONBUILD": _on_build,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _folder,
}
_EXAMPLES = {
    "CMD": 'CMD ["python3", "app.py"]',
    "ENTRYPOINT": 'ENTRYPOINT ["/app"]',
    "ENV": "ENV DEBUG=1",
    "EXPOSE": "EXPOSE 8080/tcp",
    "HEALTHCHECK": "HEALTHCHECK --interval=10s CMD test -e /ready",
    "LABEL": "LABEL version=1",
    "ONBUILD": "ONBUILD RUN make",
    "STOPSIGNAL": "STOPSIGNAL SIGINT",
    "USER": "USER 1000",
    "VOLUME": "VOLUME /data",
    "WORKDIR": "WORKDIR /app",
}
