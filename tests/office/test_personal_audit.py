"""The audit of an installation with items: with the keyring it judges all of it, without it says what it could not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from counterfoil.home import Home
from counterfoil.home_audit import HomeAudited, audit_home
from counterfoil.keyring.opening import open_keyring
from counterfoil.proof.canonical import labelled
from counterfoil.registry.personal.change import Change
from counterfoil.store.closing import cut_sum, write_sum
from counterfoil.store.items import SealedPart, contents, read_contents
from counterfoil.store.sqlite import PAGE_SIZE
from tests.cli.calling import process, snapshot
from tests.office.changes import name
from tests.office.house import House, copies
from tests.office.test_erasure import GONE, OTHER, WANTED, asked, erased, registered

FIRST = 21
"""The number of the entry that registers the first person, after the registers' own."""


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two people and their marriage, a change on the desk, and one decided."""
    folder = copies(template, tmp_path_factory.mktemp("audited"))()
    house = registered(House(folder))
    spelt = name("Wachsmut", "Balthasar")
    assert house.file(Change("person", "correct", {"names": spelt}, key=OTHER, merge=True)).waiting
    house.close()
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Home:
    return Home(copies(made, tmp_path)())


def sentences(audited: HomeAudited) -> list[str]:
    return [each.sentence for each in audited.findings]


def change(path: Path, sql: str, *values: Any) -> None:
    """Change a closed database as somebody does who knows how it is closed."""
    cut_sum(path, PAGE_SIZE)
    with closing(apsw.Connection(str(path))) as database:
        database.execute(sql, values)
    write_sum(path, PAGE_SIZE)


def rows(path: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    cut_sum(path, PAGE_SIZE)
    with closing(apsw.Connection(str(path))) as database:
        found = list(database.execute(sql, values))
    write_sum(path, PAGE_SIZE)
    return found


def forged(home: Home, number: int, forge: Callable[[SealedPart], SealedPart]) -> None:
    """Change an item's first part as somebody does who knows how its row is stored, checksum and all."""
    ((parts, tokens, sum_),) = rows(
        home.store, "SELECT parts, tokens, checksum FROM item WHERE number = ?", number
    )
    first, *others = read_contents(number, (parts, tokens, sum_))[0]
    new = contents(number, [forge(first), *others], read_contents(number, (parts, tokens, sum_))[1])
    change(home.store, "UPDATE item SET parts = ?, tokens = ?, checksum = ? WHERE number = ?", *new, number)


def first_item(home: Home) -> int:
    """The number of the first entry that has brought an item."""
    return int(rows(home.store, "SELECT min(number) FROM item")[0][0])


