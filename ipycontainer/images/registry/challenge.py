"""`WWW-Authenticate`: what a registry asks for, and the token that answers it."""

from __future__ import annotations

from ipycontainer.errors import AccessDenied, RegistryError
from ipycontainer.images.registry.endpoint import Origin, address_of
from ipycontainer.record import Record


class Challenge(Record):
    """scheme: "basic" or "bearer"; parameters: realm, service, scope."""

    scheme: str
    parameters: dict[str, str]


def read(header: str) -> Challenge | None:
    """The first challenge that we can answer; None where there is none.

    >>> read('Bearer realm="https://a.example/t",service="r"').parameters["service"]
    'r'
    """
    for scheme, parameters in _challenges(header[:8192]):
        if scheme in ("basic", "bearer"):
            return Challenge(scheme, parameters)
    return None


def _challenges(text: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while at < len(text):
        while at < len(text) and text[at] in ", \t":
            at += 1
        start = at
        while at < len(text) and text[at] not in " ,=\t":
            at += 1
        word = text[start:at]
        if not word:
            break
        if at < len(text) and text[at] == "=":
            value, at = _value(text, at + 1)
            if found:
                found[-1][1].setdefault(word.lower(), value)
        else:
            found.append((word.lower(), {}))
    return found


def _value(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        end = at
        while end < len(text) and text[end] not in ", \t":
            end += 1
        return text[at:end], end
    parts = []
    at += 1
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 1
        parts.append(text[at : at + 1])
        at += 1
    return "".join(parts), at + 1


def check_realm(realm: Origin, registry: Origin, has_login: bool) -> None:
    """A token's server gets the login, so it must be no easier to listen to than the registry itself."""
    if realm.scheme != "https" and not (realm.is_loopback and registry.scheme == "http"):
        raise RegistryError(
            f"the registry {registry.netloc} sends logins to {realm}, which has no TLS; nothing was sent there"
        )
    if (realm.is_loopback or realm.is_link_local) and not registry.is_loopback:
        raise RegistryError(
            f"the registry {registry.netloc} names {realm} as its tokens' server, which is an address of this machine;"
            " nothing was sent there"
        )
    if has_login and realm.host != registry.host and _is_address(realm.host):
        raise RegistryError(f"the registry {registry.netloc} sends logins to {realm}, a bare address; nothing was sent")


def _is_address(host: str) -> bool:
    found = address_of(host)
    return found is not None and not found.is_loopback


def token_of(answer: object, realm: Origin) -> str:
    """The token in a token server's answer."""
    if isinstance(answer, dict):
        token = answer.get("token") or answer.get("access_token")
        if isinstance(token, str) and token and token.isascii() and token.isprintable() and " " not in token:
            return token
    raise AccessDenied(f"{realm} gave no token that can be used")
