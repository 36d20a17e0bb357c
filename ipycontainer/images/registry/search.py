"""Docker Hub's search, any registry's catalogue, and whether a login is good."""

from __future__ import annotations

import os
from urllib.parse import urlencode

from ipycontainer.errors import AccessDenied, RegistryError
from ipycontainer.images.registry.client import Client
from ipycontainer.images.registry.connection import split_url
from ipycontainer.images.registry.endpoint import Endpoint, endpoints
from ipycontainer.images.registry.repository import Repository, pages
from ipycontainer.oci.reference import DEFAULT_DOMAIN
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.images.registry.credentials import Login

HUB = "IPYCONTAINER_SEARCH"
_HUB = "https://index.docker.io"


class Hit(Record):
    """What a search found."""

    name: str
    description: str
    stars: int
    official: bool


def search(term: str, limit: int) -> list[Hit]:
    """Repositories that fit `term`, of the registry before its first slash, else of Docker Hub.

    IPYCONTAINER_SEARCH names another index in place of Docker Hub.
    """
    place, slash, rest = term.partition("/")
    if slash and ("." in place or ":" in place or place == "localhost"):
        endpoint, term = endpoints(place)[0], rest
    else:
        endpoint = Endpoint(split_url(os.environ.get(HUB) or _HUB)[0], DEFAULT_DOMAIN)
    with Client(endpoint) as client:
        query = urlencode({"q": term, "n": limit})
        document, _answer = client.json(f"/v1/search?{query}")
    found = document.get("results") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise RegistryError(f"{endpoint.origin.netloc} answered a search with something else")
    return [_hit(item) for item in found[:limit] if isinstance(item, dict)]


def _hit(item: dict[str, Any]) -> Hit:
    stars = item.get("star_count")
    return Hit(
        _clean(item.get("name")),
        _clean(item.get("description")),
        stars if isinstance(stars, int) else 0,
        item.get("is_official") is True,
    )


def _clean(text: object) -> str:
    """One line, with nothing in it that a terminal would obey: anybody may write a description."""
    letters = (letter if letter.isprintable() else " " for letter in str(text or ""))
    return " ".join("".join(letters).split())[:400]


def catalog(registry: str) -> list[str]:
    """The repositories of a registry, as far as it tells."""
    with Client(endpoints(registry)[0]) as client:
        return pages(client, "/v2/_catalog?n=1000", "repositories", "registry:catalog:*")


def tags(registry: str, path: str) -> list[str]:
    """The tags of one repository."""
    with Client(endpoints(registry)[0]) as client:
        return Repository(client, path).tags()


def check_login(registry: str, login: Login) -> None:
    """Try the login.  Raises AccessDenied."""
    endpoint = endpoints(registry)[0]
    with Client(endpoint, login) as client:
        try:
            client.request("GET", "/v2/").whole(65536, "a greeting")
        except AccessDenied:
            raise AccessDenied(f"{endpoint.origin.netloc} refused this user name and password") from None
