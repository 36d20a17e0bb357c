"""What an unpacker refuses.  Each guard has a name, so that a test can take one away and show the attack working."""

from __future__ import annotations

from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Guards(Record):
    """All of them are on, always; only tests build others.

    names: `..` and absolute names are refused; links: a folder is looked up beneath the layer's root by the
    kernel, whatever links lie on the way; whiteouts: none of `.` or `..`; attributes: no overlay attributes
    from the archive; duplicates: a name stands once; devices: no nodes for an ordinary user, no disguised
    whiteouts; sizes: no more bytes than allowed.
    """

    names: bool = True
    links: bool = True
    whiteouts: bool = True
    attributes: bool = True
    duplicates: bool = True
    devices: bool = True
    sizes: bool = True


def without(names: Iterable[str]) -> Guards:
    """All guards but these."""
    return Guards(**dict.fromkeys(names, False))
