"""Image names, normalised and refused as docker does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.errors import ImageNameError
from ipycontainer.oci.reference import is_reference, normalise, parse

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"

GOOD = {
    "ubuntu": ("docker.io/library/ubuntu:latest", "ubuntu:latest"),
    "ubuntu:24.04": ("docker.io/library/ubuntu:24.04", "ubuntu:24.04"),
    "bitnami/redis": ("docker.io/bitnami/redis:latest", "bitnami/redis:latest"),
    "docker.io/ubuntu": ("docker.io/library/ubuntu:latest", "ubuntu:latest"),
    "index.docker.io/ubuntu": ("docker.io/library/ubuntu:latest", "ubuntu:latest"),
    "docker.io/library/ubuntu": ("docker.io/library/ubuntu:latest", "ubuntu:latest"),
    "library/ubuntu": ("docker.io/library/ubuntu:latest", "ubuntu:latest"),
    "docker.io/library/a/b": ("docker.io/library/a/b:latest", "library/a/b:latest"),
    "localhost/a": ("localhost/a:latest", "localhost/a:latest"),
    "localhost:5000/a/b": ("localhost:5000/a/b:latest", "localhost:5000/a/b:latest"),
    "127.0.0.1:5000/a:b": ("127.0.0.1:5000/a:b", "127.0.0.1:5000/a:b"),
    "[::1]:5000/a": ("[::1]:5000/a:latest", "[::1]:5000/a:latest"),
    "quay.io/x/y/z:V1.0_rc-2": ("quay.io/x/y/z:V1.0_rc-2", "quay.io/x/y/z:V1.0_rc-2"),
    "xn--n3h.com/myimage": ("xn--n3h.com/myimage:latest", "xn--n3h.com/myimage:latest"),
    "Upper.Case/a": ("Upper.Case/a:latest", "Upper.Case/a:latest"),
    "a__b/c---d/e.f": ("docker.io/a__b/c---d/e.f:latest", "a__b/c---d/e.f:latest"),
    "3f2a": ("docker.io/library/3f2a:latest", "3f2a:latest"),
    f"x@{DIGEST}": (f"docker.io/library/x@{DIGEST}", f"x@{DIGEST}"),
    f"x:1@{DIGEST}": (f"docker.io/library/x:1@{DIGEST}", f"x:1@{DIGEST}"),
    HEX + "a": (f"docker.io/library/{HEX}a:latest", f"{HEX}a:latest"),
    "a/" + "b" * 253: ("docker.io/a/" + "b" * 253 + ":latest", "a/" + "b" * 253 + ":latest"),
    "x:" + "t" * 128: ("docker.io/library/x:" + "t" * 128, "x:" + "t" * 128),
}
BAD = [
    "", "Ubuntu", "a/Ubuntu", "localhost/Ubuntu", "docker.io/Ubuntu", HEX, "a:", ":tag", "a::b", "a:b:c", "a@",
    "@" + DIGEST, "a b", " a", "a\n",
    "a//b", "/a", "a/", "-a", "a-", "_a", "a_", "a___b", "a..b", "a._b", ".a", "a.", "a/.b",
    "a-_b", "a@sha256:abc", "a@md5:" + "0" * 32, "a@sha256:" + "A" * 64, "x:" + "t" * 129, "x:-a", "x:.a", "x:a/b", "ä",
    "x:ä",
    "a/" + "b" * 254, "host.com:port/a", "-host.com/a", "host-.com/a", "a..com/b", "[::1/a", "[zz]/a", "http://a/b",
    "sha256:" + HEX + "/x/", "a/b@c@d", "１",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), GOOD.items())
def test_names_are_normalised(text: str, expected: tuple[str, str]):
    full, familiar = expected
    assert str(normalise(text)) == full
    assert normalise(text).familiar == familiar
    assert normalise(full) == normalise(familiar) == normalise(text)


@pytest.mark.parametrize("text", BAD)
def test_what_docker_refuses_is_refused(text: str):
    assert not is_reference(text)
    with pytest.raises(ImageNameError, match="invalid re"):
        normalise(text)


def test_refusals_say_what_would_do():
    with pytest.raises(ImageNameError, match=r"repository name \(library/Ubuntu\) must be lowercase; try"):
        parse("Ubuntu")
    with pytest.raises(ImageNameError, match="cannot specify 64-byte hexadecimal strings"):
        parse(HEX)


@given(st.text(alphabet="aB1._-/:@[] ä\n", max_size=30) | st.text(max_size=30))
def test_whatever_is_typed_is_a_name_or_a_sentence(text: str):
    try:
        found = normalise(text)
    except ImageNameError:
        return
    assert normalise(str(found)) == found == normalise(found.familiar)
    assert "/" not in found.tag
    assert ".." not in str(found)
