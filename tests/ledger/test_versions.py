"""Versions: compare-and-set, several in one transaction, append registers, and how a record ends or is erased."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Conflict, Malformed, Violated
from counterfoil.ledger.ledger import Standing
from counterfoil.proof.canonical import digest, labelled
from counterfoil.proof.entry import OPERATIONS, Reference, Tree
from counterfoil.proof.instant import instant_text
from counterfoil.proof.merkle import leaf_hash
from counterfoil.proof.transaction import Transaction
from tests.ledger_fixture import START, Ledgerhouse, agency, change, claim, create, holder, key, of, refused

# ---- An entry and its place ------------------------------------------------------------------------


def test_an_entry_is_its_proposal_with_number_time_transaction_and_previous(house: Ledgerhouse) -> None:
    size = house.store.head.size
    transaction = house.transaction(create("title", "1", parish="Käina"))
    (outcome,) = house.send(transaction)
    assert (outcome.standing, outcome.first, outcome.count) == (Standing.TAKEN, size, 1)
    assert outcome.transaction == transaction.hash
    entry = house.entry(size)
    assert entry.proposal() == transaction.proposals[0]
    assert (entry.number, entry.time, entry.transaction) == (size, instant_text(START), transaction.hash)
    assert entry.previous is None


def test_each_version_names_the_leaf_hash_of_the_one_before_it(house: Ledgerhouse) -> None:
    (first,) = house.taken(create("title", "1", parish="A"))
    house.pass_time(5)
    (second,) = house.taken(change("title", "1", 2, parish="B"))
    house.pass_time(5)
    (third,) = house.taken(change("title", "1", 3, "correct", parish="C"))
    assert second.previous == labelled(leaf_hash(first.encode()))
    assert third.previous == labelled(leaf_hash(second.encode()))
    assert [first.time, third.time] == ["2026-11-23T10:00:00Z", "2026-11-23T10:00:10Z"]


def test_records_of_one_name_in_two_registers_are_two_records(house: Ledgerhouse) -> None:
    house.define("caution")
    house.taken(create("title", "1"), create("caution", "1"))
    house.taken(change("title", "1", 2))
    assert house.latest("title", "1") != house.latest("caution", "1")
    refused(
        house.submit(change("caution", "1", 3)),
        Conflict,
        "caution '1' is at version 1, so its next is 2 and not 3",
    )


# ---- Compare and set -------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [None, 1, 3, 4, 2**53 - 1])
def test_a_change_must_state_one_more_than_the_version_that_it_saw(
    house: Ledgerhouse, version: int | None
) -> None:
    house.taken(create("title", "1"))
    refused(
        house.submit(change("title", "1", version, parish="B")),
        Conflict,
        f"^title '1' is at version 1, so its next is 2 and not {version}; read again$",
    )
    assert [entry.version for entry in house.entries("title")] == [1]


@pytest.mark.parametrize("version", [0, -1, 2**53])
def test_a_version_that_no_entry_can_have_is_malformed(house: Ledgerhouse, version: int) -> None:
    with pytest.raises(Malformed, match="a proposal's version must be from 1"):
        house.transaction(change("title", "1", version))
    whole = house.transaction(create("title", "1"))
    spoilt = Transaction(whole.header, [change("title", "1", version)], whole.endorsements)
    refused(house.send(spoilt)[0], Malformed, "a proposal's version must be from 1")


def test_of_two_changes_of_one_version_in_one_block_the_first_is_taken(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", parish="A"))
    first, second = house.send(
        house.transaction(change("title", "1", 2, parish="B")),
        house.transaction(change("title", "1", 2, parish="C")),
    )
    assert first.standing is Standing.TAKEN
    refused(second, Conflict, "title '1' is at version 2, so its next is 3 and not 2")
    latest = house.latest("title", "1")
    assert latest is not None
    assert latest.fields == {"parish": "B"}


def test_a_record_is_created_once(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"))
    refused(
        house.submit(create("title", "1")), Conflict, "title '1' is at version 1, so its next is 2 and not 1"
    )
    refused(
        house.submit(change("title", "1", 2, "create")),
        Conflict,
        "title '1' exists already; create does not apply",
    )


@pytest.mark.parametrize("operation", sorted(OPERATIONS - {"create"}))
def test_what_does_not_exist_can_only_be_created(house: Ledgerhouse, operation: str) -> None:
    refused(
        house.submit(change("title", "1", 1, operation)),
        Conflict,
        f"title '1' does not exist yet; {operation} does not apply",
    )


# ---- Several versions in one transaction -----------------------------------------------------------


def test_several_versions_of_one_record_follow_each_other_in_one_transaction(house: Ledgerhouse) -> None:
    entries = house.taken(
        create("title", "1", parish="A"),
        create("title", "2"),
        change("title", "1", 2, parish="B"),
        change("title", "1", 3, "close"),
    )
    assert [(entry.record, entry.version) for entry in entries] == [("1", 1), ("2", 1), ("1", 2), ("1", 3)]
    assert entries[2].previous == labelled(leaf_hash(entries[0].encode()))
    assert entries[3].previous == labelled(leaf_hash(entries[2].encode()))
    assert len({entry.transaction for entry in entries}) == 1
    assert [house.store.prior(entry.number) for entry in entries] == [
        None,
        None,
        entries[0].number,
        entries[2].number,
    ]


def test_versions_in_one_transaction_must_follow_each_other_too(house: Ledgerhouse) -> None:
    before = house.snapshot()
    refused(
        house.submit(create("title", "1"), change("title", "1", 3)),
        Conflict,
        "is at version 1, so its next is 2",
    )
    refused(
        house.submit(change("title", "1", 2), create("title", "1")),
        Conflict,
        "is at version 0, so its next is 1",
    )
    refused(
        house.submit(create("title", "1"), create("title", "1")),
        Conflict,
        "is at version 1, so its next is 2",
    )
    assert house.snapshot() == before


# ---- Append registers ------------------------------------------------------------------------------


def test_in_an_append_register_the_ledger_gives_the_versions(house: Ledgerhouse) -> None:
    house.define("access", append=True)
    one = house.taken(
        change("access", "p", None, why="tax"), change("access", "q", None), change("access", "p", None)
    )
    (two,) = house.taken(change("access", "p", None, why="court"))
    assert [(entry.record, entry.version) for entry in [*one, two]] == [
        ("p", 1),
        ("q", 1),
        ("p", 2),
        ("p", 3),
    ]
    assert [entry.operation for entry in [*one, two]] == ["amend"] * 4
    assert one[0].previous is None
    assert two.previous == labelled(leaf_hash(one[2].encode()))


def test_two_appends_that_know_nothing_of_each_other_are_both_taken(house: Ledgerhouse) -> None:
    house.define("access", append=True)
    outcomes = house.send(
        house.transaction(change("access", "p", None, why="a")),
        house.transaction(change("access", "p", None, why="b")),
    )
    assert [outcome.standing for outcome in outcomes] == [Standing.TAKEN, Standing.TAKEN]
    assert [(entry.version, entry.fields) for entry in house.entries("access")] == [
        (1, {"why": "a"}),
        (2, {"why": "b"}),
    ]


def test_the_proposal_of_an_append_is_found_again_from_its_entry(house: Ledgerhouse) -> None:
    house.define("access", append=True)
    transaction = house.transaction(change("access", "p", None, why="tax"))
    (outcome,) = house.send(transaction)
    assert house.entry(outcome.first).proposal(append=True).encode() == transaction.proposal_bytes[0]


@pytest.mark.parametrize(
    ("version", "operation"),
    [(1, "amend"), (2, "amend")] + [(None, each) for each in sorted(OPERATIONS - {"amend"})],
)
def test_an_append_states_no_version_and_only_amends(
    house: Ledgerhouse, version: int | None, operation: str
) -> None:
    house.define("access", append=True)
    house.taken(change("access", "p", None))
    refused(
        house.submit(change("access", "p", version, operation)),
        Malformed,
        "access only appends: leave the version out and use the operation 'amend'",
    )


# ---- Endings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["annul", "close"])
@pytest.mark.parametrize("operation", sorted(OPERATIONS - {"erase", "create"}))
def test_after_its_end_a_record_takes_no_change(house: Ledgerhouse, ending: str, operation: str) -> None:
    house.taken(create("title", "1"), change("title", "1", 2, ending))
    refused(
        house.submit(change("title", "1", 3, operation)),
        Violated,
        "title '1' has ended \\(it was annulled or closed\\); nothing but erase follows",
    )
    refused(house.submit(change("title", "1", 3, "create")), Conflict, "title '1' exists already")
    refused(house.submit(create("title", "1")), Conflict, "title '1' is at version 2")


@pytest.mark.parametrize("ending", ["annul", "close"])
def test_what_has_ended_stays_ended_when_it_is_erased(house: Ledgerhouse, ending: str) -> None:
    house.taken(create("title", "1"), change("title", "1", 2, ending))
    house.taken(change("title", "1", 3, "erase"))
    refused(house.submit(change("title", "1", 4)), Violated, "title '1' has ended")
    refused(house.submit(change("title", "1", 4, "close")), Violated, "title '1' has ended")
    house.taken(change("title", "1", 4, "erase"))
    refused(house.submit(change("title", "1", 5)), Violated, "title '1' has ended")


def test_what_ends_within_a_transaction_has_ended_for_the_rest_of_it(house: Ledgerhouse) -> None:
    refused(
        house.submit(create("title", "1"), change("title", "1", 2, "close"), change("title", "1", 3)),
        Violated,
        "title '1' has ended",
    )
    house.taken(create("title", "1"), change("title", "1", 2, "close"), change("title", "1", 3, "erase"))
    refused(house.submit(change("title", "1", 4)), Violated, "title '1' has ended")


def test_a_live_record_that_is_erased_lives_on(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", item=digest(b"a person's fields")))
    house.taken(change("title", "1", 2, "erase"))
    house.taken(change("title", "1", 3, item=digest(b"the other person's fields")))


# ---- Erasure repeats what stands in the clear ------------------------------------------------------

FULL: dict[str, Any] = {
    "status": "registered",
    "body": {"fields": {"parish": "Käina", "rooms": 1}},
    "claims": (claim("owner", "x"),),
    "references": (Reference("mortgage", "title", "2"),),
    "control": of(1, holder("deed"), agency("EE/GOV/COURT")),
}


def test_an_erasure_may_leave_out_items_and_say_why(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", **FULL, item=digest(b"fields"), document=digest(b"scan")))
    reasons = {"why": "court order", "law": "GDPR art. 17"}
    (erased,) = house.taken(
        change("title", "1", 2, "erase", **FULL | {"body": FULL["body"] | {"circumstances": reasons}}),
        by=["EE/GOV/LAND", key("deed")],
    )
    assert (erased.item, erased.document) == (None, None)
    assert erased.circumstances == reasons
    assert house.holds(claim("owner", "x")) == ("title", "1")


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "void"},
        {"status": None},
        {"body": {"fields": {"parish": "Emmaste", "rooms": 1}}},
        {"body": {"fields": {"parish": "Käina", "rooms": True}}},
        {"body": {"fields": {"parish": "Käina"}}},
        {"body": None},
        {"claims": ()},
        {"claims": (claim("owner", "y"),)},
        {"references": ()},
        {"control": None},
        {"control": of(1, holder("deed"), agency("EE/GOV/TAX"))},
    ],
    ids=str,
)
def test_an_erasure_changes_nothing_that_stands_in_the_clear(
    house: Ledgerhouse, changed: dict[str, Any]
) -> None:
    house.taken(create("title", "1", **FULL))
    refused(
        house.submit(change("title", "1", 2, "erase", **FULL | changed), by=["EE/GOV/LAND", key("deed")]),
        Violated,
        "title '1' is to be erased; that repeats status, fields, claims, references and control as they are",
    )


@pytest.mark.parametrize(
    "added", [{"item": digest(b"new")}, {"document": digest(b"new")}, {"tree": Tree(digest(b"x"), 1)}]
)
def test_an_erasure_adds_no_content(house: Ledgerhouse, added: dict[str, Any]) -> None:
    house.taken(create("title", "1", item=digest(b"fields")))
    refused(
        house.submit(change("title", "1", 2, "erase", **added)),
        Violated,
        "names no content that was not there",
    )
    house.taken(change("title", "1", 2, "erase", item=digest(b"fields")))


def test_an_erasure_is_compared_with_the_version_before_it_in_the_same_transaction(
    house: Ledgerhouse,
) -> None:
    house.taken(create("title", "1", status="draft"))
    refused(
        house.submit(
            change("title", "1", 2, status="registered"), change("title", "1", 3, "erase", status="draft")
        ),
        Violated,
        "is to be erased",
    )
    house.taken(
        change("title", "1", 2, status="registered"), change("title", "1", 3, "erase", status="registered")
    )


# ---- Time ------------------------------------------------------------------------------------------


def test_block_time_never_steps_back(house: Ledgerhouse) -> None:
    house.pass_time(60)
    house.taken(create("title", "1"))
    house.pass_time(-60)
    (entry,) = house.taken(create("title", "2"))
    assert entry.time == "2026-11-23T10:01:00Z"
    assert house.store.head.time == START + 60
