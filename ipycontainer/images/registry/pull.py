"""`pull`: an image from a registry into the store."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from ipycontainer.errors import Error, NotInRegistry, RegistryError, from_wire
from ipycontainer.images.ingest import add_image
from ipycontainer.images.layout import writing
from ipycontainer.images.registry.client import Client
from ipycontainer.images.registry.download import COMPLETE, EXISTS, fetch_layer
from ipycontainer.images.registry.endpoint import Endpoint, endpoints
from ipycontainer.images.registry.relay import Relay
from ipycontainer.images.registry.repository import Repository, Resolved
from ipycontainer.json_text import dumps, loads
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipycontainer.images.store import Store
    from ipycontainer.oci.descriptor import Descriptor
    from ipycontainer.oci.digest import Digest
    from ipycontainer.oci.platform import Platform
    from ipycontainer.oci.reference import Reference

    # (the layer's short digest, state, bytes so far, bytes in all)
    Told = Callable[[str, str, int, int], object]

_MOST_WORKERS = 3
FETCHING = "Pulling fs layer"


class Pulled(Record):
    """What a pull brought.  digest: of what the tag names at the registry; new: whether anything came; made_for: whose
    machine it is for, which need not be the one that was asked for where the registry has it for one alone.
    """

    reference: Reference
    digest: Digest
    id: str
    new: bool
    made_for: Platform


def pull(store: Store, reference: Reference, wanted: Platform, tell: Told) -> Pulled:
    """Bring the image `reference`; nothing of it is visible before all of it is verified and on disk."""
    with store.loading(), writing(store.root):
        store.layers.sweep()
        places = endpoints(reference.domain, pulling=True)
        for number, endpoint in enumerate(places):
            try:
                return _pull_from(store, endpoint, reference, wanted, tell)
            except (RegistryError, NotInRegistry):
                if number == len(places) - 1:
                    raise  # the last one is the registry itself, and what it says counts
    raise RegistryError(f"there is no place to pull {reference} from")


def _pull_from(store: Store, endpoint: Endpoint, reference: Reference, wanted: Platform, tell: Told) -> Pulled:
    with Client(endpoint) as client:
        repository = Repository(client, reference.path)
        found = repository.resolve(
            reference.digest or reference.tag, wanted, store.layout, f"the manifest of {reference.familiar}"
        )
        before = store.find(reference.familiar)
        new = before is None or before.id != found.config.document.digest
        _fetch_layers(store, repository, found, tell)
        _check_all_there(store, found)
        names = [] if reference.digest else [reference]
        known = f"{reference.replace(tag='', digest='').familiar}@{found.digest}"
        add_image(
            store.layout, store.layers, found.config, found.manifest.layers, names, found.manifest.document, known
        )
    return Pulled(reference, found.digest, str(found.config.document.digest), new, found.config.platform)


def _fetch_layers(store: Store, repository: Repository, found: Resolved, tell: Told) -> None:
    layers = store.layers
    wanted: dict[tuple[str, str], tuple[Descriptor, Digest]] = {}
    for layer, diff_id in zip(found.manifest.layers, found.config.diff_ids):
        if store.layout.has(layer.digest) and layers.comes_from(diff_id, layer.digest):
            tell(layer.digest.short, EXISTS, layer.size, layer.size)
        else:
            tell(layer.digest.short, FETCHING, 0, layer.size)
            wanted[layer.digest, diff_id] = (layer, diff_id)
    tasks = list(wanted.values())
    if len(tasks) == 1:
        layer, diff_id = tasks[0]

        def told(state: str, done: int, total: int) -> None:
            tell(layer.digest.short, state, done, total)

        client, url = repository.client, repository.blob_url(layer.digest)
        fetch_layer(client, url, repository.scope, layer, diff_id, store.layout, layers, told)
    elif tasks:
        _Crew(store, repository, tasks, tell).work()


def _check_all_there(store: Store, found: Resolved) -> None:
    """Nothing gets a name whose layers are not all here: cheap, and the last chance to notice."""
    layers = store.layers_for_reading()
    for layer, diff_id in zip(found.manifest.layers, found.config.diff_ids):
        if not (store.layout.has(layer.digest) and layers.has(diff_id)):
            raise RegistryError(f"the layer {layer.digest.short} did not come; try again")


class _Crew:
    """Processes that share the layers of one image between them."""

    def __init__(
        self, store: Store, repository: Repository, tasks: Sequence[tuple[Descriptor, Digest]], tell: Told
    ) -> None:
        self._repository = repository
        self._tell = tell
        self._relay = Relay()
        self._tasks: SimpleQueue[tuple[Descriptor, Digest]] = SimpleQueue()
        for task in tasks:
            self._tasks.put(task)
        endpoint = repository.client.endpoint
        self._about = {
            "root": store.root,
            "ignore_ids": store.ignore_ids,
            "origin": [endpoint.origin.scheme, endpoint.origin.host, endpoint.origin.port],
            "credentials": endpoint.credentials,
        }
        self._count = min(_MOST_WORKERS, len(tasks))
        self._processes: list[subprocess.Popen[bytes]] = []

    def work(self) -> None:
        """Until all layers are there; the first failure ends all of it."""
        self._processes = [_spawn() for _ in range(self._count)]
        pool = ThreadPoolExecutor(self._count)
        try:
            self._relay.wait([pool.submit(self._drive, process) for process in self._processes], self._tell)
        finally:
            # Also after an interrupt: what they were at is given up, and the next sweep removes it.
            for process in self._processes:
                process.kill()
            pool.shutdown(cancel_futures=True)
            for process in self._processes:
                for stream in (process.stdin, process.stdout):
                    try:
                        if stream is not None:
                            stream.close()
                    except BrokenPipeError:
                        pass  # what a killed one did not read any more is written again by the close
                process.wait()

    def _drive(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(dumps(self._about).encode() + b"\n")
            while True:
                try:
                    layer, diff_id = self._tasks.get_nowait()
                except Empty:
                    return
                process.stdin.write(dumps(self._task(layer, diff_id)).encode() + b"\n")
                process.stdin.flush()
                self._listen(process.stdout, layer)
        except BrokenPipeError:
            raise RegistryError("a process that fetches layers went away; try again") from None

    def _task(self, layer: Descriptor, diff_id: Digest) -> dict[str, object]:
        return {
            "digest": layer.digest,
            "size": layer.size,
            "media_type": layer.media_type,
            "diff_id": diff_id,
            "url": self._repository.blob_url(layer.digest),
            "scope": self._repository.scope,
        }

    def _listen(self, said: object, layer: Descriptor) -> None:
        for line in said:  # type: ignore[attr-defined]
            document = loads(line)
            if "error" in document:
                error: Error = from_wire(document["error"])
                raise error
            if "end" in document:
                return
            self._relay(layer.digest.short, document["state"], document["done"], document["total"])
        raise RegistryError(f"the process that fetches the layer {layer.digest.short} went away; try again")


def _spawn() -> subprocess.Popen[bytes]:
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    return subprocess.Popen(
        [sys.executable or "/usr/bin/python3", "-P", "-m", "ipycontainer.images.registry.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": package},
        start_new_session=True,  # an interrupt of the person's is ours to pass on
    )


__all__ = ["COMPLETE", "EXISTS", "FETCHING", "Pulled", "pull"]
