"""Idempotency: a repeated request gets the first answer and adds nothing, until the first one's deadline."""

from __future__ import annotations

import pytest

from counterfoil.errors import Conflict, Lapsed, Malformed, Refused, Reused
from counterfoil.ledger.ledger import Endorse, Standing, Withdraw
from counterfoil.proof.transaction import WITHDRAWAL, endorse
from tests.ledger_fixture import COURT, DAY, LAND, Ledgerhouse, agency, change, create, key, of, refused


def test_a_retry_with_another_header_answers_with_the_first_transaction(house: Ledgerhouse) -> None:
    first = house.submit(create("title", "1", salt="a"), request="sale 7", asked="sale of 1")
    before = house.snapshot()
    house.pass_time(3)
    retry = house.submit(create("title", "1", salt="b"), request="sale 7", asked="sale of 1")
    assert (retry.standing, retry.transaction) == (Standing.REPEATED, first.transaction)
    assert (retry.first, retry.count) == (first.first, first.count)
    assert house.snapshot() == before


def test_the_same_transaction_again_answers_with_itself(house: Ledgerhouse) -> None:
    transaction = house.transaction(create("title", "1"), create("title", "2"))
    first, again = house.send(transaction, transaction)
    assert (first.standing, again.standing) == (Standing.TAKEN, Standing.REPEATED)
    assert (again.transaction, again.first, again.count) == (first.transaction, first.first, 2)
    assert house.send(transaction)[0] == again
    assert len(house.entries("title")) == 2


