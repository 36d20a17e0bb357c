"""Requests to one registry: tokens, redirects, retries, and limits on all that comes back."""

from __future__ import annotations

import time
from base64 import b64encode
from socket import gaierror
from urllib.parse import quote, urlencode

from ipycontainer.errors import AccessDenied, NotInRegistry, RegistryError
from ipycontainer.images.registry import challenge, credentials
from ipycontainer.images.registry.connection import BROKEN, Connections, split_url
from ipycontainer.images.registry.endpoint import Endpoint, Origin
from ipycontainer.json_text import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPResponse
    from typing import Any, Self

    from ipycontainer.images.registry.credentials import Login

_AGENT = "ipycontainer"
_TRIES = 3
PATIENT = 6
"""Tries in the middle of something, where a registry that is being started again is worth waiting for."""
_LONGEST_WAIT = 60.0
_MOST_REDIRECTS = 5
_MOST_JSON = 1024 * 1024
_BUSY = (429, 500, 502, 503, 504)
_MOVED = (301, 302, 303, 307, 308)


class Answer:
    """An answer's head; its body is read from it, in the end always whole or given up."""

    def __init__(self, client: Client, origin: Origin, url: str, response: HTTPResponse) -> None:
        self._client = client
        self._response = response
        self.origin = origin
        self.url = url
        self.status = response.status

    def header(self, name: str) -> str:
        """A header, or ""."""
        return self._response.headers.get(name, "") or ""

    def read(self, most: int) -> bytes:
        """The next bytes; none at the end.  Raises what a broken connection raises."""
        return self._response.read(most)

    def whole(self, most: int, what: str) -> bytes:
        """All of a body that may not be larger than `most` bytes."""
        parts, size = [], 0
        try:
            while size <= most and (piece := self._response.read(min(65536, most + 1 - size))):
                parts.append(piece)
                size += len(piece)
            if size <= most and self._response.length:
                raise ConnectionError(f"{self._response.length} bytes are missing")
        except BROKEN as error:
            self.close()
            raise RegistryError(f"{self.origin.netloc} broke off {what}: {_reason(error)}; try again later") from None
        if size > most:
            self.close()
            raise RegistryError(f"{self.origin.netloc} sent more than {most} bytes for {what}; that is refused")
        return b"".join(parts)

    def close(self) -> None:
        """Let go of a body that nobody reads any further."""
        if not self._response.isclosed():
            self._client.connections.drop(self.origin)


