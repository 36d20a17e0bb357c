from __future__ import annotations

import copy
import pickle

import pytest

from ipycontainer.record import Record


class Point(Record):
    x: int
    y: int = 0


class Named(Point):
    name: str = ""
    _hidden: int = 3

    def doubled(self) -> int:
        return self.x * 2


def test_values_names_and_defaults():
    assert Point(1, 2) == Point(x=1, y=2) == Point(1, y=2)
    assert Point(3).y == 0
    assert Named(1, 2, "a").as_dict() == {"x": 1, "y": 2, "name": "a"}
    assert Named(4).doubled() == 8


@pytest.mark.parametrize(
    ("values", "named", "sentence"),
    [
        ((), {}, "Point: 'x' is missing"),
        ((1, 2, 3), {}, "Point takes 2 values, not 3"),
        ((1,), {"x": 1}, "Point: 'x' is given twice"),
        ((1,), {"z": 1}, "Point has no field 'z'"),
    ],
)
def test_what_does_not_fit_is_refused(values, named, sentence):
    with pytest.raises(TypeError, match=sentence.replace("(", r"\(")):
        Point(*values, **named)


def test_a_record_is_frozen():
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    assert point.replace(x=2) == Point(2)
    assert point == Point(1)


def test_equality_is_of_class_and_fields():
    assert Point(1) != Named(1)
    assert Point(1) != (1, 0)
    assert len({Point(1), Point(1), Point(2)}) == 2
    with pytest.raises(TypeError):
        hash(Point([]))


def test_repr_is_code():
    assert eval(repr(Named(1, 2, "it's"))) == Named(1, 2, "it's")


def test_copies_and_pickles():
    for point in (Point(1), Named(1, 2, "n")):
        assert copy.deepcopy(point) == point
        assert pickle.loads(pickle.dumps(point)) == point


def test_from_dict_leaves_out_what_it_does_not_know():
    assert Point.from_dict({"x": 1, "later": True}) == Point(1)
    with pytest.raises(TypeError, match="'x' is missing"):
        Point.from_dict({"y": 1})
