"""The widget: what a browser draws, fed by a sampler while that browser looks."""

from __future__ import annotations

import contextvars
from pathlib import Path

import anywidget
import traitlets
from IPython.core.getipython import get_ipython
from IPython.display import display

from ipycontainer.jupyter.widgets import picture
from ipycontainer.jupyter.widgets.sampler import Sampler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from IPython.core.interactiveshell import ExecutionInfo
    from IPython.display import DisplayHandle

    from ipycontainer.engine.container import Container
    from ipycontainer.engine.engine import Engine

_HERE = Path(__file__).parent
_WIDGET = "application/vnd.jupyter.widget-view+json"
# The same under a name of ours: the side bar's extension shows the picture where the widget is gone (live_usage.ts).
_USAGE = "application/vnd.ipycontainer.usage+json"


class LiveUsage(anywidget.AnyWidget):
    """One container's panels, or a table of all.  many: the table; first: what there was to see when it was made.

    first is for a page without a kernel, as nbconvert and Voila write them: there nobody tells anything.
    """

    # Text: of a path anywidget tells each widget when it is edited, and so would keep each for good.
    _esm = (_HERE / "view.js").read_text(encoding="utf-8")
    _css = (_HERE / "view.css").read_text(encoding="utf-8")
    many = traitlets.Bool(False).tag(sync=True)
    first: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, engine: Engine, only: Container | None) -> None:
        super().__init__(many=only is None)
        self._cells = CellWatch(self._let_go, self.close)
        self._stands_still = False
        self._cell = contextvars.copy_context()
        self.sampler = Sampler(engine, only, self._tell, lambda: self._cells.running, self._stand_still)
        self.display: DisplayHandle | None = None
        self.on_msg(self._hear)

    def _tell(self, content: dict[str, Any]) -> None:
        """To all browsers, as a word of the cell that made this.

        ipykernel 7.4 hands what a browser says to the subshell whose request the last word on this comm belonged
        to.  In a thread that would be any request, such as that of a page which has deleted its subshell since:
        from then on no browser was heard.  A copy, for a context is entered by one thread at a time.
        """
        self._cell.copy().run(self.send, content)

    def _stand_still(self) -> None:
        """It has ended: the notebook keeps the picture, which needs no kernel any more."""
        if self.display is not None:
            self.display.update(still(self.sampler), raw=True)
            self._stands_still = True

    def _let_go(self) -> None:
        """Where the picture stands still and no view of this is left, nobody needs it any more.

        A page that was being restored has not heard of the picture, and its view may still ask for what there is.
        """
        if self.sampler.is_looked_at:
            return
        if self._stands_still:
            self.close()
        else:
            self.sampler.end_unseen()

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        """A browser says whether it looks; whatever else it says is not for us."""
        if not isinstance(content, dict):
            return
        who = str(content.get("who", ""))[:64]
        if content.get("kind") == "look" and who:
            if content.get("begins") and (self.sampler.measuring or self.sampler.finished):
                self._tell(self.sampler.whole())
            self.sampler.look(who)
        elif content.get("kind") == "away" and who:
            self.sampler.look_away(who)
            self._let_go()

    def close(self) -> None:
        """The widget is given up."""
        self.sampler.look_away()
        self._cells.close()
        self.layout.close()  # ipywidgets leaves it to whoever made it
        super().close()


class CellWatch:
    """Whether a cell runs: then no browser can be heard.

    begins: called before each; again: instead, before the cell that made this, whose output goes as it runs anew.
    """

    def __init__(self, begins: Callable[[], None], again: Callable[[], None]) -> None:
        self.running = True  # it is made in a cell
        self._begins = begins
        self._again = again
        self._closed = False
        shell = get_ipython()
        assert shell is not None  # who shows something is in one
        self._cell = shell.get_parent().get("metadata", {}).get("cellId")  # type: ignore[attr-defined]  # a kernel's has it
        self._events = shell.events
        self._events.register("pre_run_cell", self._begin)
        self._events.register("post_run_cell", self._end)

    def _begin(self, info: ExecutionInfo) -> None:
        if self._cell and info.cell_id == self._cell:
            self._again()
            return
        self._begins()  # while what browsers said since the last cell still counts
        self.running = True

    def _end(self, *_: object) -> None:
        self.running = False

    def close(self) -> None:
        """Stop watching."""
        if self._closed:
            return  # a widget is closed again when it is deleted
        self._closed = True
        self._events.unregister("pre_run_cell", self._begin)
        self._events.unregister("post_run_cell", self._end)


def show(engine: Engine, only: Container | None) -> None:
    """Display it: live where a browser can, and as a picture that stands still for whoever opens it later."""
    widget = LiveUsage(engine, only)
    widget.sampler.first()
    widget.first = widget.sampler.whole()["series"]
    data = widget._repr_mimebundle_()
    live = data[0] if isinstance(data, tuple) else data or {}
    bundle = {**live, _USAGE: live[_WIDGET], **still(widget.sampler)}
    widget.display = display(bundle, raw=True, display_id=True)


def still(sampler: Sampler) -> dict[str, str]:
    """What is drawn now, standing still."""
    series = list(sampler.series.values())
    html = picture.many(series) if sampler.many else picture.one(series[0])
    return {"text/plain": picture.text(series), "text/html": html}
