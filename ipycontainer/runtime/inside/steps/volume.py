"""The step that fills a volume at its first use."""

from __future__ import annotations

from ipycontainer.runtime.inside import copy_up
from ipycontainer.runtime.inside.step import Place, Step


class FillVolume(Step):
    """Copy what the image has at this place into the volume, if that is empty."""

    call = "openat2(2) RESOLVE_IN_ROOT, sendfile(2), renameat2(2)"
    why = "a volume hides what the image brings at its place; at its first use it begins with just that"
    shows = "volumes/NAME/_data"

    folder: str
    target: str

    def take(self, place: Place) -> None:
        copy_up.fill(place.root, self.target, self.folder)
