"""A submitter whose node checks nothing: what every node enforces is refused; what only it could have checked is taken.

Then the proof of the entry says so.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from msgspec.structs import replace as with_members

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import CounterfoilError, Malformed
from counterfoil.ledger.command import Standing
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import Claim, Proposal, Reference
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.registry.personal.change import Change
from counterfoil.registry.prove import prove_record
from tests.ledger_fixture import DAY
from tests.office.changes import HOLDER, birth, charge, company, death, marriage, person, sale, title
from tests.office.house import House

MARI, JAAN, LIIS, OTT = "P-000001", "P-000002", "P-000003", "P-000009"
ONLY = "what the ledger cannot see of them was checked by the submitting agency only"


def by_hand(register: str, operation: str = "create", version: int = 1, **content: object) -> Proposal:
    """A proposal whose item nobody has: a commitment to something or nothing."""
    stated = {"status": None, "item": labelled(os.urandom(32)), **content}
    return Proposal(register, pseudonym(), operation, version, **stated)  # type: ignore[arg-type]  # as stated


def pseudonym() -> str:
    """What a record's name looks like."""
    return "A" * 43


def made_up(scope: str, name: str) -> Claim:
    """A claim of nobody's."""
    return Claim(scope, name, labelled(os.urandom(32)))


# ---- What every node refuses ------------------------------------------------------------------------


def test_a_second_death_and_a_second_marriage(town: House) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    assert town.raw_refused(town.unchecked(marriage("13/2026/2", MARI, OTT, "2026-11-03"))).constraint == (
        "not-married-or-dead"
    )
    town.taken(death("13/2026/1", JAAN, "2026-11-04"))
    again = town.unchecked(
        death("13/2026/2", JAAN, "2026-11-04"),
        Change("person", "amend", key=JAAN, merge=True, status="deceased"),
    )
    assert town.raw_refused(again).constraint == "dies-once"
    widow = town.unchecked(marriage("13/2026/3", OTT, JAAN, "2026-11-04"))
    assert town.raw_refused(widow).constraint == "not-married-or-dead"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_marriage_with_another_number_of_claims_than_spouses(house: House, count: int) -> None:
    claims = tuple(made_up("civil-status", "married") for _ in range(count))
    refused = house.raw_refused(Submission([by_hand("marriage", status="married", claims=claims)]))
    assert refused.constraint == "not-married-or-dead"


def test_claims_in_a_scope_that_is_none_of_the_register(house: House) -> None:
    claims = (made_up("civil-status", "married"), made_up("elsewhere", "married"))
    answer = house.raw(Submission([by_hand("marriage", status="married", claims=claims)]))
    assert isinstance(answer, CounterfoilError)
    assert house.node.record("marriage", pseudonym()) is None


def test_a_death_after_which_nobody_is_dead(town: House) -> None:
    alone = town.unchecked(death("13/2026/1", JAAN, "2026-11-04"))
    assert town.raw_refused(alone).constraint == "ends-life"


def test_a_birth_after_which_nobody_is_born(town: House) -> None:
    alone = town.unchecked(birth("13/2026/1", "P-000020", "2026-11-01"))
    assert town.raw_refused(alone).constraint == "creates-person"


def test_a_personal_field_in_the_clear_and_a_name_that_is_no_pseudonym(town: House) -> None:
    shown = by_hand("person", status="alive", body={"fields": {"sex": "female"}})
    assert isinstance(town.raw(Submission([shown])), CounterfoilError)
    named = Proposal("person", OTT, "create", 1, status="alive", item=labelled(os.urandom(32)))
    assert isinstance(town.raw(Submission([named])), CounterfoilError)
    bare = Proposal("person", pseudonym(), "create", 1, status="alive")
    assert isinstance(town.raw(Submission([bare])), CounterfoilError)


def test_a_status_that_does_not_follow(town: House) -> None:
    unborn = by_hand("person", status="deceased")
    assert town.raw_refused(Submission([unborn])).constraint == "status"


