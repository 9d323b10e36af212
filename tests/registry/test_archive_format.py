"""An archive's file: what tar and zstd write is read, and nothing that was cut off, changed or made otherwise."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Literal

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, NotFound, Unavailable
from counterfoil.registry.archive.format import MAX_PART, Part, PartWriter, open_archive, read_parts

PARTS = [Part("archive.json", b"{}"), Part("tile/entries/000", b"\0" * 700), Part("document/empty", b"")]


def written(parts: list[Part]) -> bytes:
    file = io.BytesIO()
    writer = PartWriter(file)
    for part in parts:
        writer.put(*part)
    writer.finish()
    return file.getvalue()


def read(data: bytes) -> list[Part]:
    return list(read_parts(io.BytesIO(data)))


@given(
    st.lists(st.builds(Part, st.text("abc/.", min_size=1, max_size=90), st.binary(max_size=1100)), max_size=5)
)
def test_what_was_written_is_read(parts: list[Part]) -> None:
    parts = [part for part in parts if not part.name.endswith("/")]
    assert read(written(parts)) == parts


def test_the_same_parts_give_the_same_file() -> None:
    assert written(PARTS) == written(PARTS)


def test_common_tools_unpack_it() -> None:
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(written(PARTS))
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        found = [(each.name, tar.extractfile(each)) for each in tar]
    assert [(name, file.read()) for name, file in found if file] == [tuple(part) for part in PARTS]


def test_cut_off_anywhere_it_is_refused() -> None:
    data = written(PARTS)
    for end in range(len(data)):
        with pytest.raises(Malformed):
            read(data[:end])


def test_with_any_bit_changed_it_is_refused_or_reads_the_same() -> None:
    data = written(PARTS)
    for at in range(len(data)):
        for bit in range(8):
            changed = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            try:
                assert read(changed) == PARTS
            except Malformed:
                continue


def test_nothing_may_follow_its_end() -> None:
    data = written(PARTS)
    for more in (b"\0", b"more", data):
        with pytest.raises(Malformed):
            read(data + more)


def tar_of(info: tarfile.TarInfo, data: bytes = b"", form: Literal[0, 1, 2] = tarfile.USTAR_FORMAT) -> bytes:
    tar = info.tobuf(form) + data + bytes(-len(data) % 512) + bytes(1024)
    return zstandard.ZstdCompressor(write_checksum=True).compress(tar)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE])
def test_links_folders_and_devices_are_refused(kind: bytes) -> None:
    info = tarfile.TarInfo("tile/entries/000")
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(Malformed, match="is not written as an archive's are"):
        read(tar_of(info))


def test_what_another_program_wrote_is_refused() -> None:
    info = tarfile.TarInfo("tile/entries/000")
    info.mode = 0o600
    read(tar_of(info))
    with pytest.raises(Malformed):
        read(tar_of(tarfile.TarInfo("x" * 200), form=tarfile.PAX_FORMAT))


def test_a_part_that_says_it_is_huge_is_refused_before_it_is_read() -> None:
    info = tarfile.TarInfo("tile/entries/000")
    info.size = MAX_PART + 1
    with pytest.raises(Malformed, match=f"at most {MAX_PART} are read"):
        read(tar_of(info))


@pytest.mark.parametrize("data", [b"", b"not an archive", b"\x28\xb5\x2f\xfd", b"\0" * 4096])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound), open_archive(tmp_path / "nothing"):
        pass
    with pytest.raises(Unavailable), open_archive(tmp_path):
        pass
