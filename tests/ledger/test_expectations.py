"""Expectations: what a transaction relied on must still be so when it is taken."""

from __future__ import annotations

import pytest

from counterfoil.errors import Conflict, Malformed
from counterfoil.ledger.judgement import MAX_EXPECTATIONS
from counterfoil.ledger.ledger import Standing
from counterfoil.proof.transaction import Expectation
from tests.ledger_fixture import Ledgerhouse, change, claim, claim_name, create, refused

OWNER = claim("owner", "x")


def at(record: str, version: int, register: str = "title") -> Expectation:
    return Expectation(register, record, version)


# ---- Records ---------------------------------------------------------------------------------------


def test_a_record_at_its_version_and_one_that_is_absent_are_as_expected(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"), change("title", "1", 2))
    house.taken(create("title", "2"), expects=[at("1", 2), at("3", 0), at("anything", 0, "no-such-register")])


@pytest.mark.parametrize(
    ("record", "expected", "actual"), [("1", 1, 2), ("1", 3, 2), ("1", 0, 2), ("3", 1, 0), ("1", -2, 2)]
)
def test_a_record_at_another_version_is_a_conflict(
    house: Ledgerhouse, record: str, expected: int, actual: int
) -> None:
    house.taken(create("title", "1"), change("title", "1", 2))
    before = house.snapshot()
    refused(
        house.submit(create("title", "2"), expects=[at("1", 2), at(record, expected)]),
        Conflict,
        f"^title '{record}' is at version {actual} now, and the transaction relied on version {expected}; read again",
    )
    assert house.snapshot() == before


def test_an_expectation_is_about_the_state_before_the_transaction(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"), change("title", "1", 2), expects=[at("1", 0)])
    house.taken(change("title", "1", 3), expects=[at("1", 2)])


def test_of_two_transactions_that_relied_on_the_same_state_in_one_block_the_second_is_refused(
    house: Ledgerhouse,
) -> None:
    house.taken(create("title", "guard"), create("title", "1"), create("title", "2"))
    first, second, third = house.send(
        house.transaction(change("title", "guard", 2), change("title", "1", 2), expects=[at("2", 1)]),
        house.transaction(change("title", "2", 2), expects=[at("guard", 1)]),
        house.transaction(change("title", "2", 2), expects=[at("guard", 2)]),
    )
    assert first.standing is Standing.TAKEN
    refused(second, Conflict, "title 'guard' is at version 2 now, and the transaction relied on version 1")
    assert third.standing is Standing.TAKEN


# ---- Claims ----------------------------------------------------------------------------------------


def test_a_claim_held_and_a_claim_free_are_as_expected(house: Ledgerhouse) -> None:
    house.taken(
        create("title", "1", claims=(OWNER,)), expects=[Expectation(claim=claim_name(OWNER), held=False)]
    )
    free = claim_name(claim("owner", "y"))
    house.taken(
        create("title", "2"),
        expects=[Expectation(claim=claim_name(OWNER), held=True), Expectation(claim=free, held=False)],
    )


def test_a_claim_otherwise_than_expected_is_a_conflict(house: Ledgerhouse) -> None:
    name = claim_name(OWNER)
    expected = Expectation(claim=name, held=True)
    refused(
        house.submit(create("title", "1"), expects=[expected]), Conflict, f"^the claim {name} is free now"
    )
    house.taken(create("title", "1", claims=(OWNER,)))
    expected = Expectation(claim=name, held=False)
    refused(
        house.submit(create("title", "2"), expects=[expected]), Conflict, f"^the claim {name} is held now"
    )


def test_a_claim_that_was_given_and_released_in_the_block_is_free(house: Ledgerhouse) -> None:
    free = Expectation(claim=claim_name(OWNER), held=False)
    outcomes = house.send(
        house.transaction(create("title", "1", claims=(OWNER,))),
        house.transaction(create("title", "2"), expects=[free]),
        house.transaction(change("title", "1", 2)),
        house.transaction(create("title", "3"), expects=[free]),
    )
    assert [each.standing.value for each in outcomes] == ["taken", "refused", "taken", "taken"]


# ---- Form ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expectation",
    [
        Expectation(),
        Expectation("title"),
        Expectation("title", "1"),
        Expectation("title", None, 1),
        Expectation(None, "1", 1),
        Expectation(None, None, 1),
        Expectation(claim=claim_name(OWNER)),
        Expectation(held=True),
        Expectation("title", "1", 1, claim_name(OWNER), held=True),
        Expectation("title", "1", 1, held=True),
        Expectation("title", "1", 1, claim_name(OWNER)),
    ],
    ids=str,
)
def test_an_expectation_is_about_a_record_or_about_a_claim(
    house: Ledgerhouse, expectation: Expectation
) -> None:
    house.taken(create("title", "1"))
    refused(
        house.submit(create("title", "2"), expects=[expectation]),
        Malformed,
        "^an expectation names a register, record and version \\(0: absent\\), or a claim and whether it is held$",
    )


def test_a_claim_in_an_expectation_is_a_hash(house: Ledgerhouse) -> None:
    expectation = Expectation(claim="owner x", held=False)
    refused(house.submit(create("title", "1"), expects=[expectation]), Malformed, "'owner x' is not a hash")


def test_the_number_of_expectations_ends_somewhere(house: Ledgerhouse) -> None:
    many = [at(str(number), 0, "t") for number in range(MAX_EXPECTATIONS + 1)]
    house.taken(create("title", "1"), expects=many[:-1])
    refused(
        house.submit(create("title", "2"), expects=many),
        Malformed,
        f"at most {MAX_EXPECTATIONS} expectations",
    )
