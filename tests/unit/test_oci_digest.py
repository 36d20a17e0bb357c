"""Digests: their shape, and content checked as it streams."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.errors import DigestMismatch, DocumentError
from ipycontainer.oci.digest import Digest, Verifier, compute, is_digest, parse, verify


@given(st.binary(), st.sampled_from(["sha256", "sha512"]))
def test_the_digests_are_hashlibs(data: bytes, algorithm: str):
    digest = compute(data, algorithm)
    assert digest == f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    assert parse(digest) == digest
    assert (digest.algorithm, digest.hex, digest.short) == (algorithm, digest[7:], digest[7:19])
    verify(data, digest)


@pytest.mark.parametrize(
    "text",
    ["", "sha256", "sha256:", "sha256:" + "0" * 63, "sha256:" + "0" * 65, "sha256:" + "A" * 64, "md5:" + "0" * 32,
     "sha256:" + "../" * 21 + "0", "SHA256:" + "0" * 64, "sha256:" + "0" * 63 + "\n"],
)  # fmt: skip
def test_what_is_no_digest_is_refused(text: str):
    assert not is_digest(text)
    with pytest.raises(DocumentError, match="digest"):
        parse(text)


@given(st.lists(st.binary()), st.integers(0, 10))
def test_streams_are_checked(pieces: list[bytes], flipped: int):
    whole = b"".join(pieces)
    good = Verifier(compute(whole), len(whole))
    for piece in pieces:
        good.update(memoryview(piece))
    assert good.finish() == compute(whole)
    assert good.count == len(whole)
    bad = Verifier(compute(whole + b"x"))
    bad.update(whole)
    with pytest.raises(DigestMismatch, match="damaged or not what it claims"):
        bad.finish()


def test_lengths_are_checked_as_soon_as_they_can_be():
    verifier = Verifier(None, 3, "the layer")
    verifier.update(b"abc")
    with pytest.raises(DigestMismatch, match="the layer is longer than the 3 bytes"):
        verifier.update(b"d")
    short = Verifier(None, 3, "the layer")
    short.update(b"ab")
    with pytest.raises(DigestMismatch, match="ends after 2 of the 3"):
        short.finish()


def test_a_digest_is_a_string():
    assert {Digest("sha256:" + "0" * 64): 1}["sha256:" + "0" * 64] == 1
