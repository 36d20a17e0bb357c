"""Archives: every header that may be damaged, every stream that may be cut; and nothing is written outside."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.errors import Error
from ipycontainer.images import decompress
from ipycontainer.images.inside.tar_reader import TarReader
from tests.fuzz.some import damaged
from tests.images.forked import Bench
from tests.personas import Persona
from tests.unit.test_tar import Bytes


def archive(form: int) -> bytes:
    """Each kind of entry, long names, attributes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, kind, link in (
            ("d", tarfile.DIRTYPE, ""),
            ("d/f", tarfile.REGTYPE, ""),
            ("d/" + "n" * 120, tarfile.REGTYPE, ""),
            ("l", tarfile.SYMTYPE, "d/../../.."),
            ("h", tarfile.LNKTYPE, "d/f"),
            ("l/x", tarfile.REGTYPE, ""),
            ("p", tarfile.FIFOTYPE, ""),
            ("d/.wh.f", tarfile.REGTYPE, ""),
            ("d/.wh..wh..opq", tarfile.REGTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            if form == tarfile.PAX_FORMAT:
                info.pax_headers = {"SCHILY.xattr.user.a": "b", "mtime": "1.5"}
            content = b"content" if kind == tarfile.REGTYPE else b""
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()[:-8192]


def sparse(version: str) -> bytes:
    """A sparse file as GNU tar writes it in PAX."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("s")
        if version == "1.0":
            content = b"2\n0\n4\n1000\n3\n".ljust(512, b"\0") + b"abcdefg"
            info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1003"}
        else:
            content = b"abcdefg"
            info.pax_headers = {"GNU.sparse.map": "0,4,1000,3", "GNU.sparse.size": "1003"}
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()[:2560]


SAMPLES = [
    archive(tarfile.USTAR_FORMAT if False else tarfile.GNU_FORMAT),
    archive(tarfile.PAX_FORMAT),
    sparse("1.0"),
    sparse("0.1"),
]


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    """Damaged archives whose checksums are right again mostly: else nothing behind them is ever reached."""
    data = bytearray(draw(damaged(draw(st.sampled_from(SAMPLES)))))
    fields = {100: 8, 108: 8, 116: 8, 124: 12, 136: 12, 156: 1, 257: 8, 345: 20, 386: 100}
    for _ in range(draw(st.integers(0, 3))):
        block = 512 * draw(st.integers(0, max(0, len(data) // 512 - 1)))
        field, length = draw(st.sampled_from(sorted(fields.items())))
        value = draw(st.sampled_from([b"-", b"-1", b"\x80", b"\xff" * 12, b"77777777777", b" ", b"9", b"S", b"x", b"g"])
                     | st.binary(max_size=length))[:length]  # fmt: skip
        if block + 512 <= len(data):
            data[block + field : block + field + length] = value.ljust(length, b"\0")
    if draw(st.integers(0, 4)):
        for at in range(0, len(data) - 511, 512):
            block = data[at : at + 512]
            if block[257:262] == b"ustar":
                block[148:156] = b" " * 8
                data[at + 148 : at + 156] = b"%06o\0 " % sum(block)
    return bytes(data)


@given(tars(), st.sampled_from([1, 513, 1 << 20]))
def test_the_tar_reader(raw: bytes, step: int):
    try:
        for _, entry in zip(range(1000), TarReader(Bytes(raw, step))):
            assert entry.size >= 0
    except Error as error:
        assert "\n" not in str(error)


@pytest.fixture
def bench(persona: Persona, _folder: Path) -> Iterator[Bench]:
    folder = _folder / f"fuzz-{persona.name}-{os.getpid()}"
    folder.mkdir()
    made = Bench(persona, folder)
    yield made
    made.clear()
    folder.rmdir()


def test_unpacking_writes_nothing_outside(bench: Bench):
    outside = bench.folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    os.chown(outside, bench.persona.uid, bench.persona.gid)
    before = os.listdir(bench.folder.parent), os.listdir("/")

    @given(tars())
    def each(raw: bytes) -> None:
        try:
            bench.unpack(raw)
        except Error as error:
            assert "Traceback" not in str(error), str(error)
        assert os.listdir(outside) == []
        assert {"tree", "owners", "layer.json"}.issuperset(os.listdir(bench.layer))

    each()
    outside.rmdir()
    assert {*os.listdir(bench.folder.parent)} == {*before[0]} - {"outside"} and os.listdir("/") == before[1]


@given(st.data())
def test_compressed_streams(data: st.DataObject):
    plain = b"some text " * 300
    one = zlib.compress(plain)
    sample = data.draw(st.sampled_from([gzip.compress(plain), gzip.compress(plain) * 2, one, plain]))
    try:
        for _ in decompress.plain(io.BytesIO(data.draw(damaged(sample)))):  # type: ignore[arg-type]
            pass
    except Error as error:
        assert "\n" not in str(error)
