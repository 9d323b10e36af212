"""Keys whose transaction never came are deleted, once a block later than its deadline is stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from counterfoil.errors import Damaged, NotFound
from counterfoil.keyring import sweeping
from counterfoil.keyring.keyring import Keyring
from tests.keyring.office import DEADLINE, change, look, opened, put, transaction


def nothing(_: Sequence[str]) -> set[str]:
    return set()


def test_only_keys_that_nothing_can_need_any_more_are_swept(keyring: Keyring) -> None:
    put(keyring, 2, "stored")
    put(keyring, 3, "lost")
    put(keyring, 1, "waits", DEADLINE + 10)
    asked: list[str] = []

    def stored(names: Sequence[str]) -> set[str]:
        asked.extend(names)
        return {transaction("stored")}

    assert keyring.sweep(DEADLINE + 1, stored) == 3
    assert asked == [transaction("stored"), transaction("lost")]
    for number in (1, 2, 6):
        assert len(keyring.key(number)) == 32
    for number in (3, 4, 5):
        with pytest.raises(NotFound):
            keyring.key(number)
    assert list(keyring.faults()) == []


def test_a_block_at_the_deadline_itself_sweeps_nothing(keyring: Keyring) -> None:
    put(keyring, 1)
    assert keyring.sweep(DEADLINE, nothing) == 0
    assert keyring.sweep(DEADLINE + 1, nothing) == 1


def test_what_was_found_in_the_log_is_never_asked_again(keyring: Keyring) -> None:
    put(keyring, 1)
    assert keyring.sweep(DEADLINE + 1, set) == 0
    assert keyring.sweep(DEADLINE + 9, nothing) == 0
    assert len(keyring.key(1)) == 32


def test_more_than_one_round_of_transactions_is_swept(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    for name in "abcde":
        put(keyring, 1, name)
    assert keyring.sweep(DEADLINE + 1, lambda names: {transaction("c")} & set(names)) == 4
    assert len(keyring.key(3)) == 32


def test_a_destroyed_key_of_a_swept_batch_is_counted_once(keyring: Keyring) -> None:
    put(keyring, 3)
    keyring.destroy([2], "erasure")
    assert keyring.sweep(DEADLINE + 1, nothing) == 2
    assert list(keyring.faults()) == []


@pytest.mark.parametrize("edit", ["deadline = 1", "transaction_hash = zeroblob(32)", "last = 2"])
def test_a_changed_batch_sweeps_no_key(keyring: Keyring, folder: Path, edit: str) -> None:
    put(keyring, 1, "stored")
    put(keyring, 1, "other")
    keyring.close()
    change(folder / "keyring.db", f"UPDATE batch SET {edit} WHERE first = 1")
    with opened(folder / "keyring.db") as again:
        with pytest.raises(Damaged, match="batch 1 is damaged"):
            again.sweep(DEADLINE + 1, nothing)
        assert len(again.key(1)) == 32
    assert look(folder / "keyring.db", "SELECT count(*) FROM key") == [(2,)]
