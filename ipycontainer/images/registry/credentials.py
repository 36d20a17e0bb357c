"""Logins: docker's own file, ~/.docker/config.json, and the helpers that it names."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode

from ipycontainer.errors import Error, InputError
from ipycontainer.json_text import dumps, loads
from ipycontainer.oci.reference import DEFAULT_DOMAIN
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DOCKER_HUB = "https://index.docker.io/v1/"
_MISSING = "credentials not found"
_HELPER_LIMIT = 60.0


class Login(Record):
    """A user's name and password, or the token that stands for both."""

    user: str = ""
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"<Login {self.user or 'by token'}>"  # a password has no place in a traceback


def path() -> str:
    """The file: below $DOCKER_CONFIG where that is set."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    return os.path.join(folder, "config.json")


def find(registry: str) -> Login | None:
    """The login for `registry` (host[:port]; docker.io for Docker Hub), or None."""
    config = _read()
    for name in _names_in(config, registry):
        helper = _helper(config, name)
        found = _from_helper(helper, name) if helper else _from_file(config, name)
        if found is not None:
            return found
    return None


def keep(registry: str, login: Login) -> str:
    """Remember the login; gives where: a helper's name, or the file's path."""
    config = _read()
    name = _names(registry)[0]
    helper = _helper(config, name)
    if helper:
        secret = {"ServerURL": name, "Username": login.user, "Secret": login.password}
        _run(helper, "store", dumps(secret))
        config.setdefault("auths", {})[name] = {}
        _write(config)
        return helper
    pair = b64encode(f"{login.user}:{login.password}".encode()).decode()
    config.setdefault("auths", {})[name] = {"auth": pair}
    _write(config)
    return path()


def forget(registry: str) -> bool:
    """Remove the login; whether there was one."""
    config = _read()
    there = False
    for name in _names_in(config, registry):
        helper = _helper(config, name)
        if helper and _from_helper(helper, name) is not None:
            _run(helper, "erase", name)
            there = True
        if (config.get("auths") or {}).pop(name, None) is not None:
            there = True
    if there:
        _write(config)
    return there


def _names(registry: str) -> list[str]:
    """How the file may call it; the first is how docker writes it."""
    if registry == DEFAULT_DOMAIN:
        return [_DOCKER_HUB, "index.docker.io", DEFAULT_DOMAIN]
    return [registry, f"https://{registry}", f"https://{registry}/", f"http://{registry}"]


def _names_in(config: dict[str, Any], registry: str) -> list[str]:
    """These, and what the file calls it: docker takes a login for `https://HOST/v1/` for HOST's, whatever the path."""
    written = [name for name in config.get("auths") or () if name.split("://", 1)[-1].partition("/")[0] == registry]
    return list(dict.fromkeys((*_names(registry), *written)))


def _helper(config: dict[str, Any], name: str) -> str:
    helper = (config.get("credHelpers") or {}).get(name) or config.get("credsStore") or ""
    if not isinstance(helper, str) or not helper.replace("-", "").replace("_", "").replace(".", "").isalnum():
        if helper:
            raise InputError(f"{path()} names a credential helper that cannot be one: {helper!r}")
        return ""
    return helper


def _from_helper(helper: str, name: str) -> Login | None:
    out = _run(helper, "get", name)
    if not out:
        return None
    try:
        found = loads(out)
        user, secret = str(found["Username"]), str(found["Secret"])
    except (ValueError, KeyError, TypeError):
        raise Error(f"docker-credential-{helper} answered something else than a login for {name}") from None
    return Login(identity_token=secret) if user == "<token>" else Login(user, secret)


def _run(helper: str, verb: str, text: str) -> bytes:
    """docker's protocol with helpers: a verb, text on stdin, JSON on stdout."""
    import subprocess

    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run([program, verb], input=text.encode(), capture_output=True, timeout=_HELPER_LIMIT)
    except FileNotFoundError:
        raise Error(f"{program} is not installed, but {path()} names it; install it, or remove the line") from None
    except subprocess.TimeoutExpired:
        raise Error(f"{program} {verb} did not answer within {_HELPER_LIMIT:.0f} s") from None
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        if verb == "get" and _MISSING in said:
            return b""
        raise Error(f"{program} {verb} failed: {said[:200] or f'exit code {done.returncode}'}")
    return done.stdout


def _from_file(config: dict[str, Any], name: str) -> Login | None:
    entry = (config.get("auths") or {}).get(name)
    if not isinstance(entry, dict) or not entry:
        return None
    if entry.get("identitytoken"):
        return Login(identity_token=str(entry["identitytoken"]))
    if entry.get("auth"):
        try:
            user, colon, password = b64decode(str(entry["auth"])).decode().rstrip("\0").partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise InputError(f"the login for {name} in {path()} is damaged; `login {name}` writes it anew")
        return Login(user, password)
    if entry.get("username"):
        return Login(str(entry["username"]), str(entry.get("password", "")))
    return None


def _read() -> dict[str, Any]:
    try:
        with open(path(), "rb") as file:
            found = loads(file.read() or b"{}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path()} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path()} is no JSON object")
    return found


def _write(config: dict[str, Any]) -> None:
    """With whatever else stands in it; for the user's eyes alone."""
    from ipycontainer.linux.durability import write_file

    try:
        os.makedirs(os.path.dirname(path()), 0o700, exist_ok=True)
        write_file(os.path.realpath(path()), [dumps(config, indent=4).encode() + b"\n"], 0o600)
    except OSError as error:
        raise Error(f"cannot write {path()}: {error.strerror}") from None
