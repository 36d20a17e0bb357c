"""The names under which the launcher knows the jobs of this room."""

from __future__ import annotations

from ipycontainer.images.inside.changes import diff
from ipycontainer.images.inside.copy_in import receive
from ipycontainer.images.inside.copy_out import look, out
from ipycontainer.images.inside.pack import pack_all, pack_layer
from ipycontainer.images.inside.remove import remove
from ipycontainer.images.inside.survey import read, survey
from ipycontainer.images.inside.unpack import unpack
from ipycontainer.images.inside.weigh import weigh

JOBS = {
    "images.unpack": unpack,
    "images.remove": remove,
    "images.layer": pack_layer,
    "images.export": pack_all,
    "images.diff": diff,
    "images.survey": survey,
    "images.read": read,
    "images.weigh": weigh,
    "copy.look": look,
    "copy.out": out,
    "copy.in": receive,
}
