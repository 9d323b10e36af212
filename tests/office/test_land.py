"""A title's life: objections, the holder's key and its loss, notices that run out, what a court undoes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from counterfoil.engine.submission import Receipt
from counterfoil.errors import Refused, Unauthorised
from counterfoil.ledger.command import Standing
from counterfoil.office.office import Office
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.change import Change
from tests.ledger_fixture import DAY, key
from tests.office.changes import COURT, HOLDER, charge, control, sale, title
from tests.office.conftest import registered_town
from tests.office.house import CLERK, House, copies, define

MARI, JAAN, OTT = "P-000001", "P-000002", "P-000009"
BUYER = key("the buyer's")


@pytest.fixture
def land(town: House) -> House:
    """The town, where Mari owns a title."""
    town.taken(title("T-1", {MARI: "1"}))
    return town


def announced(house: House, change: Change, *others: Change) -> Receipt:
    """File a sale, which waits until objections could be heard and the holder's key has agreed."""
    filed = house.file(change, *others, not_before=house.later(14))
    assert filed.receipt is not None
    assert filed.receipt.standing is Standing.PENDING
    return filed.receipt


def next_block(house: House, days: float = 14) -> None:
    """Let time go by, and something else be registered: the block in which what waited is looked at again."""
    house.clock.now += int(days * DAY)
    house.taken(title(f"T-{house.node.store.head.size}", {"P-000003": "1"}))


def standing(house: House, receipt: Receipt) -> list[str | None]:
    """What became of a transaction that waited, from its arrival on."""
    return [each.status for each in house.node.history(".transaction", receipt.transaction)][::-1]


def owners(house: House, number: str = "T-1", version: int | None = None) -> Json:
    purpose = "conveyance" if version is None else "registration"
    return house.shown("land-title", number, purpose, "ownership", version=version).fields["ownership"]


def owned_by(number: str) -> Json:
    return [{"party": {"person": number}, "share": "1"}]


# ---- Time for objections ----------------------------------------------------------------------------


def test_a_sale_takes_effect_when_its_time_has_come_and_the_holders_key_agrees(land: House) -> None:
    sold = announced(land, sale(land, "T-1", MARI, OTT, "1", {OTT: "1"}))
    land.node.endorse(sold.transaction, HOLDER)
    next_block(land, 13.9)
    assert land.latest("land-title", "T-1").version == 1
    assert owners(land) == owned_by(MARI)
    next_block(land, 0.1)
    assert land.latest("land-title", "T-1").version == 2
    assert owners(land) == owned_by(OTT)
    assert standing(land, sold)[-1] == "completed"


def test_the_owner_is_told_at_the_start(land: House) -> None:
    sold = announced(land, sale(land, "T-1", MARI, OTT, "1", {OTT: "1"}))
    told = land.shown("notice", MARI, "subject-access")
    assert told.fields == {
        "kind": "objection-window",
        "register": "land-title",
        "record": "T-1",
        "transaction": sold.transaction,
        "object-until": land.later(14),
    }
    assert told.circumstances == {"actor": "rule", "officer": "0" * 15 + "1", "on-behalf-of": CLERK.officer}
    assert land.node.record("notice", land.record("notice", OTT)) is None, "who buys is not asked"


def test_each_owner_and_holder_of_a_right_is_told_once_however_often_the_request_is_sent(town: House) -> None:
    lease: dict[str, Json] = {"id": "L1", "party": {"person": OTT}, "kind": "lease"}
    town.taken(title("T-1", {MARI: "1/2", JAAN: "1/2"}, rights=[lease]))
    again: dict[str, Any] = {"not_before": town.later(14), "idempotency_key": "a sale", "request": b"a sale"}
    change = sale(town, "T-1", MARI, "P-000003", "1/2", {"P-000003": "1/2", JAAN: "1/2"})
    first, second = town.file(change, **again), town.file(change, **again)
    assert first.receipt is not None
    assert second.receipt is not None
    assert second.receipt.transaction == first.receipt.transaction
    for each in (MARI, JAAN, OTT):
        assert [entry.version for entry in town.node.history("notice", town.record("notice", each))] == [1]


def test_an_owner_who_is_not_told_before_a_crash_is_told_when_the_request_is_sent_again(land: House) -> None:
    change = sale(land, "T-1", MARI, OTT, "1", {OTT: "1"})
    prepared = land.office.registrar.prepare(
        [change],
        CLERK,
        None,
        land.terms(not_before=land.later(14), idempotency_key="a sale", request=b"a sale"),
    )
    assert prepared.submission is not None
    land.node.submit_all([prepared.submission])  # and here the power fails
    assert land.node.record("notice", land.record("notice", MARI)) is None
    land.file(change, not_before=land.later(14), idempotency_key="a sale", request=b"a sale")
    assert land.latest("notice", MARI).version == 1


def test_who_was_not_told_before_a_crash_is_told_when_the_office_is_opened_again(land: House) -> None:
    prepared = land.office.registrar.prepare(
        [sale(land, "T-1", MARI, OTT, "1", {OTT: "1"})], CLERK, None, land.terms(not_before=land.later(14))
    )
    assert prepared.submission is not None
    (pending,) = land.node.submit_all([prepared.submission])  # and here the power fails
    assert isinstance(pending, Receipt)
    land.office.close()
    for _ in range(2):
        land.clock.now += 2 * DAY
        land.office = Office(land.node)
        land.office.close()
    land.office = Office(land.node)
    told = land.shown("notice", MARI, "subject-access")
    assert (told.fields["transaction"], told.circumstances) == (
        pending.transaction,
        {"actor": "rule", "officer": "0" * 15 + "1"},
    )
    assert land.latest("notice", MARI).version == 1, "once"


