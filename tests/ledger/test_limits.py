"""Deadlines and limits: how long a transaction may wait, how large it may be, and that it fits this ledger."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from counterfoil.errors import CounterfoilError, Lapsed, Malformed, Refused
from counterfoil.ledger.judgement import MAX_ENDORSEMENTS
from counterfoil.ledger.ledger import Standing
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import MAX_ENTRY_BYTES
from counterfoil.proof.transaction import (
    MAX_PROPOSALS,
    MAX_TRANSACTION_BYTES,
    Expectation,
    Transaction,
    encode_endorsements,
    endorse,
)
from tests.ledger_fixture import DAY, LAND, START, Ledgerhouse, change, create, key, refused

# ---- Deadlines -------------------------------------------------------------------------------------


def test_a_deadline_counts_to_the_second(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"), deadline=0)
    refused(
        house.submit(create("title", "2"), deadline=-1),
        Lapsed,
        "^the transaction's deadline passed before 2026-11-23T10:00:00Z; submit it anew with a later one$",
    )


def test_a_deadline_lies_at_most_90_days_after_the_block_that_takes_it(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"), deadline=90 * DAY)
    far = house.transaction(create("title", "2"), deadline=90 * DAY + 1)
    refused(house.send(far)[0], Lapsed, "deadline lies more than 90 days ahead; choose a nearer one")
    house.pass_time(1)
    assert house.send(far)[0].standing is Standing.TAKEN


def test_a_deadline_is_judged_by_block_time_which_does_not_step_back(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"))
    transaction = house.transaction(create("title", "2"), deadline=10)
    house.pass_time(20)
    house.taken(create("title", "3"))
    house.pass_time(-20)
    refused(house.send(transaction)[0], Lapsed, "deadline passed before 2026-11-23T10:00:20Z")


@pytest.mark.parametrize(
    "deadline", ["", "tomorrow", "2026-12-01", "2026-12-01T00:00:00+00:00", "2026-02-30T00:00:00Z"]
)
@pytest.mark.parametrize("member", ["deadline", "not_before"])
def test_times_in_a_header_have_one_form(house: Ledgerhouse, member: str, deadline: str) -> None:
    refused(house.send(altered(house, **{member: deadline}))[0], Malformed, "is not a time")


def test_a_transaction_cannot_begin_to_count_after_its_deadline(house: Ledgerhouse) -> None:
    late = house.transaction(create("title", "1"), deadline=10, not_before=11)
    refused(house.send(late)[0], Malformed, "may not take effect before a time that lies after its deadline")


# ---- The header fits the proposals and the ledger --------------------------------------------------


def altered(house: Ledgerhouse, **members: Any) -> Transaction:
    """A transaction whose header was changed before it was endorsed."""
    whole = house.transaction(create("title", "1"))
    header = msgspec.structs.replace(whole.header, **members)
    plain = Transaction(header, whole.proposals)
    return plain.endorsed([endorse(plain.hash, key(LAND))])


@pytest.mark.parametrize(
    ("members", "error", "saying"),
    [
        (
            {"origin": "ledger.example/2"},
            Refused,
            "is for the ledger 'ledger.example/2'; this one is 'ledger.example/1'",
        ),
        ({"count": 2}, Malformed, "does not state the number and root of the proposals"),
        ({"count": -1}, Malformed, "does not state the number and root of the proposals"),
        ({"root": digest(b"")}, Malformed, "does not state the number and root of the proposals"),
        ({"root": ""}, Malformed, "does not state the number and root of the proposals"),
    ],
    ids=str,
)
def test_a_header_is_for_this_ledger_and_these_proposals(
    house: Ledgerhouse, members: dict[str, Any], error: type[CounterfoilError], saying: str
) -> None:
    refused(house.send(altered(house, **members))[0], error, saying)


def test_the_digest_of_a_request_is_a_hash(house: Ledgerhouse) -> None:
    wrong = altered(
        house, idempotency=msgspec.structs.replace(house.transaction().header.idempotency, request="x")
    )
    refused(house.send(wrong)[0], Malformed, "'x' is not a hash")


def test_a_proposal_that_was_exchanged_after_endorsement_is_refused(house: Ledgerhouse) -> None:
    whole = house.transaction(create("title", "1", owner="me"))
    exchanged = Transaction(whole.header, [create("title", "1", owner="you")], whole.endorsements)
    refused(house.send(exchanged)[0], Malformed, "does not state the number and root of the proposals")


# ---- Sizes -----------------------------------------------------------------------------------------


def test_a_transaction_has_one_to_a_thousand_proposals(house: Ledgerhouse) -> None:
    titles = [create("title", str(number)) for number in range(MAX_PROPOSALS + 1)]
    refused(house.submit(), Malformed, "^a transaction has 1 to 1000 proposals; split it$")
    refused(house.submit(*titles), Malformed, "^a transaction has 1 to 1000 proposals; split it$")
    assert len(house.taken(*titles[:-1])) == MAX_PROPOSALS


def padded(house: Ledgerhouse, size: int) -> Transaction:
    """A transaction of `size` bytes, header and endorsement with it."""
    proposals = [create("title", f"{number:02}", text="x" * 60_000) for number in range(17)]

    def drafted(last: int) -> Transaction:
        return house.transaction(*proposals, create("title", "last", text="x" * last), request="padded")

    def weigh(transaction: Transaction) -> int:
        (endorsement,) = transaction.endorsements
        return (
            sum(map(len, transaction.proposal_bytes))
            + len(transaction.header_bytes)
            + len(endorsement.key + endorsement.signature)
        )

    transaction = drafted(size - weigh(drafted(0)))
    assert weigh(transaction) == size
    return transaction


def test_a_transaction_has_at_most_a_mebibyte(house: Ledgerhouse) -> None:
    assert MAX_TRANSACTION_BYTES == 1_048_576
    over = padded(house, MAX_TRANSACTION_BYTES + 1)
    refused(
        house.send(over)[0], Malformed, "at most 1048576 bytes with its header and endorsements; split it"
    )
    assert house.send(padded(house, MAX_TRANSACTION_BYTES))[0].standing is Standing.TAKEN


def test_what_it_expects_counts_towards_its_size(house: Ledgerhouse) -> None:
    expectation = Expectation("title", "x" * MAX_TRANSACTION_BYTES, 0)
    refused(house.submit(create("title", "1"), expects=[expectation]), Malformed, "at most 1048576 bytes")


def test_an_entry_has_at_most_65535_bytes(house: Ledgerhouse) -> None:
    house.taken(
        *[create("title", str(number)) for number in range(10)]
    )  # from here on, numbers have two digits
    (small,) = house.taken(create("title", "60000", text="x" * 60_000))
    spare = MAX_ENTRY_BYTES - len(small.encode())
    (largest,) = house.taken(create("title", "60001", text="x" * (60_000 + spare)))
    assert len(largest.encode()) == MAX_ENTRY_BYTES == 65_535
    refused(
        house.submit(create("title", "60002", text="x" * (60_001 + spare))),
        Malformed,
        "^the entry for title '60002' would have 65536 bytes; one has at most 65535: put the content into a document",
    )


def test_the_number_of_endorsements_ends_somewhere(house: Ledgerhouse) -> None:
    titles = [create("title", "1")]
    signers = [key(LAND)] + [key(str(number)) for number in range(MAX_ENDORSEMENTS)]
    refused(house.submit(*titles, by=signers), Malformed, f"{MAX_ENDORSEMENTS} endorsements")
    transaction = house.transaction(*titles, by=signers[:-1])
    assert len(encode_endorsements(transaction.endorsements)) > 30_000
    assert house.send(transaction)[0].standing is Standing.TAKEN


def test_numbers_in_entries_have_no_gap(house: Ledgerhouse) -> None:
    house.taken(*[create("title", str(number)) for number in range(600)])
    house.submit(change("title", "1", 7))
    house.pass_time(1)
    house.taken(change("title", "1", 2))
    assert [entry.number for entry in house.entries()] == list(range(house.store.head.size))
    assert house.entries()[-2].time == "2026-11-23T10:00:01Z"
    assert house.clock.now - 1 == START
