"""The names under which the launcher knows the jobs of this room.

How ids are mapped where a job runs is not the client's to say: asking would be a connection of its own, and what it
heard could be another launcher's word.
"""

from __future__ import annotations

from ipycontainer.images.inside.changes import diff
from ipycontainer.images.inside.copy_in import receive
from ipycontainer.images.inside.copy_out import look, out
from ipycontainer.images.inside.pack import pack_all, pack_layer
from ipycontainer.images.inside.remove import remove
from ipycontainer.images.inside.survey import read, survey
from ipycontainer.images.inside.unpack import unpack
from ipycontainer.images.inside.weigh import weigh

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipycontainer.launcher.server import Job

_JOBS: dict[str, Job] = {
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


def jobs(mode: str) -> dict[str, Job]:
    """The jobs of a launcher whose store namespace maps ids in this way ("root", "range" or "one")."""

    def in_mode(job: Job) -> Job:
        return lambda request, descriptors, channel: job({**request, "mode": mode}, descriptors, channel)

    return {name: in_mode(job) for name, job in _JOBS.items()}
