"""What others write: JSON that is nearly right, bytes that are cut or flipped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

WORDS = st.text(max_size=8) | st.sampled_from(["\ud800", "a\0b", "../..", "/", "sha256:", "\u202e", "9" * 5000, "NaN"])
NUMBERS = st.integers(-(2**70), 2**70) | st.floats()
PLAIN = st.none() | st.booleans() | NUMBERS | WORDS
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8
)


def like(sample: Any) -> st.SearchStrategy[Any]:
    """Values shaped as `sample`, in which any part may be something else."""
    if isinstance(sample, Mapping):
        same = st.fixed_dictionaries({}, optional={name: like(value) for name, value in sample.items()})
    elif isinstance(sample, list):
        same = st.lists(st.one_of(*map(like, sample)) if sample else ANYTHING, max_size=3)
    else:
        same = st.just(sample)
    return st.one_of(same, same, same, same, ANYTHING)


@st.composite
def text_like(draw: Any, sample: Any) -> bytes:
    """The same as JSON text, which may be cut, have a byte changed, or say a key twice."""
    raw = json.dumps(draw(like(sample))).encode()
    return draw(damaged(raw)) if draw(st.booleans()) else raw


@st.composite
def damaged(draw: Any, raw: bytes) -> bytes:
    """`raw` cut somewhere, with some bytes changed, something put in, or a part twice."""
    data = bytearray(raw)
    for _ in range(draw(st.integers(0, 3))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["flip", "put", "twice", "cut"])):
            case "flip":
                data[at] = draw(st.integers(0, 255))
            case "put":
                data[at:at] = draw(st.binary(max_size=12))
            case "twice":
                end = draw(st.integers(at, min(len(data), at + 600)))
                data[end:end] = data[at:end]
            case _:
                del data[at:]
    return bytes(data)