def test_a_correction_of_an_annulled_entry(town: House) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    town.decided(
        Change("marriage", "annul", key="13/2026/1", status="void", attachments=town.attached("judgment"))
    )
    ended = town.latest("marriage", "13/2026/1")
    assert ended.item is not None
    corrected = Proposal("marriage", ended.record, "correct", 3, "void", item=labelled(os.urandom(32)))
    assert town.raw_refused(Submission([corrected])).constraint == "ended"


def test_a_sale_over_a_mortgage_or_without_its_time_for_objections(town: House) -> None:
    town.taken(title("T-1", {MARI: "1"}), charge("M-1", "mortgage", "T-1"))
    sold = sale(town, "T-1", MARI, OTT, "1", {OTT: "1"})
    assert town.raw_refused(town.unchecked(sold)).constraint == "objection"
    announced = town.unchecked(sold, not_before=town.later(14))
    assert town.raw_refused(announced).constraint == "no-charge-stands-against-it"


def test_a_charge_that_does_not_say_against_what_it_stands(town: House) -> None:
    town.taken(title("T-1", {MARI: "1"}))
    for stated in ((), (Reference("title", "land-title", "T-2"),)):
        honest = town.unchecked(charge("M-1", "mortgage", "T-1"))
        other = replace(honest, proposals=[with_members(honest.proposals[0], references=stated)])
        assert town.raw_refused(other).constraint == "stands-against-a-registered-title"


def test_shares_beyond_what_is_authorised(town: House) -> None:
    refused = town.raw_refused(town.unchecked(company("C-1", directors=[MARI], issued=1001)))
    assert refused.constraint == "issued-within-authorised"


def test_an_item_that_no_proposal_names(town: House) -> None:
    honest = town.unchecked(person("P-000010", "1990", "Saar", "Tiiu"))
    with_another = replace(honest, proposals=[by_hand("person", status="alive")])
    assert isinstance(town.raw(with_another), Malformed)


# ---- What is taken, and said ------------------------------------------------------------------------


def said(house: House, register: str, record: str) -> list[str]:
    """What the proof of a record says, step by step, to one who trusts this ledger."""
    house.node.settle()
    trust = Trust.parse(house.node.home.trust.read_bytes())
    with house.node.reading() as store:
        bundle = prove_record(store, register, record, genesis_size=trust.genesis_size)
    report = verify(bundle.encode(), trust)
    assert report.failed == ()
    return [*report.claims, *(step.detail for step in report.steps)]


@pytest.mark.parametrize(
    "change",
    [
        marriage("13/2026/1", MARI, LIIS, "2026-11-03"),
        company("C-1", directors=["P-999999"]),
        title("T-1", {MARI: "2/3", JAAN: "2/3"}),
    ],
    ids=["under-age marriage", "director who is nobody", "shares of four thirds"],
)
def test_what_only_the_submitter_can_see_is_taken_and_its_proof_says_who_checked_it(
    town: House, change: Change
) -> None:
    refused = town.refused(change)
    answer = town.raw(town.unchecked(change))
    assert isinstance(answer, Receipt)
    assert answer.standing is Standing.TAKEN
    record = town.node.entry(answer.first).record
    assert [each for each in said(town, change.register, record) if ONLY in each], refused.constraint


def test_so_is_a_transfer_by_one_who_does_not_own(town: House) -> None:
    town.taken(title("T-1", {MARI: "1"}))
    stolen = sale(town, "T-1", JAAN, OTT, "1", {OTT: "1"})
    answer = town.raw(town.unchecked(stolen, not_before=town.later(14)))
    assert isinstance(answer, Receipt)
    # Not without the holder's key: this every node sees.
    assert answer.standing is Standing.PENDING
    town.node.endorse(answer.transaction, HOLDER)
    town.clock.now += 14 * DAY
    town.taken(title("T-9", {OTT: "1"}))
    assert town.latest("land-title", "T-1").version == 2
    assert [each for each in said(town, "land-title", "T-1") if ONLY in each]
