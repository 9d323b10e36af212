"""Random histories, against a model of versions and claims that is small enough to be seen to be right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.ledger.constraints import claim_key
from counterfoil.ledger.ledger import Standing
from counterfoil.proof.canonical import canonical, digest, labelled
from counterfoil.proof.entry import OPERATIONS, Claim, Proposal, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.merkle import leaf_hash
from counterfoil.proof.transaction import Expectation, Transaction
from tests.ledger_fixture import MemoryLedger, claim, claim_name

# ---- The model -------------------------------------------------------------------------------------

Name: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Record:
    """What the model knows of a record: its version, whether it has ended, and what it states."""

    version: int = 0
    ended: bool = False
    claims: tuple[Claim, ...] = ()
    deed: str | None = None

    @property
    def held(self) -> set[Claim]:
        """What it holds: nothing once it has ended, else its claims and the deed, which must be unique."""
        if self.ended:
            return set()
        made = Claim("register:title", "one-deed", digest(canonical([self.deed])))
        return {*self.claims, made} if self.deed else set(self.claims)


class Model:
    """Versions and claims, all of them looked at after each transaction."""

    def __init__(self) -> None:
        self.records: dict[Name, Record] = {}

    def held(self) -> dict[Claim, Name]:
        return {each: name for name, record in self.records.items() for each in record.held}

    def take(self, transaction: Transaction) -> bool:
        """Take a transaction, unless it may not be taken; says which."""
        if not all(map(self._is_so, transaction.header.expectations)):
            return False
        before = dict(self.records)
        if not all(map(self._write, transaction.proposals)) or not self._consistent():
            self.records = before
            return False
        return True

    def _is_so(self, expected: Expectation) -> bool:
        if expected.claim is not None:
            return (expected.claim in {claim_name(each) for each in self.held()}) is expected.held
        known = self.records.get((expected.register or "", expected.record or ""), Record())
        return known.version == expected.version

    def _write(self, proposal: Proposal) -> bool:
        name = (proposal.register, proposal.record)
        known = self.records.get(name, Record())
        stated = replace(
            known, version=known.version + 1, claims=proposal.claims, deed=proposal.fields.get("deed")
        )
        if proposal.register == "access":
            allowed = proposal.operation == "amend" and proposal.version is None
        elif proposal.version != stated.version or (proposal.operation == "create") is not (
            known.version == 0
        ):
            return False
        elif proposal.operation == "erase":
            allowed = (stated.claims, stated.deed) == (known.claims, known.deed)
        else:
            allowed = not known.ended
        self.records[name] = replace(stated, ended=known.ended or proposal.operation in {"close", "annul"})
        return allowed

    def _consistent(self) -> bool:
        held = list(chain.from_iterable(record.held for record in self.records.values()))
        return len(held) == len(set(held))


# ---- Random transactions, most of them nearly right ------------------------------------------------

CLAIMS = [claim("owner", value) for value in "xyz"]
RECORDS = ["1", "2", "3"]


@st.composite
def proposals(draw: st.DrawFn, model: Model) -> Proposal:
    """A change that fits the model more often than not."""
    register, record = draw(st.sampled_from(["title", "title", "access"])), draw(st.sampled_from(RECORDS))
    known = model.records.get((register, record), Record())
    claims = draw(
        st.one_of(
            st.just(known.claims), st.lists(st.sampled_from(CLAIMS), max_size=2, unique=True).map(tuple)
        )
    )
    deed = draw(st.sampled_from([None, None, "a", "b", known.deed])) if register == "title" else None
    likely = "amend" if known.version or register == "access" else "create"
    operation = draw(st.sampled_from([likely] * 5 + sorted(OPERATIONS)))
    version = known.version + draw(st.sampled_from([1, 1, 1, 1, 1, 2, 0]))
    body = {"fields": {"deed": deed}} if deed else None
    stated = None if register == "access" and draw(st.integers(0, 9)) else max(version, 1)
    return Proposal(register, record, operation, stated, body=body, claims=claims)


EXPECTATIONS = st.builds(
    Expectation,
    register=st.sampled_from(["title", "access"]),
    record=st.sampled_from(RECORDS),
    version=st.integers(0, 3),
) | st.builds(Expectation, claim=st.sampled_from([claim_name(each) for each in CLAIMS]), held=st.booleans())


def written(draw: st.DataObject, ledger: MemoryLedger, model: Model) -> Transaction:
    """A transaction of a few changes, each drawn as if those before it had been taken."""
    ahead = Model()
    ahead.records = dict(model.records)
    changes = []
    for _ in range(draw.draw(st.integers(1, 4))):
        changes.append(draw.draw(proposals(ahead)))
        ahead._write(changes[-1])
    expects = draw.draw(st.just([]) | st.lists(EXPECTATIONS, max_size=2))
    return ledger.transaction(*changes, expects=expects)


def fresh() -> MemoryLedger:
    ledger = MemoryLedger()
    ledger.define(
        "title", scopes=["civil"], constraints=[{"kind": "unique", "name": "one-deed", "fields": ["deed"]}]
    )
    ledger.define("access", append=True, scopes=["civil"])
    return ledger


def compare(ledger: MemoryLedger, model: Model) -> None:
    """Require that ledger and model know the same records, endings and claims."""
    ours = {
        (register, record): ledger.state.records.get(record_key(register, record))
        for register in ("title", "access")
        for record in RECORDS
    }
    assert {name: (state.version, bool(state.flags & 1)) for name, state in ours.items() if state} == {
        name: (record.version, record.ended) for name, record in model.records.items()
    }
    members = {
        key for key, holder in ledger.state.claims.items() if holder == record_key(".agency", "EE/GOV/LAND")
    }
    assert len(members) == 1
    assert {key: holder for key, holder in ledger.state.claims.items() if key not in members} == {
        claim_key(each): record_key(*name) for each, name in model.held().items()
    }


@settings(max_examples=150)
@given(st.data())
def test_the_ledger_takes_what_the_model_takes_and_knows_what_it_knows(draw: st.DataObject) -> None:
    ledger, model = fresh(), Model()
    for _ in range(draw.draw(st.integers(1, 5))):
        block, expected = [], []
        for _ in range(draw.draw(st.integers(1, 4))):
            block.append(written(draw, ledger, model))
            expected.append(model.take(block[-1]))
        ledger.clock.now += draw.draw(st.integers(0, 1))
        outcomes = ledger.send(*block)
        assert [outcome.standing is Standing.TAKEN for outcome in outcomes] == expected
        compare(ledger, model)


@settings(max_examples=60)
@given(st.data())
def test_how_transactions_are_cut_into_blocks_makes_no_difference(draw: st.DataObject) -> None:
    model = Model()
    at_once, one_by_one = fresh(), fresh()
    transactions = []
    for _ in range(draw.draw(st.integers(2, 8))):
        transactions.append(written(draw, at_once, model))
        model.take(transactions[-1])
    together = at_once.send(*transactions)
    apart = [one_by_one.send(transaction)[0] for transaction in transactions]
    assert [(each.standing, each.first, each.count, str(each.error)) for each in together] == [
        (each.standing, each.first, each.count, str(each.error)) for each in apart
    ]
    assert vars(at_once.state) == vars(one_by_one.state)


@settings(max_examples=60)
@given(st.data())
def test_the_log_is_a_chain_for_each_record(draw: st.DataObject) -> None:
    ledger, model = fresh(), Model()
    for _ in range(draw.draw(st.integers(1, 6))):
        transaction = written(draw, ledger, model)
        model.take(transaction)
        ledger.clock.now += 1
        ledger.send(transaction)
    histories: dict[Name, list[bytes]] = {}
    for number, data in enumerate(ledger.state.entries):
        entry = decode_entry(data)
        assert entry.number == number
        histories.setdefault((entry.register, entry.record), []).append(data)
    for history in histories.values():
        entries = [decode_entry(data) for data in history]
        assert [entry.version for entry in entries] == list(range(1, len(entries) + 1))
        assert entries[0].previous is None
        for (data, _), (_, entry) in pairwise(zip(history, entries, strict=True)):
            assert entry.previous == labelled(leaf_hash(data))
