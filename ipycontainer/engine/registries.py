"""What the engine does with registries."""

from __future__ import annotations

from ipycontainer.errors import ImageNameError, InputError
from ipycontainer.oci import platform as platforms
from ipycontainer.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ipycontainer.engine.image_verbs import Images
    from ipycontainer.images.registry.pull import Pulled
    from ipycontainer.images.registry.upload import Pushed

    # (a layer's short digest, what is done with it, bytes so far, bytes in all)
    Told = Callable[[str, str, int, int], object]


def silent(_layer: str, _state: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def pull(engine: Images, name: str, platform: str = "", tell: Told = silent, ignore_ids: bool = False) -> Pulled:
    """Bring an image from its registry."""
    from ipycontainer.images.registry.pull import pull as fetch

    wanted = platforms.parse(platform) if platform else platforms.host()
    found = fetch(engine.store_for(ignore_ids), references.normalise(name), wanted, tell)
    engine.journal.append("image", "pull", found.reference.familiar, {"name": found.reference.familiar})
    return found


def push(engine: Images, name: str, tell: Told = silent) -> Pushed:
    """Bring an image to the registry that its name says."""
    from ipycontainer.images.names import chosen
    from ipycontainer.images.registry.upload import push as send

    reference = references.normalise(name)
    if reference.digest:
        raise ImageNameError(f"cannot push a digest reference: {name!r}; give the image a tag")
    image, names = chosen(engine.store, name)
    if not names:
        raise InputError(f"an image is pushed by its name: tag it first (tag {name} REGISTRY/NAME:TAG)")
    found = send(engine.store, image, names[0], tell)
    engine.journal.append("image", "push", reference.familiar, {"name": reference.familiar})
    return found


def made_from_host(engine: Images, name: str) -> bool:
    """Whether the image holds files of this very machine: whoever pushes it gives them away."""
    from ipycontainer.images.base.build import MADE_HERE

    return MADE_HERE in engine.image(name).labels
