"""What no land registrar or company registrar can enter: each is refused by name, and nothing is stored."""

from __future__ import annotations

import pytest

from counterfoil.engine.submission import Receipt
from counterfoil.errors import Unauthorised
from counterfoil.ledger.command import Standing
from counterfoil.registry.personal.change import Acting, Change
from tests.ledger_fixture import DAY, key
from tests.office.changes import HOLDER, charge, company, control, death, sale, title
from tests.office.house import House, by_name

NEMO_PLUS = "Nobody conveys more than he owns (nemo plus iuris, Digest 50.17.54)"
SHARES = "ISO 19152:2012, 6.4.2 (LA_RRR, shareCheck): the shares of a right sum to one"
CHARGED = (
    "ISO 19152:2012, 6.4.6 (LA_Mortgage): no conveyance over an undischarged mortgage, "
    "a caution or a priority notice"
)
LAND_LAW = "The land registration law of the country; ISO 19152:2012 names the model, not the law"
MARI, JAAN, OTT = "P-000001", "P-000002", "P-000009"


@pytest.fixture
def land(town: House) -> House:
    """The town, where Mari and Jaan own a title half and half."""
    town.taken(title("T-1", {MARI: "1/2", JAAN: "1/2"}))
    return town


def to_ott(house: House, share: str = "1/2", **after: str) -> Change:
    """Mari's half, or what is said of it, conveyed to Ott."""
    return sale(house, "T-1", MARI, OTT, share, after or {OTT: "1/2", JAAN: "1/2"})


def discharged(number: str, house: House) -> Change:
    """A charge that stands against nothing any more, as the creditor agrees."""
    return Change(
        "land-charge",
        "amend",
        key=number,
        merge=True,
        status="discharged",
        attachments=house.attached("consent"),
    )


def waits(house: House, change: Change, *others: Change) -> Receipt:
    """File a sale that nothing speaks against, which a second officer decides where charges change with it.

    It waits, for objections and for the holder's key.
    """
    file = house.decided if others else house.file
    filed = file(change, *others, not_before=house.later(14))
    assert filed.receipt is not None
    assert filed.receipt.standing is Standing.PENDING
    return filed.receipt


# ---- Transfers --------------------------------------------------------------------------------------


def test_nobody_transfers_what_another_owns(land: House) -> None:
    refused = land.refused(
        sale(land, "T-1", OTT, "P-000003", "1/2", {"P-000003": "1/2", JAAN: "1/2"}), not_before=land.later(14)
    )
    assert by_name(refused) == ("conveyed-by-the-owner", "ownership/*/share", NEMO_PLUS)


def test_nobody_transfers_a_larger_share_than_is_held(land: House) -> None:
    larger = sale(land, "T-1", MARI, OTT, "3/4", {OTT: "3/4", JAAN: "1/4"})
    assert by_name(land.refused(larger, not_before=land.later(14))) == (
        "conveyed-by-the-owner",
        "ownership/*/share",
        NEMO_PLUS,
    )


def test_the_shares_of_a_title_make_one(land: House) -> None:
    refused = land.refused(title("T-2", {MARI: "2/3", JAAN: "1/2"}))
    assert by_name(refused) == ("shares-make-one", "ownership/*/share", SHARES)


def test_nobody_acquires_after_death(land: House) -> None:
    land.taken(death("13/2026/1", OTT, "2026-11-01"))
    refused = land.refused(to_ott(land), not_before=land.later(14))
    assert by_name(refused) == (
        "conveyed-to-the-living",
        "conveyances/*/to/person",
        "Nobody acquires after death",
    )


def test_no_sale_takes_effect_before_objections_could_be_heard(land: House) -> None:
    assert by_name(land.refused(to_ott(land))) == ("objection", "not-before", LAND_LAW)
    assert by_name(land.refused(to_ott(land), not_before=land.later(13.9))) == (
        "objection",
        "not-before",
        LAND_LAW,
    )


def test_no_sale_without_a_deed(land: House) -> None:
    bare = Change("land-title", "amend", {"name": "Mill House"}, key="T-1", merge=True, control=control())
    assert by_name(land.refused(bare, not_before=land.later(14))) == ("attachments", "attachments", LAND_LAW)


def test_no_title_without_a_key_for_its_next_change(town: House) -> None:
    made = title("T-1", {MARI: "1"})
    without = Change("land-title", "create", made.fields)
    assert by_name(town.refused(without)) == (
        "holder-of-the-key-agrees",
        "control",
        "The owner's consent, by the key made for this title",
    )


# ---- Mortgages, cautions, priority notices ----------------------------------------------------------


