"""Making `base`: two layers of this machine's files, always the same for the same files."""

from __future__ import annotations

import os
import time

from ipycontainer.errors import Refused
from ipycontainer.images.base.host_files import python_files, shell_files
from ipycontainer.images.base.selection import Selection
from ipycontainer.images.ingest import add_image
from ipycontainer.images.inside.tar_entry import FILE, Entry
from ipycontainer.images.inside.tar_writer import END, header, padding
from ipycontainer.images.layers import Layers
from ipycontainer.images.layout import BlobWriter, Layout
from ipycontainer.oci import image_config, media_types
from ipycontainer.oci.descriptor import Descriptor
from ipycontainer.oci.reference import normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

NAME = "base:latest"
MADE_HERE = "ipycontainer.made-from-host"
"""The label of an image whose files are this machine's own: `push` warns of it."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SETTINGS: dict[str, Any] = {
    "Env": [f"PATH={_PATH}"],
    "Cmd": ["sh"],
    "Labels": {MADE_HERE: "true", "org.opencontainers.image.title": "base"},
}
_PIECE = 1024 * 1024


def build(layout: Layout, layers: Layers) -> None:
    """Make the image and give it its name."""
    from concurrent.futures import ThreadPoolExecutor

    shell = shell_files()
    if not any(path in shell.files or path in shell.links for path in ("/bin/sh", "/usr/bin/sh")):
        raise Refused("this machine has no /bin/sh from which `base` could be made; `load` an image instead")
    python = python_files(shell)
    when = max(shell.newest(), python.newest())
    parts = [(shell, "a shell and its tools"), (python, "Python with its standard library")]
    # Side by side: what one writes, the other's job reads, and a person waits for the first cell.
    with ThreadPoolExecutor(2) as pool:
        descriptors = list(pool.map(lambda part: _add_layer(layout, layers, part[0], when), parts))
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    history = [{"created": created, "created_by": f"ipycontainer: {what}, from this machine"} for _, what in parts]
    config = image_config.build(SETTINGS, [item.digest for item in descriptors], created, history)
    add_image(layout, layers, config, descriptors, [normalise(NAME)])


def _add_layer(layout: Layout, layers: Layers, selection: Selection, when: int) -> Descriptor:
    """Write the layer as a plain tar, whose digest is its diff id, then unpack it from there."""
    with layout.new_blob(what="a layer of base") as blob:
        for piece in tar(selection, when):
            blob.write(piece)
        digest = blob.finish()
        if not layers.has(digest):
            layers.add(digest, _pieces(blob), "a layer of base")
        return Descriptor(media_types.layer(), digest, blob.size)


def _pieces(blob: BlobWriter) -> Iterator[bytes]:
    at = 0
    while data := os.pread(blob.descriptor, _PIECE, at):
        at += len(data)
        yield data


def tar(selection: Selection, when: int) -> Iterator[bytes]:
    """The selection as a tar archive, everything root's."""
    for entry, content in selection.entries(when):
        if isinstance(content, str):
            yield from _file(entry, content)
        else:
            yield header(entry) + (content + padding(len(content)) if content else b"")
    yield END


def _file(entry: Entry, path: str) -> Iterator[bytes]:
    assert entry.kind == FILE
    with open(path, "rb") as file:
        # The size as it is now: a file that is being replaced must not tear the archive.
        entry.size = entry.real_size = os.fstat(file.fileno()).st_size
        data = file.read(min(entry.size, _PIECE))
        left = entry.size - len(data)
        if not left:
            yield header(entry) + data + padding(entry.size)
            return
        yield header(entry) + data
        while left:
            data = file.read(min(left, _PIECE))
            if not data:
                raise Refused(f"{path} became shorter while it was copied into `base`; try again")
            left -= len(data)
            yield data
        yield padding(entry.size)
