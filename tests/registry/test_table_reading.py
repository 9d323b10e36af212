"""Files that are tables, and files that are not."""

from __future__ import annotations

import csv
import gzip
import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, NotFound, Unavailable
from counterfoil.registry.table import reading
from counterfoil.registry.table.form import file_form, sniff_delimiter
from counterfoil.registry.table.mapping import Mapping
from counterfoil.registry.table.reading import RawRow, open_table
from tests.shared_data import shared


def read(path: Path, data: bytes, **mapping: Any) -> tuple[tuple[str, ...], list[RawRow]]:
    path.write_bytes(data)
    with open_table(path, Mapping(**mapping)) as table:
        return table.columns, list(table.rows())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def values(rows: list[RawRow]) -> list[tuple[int, Any]]:
    return [(row.line, row.values if row.fault is None else row.fault) for row in rows]


# CSV


def test_rows_are_counted_by_the_line_they_begin_at(path: Path) -> None:
    columns, rows = read(path, b'a,b\r\n1,"two\nlines"\r\n\r\n2,"x ""y"""\n3,')
    assert columns == ("a", "b")
    assert values(rows) == [(2, ["1", "two\nlines"]), (5, ["2", 'x "y"']), (6, ["3", ""])]


@pytest.mark.parametrize("data", [b"a;b\n1;2\n", b"a\tb\n1\t2\n", b"a|b\n1|2\n", b"\xef\xbb\xbfa,b\n1,2\n"])
def test_delimiter_and_byte_order_mark_are_found_out(path: Path, data: bytes) -> None:
    columns, rows = read(path, data)
    assert (columns, values(rows)) == (("a", "b"), [(2, ["1", "2"])])


def test_a_delimiter_that_is_named_is_taken(path: Path) -> None:
    assert read(path, b"a;b,c\n1;2,3\n", delimiter=",")[0] == ("a;b", "c")


def test_gzip_is_known_by_its_first_bytes(path: Path) -> None:
    packed = gzip.compress(b"a,b\n1,2\n")
    assert values(read(path, packed)[1]) == [(2, ["1", "2"])]
    with pytest.raises(Malformed, match="line 1: byte 0x8b at 2 is no utf-8"):
        read(path, packed, compression="none")
    with pytest.raises(Malformed, match="is damaged or cut off"):
        read(path, b"a,b\n", compression="gzip")


@pytest.mark.parametrize(("encoding", "byte"), [("latin-1", b"\xe9"), ("windows-1252", b"\x80")])
def test_an_encoding_that_is_named(path: Path, encoding: str, byte: bytes) -> None:
    assert values(read(path, b"a\n" + byte, encoding=encoding)[1]) == [(2, [byte.decode(encoding)])]


def test_without_a_header_the_columns_are_named_in_the_mapping(path: Path) -> None:
    columns, rows = read(path, b"1,2\n", header=False, columns=("a", "b"))
    assert (columns, values(rows)) == (("a", "b"), [(1, ["1", "2"])])
    assert read(path, b"", header=False, columns=("a", "b"))[1] == []


def test_or_renamed(path: Path) -> None:
    columns, rows = read(path, b"x,x\n1,2\n", columns=("a", "b"))
    assert (columns, values(rows)) == (("a", "b"), [(2, ["1", "2"])])
    with pytest.raises(Malformed, match="the mapping names 1 columns, and line 1 has 2"):
        read(path, b"x,x\n1,2\n", columns=("a",))


def test_refused_rows_come_with_a_header_whatever_the_mapping_says(path: Path) -> None:
    columns, rows = read(path, b"a,.reason\n1,bad\n", header=False, columns=("a",))
    assert (columns, values(rows)) == (("a", ".reason"), [(2, ["1", "bad"])])


def test_what_is_wrong_with_one_row_spoils_no_other(path: Path) -> None:
    data = b'a,b\n1,\xe9\n2,"x"y\n3,\0\n4,5\n"6\n,7",\xe9\n"8,9\n'
    found = values(read(path, data)[1])
    assert [line for line, _ in found] == [2, 3, 4, 5, 6, 8]
    assert found[0][1].startswith("byte 0xe9 at 3 is no utf-8; save the file as utf-8")
    assert found[1][1].startswith("the line is not in the form of CSV: ")
    assert found[2][1].startswith("there is a NUL byte, which no text has")
    assert found[3][1] == ["4", "5"]
    assert found[4][1].startswith("byte 0xe9 at 5 in line 7 is no utf-8")
    assert "unexpected end of data" in found[5][1]


