from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipycontainer import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

NOT_JSON = [
    "", " ", "{", "[1,]", '{"a":1,}', "{'a':1}", "nul", "NaN", "[Infinity]", "-Infinity", "1 2", "[1] x", '"\n"',
    '"\\x"', "01", "+1", "{1:2}", '{"a" 1}', "\ufeff{}", "[" * 200_000,
]  # fmt: skip


@given(VALUES)
def test_reads_and_writes_as_the_public_module_does(value):
    text = json_text.dumps(value)
    assert text == json.dumps(value, separators=(",", ":"))
    assert json_text.loads(text) == value
    assert json_text.loads(text.encode()) == value
    assert json_text.loads(json_text.dumps(value, indent=2)) == value


@example("1E310")
@given(st.text(alphabet='{}[]",:0123456789.eE+- \t\ntruefalsn\\u', max_size=20))
def test_accepts_what_the_public_module_accepts(text):
    def outcome(read):
        try:
            return read(text)
        except ValueError:
            return ValueError

    def strictly(text):
        settings = json_text._Settings
        return json.loads(text, parse_constant=settings.parse_constant, parse_float=settings.parse_float)

    assert outcome(json_text.loads) == outcome(strictly)


@pytest.mark.parametrize("text", NOT_JSON, ids=lambda text: repr(text[:12]))
def test_refuses_what_is_not_json(text):
    with pytest.raises(ValueError):
        json_text.loads(text)


# The C scanner behaves otherwise where `json` was never imported: which is how the command runs.
ALONE = """
import sys
from ipycontainer import json_text
assert json_text.loads('{"a": [1, 2.5, "x", null]}') == {"a": [1, 2.5, "x", None]}
assert json_text.dumps({"a": 1}) == '{"a":1}'
assert "json" not in sys.modules, "the way without json is not taken"
for text in eval(sys.stdin.read()):
    try:
        json_text.loads(text)
    except ValueError:
        continue
    raise SystemExit(f"accepted {text[:20]!r}")
"""


def test_refuses_the_same_in_a_process_without_json():
    done = subprocess.run([sys.executable, "-c", ALONE], input=ascii(NOT_JSON), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_pairs_hook_sees_names_that_stand_twice():
    seen = []
    json_text.loads('{"a":1,"b":{"c":2},"a":3}', seen.append)
    assert seen == [[("c", 2)], [("a", 1), ("b", None), ("a", 3)]]


def test_bytes_that_are_not_utf8_are_refused():
    with pytest.raises(ValueError):
        json_text.loads(b'"\xff"')


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes"])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises((ValueError, TypeError)):
        json_text.dumps([value])
    with pytest.raises((ValueError, TypeError)):
        json_text.dumps([value], indent=1)
