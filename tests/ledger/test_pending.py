"""Pending transactions: records of their own, from arrival to completion, withdrawal, refusal or lapse."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Conflict, Malformed, NotFound, Refused, Unauthorised, Violated
from counterfoil.ledger.judgement import MAX_ENDORSEMENTS
from counterfoil.ledger.ledger import Endorse, Standing, Withdraw
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.proof.transaction import (
    WITHDRAWAL,
    Endorsement,
    Expectation,
    Transaction,
    encode_endorsements,
    endorse,
)
from tests.ledger_fixture import (
    COURT,
    DAY,
    LAND,
    TAX,
    Ledgerhouse,
    agency,
    change,
    claim,
    create,
    holder,
    key,
    of,
    refused,
)


@pytest.fixture
def joint(house: Ledgerhouse) -> Ledgerhouse:
    """A ledger with a register `joint` that needs all three agencies."""
    house.define("joint", policy=of(3, agency(LAND), agency(COURT), agency(TAX)), scopes=["civil"])
    return house


def story(house: Ledgerhouse, transaction: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    """What the log tells of a waiting transaction: operation, status and fields of each of its notes."""
    notes = [entry for entry in house.entries(".transaction") if entry.record == transaction]
    assert [entry.version for entry in notes] == list(range(1, len(notes) + 1))
    assert {entry.transaction for entry in notes} <= {transaction}
    return [(entry.operation, entry.status, entry.fields) for entry in notes]


def noted(transaction: str, *names: str) -> dict[str, list[str]]:
    """Endorsements as a note names them: by the hash of each."""
    return {
        "endorsements": [digest(encode_endorsements((endorse(transaction, key(name)),))) for name in names]
    }


def last(house: Ledgerhouse) -> Entry:
    return house.entries()[-1]


# ---- Arrival ---------------------------------------------------------------------------------------


def test_a_transaction_that_lacks_endorsements_arrives_as_a_record_of_hashes(joint: Ledgerhouse) -> None:
    size = joint.store.head.size
    waiting = joint.waiting(create("joint", "1", secret="name"))
    assert joint.store.head.size == size + 1
    assert story(joint, waiting) == [("create", "pending", noted(waiting, LAND))]
    assert b"secret" not in joint.store.entry(size)
    assert joint.latest("joint", "1") is None
    assert joint.store.taken_at(size) is None


def test_it_is_taken_in_only_with_a_members_valid_endorsement(joint: Ledgerhouse) -> None:
    for by in ([], ["stranger"], [COURT]):
        refused(joint.submit(create("joint", "1"), by=by), Unauthorised, "no member of that name endorsed it")
    assert joint.entries(".transaction") == []


def test_what_could_not_be_taken_does_not_arrive(joint: Ledgerhouse) -> None:
    before = joint.snapshot()
    refused(joint.submit(change("joint", "1", 2)), Conflict, "joint '1' is at version 0")
    refused(
        joint.submit(create("joint", "1"), create("nowhere", "1")), Refused, "there is no register 'nowhere'"
    )
    refused(joint.submit(create("joint", "")), Malformed, "no name for a record")
    refused(
        joint.submit(create("joint", "1"), expects=[Expectation("joint", "2", 1)]),
        Conflict,
        "joint '2' is at version 0",
    )
    assert joint.snapshot() == before


# ---- Endorsement and completion --------------------------------------------------------------------


def test_endorsements_are_noted_one_by_one_and_the_last_one_completes(joint: Ledgerhouse) -> None:
    transaction = joint.transaction(create("joint", "1"), create("joint", "2"))
    joint.send(transaction)
    assert joint.endorse(transaction.hash, COURT).standing is Standing.PENDING
    joint.pass_time(7)
    outcome = joint.endorse(transaction.hash, TAX)
    assert (outcome.standing, outcome.transaction, outcome.count) == (Standing.TAKEN, transaction.hash, 2)
    assert story(joint, transaction.hash) == [
        ("create", "pending", noted(transaction.hash, LAND)),
        ("amend", "pending", noted(transaction.hash, COURT)),
        ("amend", "endorsed", noted(transaction.hash, TAX)),
        ("close", "completed", {}),
    ]
    entries = [joint.entry(outcome.first), joint.entry(outcome.first + 1)]
    assert [entry.proposal() for entry in entries] == list(transaction.proposals)
    assert {entry.time for entry in entries} == {"2026-11-23T10:00:07Z"}
    assert {entry.transaction for entry in entries} == {transaction.hash}
    assert joint.store.waiting() == ()


def test_a_completed_transaction_is_kept_with_all_its_endorsements(joint: Ledgerhouse) -> None:
    transaction = joint.transaction(create("joint", "1"))
    joint.send(transaction)
    joint.endorse(transaction.hash, TAX)
    outcome = joint.endorse(transaction.hash, COURT)
    taken = joint.store.taken_at(outcome.first)
    assert taken is not None
    assert taken.header == transaction.header_bytes
    assert taken.endorsements == encode_endorsements(
        [endorse(transaction.hash, key(each)) for each in (LAND, TAX, COURT)]
    )


def test_repeating_an_endorsement_adds_nothing(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"))
    joint.endorse(waiting, COURT)
    before = joint.snapshot()
    for name in (LAND, COURT):
        again = joint.endorse(waiting, name)
        assert (again.standing, again.transaction) == (Standing.REPEATED, waiting)
    assert joint.snapshot() == before


def test_all_may_happen_in_one_block(joint: Ledgerhouse) -> None:
    transaction = joint.transaction(create("joint", "1"))
    outcomes = joint.send(
        transaction,
        *[
            Endorse(transaction.hash, endorse(transaction.hash, key(name)))
            for name in (COURT, COURT, TAX, TAX)
        ],
    )
    assert [each.standing.value for each in outcomes] == [
        "pending",
        "pending",
        "repeated",
        "taken",
        "refused",
    ]
    refused(
        outcomes[4],
        NotFound,
        "^no transaction 'sha256:.*' waits here; it may be taken, withdrawn or lapsed already$",
    )
    assert joint.store.waiting() == ()
    assert joint.latest("joint", "1") is not None


def test_a_waiting_transaction_survives_a_restart(joint: Ledgerhouse) -> None:
    transaction = joint.transaction(
        create("joint", "1", control=holder("deed"), claims=(claim("owner", "x"),))
    )
    joint.send(transaction)
    joint.endorse(transaction.hash, COURT)
    joint.close()
    joint.open()
    assert joint.endorse(transaction.hash, TAX).standing is Standing.TAKEN
    latest = joint.latest("joint", "1")
    assert latest is not None
    assert latest.proposal() == transaction.proposals[0]


def test_nothing_is_known_of_a_transaction_that_does_not_wait(joint: Ledgerhouse) -> None:
    before = joint.snapshot()
    outcome = joint.submit(create("title", "1"))
    after = joint.snapshot()
    for name in (outcome.transaction, digest(b"another"), "", "x" * 100_000, "\ud800"):
        signed = endorse(digest(b"another"), key(COURT))
        refused(
            joint.send(Endorse(name, signed))[0], NotFound, "waits here; it may be taken, withdrawn or lapsed"
        )
        refused(
            joint.send(Withdraw(name, signed))[0],
            NotFound,
            "waits here; it may be taken, withdrawn or lapsed",
        )
    assert before != joint.snapshot() == after


def test_an_endorsement_that_does_not_hold_is_not_added(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"))
    before = joint.snapshot()
    good = endorse(waiting, key(COURT))
    for bad in (
        endorse(digest(b"another"), key(COURT)),
        endorse(waiting, key(COURT), WITHDRAWAL),
        Endorsement(key(TAX).public.text, good.signature),
        Endorsement(good.key, good.signature + "="),
        Endorsement(good.key, "\ud800"),
        Endorsement("ed25519:x", good.signature),
        Endorsement("x" * 100_000, ""),
        Endorsement("\ud800", ""),
    ):
        refused(joint.send(Endorse(waiting, bad))[0], Unauthorised, "does not hold")
    assert joint.snapshot() == before


def test_a_signature_that_no_policy_asks_for_is_not_added(joint: Ledgerhouse) -> None:
    joint.define(
        "estate", policy=of(1, of(2, agency(LAND), holder("clerk")), of(2, agency(LAND), agency(COURT)))
    )
    waiting = joint.waiting(create("estate", "1", control=holder("deed")), change("estate", "1", 2))
    before = joint.snapshot()
    for stranger in ("stranger", TAX, "heir"):
        refused(
            joint.endorse(waiting, stranger),
            Unauthorised,
            "asks for a signature by this key, .*; it was not added",
        )
    assert joint.snapshot() == before
    assert joint.endorse(waiting, "clerk").standing is Standing.PENDING
    assert joint.endorse(waiting, COURT).standing is Standing.PENDING
    assert joint.endorse(waiting, "deed").standing is Standing.TAKEN


def test_a_signature_whose_algorithm_ended_meanwhile_is_not_added(joint: Ledgerhouse) -> None:
    quantum = key("quantum", "ml-dsa-44")
    joint.taken(create("title", "1", control=of(1, holder("deed"), f"key:{quantum.public.text}")))
    waiting = joint.waiting(change("title", "1", 2))
    ended = {
        "use": "signature",
        "from": "2024-08-13T00:00:00Z",
        "until": "2026-11-23T10:00:00Z",
        "source": "vote",
    }
    joint.taken(change(".algorithm", "ml-dsa-44", 2, body={"fields": ended}))
    joint.pass_time(1)
    refused(
        joint.endorse(waiting, quantum), Unauthorised, "its algorithm does not count now; it was not added"
    )
    assert joint.endorse(waiting, "deed").standing is Standing.TAKEN


def test_the_number_of_endorsements_that_are_kept_ends_somewhere(house: Ledgerhouse) -> None:
    branches = [of(1, *[holder(f"{group}-{number}") for number in range(128)]) for group in ("a", "b")]
    house.taken(create("title", "1", control=of(2, *branches)))
    signers = [LAND] + [f"a-{number}" for number in range(128)] + [f"x-{number}" for number in range(127)]
    waiting = house.waiting(change("title", "1", 2), by=signers)
    assert len(signers) == MAX_ENDORSEMENTS
    refused(house.endorse(waiting, "b-1"), Refused, "has 256 endorsements already, the most that are kept")


# ---- It reserves nothing ---------------------------------------------------------------------------


def test_a_waiting_transaction_reserves_nothing_and_is_refused_when_the_state_moved(
    joint: Ledgerhouse,
) -> None:
    first = joint.waiting(create("joint", "1", owner="x"))
    second = joint.waiting(create("joint", "1", owner="y"))
    for name in (COURT, TAX):
        joint.endorse(second, name)
    joint.endorse(first, COURT)
    outcome = joint.endorse(first, TAX)
    refused(outcome, Conflict, "joint '1' is at version 1, so its next is 2 and not 1")
    assert outcome.transaction == first
    assert story(joint, first)[2:] == [
        ("amend", "endorsed", noted(first, TAX)),
        ("close", "refused", {"reason": "conflict"}),
    ]
    latest = joint.latest("joint", "1")
    assert latest is not None
    assert latest.fields == {"owner": "y"}
    refused(joint.endorse(first, TAX), NotFound, "waits here")


def test_expectations_are_checked_again_on_completion(joint: Ledgerhouse) -> None:
    joint.taken(create("title", "guard"))
    waiting = joint.waiting(create("joint", "1"), expects=[Expectation("title", "guard", 1)])
    joint.taken(change("title", "guard", 2))
    joint.endorse(waiting, COURT)
    refused(joint.endorse(waiting, TAX), Conflict, "title 'guard' is at version 2 now")
    assert story(joint, waiting)[-1] == ("close", "refused", {"reason": "conflict"})


def test_claims_are_checked_again_on_completion(joint: Ledgerhouse) -> None:
    owner = claim("owner", "x")
    waiting = joint.waiting(create("joint", "1", claims=(owner,)))
    joint.taken(create("title", "1", claims=(owner,)))
    joint.endorse(waiting, COURT)
    refused(
        joint.endorse(waiting, TAX),
        Violated,
        "joint '1' is refused: it claims what another live record holds",
    )
    assert story(joint, waiting)[-1] == ("close", "refused", {"reason": "violated"})
    assert joint.holds(owner) == ("title", "1")


def test_the_definition_in_force_on_completion_counts(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1", text="long"))
    fields = {
        "title": "joint",
        "authority": LAND,
        "policy": of(2, agency(LAND), agency(COURT)),
        "schema": {"properties": {"text": {"maxLength": 3}}},
    }
    joint.taken(change(".register", "joint", 2, body={"fields": fields}))
    refused(joint.endorse(waiting, COURT), Violated, "does not conform to its register's schema at /text")
    assert story(joint, waiting)[-1] == ("close", "refused", {"reason": "violated"})


def test_members_and_keys_on_completion_count(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"))
    joint.endorse(waiting, COURT)
    renewed = {"name": "Court", "endorse": [key("new court").public.text]}
    joint.taken(change(".agency", COURT, 2, body={"fields": renewed}))
    assert joint.endorse(waiting, TAX).standing is Standing.PENDING
    assert joint.endorse(waiting, "new court").standing is Standing.TAKEN


def test_where_the_rules_have_become_easier_repeating_an_endorsement_completes(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"))
    joint.endorse(waiting, COURT)
    assert joint.endorse(waiting, COURT).standing is Standing.REPEATED
    fields = {"title": "joint", "authority": LAND, "policy": of(2, agency(LAND), agency(COURT))}
    joint.taken(change(".register", "joint", 2, body={"fields": fields}))
    assert joint.latest("joint", "1") is None
    outcome = joint.endorse(waiting, COURT)
    assert (outcome.standing, outcome.transaction, outcome.count) == (Standing.TAKEN, waiting, 1)
    assert story(joint, waiting)[-1] == ("close", "completed", {})


def test_an_endorsement_is_refused_while_the_register_is_gone_and_the_transaction_waits_on(
    joint: Ledgerhouse,
) -> None:
    waiting = joint.waiting(create("joint", "1"), deadline=100)
    joint.taken(change(".register", "joint", 2, "close"))
    before = joint.snapshot()
    refused(joint.endorse(waiting, COURT), Refused, "there is no register 'joint'")
    assert joint.snapshot() == before
    joint.pass_time(101)
    joint.taken(create("title", "1"))
    assert story(joint, waiting)[-1] == ("close", "lapsed", {})


# ---- Objection window ------------------------------------------------------------------------------


def test_an_objection_window_keeps_what_is_fully_endorsed_waiting(house: Ledgerhouse) -> None:
    waiting = house.waiting(create("title", "1"), not_before=DAY)
    assert story(house, waiting) == [("create", "endorsed", noted(waiting, LAND))]
    house.pass_time(DAY - 1)
    house.taken(create("title", "2"))
    assert house.latest("title", "1") is None
    house.pass_time(1)
    house.taken(create("title", "3"))
    latest, other = house.latest("title", "1"), house.latest("title", "3")
    assert latest is not None
    assert other is not None
    assert latest.time == "2026-11-24T10:00:00Z"
    assert latest.number < other.number
    assert story(house, waiting)[1:] == [("close", "completed", {})]


def test_a_window_that_is_over_keeps_nothing_waiting(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"), not_before=0)


def test_the_last_endorsement_within_the_window_waits_for_its_end(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"), not_before=DAY)
    joint.endorse(waiting, COURT)
    assert joint.endorse(waiting, TAX).standing is Standing.PENDING
    assert story(joint, waiting)[-1][:2] == ("amend", "endorsed")
    assert joint.latest("joint", "1") is None
    joint.pass_time(DAY)
    refused(joint.endorse(waiting, TAX), NotFound, "waits here")  # the block itself completed it before
    assert story(joint, waiting)[-1] == ("close", "completed", {})
    assert joint.latest("joint", "1") is not None


def test_when_the_window_ends_its_endorsers_must_still_be_who_they_were(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"), by=[LAND, COURT, TAX], not_before=DAY)
    renewed = {"name": "Court", "endorse": [key("new court").public.text]}
    joint.taken(change(".agency", COURT, 2, body={"fields": renewed}))
    joint.pass_time(DAY)
    joint.taken(create("title", "1"))
    assert story(joint, waiting) == [
        ("create", "endorsed", noted(waiting, LAND, COURT, TAX)),
        ("close", "refused", {"reason": "unauthorised"}),
    ]
    assert joint.latest("joint", "1") is None


def test_the_submitter_must_still_be_a_member_on_completion(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(
        change("title", "1", 1, "create", control=holder("x")), by=[TAX, LAND], submitter=TAX, not_before=9
    )
    joint.taken(change(".agency", TAX, 2, "close"))
    joint.pass_time(9)
    joint.taken(create("title", "2"))
    assert story(joint, waiting)[-1] == ("close", "refused", {"reason": "unauthorised"})
    assert joint.latest("title", "1") is None


def test_whoever_objects_changes_what_it_relies_on(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"))
    waiting = house.waiting(change("title", "1", 2, owner="x"), not_before=DAY)
    house.taken(change("title", "1", 2, caution="objection"))
    house.pass_time(DAY)
    house.taken(create("title", "2"))
    assert story(house, waiting)[-1] == ("close", "refused", {"reason": "conflict"})
    latest = house.latest("title", "1")
    assert latest is not None
    assert latest.fields == {"caution": "objection"}


def test_what_is_due_comes_first_and_in_the_order_of_hashes(house: Ledgerhouse) -> None:
    waiting = sorted(house.waiting(create("title", str(number)), not_before=DAY) for number in range(5))
    house.pass_time(DAY)
    outcome = house.submit(create("title", "later"))
    titles = house.entries("title")
    assert [entry.transaction for entry in titles] == [*waiting, outcome.transaction]


# ---- Withdrawal ------------------------------------------------------------------------------------


def test_the_submitter_may_withdraw(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"))
    joint.endorse(waiting, COURT)
    outcome = joint.withdraw(waiting)
    assert (outcome.standing, outcome.transaction) == (Standing.WITHDRAWN, waiting)
    assert story(joint, waiting)[-1] == ("close", "withdrawn", {})
    refused(joint.endorse(waiting, TAX), NotFound, "waits here")
    refused(joint.withdraw(waiting), NotFound, "waits here")
    assert joint.latest("joint", "1") is None


def test_nobody_else_may_withdraw(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"))
    before = joint.snapshot()
    for stranger in (COURT, TAX, "stranger"):
        refused(
            joint.withdraw(waiting, stranger),
            Unauthorised,
            "only the agency that submitted a transaction can withdraw it",
        )
    for signed in (
        endorse(waiting, key(LAND)),
        endorse(digest(b"another"), key(LAND), WITHDRAWAL),
        Endorsement(key(LAND).public.text, endorse(waiting, key(COURT), WITHDRAWAL).signature),
    ):
        refused(
            joint.send(Withdraw(waiting, signed))[0], Unauthorised, "the withdrawal's signature does not hold"
        )
    refused(joint.send(Withdraw(waiting, Endorsement(key(LAND).public.text, "=")))[0], Malformed, "signature")
    assert joint.snapshot() == before


def test_a_withdrawal_is_signed_with_a_key_that_counts_now(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"))
    ended = {
        "use": "signature",
        "from": "2017-01-01T00:00:00Z",
        "until": "2026-11-23T10:00:00Z",
        "source": "vote",
    }
    joint.taken(change(".algorithm", "ed25519", 2, body={"fields": ended}))
    joint.pass_time(1)
    refused(joint.withdraw(waiting), Unauthorised, "with one of its keys that counts now")


def test_within_the_window_what_is_fully_endorsed_may_be_withdrawn(house: Ledgerhouse) -> None:
    waiting = house.waiting(create("title", "1"), not_before=DAY)
    house.withdraw(waiting)
    house.pass_time(2 * DAY)
    house.taken(create("title", "2"))
    assert house.latest("title", "1") is None


# ---- Lapse -----------------------------------------------------------------------------------------


def test_the_first_block_after_the_deadline_lets_it_lapse(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"), deadline=100)
    joint.pass_time(100)
    assert joint.endorse(waiting, COURT).standing is Standing.PENDING
    joint.pass_time(1)
    joint.taken(create("title", "1"))
    assert story(joint, waiting)[-1] == ("close", "lapsed", {})
    notes, titles = joint.entries(".transaction"), joint.entries("title")
    assert notes[-1].number + 1 == titles[-1].number
    refused(joint.endorse(waiting, TAX), NotFound, "waits here")


def test_the_last_endorsement_comes_too_late_after_the_deadline(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"), deadline=100)
    joint.endorse(waiting, COURT)
    joint.pass_time(101)
    refused(joint.endorse(waiting, TAX), NotFound, "waits here; it may be taken, withdrawn or lapsed already")
    assert story(joint, waiting)[-1] == ("close", "lapsed", {})


def test_notes_cannot_be_proposed(house: Ledgerhouse) -> None:
    whole: Transaction = house.transaction(create(".transaction", digest(b"x")))
    refused(house.send(whole)[0], Refused, r"the register .transaction is written by the ledger alone")


# ---- What changes while it waits -------------------------------------------------------------------


def test_an_agency_that_is_no_member_any_more_completes_nothing(house: Ledgerhouse) -> None:
    house.define("court-file", policy=of(1, agency(LAND), agency(TAX)))
    waiting = house.waiting(create("court-file", "1"), by=[TAX], submitter=TAX, not_before=DAY)
    house.taken(change(".agency", TAX, 2, "close"))
    house.pass_time(2 * DAY)
    house.taken(create("title", "1"))
    assert story(house, waiting)[-1] == ("close", "refused", {"reason": "unauthorised"})
    assert house.latest("court-file", "1") is None


def test_repeating_an_endorsement_takes_what_a_relaxed_policy_no_longer_holds_up(joint: Ledgerhouse) -> None:
    waiting = joint.waiting(create("joint", "1"))
    body = {"fields": {"title": "joint", "authority": LAND}}
    joint.taken(change(".register", "joint", 2, body=body))
    assert joint.endorse(waiting, LAND).standing is Standing.TAKEN
    assert story(joint, waiting)[-1] == ("close", "completed", {})
    assert joint.endorse(waiting, LAND).standing is Standing.REFUSED


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        (create("title", "1"), "conflict"),
        (change(".register", "title", 2, "close"), "refused"),
    ],
)
def test_the_log_says_in_a_word_why_a_waiting_transaction_was_refused(
    house: Ledgerhouse, meanwhile: Proposal, reason: str
) -> None:
    waiting = house.waiting(create("title", "1"), not_before=DAY)
    house.taken(meanwhile)
    house.pass_time(2 * DAY)
    house.taken(
        change(".agency", COURT, 2, body={"fields": {"name": "Court", "endorse": [holder(COURT)[4:]]}})
    )
    assert story(house, waiting)[-1] == ("close", "refused", {"reason": reason})
