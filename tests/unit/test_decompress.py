"""Compressed layers: every format, every way of being cut or damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.errors import ArchiveError, Error, TruncatedArchive
from ipycontainer.images import decompress
from ipycontainer.images.decompress import PIECE, compression_of, plain


def zstd(data: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    return bytes(zstandard.ZstdCompressor().compress(data))


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "zstd": zstd, "xz": lzma.compress, "bzip2": bz2.compress, "": bytes
}  # fmt: skip
DATA = os.urandom(50_000) + b"tar " * 500_000


def unpacked(raw: bytes, **options: int) -> bytes:
    pieces = list(plain(io.BytesIO(raw), **options))
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_every_format(kind: str):
    raw = COMPRESSORS[kind](DATA)
    assert compression_of(raw[:6]) == kind
    assert unpacked(raw) == DATA


@pytest.mark.parametrize("kind", ["gzip", "zstd", "xz", "bzip2"])
def test_several_members(kind: str):
    compress = COMPRESSORS[kind]
    assert unpacked(compress(DATA) + compress(b"") + compress(b"end")) == DATA + b"end"


@pytest.mark.parametrize("kind", ["gzip", "xz", "bzip2"])
@pytest.mark.parametrize("part", [0.3, 0.9, 0.9999])
def test_what_is_cut_off_is_not_taken_for_whole(kind: str, part: float):
    raw = COMPRESSORS[kind](DATA)
    with pytest.raises(TruncatedArchive, match="cut off"):
        unpacked(raw[: int(len(raw) * part)])
    assert len(zlib.decompressobj(31).decompress(gzip.compress(DATA)[:-9])) > 0, "zlib itself says nothing"


def test_padding_is_passed_over_and_rubbish_is_not():
    assert unpacked(gzip.compress(DATA) + bytes(10_000)) == DATA
    with pytest.raises(ArchiveError, match="something after"):
        unpacked(gzip.compress(DATA) + b"rubbish")
    with pytest.raises(ArchiveError, match="something after"):
        unpacked(gzip.compress(DATA) + bytes(600) + b"rubbish")


@pytest.mark.parametrize("kind", ["gzip", "zstd", "xz", "bzip2"])
def test_damage_is_seen(kind: str):
    raw = bytearray(COMPRESSORS[kind](DATA))
    raw[len(raw) // 2] ^= 0xFF
    try:
        assert unpacked(bytes(raw)) != DATA
    except ArchiveError as error:
        assert "damaged" in str(error) or "cut off" in str(error)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x1f\x8b\x08\0", b"BZh9", b"\xfd7zXZ\0"]))
def test_noise_gives_a_sentence(noise: bytes, magic: bytes):
    try:
        unpacked(magic + noise)
    except Error as error:
        assert str(error)


def test_without_isal_it_is_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "isal", None)
    raw = gzip.compress(DATA) + gzip.compress(b"end")
    assert unpacked(raw) == DATA + b"end"
    with pytest.raises(TruncatedArchive):
        unpacked(raw[:-4])


def test_a_bomb_is_seen_before_it_has_grown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decompress, "_HARMLESS", 10_000_000)
    bomb = gzip.compress(bytes(100_000_000), 9)
    taken = 0
    with pytest.raises(ArchiveError, match=r"200 times its size, as a bomb does.*IPYCONTAINER_LAYER_RATIO"):
        for piece in plain(io.BytesIO(bomb)):
            taken += len(piece)
    assert taken < 60_000_000
    assert len(unpacked(bomb, ratio=2000)) == 100_000_000, "without the guard it all comes out"
    monkeypatch.setenv("IPYCONTAINER_LAYER_RATIO", "2000")
    assert len(unpacked(bomb)) == 100_000_000


_HUNGRY = """
import io, lzma, resource, sys
from ipycontainer.images import decompress
if sys.argv[1] == "off":
    decompress._LARGEST_WINDOW = 1 << 40
settings = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}
bomb = lzma.compress(bytes(8), filters=[settings])
limit = 400 << 20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    print(sum(map(len, decompress.plain(io.BytesIO(bomb)))))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("guard", ["on", "off"])
def test_xz_asks_for_no_more_memory_than_others(guard: str):
    """In a process that may have 400 MB, for a header that asks for 512."""
    run = subprocess.run([sys.executable, "-c", _HUNGRY, guard], capture_output=True, text=True, check=True)
    assert ("ArchiveError" in run.stdout and "more than 160 MiB of memory" in run.stdout) == (guard == "on"), run
    assert ("MemoryError" in run.stdout) == (guard == "off"), run
    for preset in (6, 9):
        assert unpacked(lzma.compress(DATA, preset=preset)) == DATA


def test_all_of_the_stream_is_read_for_its_digest():
    stream = io.BytesIO(gzip.compress(b"x") + bytes(700_000))
    list(plain(stream))
    assert stream.read() == b""
