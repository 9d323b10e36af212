"""The registers land-title and land-charge: what a land registrar enters, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Violated
from counterfoil.ledger.constraints import Enforcement, enforcement
from counterfoil.ledger.ledger import Endorse, Standing
from counterfoil.proof.canonical import Json, digest
from counterfoil.proof.entry import Proposal, Reference, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.transaction import endorse
from tests.ledger_fixture import COURT, DAY, LAND, MemoryLedger, change, create, holder, key, refused
from tests.registers.desk import answers, broken, declared, definition, faults, proposal

ANNA, BERT, CLARA = {"person": "P-001"}, {"person": "P-002"}, {"person": "P-003"}
MILL, GONE = {"company": "C-1"}, {"company": "C-2"}
WORLD: dict[tuple[str, str], tuple[str, dict[str, Json]]] = {
    ("person", "P-001"): ("alive", {}),
    ("person", "P-002"): ("alive", {}),
    ("person", "P-003"): ("deceased", {}),
    ("company", "C-1"): ("active", {}),
    ("company", "C-2"): ("struck-off", {}),
    ("land-title", "T-1"): ("registered", {}),
    ("land-title", "T-2"): ("closed", {}),
}
HASH = "sha256:" + "ab" * 32
TITLE: dict[str, Json] = {
    "title": "T-1",
    "kind": "basic-property-unit",
    "name": "Mill House",
    "first-registered": "1987-03-02",
    "former-titles": ["T-0"],
    "spatial-units": [
        {
            "id": "1",
            "area": "512.5",
            "area-type": "surveyed",
            "district": "E0001",
            "address": "1 Mill Lane",
            "label": "house and yard",
            "dimension": "2D",
            "geometry": "POLYGON((0 0, 0 20.5, 25 20.5, 25 0, 0 0))",
            "reference-point": "POINT(12 10)",
            "surface-relation": "on-surface",
            "level": "ownership parcels",
        },
        {"id": "2", "dimension": "3D", "volume": "90", "surface-relation": "below", "district": "E0001"},
    ],
    "restrictions": [
        {
            "id": "R1",
            "kind": "servitude",
            "description": "way over the yard",
            "benefits": "T-1",
            "from": "1987",
        }
    ],
    "responsibilities": [{"id": "D1", "kind": "waterway-maintenance", "description": "keeps the mill race"}],
    "ownership": [
        {"party": ANNA, "share": "1/2", "from": "1987-03-02", "deed": "d1"},
        {"party": MILL, "share": "0.5"},
    ],
    "rights": [
        {
            "id": "U1",
            "party": BERT,
            "kind": "usufruct",
            "share": "1",
            "from": "1990~",
            "description": "the garden",
        }
    ],
    "restriction-holders": [{"restriction": "R1", "party": BERT}],
    "deeds": [
        {
            "id": "d1",
            "kind": "deed",
            "hash": HASH,
            "date": "1987-02",
            "submitted": "1987-02-20",
            "accepted": "1987-02-25",
            "recorded": "1987-03-02",
            "archive": "book 12, page 7",
        }
    ],
}
MORTGAGE: dict[str, Json] = {
    "charge": "M-1",
    "kind": "mortgage",
    "title": "T-1",
    "rank": 1,
    "registered": "2020-01-31",
    "beneficiary": MILL,
    "amount": {"value": "250000.00", "currency": "EUR"},
    "interest-rate": "3.25",
    "mortgage-type": "level-payment",
    "share": "1",
    "text": "repayable in twenty years",
    "deed": HASH,
}
CAUTION: dict[str, Json] = {
    "charge": "N-1",
    "kind": "caution",
    "title": "T-1",
    "registered": "2026-11-01",
    "expires": "2026-12-31",
    "beneficiary": BERT,
}
EASEMENT: dict[str, Json] = {
    "charge": "E-1",
    "kind": "easement",
    "servient-title": "T-1",
    "registered": "2001-05-05",
    "beneficiary": BERT,
}


def titled(**fields: Json) -> dict[str, Json]:
    return TITLE | {name.replace("_", "-"): value for name, value in fields.items()}


def registered(fields: dict[str, Json], operation: str = "create", **own: Json) -> Proposal:
    return proposal(
        "land-title", operation, own.pop("status", "registered"), fields, control=holder("anna"), **own
    )


# ---- Definitions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("register", ["land-title", "land-charge"])
def test_the_definitions_stand_and_hide_whatever_names_a_person(register: str) -> None:
    shown = definition(register)
    assert {
        "land-title": {"conveyances", "deeds", "ownership", "restriction-holders", "rights"},
        "land-charge": {"amount", "beneficiary", "deed", "interest-rate", "mortgage-type", "share", "text"},
    }[register] == shown.hidden


# The classes that the standard has in its packages Party, Administrative and Spatial Unit, with their attributes.
LADM = {
    "land-title": [
        *("LA_Party.pID", "LA_Party.extPID", "LA_Party.name", "LA_Party.role", "LA_Party.type"),
        *("LA_GroupParty.groupID, type", "LA_PartyMember.share"),
        *("LA_BAUnit.uID", "LA_BAUnit.name", "LA_BAUnit.type"),
        *("LA_RRR.rID", "LA_RRR.description", "LA_RRR.share", "LA_RRR.shareCheck", "LA_RRR.timeSpec"),
        *("LA_Right.type", "LA_Restriction.type", "LA_Restriction.partyRequired", "LA_Responsibility.type"),
        *("LA_Mortgage", "LA_AdministrativeSource.text", "LA_AdministrativeSource.type"),
        *("LA_Source.acceptance", "LA_Source.availabilityStatus", "LA_Source.extArchiveID"),
        *("LA_Source.lifeSpanStamp", "LA_Source.maintype", "LA_Source.quality", "LA_Source.recordation"),
        *("LA_Source.sID", "LA_Source.source", "LA_Source.submission"),
        *("LA_SpatialUnit.suID", "LA_SpatialUnit.area", "LA_SpatialUnit.dimension", "LA_SpatialUnit.volume"),
        *("LA_SpatialUnit.extAddressID", "LA_SpatialUnit.label", "LA_SpatialUnit.referencePoint"),
        *(
            "LA_SpatialUnit.surfaceRelation",
            "LA_Level",
            "LA_SpatialUnitGroup",
            "LA_RequiredRelationshipBAUnit",
        ),
        "VersionedObject.beginLifespanVersion, endLifespanVersion",
        "VersionedObject.quality, source",
    ],
    "land-charge": [
        *("LA_Mortgage.amount", "LA_Mortgage.interestRate", "LA_Mortgage.ranking", "LA_Mortgage.type"),
        *("LA_Restriction.type", "LA_Restriction.partyRequired"),
        *("LA_RRR.rID", "LA_RRR.description", "LA_RRR.share", "LA_RRR.shareCheck", "LA_RRR.timeSpec"),
        "LA_AdministrativeSource",
    ],
}


@pytest.mark.parametrize("register", LADM)
def test_each_core_item_of_the_standard_is_a_field_or_left_out_with_a_reason(register: str) -> None:
    shown = definition(register)
    core = {each.item: each for each in shown.fields.core}
    assert [name for name in LADM[register] if name not in core] == []
    for each in core.values():
        assert (each.field is None) is not (each.left_out is None), each.item
        named = each.field.split(", ") if each.field else []
        assert [name for name in named if name not in {*shown.rules.rules, "status"}] == [], each.item


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("title-and-first-day-stand", Enforcement.EVERY_NODE),
        ("life-of-a-title", Enforcement.EVERY_NODE),
        ("holder-of-the-key-agrees", Enforcement.EVERY_NODE),
        ("court-with-the-registrar", Enforcement.EVERY_NODE),
        ("no-charge-stands-against-it", Enforcement.EVERY_NODE),
        ("servitude-benefits-a-title", Enforcement.EVERY_NODE),
        ("shares-make-one", Enforcement.SUBMITTER),
        ("conveyed-by-the-owner", Enforcement.SUBMITTER),
        ("owners-are-known", Enforcement.SUBMITTER),
    ],
)
def test_where_each_rule_on_titles_is_enforced(name: str, by: Enforcement) -> None:
    shown = definition("land-title")
    constraint = next(each for each in shown.constraints if each.name == name)
    assert enforcement(shown, constraint).by is by


# ---- Schemas ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("register", "fields"),
    [("land-title", TITLE), ("land-charge", MORTGAGE), ("land-charge", CAUTION), ("land-charge", EASEMENT)],
)
def test_a_full_record_conforms_and_breaks_no_rule(register: str, fields: dict[str, Json]) -> None:
    assert faults(register, fields) == []
    status = "registered" if register == "land-title" else "in-force"
    assert answers(proposal(register, "create", status, fields, control=holder("anna")), world=WORLD) == {}


def test_every_field_of_the_registers_stands_in_the_examples() -> None:
    for register, examples in [
        ("land-title", [TITLE | {"conveyances": []}]),
        ("land-charge", [MORTGAGE, CAUTION, EASEMENT | {"dominant-title": "T-3"}]),
    ]:
        assert {name for each in examples for name in each} == set(definition(register).rules.rules)


PARCEL = {"id": "1", "district": "E0001"}


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"title": "t-1"}, "/title"),
        ({"title": "T--1"}, "/title"),
        ({"kind": "castle"}, "/kind"),
        ({"first-registered": "1987"}, "/first-registered"),
        ({"first-registered": "1987-13-01"}, "/first-registered"),
        ({"spatial-units": []}, "/spatial-units"),
        ({"spatial-units": [PARCEL | {"area": 512}]}, "/spatial-units/0/area"),
        ({"spatial-units": [PARCEL | {"geometry": "POLYGON((a b))"}]}, "/spatial-units/0/geometry"),
        ({"spatial-units": [{"id": "1"}]}, "/spatial-units/0"),
        ({"ownership": []}, "/ownership"),
        ({"ownership": [{"party": ANNA}]}, "/ownership/0"),
        ({"ownership": [{"party": ANNA, "share": "0"}]}, "/ownership/0/share"),
        ({"ownership": [{"party": ANNA, "share": "1/0"}]}, "/ownership/0/share"),
        ({"ownership": [{"party": ANNA, "share": "-1/2"}]}, "/ownership/0/share"),
        ({"ownership": [{"party": ANNA, "share": "0.0"}]}, "/ownership/0/share"),
        ({"ownership": [{"party": ANNA | MILL, "share": "1"}]}, "/ownership/0/party"),
        ({"ownership": [{"party": {}, "share": "1"}]}, "/ownership/0/party"),
        ({"ownership": [{"party": "P-001", "share": "1"}]}, "/ownership/0/party"),
        ({"conveyances": [{"share": "1"}]}, "/conveyances/0"),
        ({"deeds": [{"id": "d1", "kind": "deed", "hash": "ab" * 32}]}, "/deeds/0/hash"),
        ({"owner": "Anna"}, ""),
    ],
)
def test_a_title_in_another_form_is_refused_where_it_is_wrong(wrong: dict[str, Json], place: str) -> None:
    assert [where for where, _ in faults("land-title", TITLE | wrong)] == [place]


@pytest.mark.parametrize(
    ("fields", "lacks", "place"),
    [
        (MORTGAGE, "rank", ""),
        (MORTGAGE, "title", ""),
        (MORTGAGE, "amount", ""),
        (MORTGAGE, "beneficiary", ""),
        (CAUTION, "expires", ""),
        (CAUTION | {"kind": "priority-notice"}, "expires", ""),
        (EASEMENT, "servient-title", ""),
        (MORTGAGE | {"rank": 0}, None, "/rank"),
        (MORTGAGE | {"servient-title": "T-1"}, None, "/servient-title"),
        (EASEMENT | {"title": "T-1"}, None, "/title"),
        (MORTGAGE | {"amount": {"value": "1,000", "currency": "EUR"}}, None, "/amount/value"),
        (MORTGAGE | {"amount": {"value": "1000", "currency": "euro"}}, None, "/amount/currency"),
    ],
)
def test_a_charge_in_another_form_is_refused(fields: dict[str, Json], lacks: str | None, place: str) -> None:
    told = {name: value for name, value in fields.items() if name != lacks}
    assert [where for where, _ in faults("land-charge", told)] == [place]


# ---- Shares and conveyances -------------------------------------------------------------------------


def test_shares_that_do_not_make_one_are_refused() -> None:
    short = titled(ownership=[{"party": ANNA, "share": "1/2"}, {"party": MILL, "share": "1/3"}])
    assert broken(registered(short), world=WORLD) == ["shares-make-one"]
    thirds = titled(ownership=[{"party": each, "share": "1/3"} for each in (ANNA, BERT, MILL)])
    assert broken(registered(thirds), world=WORLD) == []


@pytest.mark.parametrize(
    ("conveyances", "ownership", "refusals"),
    [
        ([{"from": ANNA, "to": BERT, "share": "1/4"}], {"P-001": "1/4", "P-002": "1/4", "C-1": "1/2"}, []),
        ([{"from": ANNA, "to": BERT, "share": "1/2"}], {"P-002": "1/2", "C-1": "1/2"}, []),
        ([], {"P-002": "1/2", "C-1": "1/2"}, ["conveyed-by-the-owner"]),
        ([{"from": BERT, "to": ANNA, "share": "1/4"}], {"P-001": "3/4", "C-1": "1/4"}, ["conveyed-by-the-owner"]),
        ([{"from": ANNA, "to": BERT, "share": "3/4"}], {"P-002": "3/4", "C-1": "1/4"}, ["conveyed-by-the-owner"]),
        (
            [{"from": ANNA, "to": BERT, "share": "1/2"}, {"from": ANNA, "to": MILL, "share": "1/2"}],
            {"C-1": "1"},
            ["conveyed-by-the-owner"],
        ),
        (
            [{"from": ANNA, "to": CLARA, "share": "1/2"}],
            {"P-003": "1/2", "C-1": "1/2"},
            ["conveyed-to-the-living"],
        ),
        (
            [{"from": ANNA, "to": GONE, "share": "1/2"}],
            {"C-2": "1/2", "C-1": "1/2"},
            ["conveyed-to-active-companies"],
        ),
    ],
    ids=[
        "a part", "all", "without a conveyance", "by one who owns nothing", "more than is held", "twice the same",
        "to the dead", "to a company that is gone",
    ],
)  # fmt: skip
def test_only_who_owns_conveys_and_no_more_than_is_owned(
    conveyances: list[Json], ownership: dict[str, str], refusals: list[str]
) -> None:
    owners = [
        {"party": {"person" if number.startswith("P") else "company": number}, "share": share}
        for number, share in ownership.items()
    ]
    sold = registered(titled(ownership=owners, conveyances=conveyances), "amend")
    assert broken(sold, registered(TITLE), world=WORLD) == refusals


def test_an_owner_who_died_stays_the_owner_until_the_heirs_are_entered() -> None:
    hers = titled(ownership=[{"party": CLARA, "share": "1"}])
    assert broken(registered(hers), world=WORLD) == []
    heirs = titled(
        ownership=[{"party": ANNA, "share": "1"}], conveyances=[{"from": CLARA, "to": ANNA, "share": "1"}]
    )
    assert broken(registered(heirs, "amend"), registered(hers), world=WORLD) == []
    nobody = titled(ownership=[{"party": {"person": "P-999"}, "share": "1"}])
    assert broken(registered(nobody), world=WORLD) == ["owners-are-known"]


@pytest.mark.parametrize(
    ("conveyances", "owner", "refusals"),
    [
        ([{"from": ANNA, "to": BERT, "share": "1/2"}], BERT, []),
        ([{"from": ANNA, "to": CLARA, "share": "1/2"}], CLARA, []),
        ([{"from": ANNA, "to": GONE, "share": "1/2"}], GONE, []),
        ([], ANNA, []),
        ([], BERT, ["conveyed-by-the-owner"]),
        ([{"from": BERT, "to": BERT, "share": "1/2"}], BERT, ["conveyed-by-the-owner"]),
        ([{"from": ANNA, "to": BERT, "share": "1/2"}], ANNA, ["conveyed-by-the-owner"]),
    ],
    ids=[
        "given back", "to one who has died since", "to a company that is gone", "nothing moves", "without saying so",
        "by one who owns nothing", "said and not done",
    ],
)  # fmt: skip
def test_a_court_gives_back_by_conveyances_and_to_the_dead_too(
    conveyances: list[Json], owner: Json, refusals: list[str]
) -> None:
    owners = [{"party": owner, "share": "1/2"}, {"party": MILL, "share": "1/2"}]
    ordered = registered(titled(ownership=owners, conveyances=conveyances), "correct")
    assert broken(ordered, registered(TITLE), world=WORLD) == refusals


PARTIES = [ANNA, BERT, MILL]
MOVES = st.lists(
    st.tuples(st.sampled_from(PARTIES), st.sampled_from(PARTIES), st.fractions(0, 1, max_denominator=12)),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(MOVES)
def test_conveyances_are_taken_exactly_where_each_giver_holds_enough_and_shares_stay_one(
    moves: list[tuple[dict[str, str], dict[str, str], Fraction]],
) -> None:
    held = {str(ANNA): Fraction(1, 2), str(BERT): Fraction(0), str(MILL): Fraction(1, 2)}
    lawful = True
    for giver, taker, share in moves:
        lawful = lawful and 0 < share <= held[str(giver)]
        held[str(giver)] -= share
        held[str(taker)] += share
    after = titled(
        ownership=[
            {"party": party, "share": str(held[str(party)])} for party in PARTIES if held[str(party)] != 0
        ],
        conveyances=[{"from": giver, "to": taker, "share": str(share)} for giver, taker, share in moves],
    )
    refusals = broken(registered(after, "amend"), registered(TITLE), world=WORLD)
    assert ("conveyed-by-the-owner" not in refusals) is lawful
    assert sum(held.values()) == 1
    assert not lawful or refusals == []


# ---- What every node refuses, whoever submitted -----------------------------------------------------

ANNAS = key("anna")


def house() -> MemoryLedger:
    """A land office and a court, with the registers of this page as they are shipped."""
    made = MemoryLedger(LAND, COURT)
    for register in ("company", "legal-hold", "person", "land-title", "land-charge"):
        made.define(register, **declared(register))
    return made


def clear(register: str, fields: dict[str, Json]) -> dict[str, Json]:
    """What of these fields stands in the log: the public ones; the others go by item."""
    shown = definition(register)
    public = {name: value for name, value in fields.items() if name not in shown.hidden}
    return {"body": {"fields": public}, "item": digest(b"what names a person")}


def enter(made: MemoryLedger, *proposals: Proposal, **how: Json) -> Standing:
    outcome = made.submit(*proposals, **how)
    assert outcome.standing is not Standing.REFUSED, outcome.error
    return outcome.standing


def a_title(number: str = "T-1", **own: Json) -> Proposal:
    fields = titled(title=number, restrictions=[])
    content = {"control": holder("anna"), "status": "registered", **clear("land-title", fields), **own}
    return create("land-title", number, **content)


def a_sale(version: int = 2, operation: str = "amend", **own: Json) -> Proposal:
    content = {
        "control": holder("bert"),
        "status": "registered",
        **clear("land-title", titled(restrictions=[])),
    }
    return change("land-title", "T-1", version, operation, **(content | own))


def a_charge(fields: dict[str, Json], **own: Json) -> Proposal:
    role = "title" if "title" in fields else "servient"
    content = {
        "status": "in-force",
        "references": (
            Reference(role, "land-title", fields[f"{role}-title" if role == "servient" else role]),
        ),
        **clear("land-charge", fields),
    }
    return create("land-charge", fields["charge"], **(content | own))


def sell(made: MemoryLedger, *more: Proposal, **how: Json) -> Json:
    how = {"by": [LAND, ANNAS], "not_before": 14 * DAY} | how
    return made.submit(a_sale(), *more, **how)


def version(made: MemoryLedger, title: str) -> int:
    state = made.state.records[record_key("land-title", title)]
    return decode_entry(made.state.entry(state.number)).version


def test_a_title_without_the_key_of_its_holder_is_refused() -> None:
    refused(house().submit(a_title(control=None)), Violated, "holder-of-the-key-agrees")


def test_a_title_does_not_move_without_its_holders_key() -> None:
    made = house()
    enter(made, a_title())
    waits = sell(made, by=[LAND])
    made.clock.now += 20 * DAY
    made.send()
    assert version(made, "T-1") == 1
    made.send(Endorse(waits.transaction, endorse(waits.transaction, ANNAS)))
    assert version(made, "T-1") == 2


def test_a_sale_takes_effect_after_the_time_for_objections_and_not_before() -> None:
    made = house()
    enter(made, a_title())
    refused(sell(made, not_before=13 * DAY), Violated, "14 days")
    refused(sell(made, not_before=None), Violated, "14 days")
    assert sell(made).standing is Standing.PENDING
    made.clock.now += 14 * DAY - 1
    made.send()
    assert version(made, "T-1") == 1
    made.clock.now += 1
    made.send()
    assert version(made, "T-1") == 2


def test_what_a_court_orders_does_not_wait_for_objections_and_needs_the_court() -> None:
    made = house()
    enter(made, a_title(), a_charge(MORTGAGE))
    ordered = a_sale(2, "correct", control=holder("anna"))
    assert made.submit(ordered, by=[LAND]).standing is Standing.PENDING
    assert version(made, "T-1") == 1
    assert made.submit(ordered, by=[LAND, COURT]).standing is Standing.TAKEN
    assert version(made, "T-1") == 2


@pytest.mark.parametrize("fields", [MORTGAGE, CAUTION, CAUTION | {"kind": "priority-notice"}])
def test_a_title_is_not_sold_over_a_charge_that_stands(fields: dict[str, Json]) -> None:
    made = house()
    enter(made, a_title())
    enter(made, a_charge(fields))
    refused(sell(made), Violated, "no-charge-stands-against-it")
    refused(
        made.submit(a_sale(2, "close", status="closed"), by=[LAND, ANNAS]),
        Violated,
        "no-charge-stands-against-it",
    )


def test_a_mortgage_may_be_discharged_by_the_sale_itself() -> None:
    made = house()
    enter(made, a_title())
    enter(made, a_charge(MORTGAGE))
    discharge = change("land-charge", "M-1", 2, "close", status="discharged")
    assert sell(made, discharge).standing is Standing.PENDING


def test_an_easement_does_not_stand_in_the_way_of_a_sale() -> None:
    made = house()
    enter(made, a_title())
    enter(made, a_charge(EASEMENT))
    assert sell(made).standing is Standing.PENDING


def test_a_caution_that_expired_does_not_stand_in_the_way() -> None:
    made = house()
    enter(made, a_title())
    enter(made, a_charge(CAUTION))
    made.clock.now += 45 * DAY
    assert sell(made).standing is Standing.PENDING


def test_a_rank_is_given_once_on_a_title_while_the_mortgage_stands() -> None:
    made = house()
    enter(made, a_title(), a_title("T-9"))
    enter(made, a_charge(MORTGAGE))
    second = MORTGAGE | {"charge": "M-2"}
    refused(made.submit(a_charge(second)), Violated, "one-charge-of-a-rank")
    enter(made, a_charge(second | {"title": "T-9"}))
    enter(made, change("land-charge", "M-1", 2, "close", status="discharged"))
    enter(made, a_charge(second | {"charge": "M-3"}))


def test_of_two_sales_of_one_title_in_one_block_the_second_is_refused() -> None:
    made = house()
    enter(made, a_title())
    transactions = [
        made.transaction(a_sale(control=holder(buyer)), by=[LAND, ANNAS], not_before=14 * DAY)
        for buyer in ("bert", "clara")
    ]
    assert [each.standing for each in made.send(*transactions)] == [Standing.PENDING] * 2
    made.clock.now += 14 * DAY
    made.send()
    entries = [decode_entry(each) for each in made.state.entries]
    controls = [each.control for each in entries if each.register == "land-title"]
    assert controls in ([holder("anna"), holder("bert")], [holder("anna"), holder("clara")])
    assert made.state.open == {}


def test_a_charge_stands_against_a_title_that_is_registered() -> None:
    made = house()
    refused(made.submit(a_charge(MORTGAGE)), Violated, "stands-against-a-registered-title")
    enter(made, a_title())
    enter(made, a_sale(2, "close", status="closed", control=None), by=[LAND, ANNAS])
    refused(made.submit(a_charge(MORTGAGE)), Violated, "stands-against-a-registered-title")
    refused(made.submit(a_charge(CAUTION, references=())), Violated, "stands-against-a-registered-title")


def test_a_correction_needs_the_court_which_may_stand_in_for_a_lost_key() -> None:
    made = house()
    enter(made, a_title())
    assert enter(made, a_sale(2, "correct"), by=[LAND, ANNAS]) is Standing.PENDING
    assert enter(made, a_sale(2, "correct"), by=[LAND, COURT]) is Standing.TAKEN


def test_a_court_order_annuls_a_transfer_and_what_followed_in_one_transaction() -> None:
    made = house()
    enter(made, a_title())
    enter(made, a_charge(MORTGAGE))
    undone = [
        a_sale(2, "correct", control=holder("anna")),
        change("land-charge", "M-1", 2, "annul", status="void"),
    ]
    assert enter(made, *undone, by=[LAND]) is Standing.PENDING
    assert enter(made, *undone, by=[LAND, COURT]) is Standing.TAKEN


def test_what_was_void_from_the_beginning_is_another_thing_than_what_ended() -> None:
    made = house()
    enter(made, a_title(), a_title("T-9"))
    refused(made.submit(a_sale(2, "close", status="sold"), by=[LAND, ANNAS]), Violated, "life-of-a-title")
    enter(made, change("land-title", "T-1", 2, "close", status="closed"), by=[LAND, ANNAS])
    voided = change("land-title", "T-9", 2, "annul", status="void")
    assert enter(made, voided, by=[LAND, ANNAS]) is Standing.PENDING
    assert enter(made, voided, by=[LAND, COURT]) is Standing.TAKEN
    outcome = made.submit(
        change("land-title", "T-9", 3, "correct", status="registered", control=holder("anna"),
               **clear("land-title", titled(title="T-9", restrictions=[]))),
        by=[LAND, COURT],
    )  # fmt: skip
    assert outcome.standing is Standing.REFUSED


def test_a_title_from_an_older_book_needs_no_key_yet() -> None:
    made = house()
    assert enter(made, a_title(status="as-found", control=None)) is Standing.TAKEN
