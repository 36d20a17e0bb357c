"""Documents keep their bytes; what two readers could read differently is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.errors import DocumentError
from ipycontainer.oci.document import LIMIT, Document, thaw

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values), st.sampled_from([None, 1, 4]), st.booleans())
def test_bytes_stay_and_an_edit_keeps_what_it_does_not_touch(mapping: dict, indent: int | None, ascii_only: bool):
    raw = json.dumps(mapping, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        document = Document(raw)
    except DocumentError:
        assert b"\xed" in raw  # a lone surrogate is no UTF-8
        return
    assert document.raw == raw
    assert thaw(document.view) == mapping == document.mapping()
    changed = document.patched(lambda found: found.update(added=[1]))
    assert changed.mapping() == {**mapping, "added": [1]}
    assert list(changed.mapping())[: len(mapping)] == list(mapping)
    assert document.raw == raw
    assert changed.digest != document.digest


def test_the_view_cannot_be_written():
    document = Document(b'{"a":{"b":[1,{"c":2}]}}')
    for write in (
        lambda v: v.__setitem__("a", 1),
        lambda v: v["a"].__setitem__("b", 1),
        lambda v: v["a"]["b"].append(1),
    ):
        with pytest.raises((TypeError, AttributeError)):
            write(document.view)


@pytest.mark.parametrize("raw", [b'{"a":1,"a":2}', b'{"x":{"a":1,"b":2,"a":1}}', b'{"a":1,"\\u0061":2}'])
def test_duplicates_are_refused(raw: bytes):
    with pytest.raises(DocumentError, match="the manifest: the field 'a' stands twice"):
        Document(raw, "the manifest")


def test_a_duplicate_among_many_names_is_found_at_once():
    """Whoever counts each name in turn is at it for an hour."""
    names = b",".join(b'"%x":0' % number for number in range(300_000))
    with pytest.raises(DocumentError, match="the field '493df' stands twice"):
        Document(b"{" + names + b',"493df":0}')


@pytest.mark.parametrize("depth", [101, 400, 900])
def test_what_is_nested_too_deeply_is_refused(depth: int):
    for inner in (b'"\\u0041"', b"0"):
        with pytest.raises(DocumentError, match="nested"):
            Document(b'{"a":' * depth + inner + b"}" * depth)
        with pytest.raises(DocumentError, match="nested"):
            Document(b'{"a":' + b"[" * depth + inner + b"]" * depth + b"}")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"{}{}", b'{"a":NaN}', b"\xff", b'{"a":' + b"[" * 100_000])
def test_what_is_no_object_is_refused(raw: bytes):
    with pytest.raises(DocumentError):
        Document(raw)


def test_four_mebibytes_are_the_limit():
    Document(b'{"a":"' + b"x" * (LIMIT - 8) + b'"}')
    with pytest.raises(DocumentError, match="4194305 bytes"):
        Document(b'{"a":"' + b"x" * (LIMIT - 7) + b'"}')


def test_wrong_types_are_named_by_their_path():
    node = Document(b'{"a":[{"b":3}],"n":true,"s":"x"}', "the config").node
    item = next(node.at("a").items())
    with pytest.raises(DocumentError, match=r"the config: a\[0\]\.b must be a string, not 3"):
        item.at("b").text()
    with pytest.raises(DocumentError, match=r"a\[0\]\.c must be a whole number, not missing"):
        item.at("c").integer()
    with pytest.raises(DocumentError, match="n must be a whole number, not True"):
        node.at("n").integer()
    with pytest.raises(DocumentError, match="s must be a list"):
        node.at("s").texts()
    with pytest.raises(DocumentError, match="s must be an object"):
        node.at("s").text_map()
    assert item.at("missing").text("default") == "default"
    assert node.at("missing").texts() == ()