def flipped(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def test_it_finds_nothing_where_nothing_is_wrong_and_touches_nothing(home: Home) -> None:
    before = snapshot(home.folder)
    audited = audit_home(home)
    assert (audited.findings, audited.unchecked) == ((), ())
    assert snapshot(home.folder) == before


def test_beside_a_process_that_writes_it_judges_the_same(home: Home) -> None:
    house = House(home.folder)
    assert audit_home(home).findings == ()
    house.close()


def test_without_the_keyring_it_says_what_it_could_not_judge(home: Home) -> None:
    home.keyring.unlink()
    audited = audit_home(home)
    assert audited.findings == ()
    assert audited.unchecked == (
        "what items hold whose keys are not here (4)",
        "the cases on the desk, as the keyring that they are sealed under is not here",
    )


def test_with_a_keyring_that_cannot_be_opened_it_says_so(home: Home) -> None:
    (home.keys / "keyring.key").unlink()
    audited = audit_home(home)
    assert audited.findings == ()
    assert audited.unchecked[1].startswith(
        "the keyring, and what items hold, as it cannot be opened: the keyring's key file"
    )


def altered(part: SealedPart, **what: Any) -> SealedPart:
    return SealedPart(**{**{name: getattr(part, name) for name in part.__struct_fields__}, **what})


FORGERIES: dict[str, tuple[Callable[[SealedPart], SealedPart], str]] = {
    "its ciphertext": (
        lambda part: altered(part, sealed=flipped(part.sealed, 5)),
        "is not what was sealed",
    ),
    "its tag": (lambda part: altered(part, sealed=flipped(part.sealed)), "is not what was sealed"),
    "whom it is about": (lambda part: altered(part, subject=flipped(part.subject)), "who an item is about"),
    "its key's id": (lambda part: altered(part, key=part.key + 1), "is not what was sealed"),
    "a key that never was": (
        lambda part: altered(part, key=9999),
        "cannot be opened: the keyring has no key",
    ),
    "its slot": (lambda part: altered(part, slot=part.slot + 7), "is not what was sealed"),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_changed_item_is_named_by_its_entry_also_where_its_checksum_was_changed_with_it(
    home: Home, what: str
) -> None:
    forge, said = FORGERIES[what]
    number = first_item(home)
    forged(home, number, forge)
    (finding,) = audit_home(home).findings
    assert (finding.number, finding.register, finding.version) == (number, "person", 1)
    assert said in finding.what


def test_another_persons_subject_put_beside_an_item_is_named(home: Home) -> None:
    number = first_item(home)
    ((parts, tokens, sum_),) = rows(
        home.store, "SELECT parts, tokens, checksum FROM item WHERE number > ? LIMIT 1", number
    )
    other_number = rows(home.store, "SELECT number FROM item WHERE number > ? LIMIT 1", number)[0][0]
    other = read_contents(other_number, (parts, tokens, sum_))[0][0]
    forged(home, number, lambda part: altered(part, subject=other.subject))
    (finding,) = audit_home(home).findings
    assert finding.number == number
    assert "who an item is about is not what was sealed" in finding.what


KEYRING_ROWS: dict[str, tuple[str, str]] = {
    "key": ("UPDATE key SET wrapped = zeroblob(48) WHERE id = 1", "key 1 is damaged"),
    "key gone": ("DELETE FROM key WHERE id = 1", "key 1 is missing, and no erasure names it"),
    "secret": (
        "UPDATE secret SET wrapped = zeroblob(60) WHERE name = 'subjects'",
        "secret subjects is damaged",
    ),
    "batch": ("UPDATE batch SET deadline = deadline + 1 WHERE first = 1", "batch 1 is damaged"),
    "backup": ("INSERT INTO backup VALUES (1, 1, 1, 1, NULL, x'00')", "backup note 1 is damaged"),
}


@pytest.mark.parametrize("what", KEYRING_ROWS)
def test_a_changed_row_of_the_keyring_is_named(home: Home, what: str) -> None:
    sql, said = KEYRING_ROWS[what]
    change(home.keyring, sql)
    found = sentences(audit_home(home))
    assert any(each.startswith("keyring.db: ") and said in each for each in found), found


def test_a_damaged_key_is_named_with_the_entry_that_it_opens(home: Home) -> None:
    change(home.keyring, "UPDATE key SET wrapped = zeroblob(48) WHERE id = 1")
    (finding,) = [each for each in audit_home(home).findings if each.where.startswith("item row")]
    assert (finding.register, finding.version) == ("person", 1)
    assert "the keyring's key 1 is damaged" in finding.what


def test_an_older_keyring_in_place_of_a_newer_one_is_seen(made: Path, home: Home, tmp_path: Path) -> None:
    house = House(home.folder)
    house.decided(Change("person", "correct", {"names": name("Tamm", "A")}, key=GONE, merge=True))
    house.close()
    shutil.copyfile(made / "keyring.db", home.keyring)
    (finding,) = audit_home(home).findings
    assert finding.what.startswith("part 1 of its item cannot be opened: the keyring has no key")
    assert (finding.register, finding.version) == ("person", 3)


DESK_ROWS: dict[str, str] = {
    "content": "UPDATE paper SET content = zeroblob(200) WHERE standing = 'waiting'",
    "content gone": "UPDATE paper SET content = NULL WHERE standing = 'waiting'",
    "who put it": "UPDATE paper SET by = '00000000000000bb' WHERE standing = 'waiting'",
    "why": "UPDATE paper SET reasons = '[\"other\"]' WHERE standing = 'waiting'",
    "until": "UPDATE paper SET until = until + 1 WHERE standing = 'waiting'",
    "approved by no one": "UPDATE paper SET standing = 'approved' WHERE standing = 'waiting'",
    "no standing": "UPDATE paper SET standing = 'lost' WHERE standing = 'waiting'",
}


@pytest.mark.parametrize("what", DESK_ROWS)
def test_a_changed_case_on_the_desk_is_named(home: Home, what: str) -> None:
    (case,) = rows(home.desk, "SELECT id FROM paper WHERE standing = 'waiting'")[0]
    change(home.desk, DESK_ROWS[what])
    assert sentences(audit_home(home)) == [f"desk.db case {case}: it is not as it was put or decided"]


@pytest.mark.parametrize("file", ["keyring.db", "desk.db", "store.db"])
def test_every_byte_of_a_closed_file_counts(home: Home, file: str) -> None:
    path = home.folder / file
    whole = path.read_bytes()
    for at in range(4000, len(whole), len(whole) // 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found = sentences(audit_home(home))
        assert any(
            each.startswith(f"{file}: its bytes are not those with which it was closed") for each in found
        )
    path.write_bytes(whole)
    assert audit_home(home).findings == ()


def test_what_was_erased_and_is_here_again_is_named(made: Path, home: Home) -> None:
    house = House(home.folder)
    entry = erased(house).entry
    house.close()
    assert audit_home(home).findings == ()
    shutil.copyfile(made / "keyring.db", home.keyring)
    with closing(open_keyring(home.folder, read_only=True)) as keyring:
        keys = sorted(set(range(1, 8)) & set().union(*keyring.drawn_for(_transactions(home)).values()))
    found = sentences(audit_home(home))
    again = [each for each in found if "is still here, and an entry erases what it sealed" in each]
    assert len(again) == 2
    assert all(int(each.split()[2]) in keys for each in again)
    ((*row,),) = rows(Home(made).store, "SELECT * FROM item WHERE number = ?", first_item(home))
    change(home.store, "REPLACE INTO item VALUES (?, ?, ?, ?)", *row)
    found = sentences(audit_home(home))
    what = f"a part of its item is still stored, and entry {entry} erases it"
    assert f"item row {first_item(home)}: {what}" in found


def _transactions(home: Home) -> set[str]:
    return {labelled(each[0]) for each in rows(home.store, "SELECT hash FROM taken")}


def test_the_command_says_it_with_and_without_the_keyring(home: Home) -> None:
    clean = process("audit", "--home", home.folder, "--json")
    assert (clean.code, clean.result["findings"], clean.result["unchecked"]) == (0, [], [])
    forged(home, first_item(home), lambda part: altered(part, sealed=flipped(part.sealed)))
    found = process("audit", "--home", home.folder)
    assert found.code == 1
    home.keyring.unlink()
    blind = process("audit", "--home", home.folder, "--json")
    assert blind.code == 0
    assert "what items hold whose keys are not here (4)" in blind.result["unchecked"]


def test_an_erasure_that_waits_on_the_desk_is_no_fault(home: Home) -> None:
    house = House(home.folder)
    asked(house, WANTED)
    house.close()
    assert audit_home(home).findings == ()
