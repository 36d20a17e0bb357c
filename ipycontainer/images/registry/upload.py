"""`push`: blobs that a registry lacks, in pieces that can be taken up again, then the manifest as it is."""

from __future__ import annotations

import mmap
import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from ipycontainer.errors import AccessDenied, NotInRegistry, RegistryError
from ipycontainer.images.ingest import note_digest
from ipycontainer.images.registry.client import PATIENT, Answer, Client
from ipycontainer.images.registry.connection import split_url
from ipycontainer.images.registry.endpoint import endpoints
from ipycontainer.images.registry.relay import Relay
from ipycontainer.oci import manifest as manifests
from ipycontainer.oci.digest import Digest
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipycontainer.images.layout import Layout
    from ipycontainer.images.records import ImageRecord
    from ipycontainer.images.store import Store
    from ipycontainer.oci.descriptor import Descriptor
    from ipycontainer.oci.reference import Reference

    Told = Callable[[str, str, int, int], object]

PREPARING = "Preparing"
PUSHING = "Pushing"
PUSHED = "Pushed"
EXISTS = "Layer already exists"
MOUNTED = "Mounted from"

_CHUNK = 16 * 1024 * 1024
_AT_ONCE = 3
_TRIES = 5
_OK = (200, 201, 202, 204)


class Pushed(Record):
    """What a push left at the registry; sent: bytes of layers that travelled."""

    reference: Reference
    digest: Digest
    size: int
    sent: int


def push(store: Store, image: ImageRecord, reference: Reference, tell: Told) -> Pushed:
    """Bring `image` to the repository and under the tag of `reference`; the manifest goes last."""
    endpoint = endpoints(reference.domain)[0]
    sources = _repositories_by_layer(store, image, reference)
    layers = {layer.digest: layer for layer in image.manifest.layers}
    for layer in layers.values():
        tell(layer.digest.short, PREPARING, 0, layer.size)

    def one(layer: Descriptor) -> int:
        with Client(endpoint) as client:
            return _Upload(client, reference.path, store.layout, layer, sources.get(layer.digest, ()), relay).done()

    relay = Relay()
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        running = [pool.submit(one, layer) for layer in layers.values()]
        relay.wait(running, tell)
    finally:
        relay.give_up()
        pool.shutdown(wait=False, cancel_futures=True)
    sent = sum(future.result() for future in running)
    with Client(endpoint) as client:
        config = image.manifest.config
        _Upload(client, reference.path, store.layout, config, (), lambda *_: None).done()
        document = image.manifest.document
        url = f"/v2/{quote(reference.path)}/manifests/{quote(reference.tag)}"
        scope = _scope(reference.path)
        headers = {"Content-Type": image.manifest.media_type}
        answer = client.request("PUT", url, scope=scope, headers=headers, body=document.raw, accepted=(200, 201))
        said = answer.header("Docker-Content-Digest")
        answer.close()
    if said and said != document.digest:
        raise RegistryError(f"{endpoint.origin.netloc} took the manifest of {reference.familiar} for another: {said}")
    known = f"{reference.replace(tag='').familiar}@{document.digest}"
    note_digest(store.layout, document.digest, known)
    return Pushed(reference, document.digest, document.size, sent)


def _scope(path: str) -> str:
    return f"repository:{path}:pull,push"


def _repositories_by_layer(store: Store, image: ImageRecord, reference: Reference) -> dict[Digest, list[str]]:
    """Other repositories of the same registry that are known to have a layer: it can be mounted from there."""
    found: dict[Digest, list[str]] = {}
    wanted = {layer.digest for layer in image.manifest.layers}
    for other in store.list(broken=lambda _: None):  # what is wrong with others is no matter of this one's
        paths = []
        for known in other.repo_digests:
            from ipycontainer.oci.reference import parse

            place = parse(known)
            if place.domain == reference.domain and place.path != reference.path:
                paths.append(place.path)
        if paths:
            layers = manifests.read(other.manifest.document).layers
            for layer in layers:
                if layer.digest in wanted:
                    found.setdefault(layer.digest, []).extend(paths)
    return found


