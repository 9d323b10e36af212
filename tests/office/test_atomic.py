"""A death touches three registers: whatever fails on the way, all of it is stored or none, and a retry completes it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from counterfoil.errors import CounterfoilError, Reused, Unavailable
from counterfoil.ledger.command import Standing
from counterfoil.registry.personal.change import Change
from counterfoil.store.database import Database
from tests.office.changes import death, marriage, person
from tests.office.house import CLERK, House

MARI, JAAN = "P-000001", "P-000002"
DEATH = death("13/2026/1", JAAN, "2026-11-10")
AGAIN: Mapping[str, Any] = {"idempotency_key": "the death of Jaan", "request": b"the death of Jaan"}


class PowerFailure(BaseException):
    """What no code can catch and go on from."""


@pytest.fixture
def married(town: House) -> House:
    """The town, where Mari and Jaan are married: Jaan's death changes his person and their marriage too."""
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    return town


def nothing_happened(house: House) -> None:
    assert house.node.record("death", house.record("death", "13/2026/1")) is None
    assert house.latest("person", JAAN).status == "alive"
    assert house.latest("marriage", "13/2026/1").status == "married"
    shown = house.shown("person", JAAN, "civil-registration")
    assert "date-of-death" not in shown.fields
    assert not shown.erased


def all_happened(house: House) -> None:
    entries = [
        house.latest("death", "13/2026/1"),
        house.latest("person", JAAN),
        house.latest("marriage", "13/2026/1"),
    ]
    assert [entry.status for entry in entries] == ["registered", "deceased", "widowed"]
    assert len({entry.transaction for entry in entries}) == 1
    for register, key, field in (
        ("death", "13/2026/1", "date"),
        ("person", JAAN, "date-of-death"),
        ("marriage", "13/2026/1", "ended-on"),
    ):
        assert house.shown(register, key, "civil-registration").fields[field] == "2026-11-10"


def reopened(house: House) -> House:
    """The same home in a process that starts after a crash: what was in memory is gone."""
    house.crash()
    return House(house.folder, house.clock)


# ---- One step fails ---------------------------------------------------------------------------------


def failing(error: BaseException) -> Callable[..., object]:
    def fail(*_args: object, **_more: object) -> object:
        raise error

    return fail


FULL = OSError(errno.ENOSPC, "No space left on device")


def keyring_keep(house: House) -> tuple[object, str]:
    return house.node.keyring, "keep"


def keyring_commit(house: House) -> tuple[object, str]:
    return house.node.keyring, "commit"


def store_commit(house: House) -> tuple[object, str]:
    return house.node.store, "commit"


STEPS = [keyring_keep, keyring_commit, store_commit]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
@pytest.mark.parametrize(
    "error",
    [Unavailable("the disk is full; make room, then try again"), FULL, PowerFailure()],
    ids=lambda e: type(e).__name__,
)
def test_what_fails_at_any_step_leaves_nothing_and_the_same_request_completes_it(
    married: House,
    monkeypatch: pytest.MonkeyPatch,
    step: Callable[[House], tuple[object, str]],
    error: BaseException,
) -> None:
    place, method = step(married)
    with monkeypatch.context() as patch:
        patch.setattr(place, method, failing(error))
        with pytest.raises(type(error)):
            married.file(DEATH, **AGAIN)
    nothing_happened(married)
    married.taken(DEATH, **AGAIN)
    all_happened(married)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_nor_does_a_crash_at_any_step(
    married: House, monkeypatch: pytest.MonkeyPatch, step: Callable[[House], tuple[object, str]]
) -> None:
    place, method = step(married)
    with monkeypatch.context() as patch:
        patch.setattr(place, method, failing(PowerFailure()))
        with pytest.raises(PowerFailure):
            married.file(DEATH, **AGAIN)
    after = reopened(married)
    nothing_happened(after)
    after.taken(DEATH, **AGAIN)
    all_happened(after)
    after.close()


