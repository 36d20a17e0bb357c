"""The names under which the launcher knows the jobs of this room."""

from __future__ import annotations

from ipycontainer.images.inside.remove import remove
from ipycontainer.images.inside.unpack import unpack

JOBS = {"images.unpack": unpack, "images.remove": remove}
