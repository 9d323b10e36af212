"""The catalogue: lists of records that are sorted, paged and searched, made from the log and made anew at any time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from counterfoil.errors import Damaged, Malformed, NotFound, Unavailable
from counterfoil.proof.entry import Entry
from counterfoil.proof.instant import instant_text
from counterfoil.registry.catalogue import file as catalogue_file
from counterfoil.registry.catalogue.catalogue import Catalogue, Day, Order, Page, Row
from counterfoil.registry.catalogue.follower import CatalogueFollower
from counterfoil.registry.catalogue.text import decode_cursor, encode_cursor, sort_key

NOON = 1_795_000_000  # 18 November 2026


class Log:
    """A log in memory, whose entries are numbered as they come; each is a minute later than the one before."""

    def __init__(self, origin: str = "registers.example/log") -> None:
        self.written: list[bytes] = []
        self.add(".parameter", "ledger", origin=origin)

    def add(
        self,
        register: str,
        record: str,
        version: int = 1,
        operation: str | None = None,
        *,
        status: str | None = None,
        item: str | None = None,
        told: dict[str, str] | None = None,
        body: bool = True,
        **fields: Any,
    ) -> None:
        content: dict[str, Any] = {"fields": fields} | ({"circumstances": told} if told else {})
        self.written.append(
            Entry(
                len(self.written),
                instant_text(NOON + 60 * len(self.written)),
                register,
                record,
                version,
                operation or ("create" if version == 1 else "amend"),
                status=status,
                body=content if body and item is None else None,
                item=item,
            ).encode()
        )

    def entries(self, first: int) -> Iterator[bytes]:
        return iter(self.written[first:])


@pytest.fixture
def log() -> Log:
    log = Log()
    log.add(".register", "pet", title="Pets")
    return log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "catalogue.db"


@pytest.fixture
def catalogue(path: Path, log: Log) -> Iterator[Catalogue]:
    catalogue = Catalogue(path, log.entries)
    yield catalogue
    catalogue.close()


def names(page: Page) -> list[str]:
    return [row.record for row in page.rows]


def every_page(catalogue: Catalogue, register: str, limit: int, **asked: Any) -> list[Row]:
    rows: list[Row] = []
    after: str | None = None
    while True:
        page = catalogue.records(register, after, limit, **asked)
        rows += page.rows
        after = page.next
        if after is None:
            return rows


# Registers


def test_registers_are_counted_and_those_of_the_system_stand_apart(log: Log, catalogue: Catalogue) -> None:
    log.add("pet", "rex", name="Rex")
    log.add("pet", "rex", 2, name="Rex the dog")
    log.add("pet", "tom", name="Tom")
    log.add("pet.system", "register:pet")
    log.add(".register", "empty", title="Nothing yet")
    assert catalogue.follow() == 7
    told = [
        (each.name, each.title, each.records, each.entries, each.system) for each in catalogue.registers()
    ]
    assert told == [
        ("empty", "Nothing yet", 0, 0, False),
        ("pet", "Pets", 2, 3, False),
        (".parameter", None, 1, 1, True),
        (".register", None, 2, 2, True),
        ("pet.system", None, 1, 1, True),
    ]


def test_a_register_tells_when_its_last_entry_came(log: Log, catalogue: Catalogue) -> None:
    log.add("pet", "rex")
    log.add(".register", "empty", title="Nothing yet")
    catalogue.follow()
    times = {each.name: each.last_time for each in catalogue.registers()}
    assert (times["pet"], times["empty"]) == (instant_text(NOON + 120), None)


def test_a_new_title_replaces_the_old_one(log: Log, catalogue: Catalogue) -> None:
    catalogue.follow()
    log.add(".register", "pet", 2, title="Companions")
    catalogue.follow()
    assert [each.title for each in catalogue.registers() if each.name == "pet"] == ["Companions"]


# Records


def test_keys_stand_in_the_order_that_people_expect(log: Log, catalogue: Catalogue) -> None:
    for record in ["10", "2", "1", "b", "A", "a", "x10y2", "x9y10", "02"]:
        log.add("pet", record)
    catalogue.follow()
    expected = ["1", "02", "2", "10", "A", "a", "b", "x9y10", "x10y2"]
    assert names(catalogue.records("pet", None, 50)) == expected
    assert names(catalogue.records("pet", None, 50, order="-key")) == expected[::-1]


@given(st.lists(st.integers(0, 10**30), min_size=2))
def test_numbers_sort_as_numbers(numbers: list[int]) -> None:
    assert sorted(map(str, numbers), key=sort_key) == [str(number) for number in sorted(numbers)]


def test_a_row_is_the_records_latest_entry(log: Log, catalogue: Catalogue) -> None:
    log.add("pet", "rex", status="alive")
    log.add("pet", "rex", 2, "correct", status="lost")
    catalogue.follow()
    assert catalogue.records("pet", None, 50).rows == (
        Row("pet", "rex", 3, 2, "lost", "correct", instant_text(NOON + 180)),
    )


def test_records_can_stand_by_their_last_change(log: Log, catalogue: Catalogue) -> None:
    for record in "abc":
        log.add("pet", record)
    log.add("pet", "a", 2)
    catalogue.follow()
    assert names(catalogue.records("pet", None, 50, order="changed")) == ["b", "c", "a"]
    assert names(catalogue.records("pet", None, 50, order="-changed")) == ["a", "c", "b"]


def test_records_are_chosen_by_status_and_by_whether_they_ended(log: Log, catalogue: Catalogue) -> None:
    log.add("pet", "live", status="alive")
    log.add("pet", "closed", status="alive")
    log.add("pet", "closed", 2, "close", status="dead", body=False)
    log.add("pet", "wrong")
    log.add("pet", "wrong", 2, "annul", body=False)
    catalogue.follow()
    assert names(catalogue.records("pet", None, 50, status="alive")) == ["live"]
    assert names(catalogue.records("pet", None, 50, ended=False)) == ["live"]
    assert names(catalogue.records("pet", None, 50, ended=True)) == ["closed", "wrong"]
    assert names(catalogue.records("pet", None, 50, ended=True, status="dead")) == ["closed"]


@pytest.mark.parametrize("between", [False, True], ids=["in one slice", "in two"])
def test_what_has_ended_stays_ended_when_it_is_erased(log: Log, catalogue: Catalogue, between: bool) -> None:
    for record in ("ended", "live"):
        log.add("pet", record)
    log.add("pet", "ended", 2, "close", body=False)
    if between:
        catalogue.follow()
    for record, version in (("ended", 3), ("live", 2)):
        log.add("pet", record, version, "erase", body=False)
    catalogue.follow()
    assert names(catalogue.records("pet", None, 50, ended=True)) == ["ended"]
    assert names(catalogue.records("pet", None, 50, ended=False)) == ["live"]


def test_a_register_that_is_not_there_is_said(catalogue: Catalogue) -> None:
    catalogue.follow()
    with pytest.raises(NotFound, match="there is no register 'pest' here"):
        catalogue.records("pest", None, 50)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_a_size(log: Log, catalogue: Catalogue, limit: int) -> None:
    log.add("pet", "rex")
    catalogue.follow()
    with pytest.raises(Malformed, match="from 1 to 1,000 rows"):
        catalogue.records("pet", None, limit)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["pet", "toy"]),
        st.sampled_from(["1", "2", "10", "a", "A", "ä", "a b", "9z", "'", '"']),
        st.sampled_from(["amend", "amend", "correct", "close", "annul", "erase"]),
        st.sampled_from([None, "new", "old"]),
    ),
    max_size=40,
)


def written(changes: list[tuple[str, str, str, str | None]]) -> tuple[Log, dict[tuple[str, str], Row]]:
    """A log with these changes, and each record's latest entry as a list must show it."""
    log, rows = Log(), dict[tuple[str, str], Row]()
    for register, record, operation, status in changes:
        before = rows.get((register, record))
        version = before.version + 1 if before else 1
        done = operation if before else "create"
        log.add(register, record, version, done, status=status)
        then = instant_text(NOON + 60 * (len(log.written) - 1))
        rows[register, record] = Row(register, record, len(log.written) - 1, version, status, done, then)
    return log, rows


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(CHANGES, st.integers(1, 7), st.integers(1, 5), st.sampled_from(["key", "-key", "changed", "-changed"]))
def test_whatever_is_written_and_however_it_is_paged_each_record_stands_once_in_its_place(
    changes: list[tuple[str, str, str, str | None]], slice_: int, limit: int, order: Order
) -> None:
    log, rows = written(changes)
    with TemporaryDirectory() as folder:
        catalogue = Catalogue(Path(folder) / "catalogue.db", log.entries)
        while catalogue.follow(slice_):
            pass
        for register in {register for register, *_ in changes}:
            expected = [row for row in rows.values() if row.register == register]
            key = (
                (lambda row: (sort_key(row.record), row.record))
                if "key" in order
                else (lambda row: row.number)
            )
            expected.sort(key=key, reverse=order.startswith("-"))
            assert every_page(catalogue, register, limit, order=order) == expected
            live = every_page(catalogue, register, limit, order=order, status="new")
            assert live == [row for row in expected if row.status == "new"]
        counted = Counter(register for register, *_ in changes)
        assert {each.name: each.entries for each in catalogue.registers() if not each.system} == counted
        catalogue.close()