def test_keys_without_an_entry_are_no_fault(married: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring is committed, and the store is not: between the two the power fails."""
    with monkeypatch.context() as patch:
        patch.setattr(married.node.store, "commit", failing(PowerFailure()))
        with pytest.raises(PowerFailure):
            married.file(DEATH)
    after = reopened(married)
    nothing_happened(after)
    after.taken(DEATH)
    all_happened(after)
    after.close()


@contextmanager
def full_disk(database: Database) -> Iterator[None]:
    """No page more fits into a database until the end of the block."""
    (pages,) = database.row("PRAGMA page_count") or (0,)
    database.row(f"PRAGMA max_page_count={pages}")
    try:
        yield
    finally:
        database.row("PRAGMA max_page_count=1000000")


@pytest.mark.parametrize("where", ["store", "keyring"])
def test_a_full_disk_leaves_whole_transactions_only(house: House, where: str) -> None:
    """People are registered, ten in a transaction, until no page more fits; then there is room again."""
    database = house.node.store.database if where == "store" else house.node.keyring._database.writer
    filed = 0

    def ten() -> list[Change]:
        return [person(f"P-{filed:03}{each}", "1931", f"Family{filed}x{each}", "Mari") for each in range(10)]

    with full_disk(database), pytest.raises(Unavailable):
        while filed < 200:
            house.taken(*ten())
            filed += 1
    refused = [change.fields["number"] for change in ten()]
    assert [each for each in refused if house.node.record("person", house.record("person", str(each)))] == []
    house.taken(*ten())
    for number in ("P-0000", refused[0]):
        assert house.shown("person", str(number), "identification").fields["number"] == number
    assert house.node.store.head.size > 10 * filed


# ---- What is stored and not answered ----------------------------------------------------------------


def test_a_crash_after_the_store_has_all_of_it_and_the_same_request_is_told_so(
    married: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = married.node.store.commit

    def stored_then_gone(*args: object, **more: object) -> None:
        commit(*args, **more)  # type: ignore[arg-type]  # whatever the store is given
        raise PowerFailure

    with monkeypatch.context() as patch:
        patch.setattr(married.node.store, "commit", stored_then_gone)
        with pytest.raises(PowerFailure):
            married.file(DEATH, **AGAIN)
    after = reopened(married)
    all_happened(after)
    size = after.node.store.head.size
    filed = after.file(DEATH, **AGAIN)
    assert filed.receipt is not None
    assert (filed.receipt.standing, filed.receipt.count) == (Standing.REPEATED, 3)
    assert [register for register, _ in filed.records] == ["death", "person", "marriage"]
    assert after.node.store.head.size == size
    after.close()


def test_a_repeated_request_answers_with_the_first(married: House) -> None:
    first = married.taken(DEATH, **AGAIN)
    filed = married.file(DEATH, **AGAIN)
    assert filed.receipt is not None
    assert (filed.receipt.standing, filed.receipt.transaction) == (Standing.REPEATED, first.transaction)
    with pytest.raises(Reused):
        married.file(DEATH, idempotency_key=AGAIN["idempotency_key"], request=b"another death")


# ---- One part of it is illegal ----------------------------------------------------------------------


def test_where_one_of_several_changes_is_refused_none_is_stored(married: House) -> None:
    refused = married.refused(DEATH, death("13/2026/2", MARI, "1979-01-01"))
    assert refused.constraint == "after-birth"
    nothing_happened(married)


def test_what_follows_is_not_left_out_where_its_target_has_changed(married: House) -> None:
    """Prepared, then overtaken: Jaan's address changes before his death is ordered."""
    prepared = married.office.registrar.prepare([DEATH], CLERK)
    married.taken(Change("person", "amend", {"nationality": ["EST"]}, key=JAAN, merge=True))
    assert prepared.submission is not None
    (answer,) = married.node.submit_all([prepared.submission])
    assert isinstance(answer, CounterfoilError)
    nothing_happened(married)