class Client:
    """One registry at one address.  login: overrides what is kept for it (`login` tries one before it is kept)."""

    def __init__(self, endpoint: Endpoint, login: Login | None = None) -> None:
        self.endpoint = endpoint
        self.connections = Connections()
        self._login = login
        self._looked = login is not None
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connections.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | memoryview | None = None,
        tries: int = _TRIES,
        accepted: tuple[int, ...] = (200,),
    ) -> Answer:
        """Send a request until it is answered with one of `accepted`.

        url: absolute, or a path at the registry; scope: what a token must be good for, or several such
        with blanks between them, the first of which is what it is about.
        Raises NotInRegistry (404), AccessDenied (401, 403), RegistryError.
        """
        waits = _Waits(tries)
        while True:
            try:
                answer = self._with_token(method, url, scope, dict(headers or {}), body)
            except BROKEN as error:
                if isinstance(error, gaierror) or not waits.again():
                    raise RegistryError(f"cannot reach {self.connections.last}: {_reason(error)}") from None
                continue
            if answer.status in accepted:
                return answer
            if answer.status in _BUSY and waits.again(answer.header("Retry-After")):
                answer.close()
                continue
            raise self._refused(answer, scope)

    def json(self, url: str, *, scope: str = "", headers: Mapping[str, str] | None = None) -> tuple[Any, Answer]:
        """A small JSON document and the head that came with it."""
        answer = self.request("GET", url, scope=scope, headers=headers)
        raw = answer.whole(_MOST_JSON, "a list")
        try:
            return loads(raw), answer
        except ValueError:
            raise RegistryError(f"{answer.origin.netloc} answered with something that is not JSON") from None

    def _with_token(self, method: str, url: str, scope: str, headers: dict[str, str], body: Any) -> Answer:
        answer = self._follow(method, url, {**headers, **self._authorization(scope)}, body)
        # Only the registry itself may ask for a login: a place that it redirects to never sees one.
        if answer.status == 401 and answer.origin == self.endpoint.origin:
            asked = challenge.read(answer.header("WWW-Authenticate"))
            answer.whole(_MOST_JSON, "a refusal")
            if asked is None or not self._answer(asked, scope):
                return answer
            answer = self._follow(method, url, {**headers, **self._authorization(scope)}, body)
        return answer

    def _authorization(self, scope: str) -> dict[str, str]:
        value = self._tokens.get(scope) or self._tokens.get("*")
        return {"Authorization": value} if value else {}

    def _follow(self, method: str, url: str, headers: dict[str, str], body: Any) -> Answer:
        base = str(self.endpoint.origin)
        origin, target = split_url(url, base)
        for _ in range(_MOST_REDIRECTS):
            if origin != self.endpoint.origin:
                self._check_elsewhere(origin)
            sent = {"User-Agent": _AGENT, **self._headers_for(origin, headers)}
            response = self.connections.send(origin, method, target, sent, body)
            answer = Answer(self, origin, f"{origin}{target}", response)
            if response.status not in _MOVED or method not in ("GET", "HEAD"):
                return answer
            location = answer.header("Location")
            answer.close()
            origin, target = split_url(location, answer.url)
        raise RegistryError(f"{self.endpoint.origin.netloc} redirects in circles")

    def _headers_for(self, origin: Origin, headers: dict[str, str]) -> dict[str, str]:
        """What may be said there: a login is for the registry alone, whatever it redirects to."""
        if origin == self.endpoint.origin:
            return headers
        return {name: value for name, value in headers.items() if name != "Authorization"}

    def _check_elsewhere(self, origin: Origin) -> None:
        """Where a registry may send us: not from TLS to none, and not to addresses that only this machine reaches."""
        own = self.endpoint.origin
        if origin.scheme == "http" and own.scheme == "https":
            raise RegistryError(f"{own.netloc} redirects to {origin}, which has no TLS; that is not followed")
        if origin.is_link_local or (origin.is_loopback and not own.is_loopback):
            raise RegistryError(f"{own.netloc} redirects to {origin}, an address of this machine; that is not followed")

    def _answer(self, asked: challenge.Challenge, scope: str) -> bool:
        """Get what the challenge asks for; whether there is something new to try with."""
        login = self.login()
        if asked.scheme == "basic":
            if login is None or "*" in self._tokens:
                return False
            pair = f"{login.user}:{login.password}".encode()
            self._tokens["*"] = f"Basic {b64encode(pair).decode()}"
            return True
        before = self._tokens.get(scope)
        self._tokens[scope] = f"Bearer {self._token(asked, scope, login)}"
        return self._tokens[scope] != before

    def login(self) -> Login | None:
        """Who we are at this registry, if anybody; looked up once."""
        if not self._looked:
            self._looked = True
            self._login = credentials.find(self.endpoint.credentials)
        return self._login

    def _token(self, asked: challenge.Challenge, scope: str, login: Login | None) -> str:
        realm = asked.parameters.get("realm", "")
        origin, target = split_url(realm)
        challenge.check_realm(origin, self.endpoint.origin, login is not None)
        query = {"service": asked.parameters.get("service", "")}
        wanted = (scope or asked.parameters.get("scope", "")).split()
        headers = {"User-Agent": _AGENT}
        body: bytes | None = None
        method = "GET"
        if login is not None and login.identity_token:
            form = {
                **query, "grant_type": "refresh_token", "refresh_token": login.identity_token, "client_id": _AGENT,
                "scope": " ".join(wanted),
            }  # fmt: skip
            body, method = urlencode(form).encode(), "POST"
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            pairs = [*((name, value) for name, value in query.items() if value), *(("scope", item) for item in wanted)]
            target += ("&" if "?" in target else "?") + urlencode(pairs, quote_via=quote)
            if login is not None:
                headers["Authorization"] = "Basic " + b64encode(f"{login.user}:{login.password}".encode()).decode()
        response = self.connections.send(origin, method, target, headers, body)
        answer = Answer(self, origin, f"{origin}{target}", response)
        raw = answer.whole(_MOST_JSON, "a token")
        if answer.status != 200:
            if answer.status in (401, 403):
                if login is None:
                    raise self._denied(scope, "")
                raise AccessDenied(f"{origin.netloc} refused the login for {self.endpoint.credentials}")
            raise RegistryError(f"{origin.netloc} gave no token: it answered {answer.status}")
        try:
            return challenge.token_of(loads(raw), origin)
        except ValueError:
            raise RegistryError(f"{origin.netloc} answered with something that is no token") from None

    def _refused(self, answer: Answer, scope: str) -> RegistryError:
        said = _said(answer)
        where = self.endpoint.origin.netloc
        repository = _repository(scope)
        if answer.status == 404:
            return NotInRegistry(f"{where} has no {repository or 'such thing'}{said}")
        if answer.status in (401, 403):
            return self._denied(scope, said)
        if answer.status == 429:
            return RegistryError(f"{where} has had too many requests from here{said}; wait, or log in")
        return RegistryError(f"{where} answered {answer.status}{said}")

    def _denied(self, scope: str, said: str) -> AccessDenied:
        asked = "push" if scope.partition(" ")[0].endswith("push") else "pull"
        repository = _repository(scope) or self.endpoint.origin.netloc
        return AccessDenied(
            f"{asked} access denied for {repository}, repository does not exist or may require"
            f" 'ipycontainer login {self.endpoint.credentials}'{said}"
        )


def _repository(scope: str) -> str:
    """`a` of `repository:a:pull`; "" where it is about none."""
    return scope.split(":")[1] if scope.count(":") >= 2 else ""


class _Waits:
    """Pauses that grow, or are as long as the registry asks for."""

    def __init__(self, tries: int) -> None:
        self._left = tries - 1
        self._next = 0.25

    def again(self, retry_after: str = "") -> bool:
        """Wait; False if it has been tried often enough."""
        if self._left <= 0:
            return False
        self._left -= 1
        asked = float(retry_after) if retry_after.isdecimal() and len(retry_after) < 6 else 0.0
        if asked > _LONGEST_WAIT:
            return False
        time.sleep(max(self._next, asked))
        self._next = min(self._next * 2, 8.0)
        return True


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _said(answer: Answer) -> str:
    """The registry's own words, short and harmless."""
    try:
        found = loads(answer.whole(_MOST_JSON, "an error"))
        text = str(found["errors"][0].get("message") or found["errors"][0].get("code"))
    except (ValueError, LookupError, TypeError, AttributeError, RegistryError, *BROKEN):
        answer.close()
        return ""
    text = "".join(letter if letter.isprintable() else " " for letter in text)[:200]
    return f" ({text})" if text else ""