def test_a_repeat_is_answered_before_anything_else_is_judged(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"), request="sale 7", asked="sale")
    house.taken(change("title", "1", 2))
    retry = house.submit(create("title", "1"), request="sale 7", asked="sale", by=[])
    assert retry.standing is Standing.REPEATED


def test_the_key_of_another_request_is_a_conflict(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"), request="sale 7", asked="sale of 1")
    before = house.snapshot()
    refused(
        house.submit(create("title", "2"), request="sale 7", asked="sale of 2"),
        Reused,
        "^this idempotency key was used for another request; choose a new key for a new request$",
    )
    assert house.snapshot() == before


def test_within_one_block_the_first_request_counts(house: Ledgerhouse) -> None:
    first, repeat, other = house.send(
        house.transaction(create("title", "1"), request="sale 7", asked="sale of 1"),
        house.transaction(create("title", "1"), request="sale 7", asked="sale of 1", deadline=DAY),
        house.transaction(create("title", "2"), request="sale 7", asked="sale of 2"),
    )
    assert (first.standing, repeat.standing) == (Standing.TAKEN, Standing.REPEATED)
    assert repeat.transaction == first.transaction
    refused(other, Reused, "was used for another request")


def test_each_submitter_has_keys_of_its_own(house: Ledgerhouse) -> None:
    house.define("verdict", authority=COURT)
    house.taken(create("title", "1"), request="7", asked="one")
    house.taken(create("verdict", "1"), request="7", asked="two", submitter=COURT, by=[COURT])


def test_a_key_is_remembered_until_the_deadline_and_no_longer(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"), request="sale 7", asked="sale", deadline=100)
    house.pass_time(100)
    assert house.submit(create("title", "2"), request="sale 7", asked="sale").standing is Standing.REPEATED
    refused(house.submit(create("title", "2"), request="sale 7", asked="other"), Reused, "another request")
    house.pass_time(1)
    house.taken(create("title", "2"), request="sale 7", asked="other")
    assert house.submit(create("title", "3"), request="sale 7", asked="other").standing is Standing.REPEATED


def test_the_very_transaction_cannot_come_back_after_its_deadline(house: Ledgerhouse) -> None:
    transaction = house.transaction(create("title", "1"), deadline=100)
    house.send(transaction)
    house.pass_time(101)
    refused(house.send(transaction)[0], Lapsed, "deadline passed before")


def test_a_refused_transaction_leaves_its_key_free(house: Ledgerhouse) -> None:
    refused(house.submit(change("title", "1", 2), request="sale 7", asked="wrong"), Conflict, "at version 0")
    house.taken(create("title", "1"), request="sale 7", asked="right")


def test_a_key_has_1_to_255_characters(house: Ledgerhouse) -> None:
    refused(
        house.submit(create("title", "1"), request="x" * 256), Malformed, "an idempotency key has 1 to 255"
    )
    refused(
        house.submit(create("title", "1"), request=""),
        Malformed,
        "an idempotency key has 1 to 255 characters",
    )
    house.taken(create("title", "1"), request="x" * 255)
    house.taken(create("title", "2"), request="é" * 255)


# ---- While the first one waits, and after ----------------------------------------------------------


@pytest.fixture
def joint(house: Ledgerhouse) -> Ledgerhouse:
    """A ledger with a register `joint` that needs the land office and the court."""
    house.define("joint", policy=of(2, agency(LAND), agency(COURT)))
    return house


def test_a_request_that_waits_is_remembered_too(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"), request="7", asked="one")
    before = joint.snapshot()
    retry = joint.submit(create("joint", "1", salt="b"), request="7", asked="one")
    assert (retry.standing, retry.transaction) == (Standing.REPEATED, waiting)
    refused(joint.submit(create("joint", "2"), request="7", asked="two"), Reused, "another request")
    assert joint.snapshot() == before
    joint.endorse(waiting, COURT)
    retry = joint.submit(create("joint", "1", salt="c"), request="7", asked="one")
    assert (retry.standing, retry.transaction, retry.count) == (Standing.REPEATED, waiting, 1)


def test_a_request_that_arrived_and_was_completed_in_this_block_is_remembered(joint: Ledgerhouse) -> None:
    transaction = joint.transaction(create("joint", "1"), request="7", asked="one")
    outcomes = joint.send(
        transaction,
        joint.transaction(create("joint", "1", salt="b"), request="7", asked="one"),
        Endorse(transaction.hash, endorse(transaction.hash, key(COURT))),
        joint.transaction(create("joint", "1", salt="c"), request="7", asked="one"),
    )
    assert [each.standing.value for each in outcomes] == ["pending", "repeated", "taken", "repeated"]
    assert {each.transaction for each in outcomes} == {transaction.hash}
    assert (outcomes[3].first, outcomes[3].count) == (outcomes[2].first, 1)


def test_withdrawal_frees_the_key_but_not_the_transaction(joint: Ledgerhouse) -> None:
    transaction = joint.transaction(create("joint", "1"), request="7", asked="one")
    joint.send(transaction)
    joint.withdraw(transaction.hash)
    refused(
        joint.send(transaction)[0],
        Refused,
        "^this transaction has waited, and ended as withdrawn; submit the request as a new one$",
    )
    joint.waiting(create("joint", "1", salt="b"), request="7", asked="two")


def test_withdrawal_frees_the_key_within_the_block(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"), request="7", asked="one")
    withdrawal = Withdraw(waiting, endorse(waiting, key(LAND), WITHDRAWAL))
    outcomes = joint.send(withdrawal, joint.transaction(create("joint", "2"), request="7", asked="two"))
    assert [each.standing.value for each in outcomes] == ["withdrawn", "pending"]


def test_a_request_that_was_refused_on_completion_may_be_made_anew(joint: Ledgerhouse) -> None:
    transaction = joint.transaction(create("joint", "1"), request="7", asked="one")
    joint.send(transaction)
    joint.taken(create("joint", "1"), by=[LAND, COURT])
    assert joint.endorse(transaction.hash, COURT).standing is Standing.REFUSED
    refused(joint.send(transaction)[0], Refused, "has waited, and ended as refused")
    joint.taken(change("joint", "1", 2), by=[LAND, COURT], request="7", asked="one")
