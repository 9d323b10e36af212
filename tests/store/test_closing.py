"""The sum that a closed store's file ends with: there while the file is closed, gone while somebody writes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from zlib import crc32

import apsw
import pytest

from counterfoil.errors import Unavailable
from counterfoil.store import closing as sums
from counterfoil.store import sqlite
from counterfoil.store.closing import SUM_BYTES, cut_sum, read_sum, write_sum
from counterfoil.store.sqlite import PAGE_SIZE, Sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of SQLite's, closed."""
    made = tmp_path / "store.db"
    with closing(Sqlite(made)) as database:
        database.execute("CREATE TABLE number (value INTEGER)")
    return made


def fill(path: Path, count: int) -> None:
    with closing(Sqlite(path)) as database, database.transaction():
        database.execute_many("INSERT INTO number VALUES (?)", [(each,) for each in range(count)])


def pages(path: Path) -> int:
    return path.stat().st_size // PAGE_SIZE * PAGE_SIZE


def test_a_closed_file_ends_with_the_crc_32_of_its_pages(path: Path) -> None:
    data = path.read_bytes()
    assert data[-SUM_BYTES:] == b"\ncrc-32 %08x" % crc32(data[:-SUM_BYTES])
    assert len(data) % PAGE_SIZE == SUM_BYTES
    assert read_sum(path, pages(path)) is True


def test_an_open_file_has_none_and_a_closed_one_has_it_again(path: Path) -> None:
    with closing(Sqlite(path)) as database:
        assert path.stat().st_size % PAGE_SIZE == 0
        assert read_sum(path, pages(path)) is None
        database.execute("INSERT INTO number VALUES (1)")
    assert read_sum(path, pages(path)) is True


def test_opening_and_closing_again_and_again_does_not_make_the_file_longer(path: Path) -> None:
    before = path.read_bytes()
    for _ in range(5):
        Sqlite(path).close()
    assert path.read_bytes() == before


def test_the_file_grows_by_what_is_written_and_stays_whole(path: Path) -> None:
    for count in (10, 1000, 10_000):
        fill(path, count)
        assert read_sum(path, pages(path)) is True
    with closing(Sqlite(path, read_only=True)) as database:
        assert database.row("SELECT count(*) FROM number") == (11_010,)
        assert list(database.query("PRAGMA integrity_check")) == [("ok",)]
        assert database.row("PRAGMA page_count") == (pages(path) // PAGE_SIZE,)


def test_reading_leaves_the_sum_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    with closing(Sqlite(path, read_only=True)) as database:
        assert database.row("SELECT count(*) FROM number") == (0,)
    assert path.read_bytes() == before


def test_while_another_one_has_the_file_open_it_is_not_closed(path: Path) -> None:
    first, second = Sqlite(path), Sqlite(path)
    first.execute("INSERT INTO number VALUES (1)")
    first.close()
    assert path.stat().st_size % PAGE_SIZE == 0
    second.close()
    assert read_sum(path, pages(path)) is True


def test_a_file_that_was_left_open_has_no_sum(path: Path, tmp_path: Path) -> None:
    with closing(Sqlite(path)) as database:
        database.execute("INSERT INTO number VALUES (1)")
        killed = tmp_path / "killed.db"
        killed.write_bytes(path.read_bytes())
    assert read_sum(killed, pages(killed)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: data[:-20] + b"x" + data[-19:],
        lambda data: data[:-1] + (b"0" if data[-1:] != b"0" else b"1"),
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data[:-SUM_BYTES] + bytes(SUM_BYTES),
        lambda data: data[:-SUM_BYTES] + data[-SUM_BYTES:].upper(),
    ],
)
def test_any_other_bytes_are_seen(path: Path, change: Callable[[bytes], bytes]) -> None:
    size, data = pages(path), path.read_bytes()
    path.write_bytes(change(data))
    assert read_sum(path, size) is (data == change(data))


def test_every_bit_counts(path: Path) -> None:
    size, data = pages(path), path.read_bytes()
    for offset in (*range(200), *range(200, len(data), 97), *range(len(data) - SUM_BYTES, len(data))):
        path.write_bytes(data[:offset] + bytes([data[offset] ^ 0x80]) + data[offset + 1 :])
        assert read_sum(path, size) is False


def test_only_a_sum_is_cut_off(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-SUM_BYTES] + b"something else!!")
    cut_sum(path, PAGE_SIZE)
    assert path.stat().st_size == len(data)


def test_neither_an_empty_file_nor_half_a_page_gets_a_sum(tmp_path: Path) -> None:
    for content in (b"", b"half a page"):
        path = tmp_path / "file"
        path.write_bytes(content)
        write_sum(path, PAGE_SIZE)
        assert path.read_bytes() == content


def test_a_file_that_would_take_too_long_gets_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "MAX_SUMMED", PAGE_SIZE)
    fill(path, 5000)
    assert read_sum(path, pages(path)) is None


def test_a_disk_that_refuses_is_one_clear_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, page_size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sqlite, "write_sum", refuse)
    with pytest.raises(
        Unavailable, match=r"writing .*store\.db failed: No space left on device; check the disk"
    ):
        Sqlite(path).close()


def test_other_programs_read_a_file_that_ends_with_its_sum(path: Path) -> None:
    fill(path, 100)
    with closing(apsw.Connection(str(path))) as other:
        assert list(other.execute("SELECT count(*) FROM number")) == [(100,)]
        assert list(other.execute("PRAGMA integrity_check")) == [("ok",)]
