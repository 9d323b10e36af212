"""Writing RSF: what was read comes back byte for byte, what was made here can be read, and both go together."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.registry.rsf.format import MAX_LINES, Kind, RsfFile
from counterfoil.registry.rsf.reading import read_rsf
from counterfoil.registry.rsf.writing import (
    ExportEntry,
    RsfPosition,
    export_entries,
    position_of,
    write_rsf,
)
from tests.registry.rsf_lines import T1, T2, T3, add, entry, root
from tests.shared_data import SHARED, shared

REAL = sorted(path.stem for path in (SHARED / "data" / "registers").glob("*.rsf"))
RIGHT_EXAMPLES = [
    "register-register-rsf.tsv",
    "register-register-valid-entry-ordering.rsf",
    "valid-register-escaped.tsv",
]

A: dict[str, Any] = {"name": "Aland", "place": "a"}
B: dict[str, Any] = {"name": "Bland", "place": "b"}
C: dict[str, Any] = {"name": "Cland", "place": "c"}


def written(entries: list[ExportEntry], **options: Any) -> bytes:
    return b"".join(write_rsf(entries, **options))


def again(data: bytes) -> bytes:
    return written(list(export_entries(read_rsf(data))))


def content(entries: list[ExportEntry]) -> list[tuple[Kind, str, str, dict[str, Any]]]:
    """What entries say, the system's first, without their positions."""
    ordered = sorted(entries, key=lambda each: each.kind)
    return [(each.kind, each.key, each.timestamp, each.item) for each in ordered]


# ---- As it was imported ---------------------------------------------------------------------------


@pytest.mark.parametrize("register", REAL)
def test_a_real_register_is_written_byte_for_byte(register: str) -> None:
    data = shared(f"data/registers/{register}.rsf").read_bytes()
    assert again(data) == data


@pytest.mark.parametrize("name", RIGHT_EXAMPLES)
def test_a_right_example_is_written_byte_for_byte(name: str) -> None:
    data = shared(f"data/vectors/rsf-negative/{name}").read_bytes()
    assert again(data) == data


@pytest.mark.parametrize("register", ["country", "field", "jobcentre"])
def test_positions_survive_as_text_and_system_entries_may_be_given_apart(register: str) -> None:
    data = shared(f"data/registers/{register}.rsf").read_bytes()
    file = read_rsf(data)
    kept = [
        ExportEntry(
            each.kind,
            each.key,
            each.timestamp,
            each.item,
            RsfPosition.parse(position_of(each, file).encode()),
        )
        for each in (*file.user_entries, *file.system_entries)
    ]
    assert written(kept) == data


def test_roots_stand_where_they_stood_and_the_last_newline_stays_away() -> None:
    one, two = ("a", T1, A), ("b", T2, B)
    data = (
        add(B)
        + root()
        + add(A)
        + root()
        + entry("user", *one)
        + root(one)
        + root(one)
        + entry("user", *two)
        + entry("system", "name", T1, A)
        + root(one, two)
    )
    assert again(data) == data
    assert again(data[:-1]) == data[:-1]


def test_lines_are_given_one_by_one() -> None:
    data = shared("data/registers/datatype.rsf").read_bytes()
    assert list(write_rsf(export_entries(read_rsf(data)))) == data.splitlines(keepends=True)


# ---- Made here ------------------------------------------------------------------------------------


def test_entries_without_positions_are_written_plain() -> None:
    entries = [
        ExportEntry("user", "a", T1, A),
        ExportEntry("system", "name", T1, C),
        ExportEntry("user", "b", T2, B),
        ExportEntry("user", "a", T3, A),
    ]
    assert written(entries) == b"".join(
        [
            root(),
            add(C),
            add(A),
            add(B),
            entry("system", "name", T1, C),
            entry("user", "a", T1, A),
            entry("user", "b", T2, B),
            entry("user", "a", T3, A),
            root(("a", T1, A), ("b", T2, B), ("a", T3, A)),
        ]
    )


def test_a_register_without_entries_is_its_empty_root() -> None:
    assert written([]) == root() + root()
    assert read_rsf(written([])).entries == ()


def test_the_plain_layout_can_be_asked_for() -> None:
    file = read_rsf(shared("data/registers/prison-estate.rsf").read_bytes())
    plain = read_rsf(written(list(export_entries(file)), layout="plain"))
    assert content(list(export_entries(plain))) == content(list(export_entries(file)))
    assert plain.assertions[-1].root == file.assertions[-1].root
    assert plain.published_root_verified