@pytest.mark.parametrize("kind", ["mortgage", "caution", "priority-notice"])
def test_nothing_is_sold_over_what_stands_against_it(land: House, kind: str) -> None:
    land.taken(charge("M-1", kind, "T-1"))
    refused = land.refused(to_ott(land), not_before=land.later(14))
    assert by_name(refused) == ("no-charge-stands-against-it", "title", CHARGED)
    assert "land-charge 'M-1' stands against it" in str(refused)


@pytest.mark.parametrize("kind", ["caution", "priority-notice"])
def test_what_has_expired_stands_against_nothing(land: House, kind: str) -> None:
    land.taken(charge("N-1", kind, "T-1", expires="2026-11-24"))
    land.clock.now += DAY  # the last day on which it stands in the way
    assert land.refused(to_ott(land), not_before=land.later(14)).constraint == "no-charge-stands-against-it"
    land.clock.now += DAY
    waits(land, to_ott(land))


def test_nor_does_a_mortgage_that_is_discharged_together_with_the_sale(land: House) -> None:
    land.taken(charge("M-1", "mortgage", "T-1"))
    waits(land, to_ott(land), discharged("M-1", land))


def test_nor_the_priority_notice_of_the_one_who_buys_once_it_is_used(land: House) -> None:
    land.taken(charge("N-1", "priority-notice", "T-1", beneficiary={"person": OTT}))
    waits(land, to_ott(land), discharged("N-1", land))


def test_a_caution_that_comes_in_while_a_sale_waits_stops_it(land: House) -> None:
    sold = waits(land, to_ott(land))
    land.node.endorse(sold.transaction, HOLDER)
    land.taken(charge("N-1", "caution", "T-1"))
    land.clock.now += 15 * DAY
    land.taken(title("T-9", {OTT: "1"}))  # a block, in which what waited becomes due
    assert land.latest("land-title", "T-1").version == 1
    told = land.node.record(".transaction", sold.transaction)
    assert told is not None
    assert told.status == "refused"


def test_a_charge_is_on_a_title_that_there_is_and_of_a_rank_of_its_own(land: House) -> None:
    assert by_name(land.refused(charge("M-1", "mortgage", "T-404")))[:2] == (
        "stands-against-a-registered-title",
        "title",
    )
    land.taken(charge("M-1", "mortgage", "T-1"))
    assert by_name(land.refused(charge("M-2", "mortgage", "T-1")))[:2] == ("one-charge-of-a-rank", "title")


def test_an_officer_does_not_sell_a_title_of_their_own(land: House) -> None:
    mari = Acting("person", "00000000000000cc", land.office.registrar.pseudonyms.subject(MARI))
    refused = land.refused(to_ott(land), by=mari, not_before=land.later(14))
    assert by_name(refused) == ("own-record", "officer", LAND_LAW)


# ---- Companies --------------------------------------------------------------------------------------


def test_no_director_is_dead(town: House) -> None:
    town.taken(death("13/2026/1", JAAN, "2026-11-01"))
    refused = town.refused(company("C-1", directors=[MARI, JAAN]))
    assert by_name(refused) == (
        "officers-are-alive",
        "officers/*/person",
        "Directive (EU) 2017/1132, Art. 14(d): who represents a company is a person in being",
    )


def test_no_share_is_issued_beyond_what_is_authorised(town: House) -> None:
    town.taken(company("C-1", directors=[MARI], issued=1000))
    refused = town.refused(company("C-2", directors=[MARI], issued=1001))
    assert by_name(refused) == (
        "issued-within-authorised",
        "share-classes/*/issued",
        "Directive (EU) 2017/1132, Art. 14(e) and 68: no share beyond the authorised capital",
    )


def test_no_shareholder_transfers_what_another_holds(town: House) -> None:
    town.taken(company("C-1", directors=[MARI], issued=100))
    moved = Change(
        "company",
        "amend",
        {
            "holdings": [{"holder": {"person": OTT}, "class": "A", "number": 100}],
            "transfers": [{"from": {"person": JAAN}, "to": {"person": OTT}, "class": "A", "number": 100}],
        },
        key="C-1",
        merge=True,
    )
    assert by_name(town.refused(moved)) == (
        "transferred-by-the-holder",
        "holdings/*/number",
        "Nobody transfers more than he holds",
    )


def test_another_key_than_the_holders_moves_no_title(land: House) -> None:
    sold = waits(land, to_ott(land))
    with pytest.raises(Unauthorised, match=r"none of the policies .* asks for a signature by this key"):
        land.node.endorse(sold.transaction, key("somebody else's"))
    land.clock.now += 15 * DAY
    land.taken(title("T-9", {OTT: "1"}))
    assert land.latest("land-title", "T-1").version == 1
