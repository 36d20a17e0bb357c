from __future__ import annotations

import errno
import pickle
import re

import pytest

from ipycontainer import errors, json_text


def family(cls: type[errors.Error] = errors.Error) -> list[type[errors.Error]]:
    return [cls, *(found for child in cls.__subclasses__() for found in family(child))]


def drawn() -> dict[str, str]:
    """The docstring's tree: class name -> its parent's."""
    parents, stack = {}, []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Z]\w+)(\s|$)", line):
            depth = len(found[1]) // 4
            stack[depth:] = [found[2]]
            parents[found[2]] = stack[depth - 1] if depth else ""
    return parents


def sample(cls: type[errors.Error]) -> errors.Error:
    if cls is errors.KernelError:
        return errors.KernelError("mount", errno.EPERM, "/proc")
    if cls is errors.CommandFailed:
        return errors.CommandFailed("false ended with exit code 1", 1)
    if cls is errors.CommandTimedOut:
        return errors.CommandTimedOut("sleep was ended", b"\xff out", b"err")
    return cls("something failed on something: do this next")


def test_every_class_is_drawn_under_its_parent():
    actual = {cls.__name__: cls.__bases__[0].__name__ if cls is not errors.Error else "" for cls in family()}
    assert drawn() == actual


def test_the_drawing_tells_the_exit_codes():
    numbers = dict(re.findall(r"([A-Z]\w+) +(12[5-7])\b", errors.__doc__ or ""))
    told = {name: int(number) for name, number in numbers.items()}
    assert told == {name: getattr(errors, name).exit_code for name in told}
    assert set(told.values()) == {125, 126, 127}


@pytest.mark.parametrize("cls", family(), ids=lambda cls: cls.__name__)
def test_round_trip_between_processes(cls: type[errors.Error]):
    error = sample(cls)
    back = errors.from_wire(json_text.loads(json_text.dumps(errors.to_wire(error))))
    assert type(back) is cls
    assert str(back) == str(error)
    assert back.exit_code == error.exit_code
    if cls is not errors.CommandTimedOut:  # made by whoever reads: its bytes cross no wire
        assert {**vars(back)} == {**vars(error)}
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (cls, str(error), vars(error))


def test_a_name_outside_the_tree_gives_a_plain_error():
    for name in ("SystemExit", "annotations", "to_wire", "Gone"):
        back = errors.from_wire({"class": name, "sentence": "no"})
        assert (type(back), str(back)) == (errors.Error, "no")


def test_a_kernel_error_tells_call_path_and_errno():
    assert str(errors.KernelError("mount", errno.EPERM, "/proc")) == "mount /proc: EPERM (Operation not permitted)"
    assert str(errors.KernelError("unshare", errno.ENOSPC)) == "unshare: ENOSPC (No space left on device)"
    assert errors.errno_name(99999) == "99999"