def test_a_cursor_of_another_list_or_of_nobody_is_refused(log: Log, catalogue: Catalogue) -> None:
    for record in "abc":
        log.add("pet", record)
    catalogue.follow()
    by_key = catalogue.records("pet", None, 1).next
    assert by_key is not None
    for cursor in (by_key, "x", "é", "W10", "9" * 5000):
        with pytest.raises(Malformed, match="begin at the list's first page"):
            catalogue.records("pet", cursor, 1, order="changed")


@given(st.text(), st.integers(0, 2**63 - 1))
@example("\0", 0)
def test_a_cursor_gives_back_what_it_was_made_of(text: str, number: int) -> None:
    cursor = encode_cursor(text, number)
    assert cursor.isascii()
    assert not set(cursor) & set("&=#?+/% ")
    assert decode_cursor(cursor, (str, int)) == [text, number]


# Search


@pytest.fixture
def pets(log: Log, catalogue: Catalogue) -> Catalogue:
    log.add("pet", "rex", name="Rex the Great Dane", born=1999)
    log.add("pet", "tom", name="Tom", colours=["grey", {"eyes": "Ärgerlich grün"}])
    log.add("pet", "dane", name="A cat")
    log.add("toy", "ball", name="Ball of Rex")
    log.add("pet.system", "custodian", name="Rex keeper")
    catalogue.follow()
    return catalogue


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("great", ["rex"]),
        ("GREAT dane", ["rex"]),
        ("gre", ["rex", "tom"]),
        ("argerlich", ["tom"]),
        ("ärgerlich GRÜN", ["tom"]),
        ("1999", ["rex"]),
        ("199", ["rex"]),
        ("grey rex", []),
        ("r", []),
        ("a", ["dane"]),
        ("", []),
        ("   ", []),
        ("* - :", []),
    ],
)
def test_records_are_found_by_words_and_their_beginnings(
    pets: Catalogue, text: str, found: list[str]
) -> None:
    assert sorted(names(pets.search(text, "pet"))) == found


