"""Which layers a job is asked to look at: names below the folders whose descriptors came with it."""

from __future__ import annotations

import os

from ipycontainer.errors import KernelError, StoreError
from ipycontainer.images.inside import owners
from ipycontainer.images.inside.stack import DIRECTORY, Stack
from ipycontainer.linux.descriptors import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INSIDE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
_HEX = frozenset("0123456789abcdef")


class Asked:
    """The layers of a request.

    request: lowers (names below the folder of layers, the top one first); upper (where below the container's
    folder its writable layer lies, which goes on top); mode.
    """

    def __init__(self, request: dict[str, Any], layers: int, container: int | None = None) -> None:
        self.mode = str(request["mode"])
        self._layers = layers
        self._lowers = [str(name) for name in request["lowers"]]
        for name in self._lowers:
            if name != "empty" and not _HEX.issuperset(name):
                raise StoreError(f"{name!r} is not the name of a layer")
        self.uppers = [] if container is None else [_open(container, str(request["upper"]))]
        self.lowers = [_open(layers, f"{name}/tree") for name in self._lowers]
        self._owners: dict[int, dict[bytes, tuple[int, int, int]]] = {}

    def stack(self) -> Stack:
        """All of them."""
        return Stack([*self.uppers, *self.lowers], self.mode)

    def lower_stack(self) -> Stack:
        """Without the writable layer."""
        return Stack(self.lowers, self.mode)

    def owner(self, lower: int, path: bytes) -> tuple[int, int, int] | None:
        """uid, gid, mode of a name of the layer number `lower`, where one mapped id could not keep them."""
        if self.mode != "one":
            return None
        if lower not in self._owners:
            self._owners[lower] = _owners_beside(self._layers, self._lowers[lower])
        return self._owners[lower].get(path)


def _open(folder: int, path: str) -> int:
    try:
        return openat2(folder, path, DIRECTORY, _INSIDE)
    except KernelError as error:
        raise StoreError(f"the tree {path} of the store cannot be read: {os.strerror(error.errno)}") from None


def _owners_beside(layers: int, name: str) -> dict[bytes, tuple[int, int, int]]:
    try:
        descriptor = openat2(layers, f"{name}/{owners.NAME}", os.O_RDONLY, _INSIDE)
    except KernelError:
        return {}
    with open(descriptor, "rb") as file:
        return owners.read(file.read())
