"""`commit -c` and `import -c`: Dockerfile instructions that change an image's settings."""

from __future__ import annotations

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
    for change in changes:
        word, _, rest = change.strip().partition(" ")
        word, rest = word.upper(), rest.strip()
        if word not in _KNOWN:
            raise InputError(f"{word or change!r} is not a valid change command; there are {', '.join(_KNOWN)}")
        if not rest:
            raise InputError(f"{word} needs something after it, such as {_EXAMPLES[word]}")
        _APPLY[word](found, rest)
    return found


def _words(text: str, word: str) -> list[str]:
    """The JSON form, or the shell form, which means a shell."""
    if text.startswith("["):
        from ipycontainer.json_text import loads

        try:
            found = loads(text)
        except ValueError:
            found = None
        if isinstance(found, list) and all(isinstance(item, str) for item in found):
            return found
        raise InputError(f"{word} {text} is no JSON list of strings; write {_EXAMPLES[word]}")
    return ["/bin/sh", "-c", text]


def _pairs(text: str, word: str) -> list[tuple[str, str]]:
    from shlex import split

    try:
        words = split(text)
    except ValueError as error:
        raise InputError(f"{word} {text}: {error}") from None
    if "=" not in words[0]:  # the old form: a name, then everything else
        name, _, value = text.partition(" ")
        return [(name, value.strip())]
    pairs = [item.partition("=") for item in words]
    if not all(name and equals for name, equals, _ in pairs):
        raise InputError(f"{word} {text} must be NAME=VALUE; write {_EXAMPLES[word]}")
    return [(name, value) for name, _, value in pairs]


def _command(settings: dict[str, Any], text: str) -> None:
    settings["Cmd"] = _words(text, "CMD")


def _entrypoint(settings: dict[str, Any], text: str) -> None:
    settings["Entrypoint"] = _words(text, "ENTRYPOINT")


def _environment(settings: dict[str, Any], text: str) -> None:
    settings["Env"] = with_environment(
        settings.get("Env") or [], [f"{name}={value}" for name, value in _pairs(text, "ENV")]
    )


def with_environment(old: Iterable[str], new: Iterable[str]) -> list[str]:
    """NAME=VALUE items where each name stands once, in the order of its first appearance."""
    found = {item.partition("=")[0]: item for item in old}
    found.update((item.partition("=")[0], item) for item in new)
    return list(found.values())


def _expose(settings: dict[str, Any], text: str) -> None:
    ports = dict(settings.get("ExposedPorts") or {})
    for item in text.split():
        number, _, protocol = item.partition("/")
        if not number.isdecimal() or not 0 < int(number) < 65536 or protocol not in ("", "tcp", "udp", "sctp"):
            raise InputError(f"EXPOSE {item} is no port; write {_EXAMPLES['EXPOSE']}")
        ports[f"{number}/{protocol or 'tcp'}"] = {}
    settings["ExposedPorts"] = ports


def _health_check(settings: dict[str, Any], text: str) -> None:
    from ipycontainer.engine.health import instruction

    settings["Healthcheck"] = instruction(text)


def _label(settings: dict[str, Any], text: str) -> None:
    settings["Labels"] = {**(settings.get("Labels") or {}), **dict(_pairs(text, "LABEL"))}


def _on_build(settings: dict[str, Any], text: str) -> None:
    settings["OnBuild"] = [*(settings.get("OnBuild") or []), text]


def _volume(settings: dict[str, Any], text: str) -> None:
    paths = _words(text, "VOLUME") if text.startswith("[") else text.split()
    settings["Volumes"] = {**(settings.get("Volumes") or {}), **{path: {} for path in paths}}


def _stop_signal(settings: dict[str, Any], text: str) -> None:
    settings["StopSignal"] = text


def _user(settings: dict[str, Any], text: str) -> None:
    settings["User"] = text


def _folder(settings: dict[str, Any], text: str) -> None:
    from posixpath import join, normpath

    settings["WorkingDir"] = normpath(join(settings.get("WorkingDir") or "/", text))


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