def test_a_record_whose_key_is_what_was_looked_for_comes_first(pets: Catalogue) -> None:
    assert names(pets.search("dane")) == ["dane", "rex"]
    assert names(pets.search("Rex")) == ["rex", "ball"]


def test_registers_of_the_system_are_searched_only_where_they_are_named(pets: Catalogue) -> None:
    assert names(pets.search("keeper")) == []
    assert names(pets.search("keeper", "pet.system")) == ["custodian"]


@pytest.mark.parametrize(
    "text", ['"', "rex OR tom", "rex NOT dane", "name:rex", "NEAR(rex dane)", "rex*", "(", "^rex", "{"]
)
def test_what_is_looked_for_is_never_a_formula(pets: Catalogue, text: str) -> None:
    words = [word for word in text.replace("(", " ").replace(":", " ").split() if word.strip('"^*{)')]
    found = names(pets.search(text))
    assert found == ([] if len(words) != 1 else ["rex", "ball"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_no_text_makes_a_search_fail(pets: Catalogue, text: str) -> None:
    pets.search(text)


def test_only_the_latest_version_is_found(pets: Catalogue, log: Log) -> None:
    log.add("pet", "rex", 2, name="Max")
    pets.follow()
    assert names(pets.search("great")) == []
    assert names(pets.search("max")) == ["rex"]


def test_what_is_erased_or_was_never_in_the_clear_is_not_found(pets: Catalogue, log: Log, path: Path) -> None:
    log.add("pet", "tom", 2, "erase", body=False)
    log.add("pet", "secret", item="sha256:" + "ab" * 32)
    pets.follow()
    assert names(pets.search("grey")) == []
    assert names(pets.search("abab")) == []
    assert names(pets.search("secret")) == ["secret"]


def test_hits_are_paged(catalogue: Catalogue, log: Log) -> None:
    for number in range(25):
        log.add("pet", f"dog {number}", kind="dog")
    catalogue.follow()
    found: list[str] = []
    after: str | None = None
    for pages in range(1, 4):
        page = catalogue.search("dog", None, after, 10)
        found += names(page)
        after = page.next
        assert (after is None) == (pages == 3)
    assert sorted(found) == sorted(f"dog {number}" for number in range(25))


# Activity


def test_activity_is_told_day_by_day_by_the_ledger_and_by_the_older_book(
    log: Log, catalogue: Catalogue
) -> None:
    log.add("pet", "a", told={"recorded": "2016-04-05T13:23:05Z"})
    log.add("pet", "b", told={"recorded": "1962"})
    log.add("pet", "c", told={"recorded": "1962-07"})
    log.add("toy", "d")
    catalogue.follow()
    today = "2026-11-18"
    assert catalogue.activity("pet", "2026-01-01", "2026-12-31") == [Day(today, 3)]
    assert catalogue.activity(None, "2026-01-01", "2026-12-31") == [Day(today, 4)]
    assert catalogue.activity("pet", "0000-01-01", "9999-12-31", clock="book") == [
        Day("1962-01-01", 1),
        Day("1962-07-01", 1),
        Day("2016-04-05", 1),
    ]
    assert catalogue.activity("pet", "2026-11-19", "2026-12-31") == []
    assert catalogue.growth() == [Day(today, 6)]


# Following


def test_it_takes_in_what_is_new_and_no_more(log: Log, catalogue: Catalogue) -> None:
    assert catalogue.position == 0
    assert catalogue.follow(1) == 1
    assert catalogue.follow() == 1
    assert catalogue.follow() == 0
    log.add("pet", "rex")
    assert catalogue.follow() == 1
    assert catalogue.position == 3


def test_an_entry_that_cannot_be_read_is_named_and_nothing_of_its_slice_is_taken_in(
    log: Log, catalogue: Catalogue
) -> None:
    catalogue.follow()
    log.add("pet", "rex")
    log.written.append(b"{")
    with pytest.raises(Damaged, match=r"an entry from 2 on cannot be read .*run counterfoil audit"):
        catalogue.follow()
    assert catalogue.position == 2
    assert [each.records for each in catalogue.registers() if each.name == "pet"] == [0]


def test_waiting_ends_once_the_log_is_in_or_the_time_is_over(log: Log, catalogue: Catalogue) -> None:
    assert not catalogue.wait_for(2, 0.01)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(catalogue.wait_for, 2, 30.0)
        catalogue.follow()
        assert waiting.result()


def test_who_waits_is_told_when_it_closes(path: Path, log: Log) -> None:
    catalogue = Catalogue(path, log.entries)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(catalogue.wait_for, 2, 30.0)
        catalogue.close()
        assert not waiting.result()


def test_the_follower_takes_in_the_log_whenever_it_is_woken(log: Log, catalogue: Catalogue) -> None:
    follower = CatalogueFollower(catalogue)
    follower.start()
    try:
        assert catalogue.wait_for(2, 30)
        log.add("pet", "rex")
        follower.wake()
        assert catalogue.wait_for(3, 30)
    finally:
        follower.stop()


def test_the_follower_outlives_what_it_cannot_read(
    log: Log, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.registry.catalogue.follower.RETRY_SECONDS", 0.01)
    good, log.written = log.written, [b"{"]
    follower = CatalogueFollower(catalogue)
    follower.start()
    try:
        assert not catalogue.wait_for(1, 0.1)
        log.written = good
        assert catalogue.wait_for(2, 30)
    finally:
        follower.stop()


def test_many_threads_may_ask_while_it_follows(log: Log, catalogue: Catalogue) -> None:
    catalogue.follow()
    for number in range(300):
        log.add("pet", str(number), name="dog")
    ended = threading.Event()

    def ask() -> list[int]:
        seen = []
        while not ended.is_set():
            seen.append(len(catalogue.search("dog", "pet", limit=1000).rows))
        return [*seen, len(every_page(catalogue, "pet", 70))]

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        while catalogue.follow(10):
            pass
        ended.set()
        for each in asking:
            seen = each.result()
            assert seen == sorted(seen)
            assert seen[-1] == 300


# The file


def test_it_goes_on_where_it_stopped(path: Path, log: Log) -> None:
    first = Catalogue(path, log.entries)
    first.follow()
    first.close()
    log.add("pet", "rex")
    again = Catalogue(path, log.entries)
    assert again.position == 2
    assert again.follow() == 1
    assert names(again.records("pet", None, 5)) == ["rex"]
    again.close()


def test_the_file_is_for_its_owner_alone(path: Path, catalogue: Catalogue) -> None:
    catalogue.follow()
    assert {each.name: each.stat().st_mode & 0o777 for each in (path, path.parent)} == {
        "catalogue.db": 0o600,
        "cache": 0o700,
    }


def filled(path: Path, log: Log) -> None:
    catalogue = Catalogue(path, log.entries)
    catalogue.follow()
    catalogue.close()


def test_it_begins_anew_for_another_log(path: Path, log: Log) -> None:
    filled(path, log)
    other = Log("registers.example/other")
    other.add(".register", "toy", title="Toys")
    again = Catalogue(path, other.entries)
    assert again.position == 0
    again.follow()
    assert [each.name for each in again.registers() if not each.system] == ["toy"]
    again.close()


def test_it_begins_anew_for_a_log_that_went_another_way(path: Path, log: Log) -> None:
    filled(path, log)
    log.written.pop()
    log.add(".register", "toy", title="Toys")
    again = Catalogue(path, log.entries)
    assert again.position == 0
    again.close()


def test_it_begins_anew_for_a_log_that_is_shorter(path: Path, log: Log) -> None:
    filled(path, log)
    log.written.pop()
    again = Catalogue(path, log.entries)
    assert again.position == 0
    again.close()


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be read as one" * 100])
def test_it_begins_anew_where_the_file_is_something_else(path: Path, log: Log, content: bytes) -> None:
    filled(path, log)
    path.write_bytes(content)
    again = Catalogue(path, log.entries)
    assert again.position == 0
    assert again.follow() == 2
    again.close()


def test_it_begins_anew_where_its_tables_are_of_another_version(path: Path, log: Log) -> None:
    filled(path, log)
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA user_version={catalogue_file.VERSION + 1}")
    connection.close()
    again = Catalogue(path, log.entries)
    assert again.position == 0
    again.close()


def test_it_begins_anew_where_the_machine_stopped_while_it_was_open(
    path: Path, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = tmp_path / "boot_id"
    monkeypatch.setattr(catalogue_file, "BOOT", boot)
    boot.write_text("monday")
    open_still = Catalogue(path, log.entries)
    open_still.follow()
    killed = Catalogue(path, log.entries)
    assert killed.position == 2  # a killed process alone loses nothing
    killed.close()
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE place SET opened_in = 'monday'")
    connection.close()
    boot.write_text("tuesday")
    again = Catalogue(path, log.entries)
    assert again.position == 0
    again.close()
    open_still.close()


def test_damage_found_while_asking_is_said_and_mended_by_the_follower(path: Path, log: Log) -> None:
    for number in range(2000):
        log.add("pet", str(number), name=f"dog number {number}")
    filled(path, log)
    data = path.read_bytes()
    path.write_bytes(data[:8192] + bytes(byte ^ 0xFF for byte in data[8192:]))
    catalogue = Catalogue(path, log.entries)
    follower = CatalogueFollower(catalogue)
    follower.start()
    try:
        with pytest.raises(Unavailable, match="was damaged and is being made anew"):
            catalogue.registers()
        deadline = time.monotonic() + 30
        while catalogue.damaged and time.monotonic() < deadline:
            catalogue.wait_for(len(log.written) + 1, 0.01)
        assert catalogue.wait_for(len(log.written), 30)
        assert len(every_page(catalogue, "pet", 500)) == 2000
    finally:
        follower.stop()
        catalogue.close()


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path, log: Log) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot be used"):
        Catalogue(tmp_path / "cache" / "catalogue.db", log.entries)
