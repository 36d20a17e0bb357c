"""--platform of a container: the image's, which may be another machine's where the kernel has an interpreter for it.

Read only where it is asked for, or where an image is another machine's.
"""

from __future__ import annotations

from ipycontainer.errors import NoSuchImage
from ipycontainer.oci import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.engine.engine import Engine
    from ipycontainer.engine.request import RunRequest


def check(engine: Engine, request: RunRequest) -> None:
    """Raises NoSuchImage, in docker's words, where the image that is here is another platform's."""
    wanted, actual = platform.parse(request.platform), engine.store.resolve(request.image).config.platform
    if not actual.same(wanted):
        raise NoSuchImage(
            f"image with reference {request.image} was found but does not match the specified platform: "
            f"wanted {wanted}, actual: {actual}"
        )


def warning(theirs: str) -> str:
    """docker's, for an image of another machine that nobody has asked for by --platform."""
    return (
        f"WARNING: The requested image's platform ({theirs}) does not match the detected host platform "
        f"({platform.host()}) and no specific platform was requested"
    )
