"""One HTTP connection, kept for the next request; through a proxy where the environment names one."""

from __future__ import annotations

import http.client
import ssl
from base64 import b64encode
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from ipycontainer.errors import RegistryError
from ipycontainer.images.registry.endpoint import Origin, is_host, tls_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = 30.0
"""Seconds without a byte before a connection counts as lost."""

BROKEN = (http.client.HTTPException, OSError)
"""What a connection that breaks raises."""


def split_url(url: str, base: str = "") -> tuple[Origin, str]:
    """Origin and target of an absolute URL, or of one that is relative to `base`.  Raises RegistryError."""
    from urllib.parse import urljoin

    if len(url) > 8192 or not url.isprintable():
        raise RegistryError("a registry sent an address that is none")
    try:
        parts = urlsplit(urljoin(base, url) if base else url)
        port = parts.port
    except ValueError:
        raise RegistryError(f"a registry sent an address that is none: {url[:120]!r}") from None
    named = parts.hostname is not None and is_host(parts.hostname)
    if parts.scheme not in ("http", "https") or not named or parts.username or parts.password:
        raise RegistryError(f"a registry sent an address that is not followed: {url[:120]!r}")
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    # As a resolver will be asked for it: letters and digits that only look like others are those others there.
    host = str(parts.hostname).encode("idna").decode("ascii")
    origin = Origin(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))
    return origin, quote(target, safe="/:?#[]@!$&'()*+,;=%~-._")


class Connections:
    """Connections by origin; not for several threads.  last: whom something was sent to last."""

    def __init__(self) -> None:
        self.last: Origin | None = None
        self._open: dict[Origin, http.client.HTTPConnection] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._clear: dict[Origin, dict[str, str] | None] = {}

    def send(
        self, origin: Origin, method: str, target: str, headers: Mapping[str, str], body: bytes | memoryview | None
    ) -> http.client.HTTPResponse:
        """Send a request and read its answer's head.  Raises what BROKEN names; TLS that fails, RegistryError."""
        self.last = origin
        asked = target
        connection = self._open.get(origin)
        fresh = connection is None
        if connection is None:
            connection = self._open[origin] = self._connect(origin)
        to_proxy = self._clear.get(origin)
        if to_proxy is not None:  # a proxy wants the whole address
            target, headers = f"{origin}{target}", {**headers, **to_proxy}
        try:
            connection.request(method, target, body, dict(headers))
            return connection.getresponse()
        except ssl.SSLCertVerificationError as error:
            self.drop(origin)
            raise RegistryError(
                f"the certificate of {origin.netloc} is not trusted: {error.verify_message}; put its authority's into"
                f" ~/.config/containers/certs.d/{origin.netloc}/ca.crt"
            ) from None
        except ssl.SSLError as error:
            self.drop(origin)
            raise RegistryError(f"{origin.netloc} does not speak TLS as it should: {error.reason}") from None
        except BROKEN:
            self.drop(origin)
            # One that was kept may have been closed meanwhile, which says nothing about the server.
            if fresh or method not in ("GET", "HEAD"):
                raise
            return self.send(origin, method, asked, headers, body)

    def drop(self, origin: Origin) -> None:
        """Close the connection: its answer was not read to the end, or it broke."""
        connection = self._open.pop(origin, None)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Close them all."""
        for origin in list(self._open):
            self.drop(origin)

    def _connect(self, origin: Origin) -> http.client.HTTPConnection:
        proxy, login = self._proxy(origin)
        host, port = (proxy.host, proxy.port) if proxy else (origin.host, origin.port)
        if origin.scheme == "http":
            self._clear[origin] = login if proxy else None
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        if origin.netloc not in self._contexts:
            self._contexts[origin.netloc] = tls_context(origin.netloc)
        context = self._contexts[origin.netloc]
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
        if proxy:
            connection.set_tunnel(origin.host, origin.port, login)
        return connection

    def _proxy(self, origin: Origin) -> tuple[Origin | None, dict[str, str]]:
        """The proxy on the way there, and the header with which we log in to it."""
        if origin.is_loopback or proxy_bypass(origin.netloc):
            return None, {}
        found = getproxies().get(origin.scheme)
        if not found:
            return None, {}
        login, _, address = found.rpartition("://")[2].rpartition("@")
        header = {"Proxy-Authorization": f"Basic {b64encode(unquote(login).encode()).decode()}"} if login else {}
        return split_url(f"http://{address}")[0], header
