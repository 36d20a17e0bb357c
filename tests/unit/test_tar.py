"""The tar reader against Python's and GNU's writers, and our writer against Python's reader."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipycontainer.errors import ArchiveError, Error, TruncatedArchive
from ipycontainer.images.inside import pax, sparse, tar_writer
from ipycontainer.images.inside.tar_entry import DIRECTORY, FILE, SYMLINK, Entry, clean, shown
from ipycontainer.images.inside.tar_reader import TarReader
from ipycontainer.images.inside.tar_sources import DescriptorSource, RegionSource

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
KINDS = {tarfile.REGTYPE: FILE, tarfile.DIRTYPE: DIRECTORY, tarfile.SYMTYPE: SYMLINK}


class Bytes:
    """A source that gives a few bytes at a time."""

    def __init__(self, raw: bytes, step: int = 700) -> None:
        self._file = io.BytesIO(raw)
        self._step = step

    def read(self, most: int) -> bytes:
        return self._file.read(min(most, self._step))

    def skip(self, count: int) -> bool:
        return False


def read_all(raw: bytes, step: int = 700) -> list[tuple[Entry, bytes]]:
    reader = TarReader(Bytes(raw, step))
    return [(entry, b"".join(bytes(piece) for piece in reader.content())) for entry in reader]


parts = st.text(
    st.characters(min_codepoint=33, blacklist_categories=["Cs"], blacklist_characters="/"), min_size=1, max_size=60
)
members = st.lists(
    st.tuples(
        st.lists(parts, min_size=1, max_size=6).map("/".join),
        st.sampled_from(sorted(KINDS)),
        st.binary(max_size=1500),
        st.integers(0, 0o7777),
        st.integers(0, 2**31),
        st.integers(0, 2**40) | st.integers(-(2**40), 0),
    ),
    max_size=6,
)


@given(members, st.sampled_from(["gnu", "pax"]), st.sampled_from([1, 511, 512, 513, 1 << 20]))
def test_what_python_writes_is_read(found: list, form: str, step: int):
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=FORMATS[form], errors="surrogateescape", encoding="utf-8"
    ) as archive:
        for name, kind, content, mode, uid, mtime in found:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.uid, info.mtime = kind, mode, uid, mtime
            if kind == tarfile.SYMTYPE:
                info.linkname = name[::-1]
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    read = read_all(stream.getvalue(), step)
    assert len(read) == len(found)
    for (entry, body), (name, kind, content, mode, uid, mtime) in zip(read, found):
        assert entry.name.rstrip(b"/") == name.encode().rstrip(b"/")
        assert entry.kind == KINDS[kind] or name.endswith("/")
        assert (entry.mode, entry.uid, entry.mtime_ns) == (mode, uid, mtime * 10**9)
        assert body == (content if kind == tarfile.REGTYPE else b"")
        assert entry.link == (name[::-1].encode() if kind == tarfile.SYMTYPE else b"")


@given(
    st.lists(
        st.tuples(
            st.binary(min_size=1, max_size=300).filter(lambda name: b"\0" not in name and name.strip(b"/.")),
            st.binary(max_size=600),
            st.integers(0, 2**40),
            st.integers(-(10**12), 10**20),
            st.dictionaries(st.sampled_from([b"user.a", b"user.b=c"[:6]]), st.binary(max_size=200)),
        ),
        max_size=5,
    )
)
def test_what_we_write_we_read_and_so_does_python(found: list):
    raw = b""
    for name, content, uid, mtime, attributes in found:
        entry = Entry(name.rstrip(b"/"), FILE, 0o600, len(content))
        entry.uid, entry.mtime_ns, entry.attributes = uid, mtime, attributes
        raw += tar_writer.header(entry) + content + tar_writer.padding(len(content))
    raw += tar_writer.END
    assert len(raw) % 512 == 0
    read = read_all(raw)
    for (entry, body), (name, content, uid, mtime, attributes) in zip(read, found, strict=True):
        assert (entry.name, body) == (name.rstrip(b"/"), content)
        assert (entry.uid, entry.mtime_ns, entry.attributes) == (uid, mtime, attributes)
    with tarfile.open(fileobj=io.BytesIO(raw), encoding="utf-8", errors="surrogateescape") as archive:
        names = [os.fsencode(name) for name in archive.getnames()]
    assert names == [name.rstrip(b"/") for name, *_ in found]


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forest")
    deep = folder / "/".join(["long" * 12] * 6)
    deep.mkdir(parents=True)
    (deep / ("n" * 200)).write_bytes(os.urandom(3000))
    os.link(deep / ("n" * 200), folder / "hard")
    (folder / "soft").symlink_to("t/" * 150)
    (folder / "ä\n").write_text("x")
    os.mkfifo(folder / "pipe")
    with open(folder / "sparse", "wb") as file:
        for place in range(60):
            file.seek(place * 100_000)
            file.write(bytes([place + 1]) * 5000)
        file.truncate(10_000_000)
    return folder


@pytest.mark.parametrize("options", [["--format=gnu"], ["--format=pax"], ["--format=oldgnu"]])
@pytest.mark.parametrize(
    "sparse", [[], ["--sparse"], ["--sparse", "--sparse-version=0.0"], ["--sparse", "--sparse-version=0.1"]]
)
def test_what_gnu_tar_writes_is_read(forest: Path, options: list[str], sparse: list[str]):
    raw = subprocess.run(
        ["tar", *options, *sparse, "-C", forest, "-cf", "-", "."], check=True, capture_output=True
    ).stdout
    whole = {}
    for entry, body in read_all(raw, 1 << 18):
        if entry.segments is not None:
            image = bytearray(entry.real_size)
            at = 0
            for offset, length in entry.segments:
                image[offset : offset + length] = body[at : at + length]
                at += length
            body = bytes(image)
        whole[clean(entry.name)] = (entry, body)
    paths = {b"": forest} | {os.fsencode(path.relative_to(forest)): path for path in forest.rglob("*")}
    assert set(whole) == set(paths)
    for name, path in paths.items():
        entry, body = whole[name]
        if path.is_symlink():
            assert entry.link == os.fsencode(os.readlink(path))
        elif path.is_file() and entry.kind == FILE:
            assert body == path.read_bytes()
    assert {entry.kind for entry, _ in whole.values()} == {"file", "directory", "symlink", "link", "fifo"}


def test_regions_pass_over_what_is_not_asked_for(tmp_path: Path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("a", "b"):
            info = tarfile.TarInfo(name)
            info.size = 1_000_000
            archive.addfile(info, io.BytesIO(name.encode() * info.size))
    path = tmp_path / "x.tar"
    path.write_bytes(b"before" + stream.getvalue())
    with open(path, "rb") as file:
        reader = TarReader(RegionSource(file.fileno(), 6))
        places = {entry.name: reader.position for entry in reader}
        assert RegionSource(file.fileno(), 6 + places[b"b"], 1_000_000).read(3) == b"bbb"
        file.seek(6)
        assert [entry.name for entry in TarReader(DescriptorSource(file.fileno()))] == [b"a", b"b"]
    path.write_bytes(stream.getvalue()[:1_200_000])
    with open(path, "rb") as file, pytest.raises(TruncatedArchive):
        list(TarReader(RegionSource(file.fileno())))


def patched(field: slice, value: bytes, good: bool = True) -> bytes:
    """A header with one field changed, and its checksum right."""
    block = bytearray(tar_writer.header(Entry(b"name", FILE, 0o644, 0)))
    block[field] = value
    block[148:156] = b" " * 8
    total = sum(block) if good else sum(block) + 1
    block[148:156] = b"%06o\0 " % total
    return bytes(block) + tar_writer.END


def test_numbers_in_base_256():
    entry = read_all(patched(slice(108, 116), b"\x80" + (2**40).to_bytes(7, "big")))[0][0]
    assert entry.uid == 2**40
    entry = read_all(patched(slice(136, 148), b"\xff" * 12))[0][0]
    assert entry.mtime_ns == -(10**9)
    for field in (b"\x80\x7f" + b"\xff" * 10, b"\xc0" + b"\0" * 11, b"\x80" + (1 << 63).to_bytes(11, "big")):
        assert read_all(patched(slice(136, 148), field))[0][0].mtime_ns == 0
    with pytest.raises(ArchiveError, match="negative"):
        read_all(patched(slice(108, 116), b"\xff" * 8))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (patched(slice(0, 4), b"name", good=False), "checksum is wrong"),
        (patched(slice(100, 108), b"0o00644\0"), "mode is no number"),
        (patched(slice(100, 108), b"9999999\0"), "mode is no octal number"),
        (patched(slice(136, 148), b"-\0".ljust(12, b"\0")), "mtime is no number"),
        (patched(slice(136, 148), b"-\x80\1".ljust(12, b"\0")), "mtime is no number"),
        (patched(slice(156, 157), b"Q"), "unknown type"),
        (patched(slice(124, 136), b"77777777777\0"), "ends in the middle"),
        (b"\1" * 512, "no tar archive"),
        (b"x" * 100, "is no tar archive"),
        (
            tar_writer._ustar(Entry(b"p", FILE), b"p", b"", b"x", 5, 0) + b"9 a=b".ljust(512, b"\0"),
            "PAX header is damaged",
        ),
        (tar_writer._ustar(Entry(b"p", FILE), b"p", b"", b"L", 1 << 30, 0), "headers of 1073741824 bytes"),
        (tar_writer._ustar(Entry(b"p", FILE), b"p", b"", b"L", 0, 0) + tar_writer.END, "ends in the middle"),
    ],
)
def test_damaged_archives(raw: bytes, sentence: str):
    with pytest.raises(ArchiveError, match=sentence):
        read_all(raw)


def test_signed_checksums_of_old_tars():
    block = bytearray(patched(slice(0, 4), b"n\xffme")[:512])
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(byte - 256 if byte > 127 else byte for byte in block)
    assert read_all(bytes(block) + tar_writer.END)[0][0].name == b"n\xffme"


@given(st.binary(max_size=2000))
def test_noise_gives_a_sentence(noise: bytes):
    try:
        read_all(noise)
    except Error as error:
        assert str(error)


@given(st.integers(0, 511), st.integers(0, 255))
def test_one_wrong_byte_in_a_header_gives_a_sentence(place: int, value: int):
    raw = bytearray(patched(slice(0, 4), b"name"))
    raw[place] = value
    try:
        read_all(bytes(raw))
    except ArchiveError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [(b"./", b""), (b".", b""), (b"/", b""), (b"", b""), (b"./a", b"a"), (b"a/", b"a"), (b"a//b/./c", b"a/b/c"),
     (b"...", b"..."), (b"a/..b", b"a/..b"), (b".a", b".a")],
)  # fmt: skip
def test_names_are_cleaned(name: bytes, cleaned: bytes):
    assert clean(name) == cleaned


def test_names_are_shown_so_that_no_terminal_obeys():
    assert shown(b"a\x1b[31mb\xff") == "a\\x1b[31mb\\xff"
    assert len(shown(b"x" * 5000)) <= 121


@pytest.mark.parametrize("start", [b"", b"1" * 21 + b"\n", b"1\n0\n"], ids=["no line", "first too long", "no second"])
def test_a_sparse_files_map_is_not_looked_for_in_all_of_its_content(start: bytes):
    entry = Entry(b"f", FILE, size=8 << 20)
    found = {b"GNU.sparse.major": b"1", b"GNU.sparse.realsize": b"1"}
    taken = []

    def take(count: int) -> bytes:
        taken.append(count)
        assert len(taken) < 10
        return (b"" if len(taken) > 1 else start).ljust(count, b"1")

    with pytest.raises(ArchiveError, match="map is damaged"):
        sparse.read_pax(entry, found, take)


@pytest.mark.parametrize("segments", [0, 1, 2, 30, 1000])
def test_a_sparse_files_map_of_any_length(segments: int):
    numbers = [number for pair in range(segments) for number in (10_000_000_000 + pair * 9, 1)]
    packed = b"".join(b"%d\n" % number for number in (segments, *numbers))
    packed += bytes(-len(packed) % 512)
    entry = Entry(b"f", FILE, size=len(packed) + segments)
    source = io.BytesIO(packed)
    sparse.read_pax(entry, {b"GNU.sparse.major": b"1", b"GNU.sparse.realsize": b"%d" % 10**11}, source.read)
    assert entry.segments == list(zip(numbers[::2], numbers[1::2], strict=True)) and source.read() == b""


def test_an_attribute_that_no_kernel_keeps_is_refused_where_it_is_read():
    """Before anybody holds on to it: a folder's are kept to the end."""
    for size in (65536, 65537):
        entry = Entry(b"d", DIRECTORY)
        entry.attributes = {b"user.a": bytes(size)}
        raw = tar_writer.header(entry)
        if size == 65536:
            assert read_all(raw)[0][0].attributes == entry.attributes
        else:
            with pytest.raises(ArchiveError, match=r"attribute 'user.a' of 'd/?' has 65537 bytes"):
                read_all(raw)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard off"])
