"""Small frozen records: the shape of every value that crosses a floor.

`dataclasses` costs 17 ms to import, which is more than a container's start; a
record needs none of what makes it dear.  A record's fields are its class's
annotations, in order, with class attributes as their defaults.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_options):
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """Base of all records.

    >>> class Point(Record):
    ...     x: int
    ...     y: int = 0
    >>> Point(3)
    Point(x=3, y=0)
    >>> Point(3).replace(y=4).as_dict()
    {'x': 3, 'y': 4}
    """

    _fields: tuple[str, ...] = ()
    _names: frozenset[str] = frozenset()
    _defaults: dict[str, Any] = {}

    def __init_subclass__(cls) -> None:
        own = [name for name in cls.__dict__.get("__annotations__", {}) if not name.startswith("_")]
        cls._fields = tuple(dict.fromkeys((*cls._fields, *own)))
        cls._names = frozenset(cls._fields)
        cls._defaults = {name: getattr(cls, name) for name in cls._fields if hasattr(cls, name)}

    def __init__(self, *values: Any, **named: Any) -> None:
        # Lists of containers and plans of steps are made of thousands of these: what is right is not looked at twice.
        given = self.__dict__
        given.update(self._defaults)
        given.update(zip(self._fields, values))
        given.update(named)
        twice = values and named and not named.keys().isdisjoint(self._fields[: len(values)])
        if twice or given.keys() != self._names or len(values) > len(self._fields):
            self._refuse(values, named)

    def _refuse(self, values: tuple[Any, ...], named: dict[str, Any]) -> None:
        fields = self._fields
        if len(values) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} values, not {len(values)}")
        for name in named:
            if name not in fields:
                raise TypeError(f"{type(self).__name__} has no field {name!r}")
            if name in fields[: len(values)]:
                raise TypeError(f"{type(self).__name__}: {name!r} is given twice")
        for name in fields:
            if name not in self.__dict__:
                raise TypeError(f"{type(self).__name__}: {name!r} is missing")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; use replace({name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *(self.__dict__[name] for name in self._fields)))

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self._fields)
        return f"{type(self).__name__}({inner})"

    def replace(self, **changes: Any) -> Self:
        """The same record with `changes`."""
        return type(self)(**{**self.as_dict(), **changes})

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, in order (not recursive)."""
        return {name: self.__dict__[name] for name in self._fields}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The fields that need not be given, with what they are then."""
        return dict(cls._defaults)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Self:
        """Fields that `mapping` has; names that this record does not know are left out."""
        return cls(**{name: mapping[name] for name in cls._fields if name in mapping})
