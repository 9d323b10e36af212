"""A destroyed key is gone: from every answer, from every file, and after every restart."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Busy, NotFound
from counterfoil.keyring.database import KeyringDatabase
from counterfoil.keyring.erasure import ranges
from counterfoil.keyring.keyring import Keyring
from tests.keyring.office import files_with, look, opened, put


def wrapped_of(folder: Path, numbers: list[int]) -> list[bytes]:
    found = dict(look(folder / "keyring.db", "SELECT id, wrapped FROM key"))
    return [found[number] for number in numbers]


def test_a_destroyed_key_cannot_be_had_and_the_answer_names_the_erasure(keyring: Keyring) -> None:
    keys = put(keyring, 4)
    assert keyring.destroy([2, 3], "sha256:ab") == 2
    for number in (2, 3):
        with pytest.raises(NotFound) as gone:
            keyring.key(number)
        assert str(gone.value) == (
            f"the key {number} was destroyed on 2026-11-24 (sha256:ab); what it sealed cannot be read any more"
        )
    assert {number: keyring.key(number) for number in (1, 4)} == {1: keys[1], 4: keys[4]}
    assert list(keyring.faults()) == []


def test_no_file_holds_a_byte_of_a_destroyed_key(keyring: Keyring, folder: Path) -> None:
    for name in range(20):
        keys = put(keyring, 50, str(name))
    numbers = [3, 4, 5, 77, 300, 999]
    gone = wrapped_of(folder, numbers)
    (kept,) = wrapped_of(folder, [301])
    assert all(files_with(folder, each) for each in gone)
    keyring.destroy(numbers, "erasure")
    # Eight bytes of the ciphertext would be enough to know it by.
    parts = [each[at : at + 8] for each in gone for at in (0, 20, 40)]
    assert [files_with(folder, part) for part in parts] == [[]] * len(parts)
    assert files_with(folder, kept) == ["keyring.db"]
    assert keyring.key(1000) == keys[1000]


def test_keys_deleted_where_nothing_moves_leave_no_byte_either(keyring: Keyring, folder: Path) -> None:
    put(keyring, 1)
    (gone,) = wrapped_of(folder, [1])
    keyring.destroy([1], "erasure")
    assert files_with(folder, gone[:12]) == []
    keyring.close()
    assert files_with(folder, gone[:12]) == []


def test_destroying_again_adds_nothing(keyring: Keyring, folder: Path) -> None:
    put(keyring, 2)
    assert keyring.destroy([1], "erasure") == 1
    noted = look(folder / "keyring.db", "SELECT ranges, entry FROM destroyed")
    assert noted == [("[[1, 1]]", "erasure")]
    assert keyring.destroy([1, 1], "erasure") == 0
    assert keyring.destroy([], "nothing") == 0
    assert look(folder / "keyring.db", "SELECT ranges, entry FROM destroyed") == noted


def test_an_erasure_that_was_interrupted_is_brought_to_its_end_by_the_next_opening(
    keyring: Keyring, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(keyring, 2)
    (gone,) = wrapped_of(folder, [1])

    def killed(self: KeyringDatabase) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(KeyringDatabase, "scrub", killed)
        with pytest.raises(KeyboardInterrupt):
            keyring.destroy([1], "erasure")
    # A copy of the folder as the killed process left it.
    copy = folder.parent / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert files_with(copy, gone[:12]) != []
    with opened(copy / "keyring.db") as again, pytest.raises(NotFound, match="destroyed"):
        again.key(1)
    assert files_with(copy, gone[:12]) == []


def test_while_another_process_reads_it_is_said_that_bytes_remain(
    keyring: Keyring, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(keyring, 2)
    (gone,) = wrapped_of(folder, [1])
    keyring._database.writer.row("PRAGMA busy_timeout=1")
    with closing(apsw.Connection(str(folder / "keyring.db"))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM key").fetchall()
        with pytest.raises(Busy, match=r"another process reads .*: what was destroyed can no longer be had"):
            keyring.destroy([1], "erasure")
        with pytest.raises(NotFound):
            keyring.key(1)
    assert keyring.destroy([1], "erasure") == 0
    assert files_with(folder, gone[:12]) == []


@given(st.sets(st.integers(0, 60)))
def test_ranges_are_the_same_numbers_in_the_fewest_runs(numbers: set[int]) -> None:
    runs = ranges(sorted(numbers))
    assert {number for first, last in runs for number in range(first, last + 1)} == numbers
    assert all(before[1] + 1 < after[0] for before, after in pairwise(runs))