@pytest.mark.parametrize("key", ["", "a\tb", "a\n", "x" * 256])
def test_a_key_that_rsf_cannot_hold_is_refused_before_the_first_line(key: str) -> None:
    with pytest.raises(Malformed, match="a key has 1 to 255 printable characters"):
        write_rsf([ExportEntry("user", "a", T1, A), ExportEntry("user", key, T1, A)])


def test_a_time_that_rsf_cannot_hold_is_refused_before_the_first_line() -> None:
    with pytest.raises(Malformed, match=r"'2016-11-02T14:45:54\.5Z' is not a time of RFC 3339"):
        write_rsf([ExportEntry("user", "a", "2016-11-02T14:45:54.5Z", A)])


# ---- Imported, and gone on with here --------------------------------------------------------------

IMPORTED = root() + add(A) + entry("system", "name", T1, A) + entry("user", "a", T1, A) + root(("a", T1, A))


@pytest.mark.parametrize("data", [IMPORTED, IMPORTED[:-1]], ids=["newline", "no newline"])
def test_later_entries_follow_the_imported_file_with_a_root(data: bytes) -> None:
    entries = [
        *export_entries(read_rsf(data)),
        ExportEntry("user", "b", T2, B),
        ExportEntry("system", "name", T2, C),
        ExportEntry("user", "a", T3, A),
    ]
    assert written(entries) == IMPORTED + b"".join(
        [
            add(B),
            entry("user", "b", T2, B),
            add(C),
            entry("system", "name", T2, C),
            entry("user", "a", T3, A),
            root(("a", T1, A), ("b", T2, B), ("a", T3, A)),
        ]
    )


def test_a_real_register_gone_on_with_begins_with_its_bytes_and_can_be_read() -> None:
    data = shared("data/registers/territory.rsf").read_bytes()
    imported = list(export_entries(read_rsf(data)))
    item = {"name": "Sark", "territory": "GG-SRK"}
    extended = written([*imported, ExportEntry("user", "GG-SRK", "2026-11-23T10:00:00Z", item)])
    assert extended.startswith(data)
    file = read_rsf(extended)
    assert file.user_entries[-1].key == "GG-SRK"
    assert [each.user_entries for each in file.assertions] == [0, 80, 81]


def test_entries_of_a_second_file_follow_those_of_the_first() -> None:
    second = add(B) + entry("user", "b", T2, B)
    entries = [*export_entries(read_rsf(IMPORTED)), *export_entries(read_rsf(second))]
    assert written(entries) == IMPORTED + second + root(("a", T1, A), ("b", T2, B))


# ---- Positions that do not fit --------------------------------------------------------------------


def placed(
    kind: Kind, key: str, item: dict[str, Any], item_line: int, entry_line: int, lines: int
) -> ExportEntry:
    return ExportEntry(kind, key, T1, item, RsfPosition(item_line, entry_line, lines))


@pytest.mark.parametrize(
    "entries",
    [
        [placed("user", "a", A, 1, 3, 4), placed("user", "b", B, 2, 3, 4)],
        [placed("user", "a", A, 1, 3, 4), placed("user", "b", B, 1, 4, 4)],
        [placed("user", "a", A, 1, 2, 4), placed("user", "b", B, 2, 4, 4)],
        [placed("user", "b", B, 2, 4, 4), placed("user", "a", A, 1, 2, 4), placed("user", "c", C, 1, 3, 4)],
        [placed("user", "a", A, 1, 4, 4), placed("system", "b", B, 2, 4, 4)],
        [placed("user", "a", A, 1, 4, 4), placed("user", "b", B, 2, 3, 4)],
        [ExportEntry("user", "b", T1, B), placed("user", "a", A, 1, 2, 2)],
        [placed("user", "a", {"a": 1}, 1, 2, 3), placed("user", "a", {"a": True}, 1, 3, 3)],
    ],
    ids=[
        "one line for two entries",
        "one line for two items",
        "an item where an entry stands",
        "an entry where an item stands",
        "one line for two kinds",
        "out of order",
        "an entry made here before",
        "items that are alike only to Python",
    ],
)
def test_positions_that_contradict_each_other_give_the_plain_form(entries: list[ExportEntry]) -> None:
    assert written(entries) == written(entries, layout="plain")
    assert len(read_rsf(written(entries)).entries) == len(entries)


def test_an_entry_of_one_kind_made_before_leaves_the_other_kind_in_place() -> None:
    entries = [ExportEntry("system", "name", T1, C), placed("user", "a", A, 1, 2, 2)]
    first = ("a", T1, A)
    assert written(entries) == (
        add(A) + entry("user", *first) + add(C) + entry("system", "name", T1, C) + root(first)
    )