def test_a_quotation_mark_that_is_never_closed_takes_but_a_piece_of_the_file(path: Path) -> None:
    rest = b"1,plain\n" * 40_000
    rows = read(path, b'a,b\n0,"open\n' + rest)[1]
    assert rows[0].line == 2
    assert "is a quotation mark not closed?" in (rows[0].fault or "")
    assert rows[-1][:3] == (40_002, 8, ["1", "plain"])
    assert sum(row.fault is not None for row in rows) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty; its first line must name the columns"),
        (b"a,b,a\n", "columns 1 and 3 are both called 'a'"),
        (b"\xff\xfea\0", "is in UTF-16; save it in UTF-8"),
        (b'"a,b\n', "line 1: the line is not in the form of CSV"),
        (b"," * 2_000, "the table has 2,001 columns; at most 2,000 are taken"),
    ],
)
def test_a_head_that_cannot_be_used(path: Path, data: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        read(path, data)


# Files that are made to harm


def test_a_line_without_an_end_is_not_read_to_its_end(path: Path) -> None:
    with pytest.raises(Malformed, match="the row that ends at line 3 has over 1,048,576 bytes"):
        read(path, b"a,b\n1,2\n" + b"x" * (1 << 21))


def test_nor_a_row_of_endless_lines(path: Path) -> None:
    with pytest.raises(Malformed, match="has over 1,048,576 bytes"):
        read(path, b'a,b\n"' + b'x\n","' * 300_000)


def test_rows_before_it_are_read(path: Path) -> None:
    path.write_bytes(b"a,b\n1,2\n" + b"x" * (1 << 21))
    with open_table(path, Mapping()) as table:
        assert next(table.rows()).values == ["1", "2"]


def test_a_compressed_bomb_is_left_when_it_goes_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FREE_EXPANSION", 1 << 10)
    data = b"a,b\n" + b"1,2\n" * 1_000_000
    with pytest.raises(Malformed, match=r"is over 200 times as long by line \d+, as no table is"):
        read(path, gzip.compress(data))


def test_a_compressed_file_that_is_cut_off(path: Path) -> None:
    packed = gzip.compress(os.urandom(50_000).hex().encode() + b"\n")
    with pytest.raises(Malformed, match="damaged or cut off "):
        read(path, packed[:-20_000])


def test_a_compressed_file_that_was_changed(path: Path) -> None:
    packed = bytearray(gzip.compress(b"a,b\n" + b"".join(b"%d,x\n" % n for n in range(100_000))))
    packed[-6] ^= 1
    with pytest.raises(Malformed, match=r"damaged or cut off after line \d+ .*CRC check failed"):
        read(path, bytes(packed))


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"), open_table(tmp_path / "none", Mapping()):
        pass
    with pytest.raises(Unavailable, match="cannot be read"), open_table(tmp_path, Mapping()):
        pass
    with (
        pytest.raises(Unavailable, match="save it as a plain file first"),
        open_table(Path("/dev/null"), Mapping()),
    ):
        pass


# JSON Lines


def test_each_line_is_an_object(path: Path) -> None:
    data = b'{"a":1}\n\n{"a":{"b":[true,null]}}\r\n'
    assert values(read(path, data, format="jsonl")[1]) == [(1, {"a": 1}), (3, {"a": {"b": [True, None]}})]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[1]", "the line is no JSON object"),
        (b"null", "the line is no JSON object"),
        (b"{", "the line is no JSON: "),
        (b'{"a":1,"a":2}', "an object has the member 'a' twice"),
        (b'{"a":NaN}', "NaN is no number of JSON"),
        (b'{"a":' + b"9" * 5_000 + b"}", "the line cannot be taken: "),
        (b"[" * 200_000, "the line cannot be taken: "),
        (b'{"a":"\xff"}', "byte 0xff at 7 is no utf-8"),
        (b'{"a":"\0"}', "there is a NUL byte, which"),
    ],
)
def test_a_line_that_is_none_is_refused_by_itself(path: Path, line: bytes, said: str) -> None:
    first, second = values(read(path, line + b'\n{"a":1}\n', format="jsonl")[1])
    assert said in first[1]
    assert second == (2, {"a": 1})


# The form


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("a.rsf", b"", None),
        ("a.tsv", b"add-item\t{}\n", "rsf"),
        ("a.csv", b"", "csv"),
        ("a.tsv", b"a\tb\n", "csv"),
        ("A.CSV", b"{", "csv"),
        ("a.csv.gz", gzip.compress(b"a"), "csv"),
        ("a.ndjson", b"", "jsonl"),
        ("a", b'{"a":1}\n', "jsonl"),
        ("a", gzip.compress(b'{"a":1}\n'), "jsonl"),
        ("a.txt", b'"{5BBE}","4"\n', "csv"),
        ("a", b"{5BBE},4\n", "csv"),
        ("a", b"nothing of this kind", None),
        ("a", b"", None),
        ("a.gz", b"\x1f\x8b broken", None),
    ],
)
def test_a_form_is_known_by_content_and_name(
    tmp_path: Path, name: str, data: bytes, form: str | None
) -> None:
    (tmp_path / name).write_bytes(data)
    assert file_form(tmp_path / name) == form


def test_delimiters_within_quotation_marks_do_not_count() -> None:
    assert [sniff_delimiter(line) for line in ('"a,b,c";d\n1', "a\n;;;", "")] == [";", ",", ","]


# The real files


def test_the_land_sample_has_no_header_and_10298_rows() -> None:
    path = shared("data/land/hmlr-price-paid-1995-sample.csv.gz")
    columns = tuple("abcdefghijklmnop")
    with open_table(path, Mapping(header=False, columns=columns)) as table:
        rows = list(table.rows())
        assert table.position == table.length == path.stat().st_size
        assert table.digest == "sha256:" + sha256(path.read_bytes()).hexdigest()
    assert (len(rows), rows[0].line, rows[-1].line) == (10_298, 1, 10_298)
    assert {len(row.values) for row in rows} == {16}
    assert rows[0].values[:4] == [
        "{5BBE9CB3-6332-4EB0-9CD3-8737CEA4A65A}",
        "42000",
        "1995-12-21 00:00",
        "NE4 9DN",
    ]


@given(st.binary(max_size=300), st.sampled_from(["csv", "jsonl"]))
def test_whatever_it_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, form: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.table"
    with suppress(Malformed):
        _, rows = read(path, data, format=form)
        assert [row.line for row in rows] == sorted({row.line for row in rows})


@given(
    st.lists(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=2, max_size=2))
)
def test_what_a_writer_of_csv_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a", "b"], *rows])
    with open_table(path, Mapping(delimiter=",")) as table:
        assert [row.values for row in table.rows()] == rows


def test_a_line_may_hold_what_json_escapes(path: Path) -> None:
    line = json.dumps({"a": "é\u2028\n"}).encode()
    assert values(read(path, line, format="jsonl")[1]) == [(1, {"a": "é\u2028\n"})]
