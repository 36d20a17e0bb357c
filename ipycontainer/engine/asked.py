"""What was asked for a container, as its record keeps it: what is as usual is left out.

Whoever lists a thousand containers reads as many records, and of the hundred things that can be asked for nobody asks
for more than a few.  A field that an earlier release did not know is as usual too.
"""

from __future__ import annotations

from ipycontainer.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ipycontainer.engine.request import RunRequest


class Asked(dict[str, object]):
    """A RunRequest's fields by name, in what JSON has; one that is left out is RunRequest's own default."""

    def __missing__(self, name: str) -> Any:
        from ipycontainer.engine.request import RunRequest

        return _plain(RunRequest.defaults()[name])

    def get(self, name: str, default: Any = None) -> Any:
        """The field; `default` where a RunRequest has none of that name."""
        try:
            return self[name]
        except KeyError:
            return default


def written(request: RunRequest) -> dict[str, Any]:
    """What of it a record keeps."""
    usual = request.defaults()
    return {
        name: _plain(value) for name, value in request.as_dict().items() if name not in usual or value != usual[name]
    }


def _plain(value: Any) -> Any:
    """Records and tuples as what JSON has."""
    if isinstance(value, Record):
        return {name: _plain(field) for name, field in value.as_dict().items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
