"""A layer comes from a registry: hashed, kept, decompressed and unpacked in one pass, resumed where it broke.

Two who want the same layer at once get it once: whoever holds the layer's lock
fetches it, the others wait and then find it there.  The lock dies with its
holder, so a waiter goes on where a downloader was killed.
"""

from __future__ import annotations

import os
import time

from ipycontainer.errors import RegistryError
from ipycontainer.images.ingest import Incoming, take_layer
from ipycontainer.images.layers import Layers
from ipycontainer.images.layout import Layout, Lock
from ipycontainer.images.registry.client import PATIENT, Answer, Client
from ipycontainer.images.registry.connection import BROKEN
from ipycontainer.oci.descriptor import Descriptor
from ipycontainer.oci.digest import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    # (state, bytes so far, bytes in all)
    Told = Callable[[str, int, int], object]

DOWNLOADING = "Downloading"
WAITING = "Waiting"
EXISTS = "Already exists"
COMPLETE = "Pull complete"

_TRIES = 8
_PIECE = 256 * 1024


def fetch_layer(
    client: Client, url: str, scope: str, layer: Descriptor, diff_id: Digest, layout: Layout, layers: Layers, tell: Told
) -> None:
    """Have the layer, as a blob and as a tree."""
    if layout.has(layer.digest) and layers.comes_from(diff_id, layer.digest):
        tell(EXISTS, layer.size, layer.size)
        return
    with LayerLock(layout, layer.digest, tell):
        if layout.has(layer.digest) and layers.comes_from(diff_id, layer.digest):
            tell(COMPLETE, layer.size, layer.size)
            return
        what = f"the layer {layer.digest.short}"

        def open_stream() -> Stream:
            return Stream(client, url, scope, layer.size, what, tell)

        tell(DOWNLOADING, 0, layer.size)
        take_layer(layout, layers, Incoming(open_stream, layer.digest, layer.size, layer.media_type, what), diff_id)
        tell(COMPLETE, layer.size, layer.size)


class LayerLock:
    """Held while a layer is fetched.  Its file goes with the next collection, when nobody fetches anything."""

    def __init__(self, layout: Layout, digest: Digest, tell: Told) -> None:
        self._path = os.path.join(layout.folder, "ingest", f"lock-{digest.hex}")
        self._tell = tell
        self._lock = Lock(self._path, wait=False)

    def __enter__(self) -> Self:
        try:
            self._lock.__enter__()
        except BlockingIOError:
            # A person shall know that the bar stands still because somebody else fetches the same layer.
            self._tell(WAITING, 0, 0)
            self._lock = Lock(self._path)
            self._lock.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._lock.__exit__(*details)


class Stream:
    """A blob's bytes; a connection that breaks is made again, and only what is missing asked for (RFC 9110, 14.2)."""

    def __init__(self, client: Client, url: str, scope: str, size: int, what: str, tell: Told) -> None:
        self._client = client
        self._url = url
        self._scope = scope
        self._size = size
        self._what = what
        self._tell = tell
        self._at = 0
        self._failures = 0
        self._answer: Answer | None = None

    def read(self, most: int, /) -> bytes:
        """Up to `most` bytes; none at the end, which is where the manifest says it is."""
        while self._at < self._size:
            try:
                if self._answer is None:
                    self._answer = self._ask()
                data = self._answer.read(min(most, _PIECE, self._size - self._at))
            except BROKEN as error:
                self._broken(str(error))
                continue
            if data:
                self._at += len(data)
                self._failures = 0
                self._tell(DOWNLOADING, self._at, self._size)
                return data
            self._broken("the connection was closed")
        return self._after_the_end()

    def _after_the_end(self) -> bytes:
        """One byte more than was promised is told by whoever counts; a server may not keep us reading, though."""
        if self._answer is None:
            return b""
        try:
            more = self._answer.read(1)
        except BROKEN:
            more = b""
        self._answer.close()
        self._answer = None
        return more

    def _ask(self) -> Answer:
        headers = {"Accept-Encoding": "identity"}
        if not self._at:
            return self._client.request("GET", self._url, scope=self._scope, headers=headers, tries=PATIENT)
        headers["Range"] = f"bytes={self._at}-"
        answer = self._client.request(
            "GET", self._url, scope=self._scope, headers=headers, accepted=(200, 206), tries=PATIENT
        )
        if answer.status == 206:
            start = answer.header("Content-Range").removeprefix("bytes ").partition("-")[0]
            if start != str(self._at):
                raise RegistryError(f"{self._what}: the registry continued at {start[:20]!r} instead of {self._at}")
            return answer
        # It does not know ranges, and starts at the beginning: what is here already is passed over.
        left = self._at
        while left:
            data = answer.read(min(left, _PIECE))
            if not data:
                raise ConnectionError("the connection was closed")
            left -= len(data)
        return answer

    def _broken(self, why: str) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        self._failures += 1
        if self._failures >= _TRIES:
            raise RegistryError(
                f"{self._what} broke off {_TRIES} times at {self._at} of {self._size} bytes ({why}); try again later"
            )
        time.sleep(min(0.1 * 2**self._failures, 5.0))
