"""What one officer cannot do alone, by no operation and under no id; and what a second officer's approval is of."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from counterfoil.errors import Conflict, Refused, Violated
from counterfoil.proof.canonical import Json
from counterfoil.registers import names, shipped
from counterfoil.registry.desk.budget import Reading
from counterfoil.registry.personal.change import Acting, Change, Filed
from counterfoil.registry.personal.erasing import Erasure
from tests.ledger_fixture import DAY, key
from tests.office.changes import AGENCY, COURT, birth, charge, control, death, marriage, name, person, title
from tests.office.conftest import registered_town
from tests.office.house import CLERK, OPERATOR, SECOND, House, copies, define

MARI, JAAN, LIIS, OTT = "P-000001", "P-000002", "P-000003", "P-000009"
ENDED: dict[str, Json] = {"ended-by": "divorce", "ended-on": "2026-11-15"}


def changed(
    house: House, register: str, key: str, operation: str, status: str | None, *papers: str, **fields: Json
) -> Change:
    """A change of a record, of the fields that are named, with these kinds of documents attached."""
    said = {each.replace("_", "-"): value for each, value in fields.items()}
    return Change(
        register,
        operation,
        said,
        key=key,
        status=status,
        merge=True,
        attachments=house.attached(*papers),
    )


def waiting(house: House, *changes: Change, by: Acting = CLERK) -> str:
    """File what a second officer must decide; gives the case."""
    filed = house.file(*changes, by=by)
    assert filed.waiting is not None, filed
    return filed.waiting.case


def reasons(house: House, *changes: Change, by: Acting = CLERK) -> tuple[str, ...]:
    """Why changes wait for a second officer; none: they do not."""
    filed = house.file(*changes, by=by)
    return filed.waiting.reasons if filed.waiting is not None else ()


# ---- No operation goes round it ---------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["amend", "correct", "close", "annul"])
@pytest.mark.parametrize("status", ["divorced", "widowed", "void"])
def test_no_marriage_ends_by_one_officer_or_without_a_paper(town: House, operation: str, status: str) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    bare = changed(town, "marriage", "13/2026/1", operation, status, **ENDED)
    if (operation, status) in {("close", "widowed"), ("annul", "widowed")}:
        assert reasons(town, bare) == ("four-eyes",)
        return
    assert town.refused(bare).constraint == "attachments"
    papered = changed(town, "marriage", "13/2026/1", operation, status, "evidence", "judgment", **ENDED)
    assert reasons(town, papered) == ("four-eyes",)
    assert town.latest("marriage", "13/2026/1").status == "married"


def test_a_death_needs_its_second_officer_no_more_than_before(town: House) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    town.taken(death("13/2026/1", JAAN, "2026-11-10"))
    assert town.latest("marriage", "13/2026/1").status == "widowed"
    assert town.latest("person", JAAN).status == "deceased"


@pytest.mark.parametrize(
    ("status", "paper", "fields"),
    [("deceased", "evidence", {"date_of_death": "2026-11-01"}), ("void", "order", {})],
)
def test_nobody_is_dead_or_void_by_one_officers_word(
    town: House, status: str, paper: str, fields: dict[str, Json]
) -> None:
    assert town.refused(changed(town, "person", MARI, "amend", status, **fields)).constraint == "attachments"
    assert reasons(town, changed(town, "person", MARI, "amend", status, paper, **fields)) == ("four-eyes",)


def test_the_dead_come_back_by_a_correction_or_an_annulled_death_alone(town: House) -> None:
    town.taken(death("13/2026/1", JAAN, "2026-11-10"))
    amended = changed(town, "person", JAAN, "amend", "alive", date_of_death=None)
    assert town.refused(amended).constraint == "back-to-life-by-correction"
    corrected = changed(town, "person", JAAN, "correct", "alive", "evidence", date_of_death=None)
    assert reasons(town, corrected) == ("four-eyes",)
    void = Change("death", "annul", key="13/2026/1", status="void", attachments=town.attached("order"))
    half = changed(town, "person", JAAN, "correct", "alive", "evidence")
    assert town.refused(void, half).constraint == "gives-life-back", "alive, with a date of death"
    done = town.decided(void, reason="he has come in himself")
    assert [register for register, _ in done.records] == ["death", "person"]
    assert town.latest("person", JAAN).status == "alive"
    assert "date-of-death" not in town.shown("person", JAAN, "identification").fields


@pytest.mark.parametrize(
    "field",
    [
        {"date_of_birth": "2001-01-01"},
        {"sex": "other"},
        {"mother": MARI},
        {"place_of_birth": {"country": "FIN"}},
    ],
    ids=lambda field: next(iter(field)),
)
def test_the_facts_of_a_birth_are_corrected_by_two_and_never_amended(
    town: House, field: dict[str, Json]
) -> None:
    amended = changed(town, "person", LIIS, "amend", None, **field)
    assert town.refused(amended).constraint == "facts-of-birth-by-correction"
    assert reasons(town, changed(town, "person", LIIS, "correct", None, **field)) == ("four-eyes",)
    town.taken(changed(town, "person", LIIS, "amend", None, names=name("Lepik", "Liisa")))


# ---- Births that come late --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "late"), [("2025-11-24", False), ("2025-11-22", True), ("2025-11", True), ("1990", True)]
)
def test_a_birth_of_more_than_a_year_ago_needs_evidence_and_a_second_officer(
    town: House, date: str, late: bool
) -> None:
    told = birth("13/2026/1", "P-000020", date)
    if not late:
        town.taken(told)
        return
    assert town.refused(told).constraint == "attachments"
    papered = replace(told, attachments=town.attached("evidence"))
    assert reasons(town, papered) == ("late",)
    assert reasons(town, replace(told, status="declared")) == ()


def test_what_is_taken_over_from_another_system_is_late_by_when_it_was_recorded_there(town: House) -> None:
    old = birth("13/1990/1", "P-000020", "1990-04-01")
    recorded = replace(old, circumstances={"recorded": "1990-04-11"})
    assert town.refused(old, by=OPERATOR).constraint == "attachments"
    assert town.refused(recorded, by=CLERK).constraint == "attachments", "an officer's own word"
    town.taken(recorded, by=OPERATOR)


# ---- What rules say of parents ----------------------------------------------------------------------


def test_a_birth_after_a_parents_death_is_declared_first(town: House) -> None:
    town.taken(death("13/2026/1", MARI, "2026-11-01"))
    born = birth("13/2026/1", "P-000020", "2026-11-02", mother=MARI)
    assert town.refused(born).constraint == "parents-alive"
    town.taken(replace(born, status="declared"))
    assert reasons(town, changed(town, "birth", "13/2026/1", "amend", "registered", "evidence")) == (
        "four-eyes",
    )


@pytest.mark.parametrize(
    ("parent", "of"), [("mother", "P-000020"), ("father", LIIS), ("second_parent", LIIS)]
)
def test_nobody_has_a_parent_who_is_not_older(town: House, parent: str, of: str) -> None:
    child = person("P-000020", "1990-01-01", "Saar", "Tiiu", **{parent: of})
    assert town.refused(child).constraint == f"{parent.replace('_', '-')}-older"


def test_an_adoption_replaces_the_entry_of_that_child_and_of_no_other(town: House) -> None:
    town.taken(birth("13/2026/1", "P-000020", "2026-11-01", mother=MARI))
    instrument: dict[str, Json] = {"authority": "Tartu County Court", "date": "2026-11-20"}
    adoption: dict[str, Json] = {"kind": "full", "instrument": instrument}
    by_jaan = birth(
        "13/2026/2", LIIS, "2015-01-01", type="adoption", father=JAAN, original="13/2026/1", adoption=adoption
    )
    town.taken(replace(by_jaan, status="declared"))
    adopted = changed(town, "birth", "13/2026/2", "amend", "registered", "evidence")
    with pytest.raises(Violated) as refused:
        town.decided(adopted)
    assert (refused.value.constraint, refused.value.field) == ("replaces-another", "child")
    assert town.latest("birth", "13/2026/1").status == "registered"


def test_an_officer_is_no_parent_of_their_own_making(town: House) -> None:
    jaan = Acting("person", "00000000000000cc", town.office.registrar.pseudonyms.subject(JAAN))
    claimed = changed(town, "person", LIIS, "correct", None, "evidence", father=JAAN)
    assert town.refused(claimed, by=jaan).constraint == "own-record"
    town.decided(claimed)
    away = changed(town, "person", LIIS, "correct", None, "evidence", father=None)
    assert town.refused(away, by=jaan).constraint == "own-record"


# ---- What was approved, and nothing else ------------------------------------------------------------


def test_a_change_is_made_on_the_version_that_was_approved_and_on_no_other(town: House) -> None:
    case = waiting(town, changed(town, "person", MARI, "correct", None, "evidence", sex="other"))
    town.taken(changed(town, "person", MARI, "amend", None, names=name("Saar", "Mari")))
    with pytest.raises(Conflict, match="at version 2, and the change was made on version 1"):
        town.office.decide(case, SECOND, approved=True, reason="seen")
    assert town.latest("person", MARI).version == 2


def test_a_reason_that_nobody_has_seen_refuses_what_was_approved(town: House) -> None:
    late = replace(
        birth("13/2026/1", "P-000020", "2020-11-01", mother=MARI), attachments=town.attached("evidence")
    )
    case = waiting(town, late)
    town.decided(changed(town, "person", MARI, "correct", None, "evidence", date_of_birth="1980~"))
    with pytest.raises(Refused, match=r"another reason has come up for a second officer \(mother-older\)"):
        town.office.decide(case, SECOND, approved=True, reason="seen")
    assert town.node.record("birth", town.record("birth", "13/2026/1")) is None


def test_what_is_the_same_as_it_was_is_carried_out(town: House) -> None:
    case = waiting(town, changed(town, "person", MARI, "correct", None, "evidence", sex="other"))
    town.taken(changed(town, "person", JAAN, "amend", None, names=name("Saar", "Jaan")))
    assert isinstance(town.office.decide(case, SECOND, approved=True, reason="seen"), Filed)
    assert town.latest("person", MARI).version == 2


# ---- One person, two ids ----------------------------------------------------------------------------


@pytest.mark.parametrize("approved", [True, False])
def test_a_new_token_does_not_make_a_second_officer(town: House, approved: bool) -> None:
    subject = town.office.registrar.pseudonyms.subject(OTT)
    first, second = (
        Acting("person", "00000000000000a1", subject),
        Acting("person", "00000000000000a2", subject),
    )
    case = waiting(town, changed(town, "person", MARI, "correct", None, "evidence", sex="other"), by=first)
    erasing = (
        town.office.ask_erasure(Erasure("person", "court-order", "the law", key=VERY_OLD), first)
        if (old_person(town))
        else None
    )
    assert erasing is not None
    assert erasing.waiting is not None
    reading = town.office.budgets.ask(
        Reading(first.officer, "certificate", "birth", (), subject), 500, "an inquiry"
    )
    for each in (case, erasing.waiting.case, reading):
        with pytest.raises(Refused, match="a case of their own, under whatever id"):
            town.office.decide(each, second, approved=approved, reason="seen")
        assert town.office.desk.get(each).case.standing == "waiting"
    town.office.decide(case, SECOND, approved=approved, reason="seen")


VERY_OLD = "P-000100"


def old_person(town: House) -> bool:
    """Register somebody whose retention period is over."""
    return town.taken(person(VERY_OLD, "1901-01-01", "Vana", "Juhan")).count == 1


# ---- Erasing ----------------------------------------------------------------------------------------


def as_found(house: House, change: Change) -> None:
    """Have an entry of an old book taken over by two officers."""
    book: dict[str, Json] = {"recorded": "1931-06-14", "place": "Tartu, book 7", "number": "1931/88"}
    house.decided(replace(change, status="as-found", circumstances=book))


def test_a_retention_period_holds_for_an_entry_of_an_old_book_too(town: House) -> None:
    as_found(town, person("P-000030", "1990-06-14", "Vanem", "Leena"))
    with pytest.raises(Violated) as refused:
        town.office.ask_erasure(Erasure("person", "court-order", "the law", key="P-000030"), CLERK)
    assert refused.value.constraint == "retention"


def test_whether_a_period_has_run_out_that_begins_with_a_day_nobody_knows_a_second_officer_decides(
    town: House,
) -> None:
    town.taken(person("P-000010", None, "Saar", "Tiiu"))
    asked = town.office.ask_erasure(Erasure("person", "court-order", "the law", key="P-000010"), CLERK)
    assert asked.waiting is not None
    assert asked.waiting.reasons == ("erasure", "retention")
    (case,) = town.office.cases()
    assert case.reasons == ("erasure", "retention")


def test_an_erasure_that_has_become_doubtful_is_not_what_was_approved(town: House) -> None:
    assert old_person(town)
    asked = town.office.ask_erasure(Erasure("person", "court-order", "the law", key=VERY_OLD), CLERK)
    assert asked.waiting is not None
    assert asked.waiting.reasons == ("erasure",)
    town.decided(changed(town, "person", VERY_OLD, "correct", None, "evidence", date_of_birth=None))
    with pytest.raises(Refused, match=r"another reason .* \(retention\)"):
        town.office.decide(asked.waiting.case, SECOND, approved=True, reason="the period is over")


# ---- Land -------------------------------------------------------------------------------------------


def test_no_charge_changes_or_ends_without_consent_and_a_second_officer(town: House) -> None:
    town.taken(title("T-1", {MARI: "1"}), charge("M-1", "mortgage", "T-1"), charge("N-1", "caution", "T-1"))
    for operation, status in (
        ("amend", "discharged"),
        ("close", "discharged"),
        ("close", None),
        ("amend", None),
    ):
        bare = Change("land-charge", operation, key="M-1", merge=True, status=status)
        assert town.refused(bare).constraint == "attachments"
        assert reasons(town, replace(bare, attachments=town.attached("consent"))) == ("four-eyes",)
    assert town.latest("land-charge", "M-1").status == "in-force"


def test_a_mortgage_has_no_day_on_which_it_expires_and_a_notice_keeps_its_own(town: House) -> None:
    town.taken(title("T-1", {MARI: "1"}))
    for_a_while = charge("M-1", "mortgage", "T-1", expires="2026-12-31")
    assert town.refused(for_a_while).constraint == "schema"
    town.taken(charge("M-1", "mortgage", "T-1"), charge("N-1", "caution", "T-1"))
    later = changed(town, "land-charge", "M-1", "amend", None, "consent", expires="2026-12-01")
    assert town.refused(later).constraint == "schema"
    with pytest.raises(Violated) as refused:
        town.decided(changed(town, "land-charge", "N-1", "amend", None, "consent", expires="2026-11-25"))
    assert refused.value.constraint == "what-it-stands-against-stands"


def test_a_title_is_corrected_and_annulled_by_two_officers_with_the_courts_order(town: House) -> None:
    town.taken(title("T-1", {MARI: "1"}))
    for operation, status in (("correct", "registered"), ("annul", "void")):
        bare = Change("land-title", operation, {}, "T-1", merge=True, status=status)
        assert town.refused(replace(bare, control=control())).constraint == "attachments"
        papered = replace(bare, control=control(), attachments=town.attached("court-order"))
        assert reasons(town, papered) == ("four-eyes",)


def test_without_a_court_the_keeper_alone_replaces_no_key(bare: Path, tmp_path: Path) -> None:
    house = House(copies(bare, tmp_path)())
    for register in names():
        instead = {} if register != "land-title" else {"recovery": None, "constraints": uncourted()}
        define(house.node, register, **instead)
    registered_town(house).taken(title("T-1", {MARI: "1"}))
    other = control(key("the keeper's own"))
    order = house.attached("court-order")
    fresh = Change("land-title", "correct", {}, "T-1", merge=True, control=other, attachments=order)
    filed = house.decided(fresh)
    assert filed.receipt is not None
    assert filed.receipt.count == 0
    house.clock.now += 20 * DAY
    house.taken(title("T-2", {OTT: "1"}))
    assert house.latest("land-title", "T-1").control == control()
    house.close()


def uncourted() -> Json:
    fields = shipped("land-title", AGENCY)
    assert "recovery" not in fields
    assert shipped("land-title", AGENCY, COURT)["recovery"] == {
        "require": 2,
        "of": [f"agency:{AGENCY}", f"agency:{COURT}"],
    }
    constraints: Json = fields["constraints"]
    return constraints