class _Upload:
    """One blob on its way out."""

    def __init__(
        self, client: Client, path: str, layout: Layout, blob: Descriptor, sources: Sequence[str], tell: Told
    ) -> None:
        self._client = client
        self._path = path
        self._layout = layout
        self._blob = blob
        self._sources = sources
        self._tell = tell
        self._scope = _scope(path)
        self._uploads = f"/v2/{quote(path)}/blobs/uploads/"

    def done(self) -> int:
        """Have the blob there; gives how many bytes had to travel."""
        if self._is_there():
            self._say(EXISTS)
            return 0
        start = self._mount() if self._sources else self._begin()
        if start is None:
            self._say(f"{MOUNTED} {self._sources[0]}")
            return 0
        self._send(start)
        self._say(PUSHED)
        return self._blob.size

    def _say(self, state: str, at: int | None = None) -> None:
        self._tell(self._blob.digest.short, state, self._blob.size if at is None else at, self._blob.size)

    def _is_there(self) -> bool:
        url = f"/v2/{quote(self._path)}/blobs/{self._blob.digest}"
        answer = self._client.request("HEAD", url, scope=self._scope, accepted=(200, 404))
        answer.whole(65536, "a head")
        return answer.status == 200

    def _mount(self) -> str | None:
        """Have it taken from another repository: None; or where to send it, for nothing obliges the registry."""
        source = self._sources[0]
        mount = f"{self._uploads}?mount={quote(self._blob.digest, safe=':')}&from={quote(source, safe='')}"
        scope = f"{self._scope} repository:{source}:pull"
        try:
            answer = self._client.request("POST", mount, scope=scope, body=b"", accepted=(201, 202))
        except (AccessDenied, NotInRegistry):
            return self._begin()  # that repository is not ours to read, or there no longer; this one may well be
        answer.whole(65536, "an upload")
        return None if answer.status == 201 else self._location(answer)

    def _begin(self) -> str:
        """Where to send the blob."""
        answer = self._client.request("POST", self._uploads, scope=self._scope, body=b"", accepted=(202,))
        answer.whole(65536, "an upload")
        return self._location(answer)

    def _location(self, answer: Answer) -> str:
        location = answer.header("Location")
        if not location:
            raise RegistryError(f"{answer.origin.netloc} does not say where a layer goes")
        origin, target = split_url(location, answer.url)
        own = self._client.endpoint.origin
        if origin != own and own.scheme == "http" and origin.host == own.host:
            return f"{own}{target}"  # behind a proxy, registries often get their own scheme or port wrong
        return f"{origin}{target}"

    def _send(self, location: str) -> None:
        if not self._blob.size:
            self._finish(location, b"")
            return
        descriptor = self._layout.open_blob(self._blob.digest)
        try:
            with mmap.mmap(descriptor, self._blob.size, access=mmap.ACCESS_READ) as content, memoryview(content) as all:
                self._send_all(location, all)
        except ValueError:
            raise RegistryError(
                f"the blob {self._blob.digest} is shorter in the store than its manifest says"
            ) from None
        finally:
            os.close(descriptor)

    def _send_all(self, location: str, content: memoryview) -> None:
        at, failures = 0, 0
        while at < len(content):
            with content[at : at + _CHUNK] as piece:
                try:
                    answer = self._patch(location, piece, at)
                except RegistryError:
                    failures += 1
                    if failures >= _TRIES:
                        raise
                    location, at = self._where(location)
                    continue
                at += len(piece)
            location = self._location(answer)
            self._say(PUSHING, at)
        self._finish(location, b"")

    def _patch(self, location: str, piece: memoryview, at: int) -> Answer:
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Range": f"{at}-{at + len(piece) - 1}",
            "Content-Length": str(len(piece)),
        }
        answer = self._client.request(
            "PATCH", location, scope=self._scope, headers=headers, body=piece, tries=1, accepted=_OK
        )
        answer.whole(65536, "an upload")
        return answer

    def _where(self, location: str) -> tuple[str, int]:
        """How far it got, after a break; from the start where the registry has forgotten it."""
        answer = self._client.request("GET", location, scope=self._scope, accepted=(200, 204, 404), tries=PATIENT)
        answer.whole(65536, "an upload")
        last = answer.header("Range").rpartition("-")[2]
        if answer.status == 404 or not last.isdecimal():
            return self._begin(), 0
        at = int(last)
        return self._location(answer), at + 1 if at else 0

    def _finish(self, location: str, rest: bytes) -> None:
        url = location + ("&" if "?" in location else "?") + f"digest={quote(self._blob.digest, safe=':')}"
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._client.request("PUT", url, scope=self._scope, headers=headers, body=rest, accepted=(201, 204))
        answer.whole(65536, "an upload")
