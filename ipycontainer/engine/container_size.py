"""What a container's files weigh, as docker counts: lengths of files, not blocks of the disk, hard links once."""

from __future__ import annotations

from ipycontainer.errors import NoSuchImage
from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine


class ContainerSize(Record):
    """Bytes.  written: in its own layer; whole: of its image's files with its own, whichever of them is seen."""

    written: int
    whole: int


def size_of(container: Container, engine: Engine) -> ContainerSize:
    """`ps --size`, and SizeRw and SizeRootFs of `inspect --size`."""
    written = container.trees().weight(apparent=True)
    try:
        image = engine.image(str(container.config["image_id"])).size
    except NoSuchImage:
        image = 0  # removed by force, or meanwhile: its layers stay as long as the container does, its record does not
    return ContainerSize(written, image + written)
