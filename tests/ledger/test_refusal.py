"""A refused command leaves nothing and disturbs nobody, whatever it holds and wherever it fails."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import CounterfoilError, Malformed, Violated
from counterfoil.ledger.ledger import Command, Endorse, Standing, Withdraw
from counterfoil.ledger.state import Changes
from counterfoil.proof.canonical import MAX_INTEGER, digest, parse_canonical
from counterfoil.proof.entry import MAX_BODY_DEPTH, Claim, Proposal, Reference, Tree
from counterfoil.proof.transaction import Endorsement, Transaction, endorse
from tests.ledger_fixture import (
    COURT,
    DAY,
    LAND,
    Ledgerhouse,
    MemoryLedger,
    agency,
    change,
    claim,
    create,
    key,
    of,
    refused,
)

HELD, FREE = claim("owner", "held"), claim("owner", "free")


def prepared() -> MemoryLedger:
    """A ledger with titles, one of them holding a claim and pointing to another, and a transaction that waits."""
    ledger = MemoryLedger(LAND, COURT)
    ledger.define(
        "title", scopes=["civil"], constraints=[{"kind": "unique", "name": "u", "fields": ["deed"]}]
    )
    ledger.define("joint", policy=of(2, agency(LAND), agency(COURT)))
    ledger.submit(
        create(
            "title",
            "1",
            body={"fields": {"deed": "a"}},
            claims=(HELD,),
            references=(Reference("r", "title", "2"),),
        ),
        create("title", "2"),
    )
    ledger.submit(create("joint", "waits"))
    return ledger


def stands(changes: Changes) -> dict[str, Any]:
    """Everything that a block changes, by name."""
    return {name: getattr(changes, name) for name in Changes.__slots__}


def failing(ledger: MemoryLedger) -> list[Command]:
    """Commands that are refused, each at another point."""
    write = ledger.transaction
    movers = (
        change(
            "title",
            "1",
            2,
            body={"fields": {"deed": "b"}},
            claims=(FREE,),
            references=(Reference("r", "title", "3"),),
        ),
        change("title", "1", 3),
        create("title", "3", body={"fields": {"deed": "a"}}, claims=(HELD,)),
    )
    waiting = next(iter(ledger.state.open))
    return [
        write(*movers, change("title", "2", 7)),
        write(*movers, create("title", "")),
        write(*movers, create("title", "big", text="x" * 70_000)),
        write(*movers, create("title", "4", claims=(HELD,))),
        write(*movers, create("title", "4", body={"fields": {"deed": "a"}})),
        write(*movers, create("nowhere", "1")),
        write(*movers, change(".parameter", "ledger", 2, "close")),
        write(*movers, create(".register", ".x", title="x", authority=LAND)),
        write(*movers, by=[]),
        write(*movers, deadline=-1),
        write(*movers, by=[LAND, "nobody"]).endorsed([Endorsement(key(LAND).public.text, "AAAA")]),
        write(),
        Endorse(waiting, endorse(digest(b"another"), key(COURT))),
        Endorse(waiting, endorse(waiting, key("stranger"))),
        Endorse(digest(b"nothing"), endorse(waiting, key(COURT))),
        Withdraw(waiting, endorse(waiting, key(LAND))),
    ]


@pytest.mark.parametrize("at", range(16))
def test_a_block_of_one_refused_command_changes_nothing(at: int) -> None:
    ledger = prepared()
    changes, outcomes = ledger.apply(failing(ledger)[at])
    assert outcomes[0].standing is Standing.REFUSED
    assert stands(changes) == stands(Changes(ledger.state.head))


@given(st.lists(st.integers(0, 15), max_size=4), st.lists(st.integers(0, 15), max_size=4))
def test_refused_commands_between_others_make_no_difference(before: list[int], after: list[int]) -> None:
    ledger = prepared()
    bad = failing(ledger)
    waiting = next(iter(ledger.state.open))
    good: list[Command] = [
        ledger.transaction(change("title", "1", 2, body={"fields": {"deed": "c"}}, claims=(FREE,))),
        Endorse(waiting, endorse(waiting, key(COURT))),
        ledger.transaction(
            create(
                "title",
                "9",
                body={"fields": {"deed": "a"}},
                claims=(HELD,),
                references=(Reference("x", "title", "1"),),
            )
        ),
    ]
    without, expected = ledger.apply(*good)
    mixed = [*(bad[at] for at in before), good[0], *(bad[at] for at in after), *good[1:]]
    with_them, outcomes = ledger.apply(*mixed)
    kept = [outcome for outcome in outcomes if outcome.standing is not Standing.REFUSED]
    assert stands(with_them) == stands(without)
    assert kept == expected


def test_in_the_store_not_one_byte_changes(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", claims=(HELD,)))
    house.waiting(create("title", "2"), not_before=DAY)
    before = house.snapshot()
    house.pass_time(5)
    for spoilt in (
        [
            change("title", "1", 2),
            create("title", "3", claims=(HELD,)),
            change("title", "1", 3, claims=(HELD,)),
        ],
        [change("title", "1", 3)],
        [create("title", "x" * 300)],
    ):
        assert house.submit(*spoilt).standing is Standing.REFUSED
    assert house.snapshot() == before


def test_a_transaction_takes_effect_together_or_not_at_all(house: Ledgerhouse) -> None:
    house.define("ledger-card")
    good = [create("title", str(number)) for number in range(500)]
    refused(house.submit(*good, create("ledger-card", "1", item="x")), Malformed, "is not a hash")
    assert house.entries("title") == []
    house.taken(*good, create("ledger-card", "1", item=digest(b"x")))
    assert len(house.entries("title")) == 500


# ---- Hostile content -------------------------------------------------------------------------------


def deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def raw(**members: Any) -> Proposal:
    return Proposal("title", "1", "create", 1, **members)


HOSTILE: dict[str, Proposal] = {
    "fields of another kind": raw(body={"fields": [1]}),
    "no fields": raw(body={}),
    "a body of another kind": raw(body="text"),
    "a number for a body": raw(body=7),
    "more than a body has": raw(body={"fields": {}, "more": 1}),
    "circumstances of another kind": raw(body={"fields": {}, "circumstances": "x"}),
    "a float": raw(body={"fields": {"a": 1.5}}),
    "not a number": raw(body={"fields": {"a": float("nan")}}),
    "infinity": raw(body={"fields": {"a": float("inf")}}),
    "an integer over 2^53": raw(body={"fields": {"a": MAX_INTEGER + 1}}),
    "an integer over 2^64": raw(body={"fields": {"a": 2**64}}),
    "an integer of 10,000 digits": raw(body={"fields": {"a": 10**10_000}}),
    "an integer of 10,000 digits in a policy": raw(control={"require": 10**10_000, "of": ["agency:x"]}),
    "a tree of 10^400 items": raw(tree=Tree(digest(b""), 10**400)),
    "a tree of 2^60 items": raw(tree=Tree(digest(b""), 2**60)),
    "a tree of none": raw(tree=Tree(digest(b""), 0)),
    "a tree of -1": raw(tree=Tree(digest(b""), -1)),
    "a name outside ASCII": raw(body={"fields": {"é": 1}}),
    "a name that is a number": raw(body={"fields": {1: 1}}),
    "a lone surrogate": raw(body={"fields": {"a": "\ud800"}}),
    "a lone surrogate for a name": raw(body={"fields": {"\ud800": 1}}),
    "fields nested too deep": raw(body={"fields": {"a": deep(MAX_BODY_DEPTH)}}),
    "fields nested without end": raw(body={"fields": {"a": deep(100_000)}}),
    "circumstances nested without end": raw(body={"fields": {}, "circumstances": {"why": deep(100_000)}}),
    "a policy nested without end": raw(control=deep(100_000)),
    "a set": raw(body={"fields": {"a": {1, 2}}}),
    "an empty item": raw(item=""),
    "an empty document": raw(document=""),
    "an empty tree root": raw(tree=Tree("", 1)),
    "an empty status": raw(status=""),
    "a status over two lines": raw(status="a\nb"),
    "a document that is no hash": raw(document="scan.pdf"),
    "a lone surrogate for a record": Proposal("title", "\ud800", "create", 1),
    "a lone surrogate for a register": Proposal("\ud800", "1", "create", 1),
    "a lone surrogate for a status": raw(status="\ud800"),
    "a lone surrogate for an item": raw(item="\ud800"),
    "a lone surrogate in a claim": raw(claims=(Claim("\ud800", "n", digest(b"")),)),
    "an unknown operation": Proposal("title", "1", "delete", 1),
    "an operation of a megabyte": Proposal("title", "1", "x" * 1_000_000, 1),
    "a record of a megabyte": Proposal("title", "x" * 1_000_000, "create", 1),
    "a register of a megabyte": Proposal("x" * 1_000_000, "1", "create", 1),
    "a body of two megabytes": raw(body={"fields": {"a": "x" * 2_000_000}}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_content_is_refused_and_its_neighbours_are_taken(house: Ledgerhouse, name: str) -> None:
    good = house.transaction(create("title", "good"))
    spoilt = Transaction(good.header, [HOSTILE[name]], good.endorsements)
    try:
        spoilt = house.transaction(HOSTILE[name])
    except (CounterfoilError, ValueError):
        assert (
            name
        )  # it cannot even be written by who means well: it comes under another transaction's header
    first, second = house.send(spoilt, good)
    assert first.standing is Standing.REFUSED
    assert isinstance(first.error, CounterfoilError)
    assert len(str(first.error)) < 1_000
    assert second.standing is Standing.TAKEN


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
ANY_TEXT = st.text(st.characters(), max_size=6)


@given(
    body=JSON | st.fixed_dictionaries({"fields": JSON}, optional={"circumstances": JSON}),
    control=JSON,
    names=st.tuples(
        st.sampled_from(["title", ".agency", ".register", ".parameter"]) | ANY_TEXT, ANY_TEXT, ANY_TEXT
    ),
    version=st.none() | st.integers(),
)
def test_any_content_is_taken_waits_or_is_refused_and_nothing_worse(
    body: Any, control: Any, names: tuple[str, str, str], version: int | None
) -> None:
    ledger = MemoryLedger()
    ledger.define("title")
    register, record, status = names
    proposal = Proposal(register, record, "create", version, status, body, control=control)
    whole = ledger.transaction(create("title", "1"))
    try:
        whole = ledger.transaction(proposal)
    except CounterfoilError:
        whole = Transaction(whole.header, [proposal], whole.endorsements)
    changes, (outcome,) = ledger.apply(whole)
    if outcome.standing is Standing.REFUSED:
        assert stands(changes) == stands(Changes(ledger.state.head))
    else:
        assert parse_canonical(changes.entries[0], "the entry")["record"] in {record, whole.hash}


def test_a_fault_in_a_schema_says_where_and_by_which_law(house: Ledgerhouse) -> None:
    schema = {"properties": {"owners": {"items": {"type": "string"}}}, "required": ["owners"]}
    house.define("estate", schema=schema, law="Land Act s. 1")
    outcome = house.submit(create("estate", "1", owners=["x", 7]))
    refused(
        outcome,
        Violated,
        "^estate '1' does not conform to its register's schema at /owners/1: 7 is not of type",
    )
    error = outcome.error
    assert isinstance(error, Violated)
    assert (error.constraint, error.field, error.citation) == ("schema", "owners/1", "Land Act s. 1")
    refused(
        house.submit(create("estate", "1", x=1)), Violated, 'schema at /: "owners" is a required property'
    )