# ---- Positions as text ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "text"),
    [
        (RsfPosition(17, 243, 456), "rsf:17:243:456"),
        (RsfPosition(17, 243, 456, ends_in_newline=False), "rsf:17:243:456:no-newline"),
        (RsfPosition(1, 2, 2), "rsf:1:2:2"),
        (RsfPosition(1, 2, MAX_LINES), "rsf:1:2:10000000"),
    ],
)
def test_a_position_is_a_short_text(position: RsfPosition, text: str) -> None:
    assert position.encode() == text
    assert RsfPosition.parse(text) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17:243:456",
        "rsf:17:243",
        "rsf:17:243:456:",
        "rsf:17:243:456:newline",
        "rsf:017:243:456",
        "rsf:+17:243:456",
        "rsf:17:243:456\n",
        "rsf:\u0661:2:3",
        "rsf:1:2:123456789",
    ],
)
def test_any_other_text_is_no_position(text: str) -> None:
    with pytest.raises(Malformed) as error:
        RsfPosition.parse(text)
    assert str(error.value) == f"{text!r} is no position in an RSF file; it is written rsf:17:243:456"


@pytest.mark.parametrize("lines", [(0, 1, 2), (2, 2, 3), (3, 2, 3), (1, 4, 3), (1, 2, MAX_LINES + 1)])
def test_a_position_lies_in_its_file_behind_its_item(lines: tuple[int, int, int]) -> None:
    with pytest.raises(Malformed) as error:
        RsfPosition(*lines)
    assert str(error.value) == (
        f"'rsf:{lines[0]}:{lines[1]}:{lines[2]}' is no position in an RSF file: item line, entry line, "
        "and lines in all, at most 10000000, must rise"
    )


# ---- Properties -----------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = st.text(st.characters(codec="ascii"), max_size=6)
items = st.dictionaries(names, texts | st.lists(texts, max_size=2), max_size=3) | st.sampled_from([A, B, C])
printable = st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" ")
keys = st.text(printable, min_size=1, max_size=12) | st.sampled_from(["a", "name"])
kinds: st.SearchStrategy[Kind] = st.sampled_from(["system", "user"])


@st.composite
def exports(draw: st.DrawFn, least: int = 0) -> list[ExportEntry]:
    """Entries without positions, their times in order."""
    minutes = sorted(draw(st.lists(st.integers(0, 59), min_size=least, max_size=12)))
    return [
        ExportEntry(draw(kinds), draw(keys), f"2017-06-06T09:{minute:02}:00Z", draw(items))
        for minute in minutes
    ]


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A right file with at least one entry: items ahead or in between, shared or repeated, roots anywhere."""
    entries = draw(exports(least=1))
    ahead: list[bytes] = []
    body: list[bytes] = []
    given: list[dict[str, Any]] = []
    users: list[tuple[str, str, dict[str, Any]]] = []
    for each in entries:
        item = each.item
        if draw(st.booleans()) and given:
            item = draw(st.sampled_from(given))
        if item not in given or draw(st.booleans()):
            (ahead if draw(st.booleans()) else body).append(add(item))
        given.append(item)
        body.append(entry(each.kind, each.key, each.timestamp, item))
        if each.kind == "user":
            users.append((each.key, each.timestamp, item))
        body += [root(*users)] * draw(st.integers(0, 2))
    data = b"".join([root()] * draw(st.integers(0, 1)) + draw(st.permutations(ahead)) + body)
    return data[:-1] if draw(st.booleans()) else data


@settings(max_examples=200, deadline=None)
@given(exports())
def test_what_is_written_plain_reads_as_what_it_was(entries: list[ExportEntry]) -> None:
    file = read_rsf(written(entries))
    assert content(list(export_entries(file))) == content(entries)
    assert file.published_root_verified


@settings(max_examples=300, deadline=None)
@given(files())
def test_whatever_file_was_read_is_written_byte_for_byte(data: bytes) -> None:
    assert again(data) == data


@settings(max_examples=100, deadline=None)
@given(files(), exports())
def test_a_file_gone_on_with_reads_as_both(data: bytes, made_here: list[ExportEntry]) -> None:
    later = [msgspec.structs.replace(each, timestamp=T3) for each in made_here]
    imported = list(export_entries(read_rsf(data)))
    extended = written([*imported, *later])
    assert extended.startswith(data)
    file: RsfFile = read_rsf(extended)
    assert content(list(export_entries(file))) == content([*imported, *later])
    assert all(before.line < after.line for before, after in pairwise(file.entries))
    assert written(list(export_entries(file))) == extended