def test_no_sale_is_announced_where_nobody_could_be_told(bare: Path, tmp_path: Path) -> None:
    house = House(copies(bare, tmp_path)())
    for register in ("person", "land-title", "land-charge", "company", "legal-hold"):
        define(house.node, register)
    registered_town(house).taken(title("T-1", {MARI: "1"}))
    with pytest.raises(Refused, match="define the register notice first"):
        house.file(sale(house, "T-1", MARI, OTT, "1", {OTT: "1"}), not_before=house.later(14))
    assert house.node.store.waiting() == ()
    house.close()


def test_an_objection_takes_the_sale_back(land: House) -> None:
    sold = announced(land, sale(land, "T-1", MARI, OTT, "1", {OTT: "1"}))
    land.node.endorse(sold.transaction, HOLDER)
    land.node.withdraw(sold.transaction)
    next_block(land)
    assert land.latest("land-title", "T-1").version == 1
    assert standing(land, sold)[-1] == "withdrawn"


# ---- The holder's key -------------------------------------------------------------------------------


def test_without_the_holders_key_nothing_moves(land: House) -> None:
    sold = announced(land, sale(land, "T-1", MARI, OTT, "1", {OTT: "1"}))
    with pytest.raises(Unauthorised):
        land.node.endorse(sold.transaction, BUYER)
    next_block(land)
    assert land.latest("land-title", "T-1").version == 1
    land.node.endorse(sold.transaction, HOLDER)
    assert land.latest("land-title", "T-1").version == 2


def test_the_buyers_key_moves_it_next(land: House) -> None:
    bought = sale(land, "T-1", MARI, OTT, "1", {OTT: "1"})
    land.node.endorse(announced(land, with_control(bought, control(BUYER))).transaction, HOLDER)
    next_block(land)
    resold = announced(land, sale(land, "T-1", OTT, JAAN, "1", {JAAN: "1"}))
    with pytest.raises(Unauthorised):
        land.node.endorse(resold.transaction, HOLDER)
    land.node.endorse(resold.transaction, BUYER)
    next_block(land)
    assert owners(land) == owned_by(JAAN)


def test_a_lost_key_is_replaced_by_the_agency_and_the_court(land: House) -> None:
    fresh = Change(
        "land-title",
        "correct",
        key="T-1",
        merge=True,
        control=control(BUYER),
        attachments=land.attached("court-order"),
    )
    filed = land.decided(fresh, reason="the court has heard her")
    assert filed.receipt is not None
    assert filed.receipt.standing is Standing.PENDING, "the agency alone replaces no key"
    land.node.endorse(filed.receipt.transaction, key(COURT))
    assert land.latest("land-title", "T-1").control == control(BUYER)
    sold = announced(land, sale(land, "T-1", MARI, OTT, "1", {OTT: "1"}))
    land.node.endorse(sold.transaction, BUYER)
    next_block(land)
    assert owners(land) == owned_by(OTT)


# ---- What a court undoes ----------------------------------------------------------------------------


def test_a_court_order_undoes_a_transfer_and_what_followed_from_it_in_one_transaction(land: House) -> None:
    land.node.endorse(announced(land, sale(land, "T-1", MARI, OTT, "1", {OTT: "1"})).transaction, HOLDER)
    next_block(land)
    land.taken(charge("M-1", "mortgage", "T-1"))
    undone = Change(
        "land-title",
        "correct",
        {
            "ownership": owned_by(MARI),
            "conveyances": [{"from": {"person": OTT}, "to": {"person": MARI}, "share": "1"}],
        },
        key="T-1",
        merge=True,
        circumstances={"why": "the deed was forged", "law": "2-26-17", "valid-from": "2026-12-07"},
        control=control(),
        attachments=land.attached("court-order"),
    )
    void = Change("land-charge", "annul", key="M-1", status="void", attachments=land.attached("court-order"))
    filed = land.decided(undone, void, reason="the order is genuine")
    assert filed.receipt is not None
    assert filed.receipt.standing is Standing.PENDING
    assert (land.latest("land-title", "T-1").version, land.latest("land-charge", "M-1").status) == (
        2,
        "in-force",
    )
    land.node.endorse(filed.receipt.transaction, key(COURT))
    title_, charge_ = land.latest("land-title", "T-1"), land.latest("land-charge", "M-1")
    assert (title_.version, title_.operation) == (3, "correct")
    assert (charge_.status, charge_.operation) == ("void", "annul")
    assert title_.transaction == charge_.transaction == filed.receipt.transaction
    assert (owners(land), owners(land, version=2)) == (owned_by(MARI), owned_by(OTT))
    assert land.shown("land-title", "T-1", "registration").circumstances["why"] == "the deed was forged"


def test_a_title_that_is_void_never_was_and_one_that_is_closed_has_ended(land: House) -> None:
    land.taken(title("T-2", {JAAN: "1"}))
    filed = land.decided(
        Change("land-title", "annul", key="T-1", status="void", attachments=land.attached("court-order"))
    )
    assert filed.receipt is not None
    land.node.endorse(filed.receipt.transaction, key(COURT))
    assert (land.latest("land-title", "T-1").operation, land.latest("land-title", "T-1").status) == (
        "annul",
        "void",
    )
    closed = land.file(Change("land-title", "close", key="T-2", status="closed"))
    assert closed.receipt is not None
    land.node.endorse(closed.receipt.transaction, HOLDER)
    assert (land.latest("land-title", "T-2").operation, land.latest("land-title", "T-2").status) == (
        "close",
        "closed",
    )


def with_control(change: Change, wanted: Json) -> Change:
    return Change(
        change.register,
        change.operation,
        change.fields,
        key=change.key,
        merge=True,
        control=wanted,
        attachments=change.attachments,
    )