def test_records_for_all_entries_cost_no_entry_anything(guarded: bool, monkeypatch: pytest.MonkeyPatch):
    """Each entry may be 512 bytes of zeros but for its name, which a compressor makes three of."""
    records = b"".join(b"11 k%05d=\n" % number for number in range(50_000)) + b"9 uid=77\n"
    meta = bytearray(tar_writer.header(Entry(b"g", FILE, size=len(records))))
    meta[156:157] = b"g"
    meta[148:156] = b" " * 8
    meta[148:156] = b"%06o\0 " % sum(meta)
    raw = bytes(meta) + records + tar_writer.padding(len(records)) + tar_writer.header(Entry(b"f", FILE)) * 3
    looked_at = []

    def apply(entry: Entry, found: dict[bytes, bytes], size: int, apply: Any = pax.apply) -> int:
        looked_at.append(len(found))
        return int(apply(entry, found, size))

    monkeypatch.setattr(pax, "apply", apply)
    if not guarded:
        monkeypatch.setattr(pax, "lasting", lambda found: found)
    assert [entry.uid for entry, _ in read_all(raw)] == [77] * 3
    assert looked_at == ([1] * 3 if guarded else [50_001] * 3)


@pytest.mark.parametrize("kind", [b"x", b"g"])
def test_headers_before_an_entry_do_not_add_up_without_end(kind: bytes):
    raw = b""
    for number in range(3):
        entry = Entry(b"f", FILE)
        entry.attributes = {b"user.%d.%d" % (number, part): bytes(60_000) for part in range(10)}
        meta = bytearray(tar_writer.header(entry)[:-512])
        meta[156:157] = kind
        meta[148:156] = b" " * 8
        meta[148:156] = b"%06o\0 " % sum(meta[:512])
        raw += bytes(meta)
    with pytest.raises(ArchiveError, match=r"headers .* more than 1048576 are refused"):
        read_all(raw + tar_writer.header(Entry(b"f", FILE)))
