"""What a second officer reads of a case, what is never laid on the desk, and how a case is withdrawn."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from counterfoil.errors import Conflict, Malformed, NotFound, Refused, Violated
from counterfoil.office.case_view import FieldChange, Reason
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.change import Acting, Change
from tests.office.changes import birth, marriage, name, person
from tests.office.house import CLERK, OPERATOR, SECOND, House

MARI, JAAN, OTT = "P-000001", "P-000002", "P-000009"


def waiting(house: House, *changes: Change) -> str:
    """File what a second officer must decide; gives the case."""
    filed = house.file(*changes)
    assert filed.waiting is not None
    return filed.waiting.case


def correction(house: House, **fields: Json) -> Change:
    """A person's record corrected, which a second officer decides."""
    said = {each.replace("_", "-"): value for each, value in fields.items()}
    return Change("person", "correct", said, key=MARI, merge=True, attachments=house.attached("evidence"))


def test_a_case_shows_its_record_before_and_after(town: House) -> None:
    case = waiting(town, correction(town, sex="other"))
    seen = town.office.seen(case, SECOND)
    (change,) = seen.changes
    assert (change.register, change.record, change.operation) == (
        "person",
        town.record("person", MARI),
        "correct",
    )
    assert (change.before, change.after, change.follows) == ("alive", "alive", False)
    assert change.fields == (FieldChange("sex", "female", "other"),)
    assert change.stands["number"] == MARI
    assert seen.impossible is None
    assert seen.reasons == (Reason("four-eyes", "its register has a second officer decide such a change"),)


def test_all_that_is_shown_of_it_is_in_the_log_first(town: House) -> None:
    case = waiting(town, correction(town, sex="other"))
    before = town.node.store.head.size
    town.office.seen(case, SECOND)
    entries = [town.node.entry(number) for number in range(before, town.node.store.head.size)]
    assert [each.register for each in entries if each.register == "disclosure"]
    (told,) = [each for each in entries if each.register == "disclosure"]
    with town.node.reading() as store:
        item = town.office.registrar.items(store).open(told).fields
    assert item["purpose"] == "second-officer"
    assert set(town.office.registrar.plan("person").hidden) <= set(item["fields"])


def test_what_follows_is_told_in_words_without_what_the_other_record_holds(town: House) -> None:
    town.taken(birth("13/2026/9", "P-000020", "2026-11-20", mother=MARI, father=JAAN))
    annulled = Change(
        "birth", "annul", {}, key="13/2026/9", status="void", merge=True, attachments=town.attached("order")
    )
    seen = town.office.seen(waiting(town, annulled), SECOND)
    first, *following = seen.changes
    assert (first.register, first.before, first.after) == ("birth", "registered", "void")
    for each in following:
        assert each.follows
        assert (each.fields, each.stands) == ((), {})


def test_a_rule_that_could_not_be_decided_is_told_with_its_sentence_and_its_law(town: House) -> None:
    town.taken(person("P-000030", "2008", "Cedar", "Una"))
    case = waiting(town, marriage("13/2026/9", OTT, "P-000030", "2026-11-03"))
    (reason,) = town.office.seen(case, SECOND).reasons
    assert reason.name == "age-of-spouse-b"
    assert reason.says.endswith("both are eighteen on the day")
    assert reason.citation is not None
    assert reason.citation.startswith("1962 Convention")


def test_what_has_become_impossible_is_said_to_be(town: House) -> None:
    case = waiting(town, correction(town, sex="other"))
    town.taken(Change("person", "amend", {"names": name("Newname", "Mari")}, key=MARI, merge=True))
    seen = town.office.seen(case, SECOND)
    assert seen.changes == ()
    assert seen.impossible is not None
    assert seen.impossible.startswith("the record of person is at version 2")


# ---- What the ledger would refuse is not laid down ---------------------------------------------------


def test_a_status_that_does_not_follow_is_refused_at_once(town: House) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    wrong = Change(
        "marriage",
        "amend",
        {},
        key="13/2026/1",
        status="as-found",
        merge=True,
        circumstances=BOOK,
        attachments=town.attached("evidence"),
    )
    with pytest.raises(Violated) as refused:
        town.file(wrong)
    assert (refused.value.constraint, refused.value.field) == ("status", "status")
    assert town.office.cases() == []


def test_the_view_that_it_was_tried_on_leaves_nothing(town: House) -> None:
    size = town.node.store.head.size
    waiting(town, correction(town, sex="other"))
    # Nothing but the document attached was stored.
    assert town.node.store.head.size == size


BOOK: dict[str, Json] = {"place": "St Mary, volume 3", "number": "12", "recorded": "1960-01-02"}


# ---- Withdrawing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [CLERK, OPERATOR])
def test_a_case_that_waits_is_withdrawn_for_good(town: House, who: Acting) -> None:
    case = waiting(town, correction(town, sex="other"))
    by = who.officer
    withdrawn = town.office.withdraw(case, by, "entered twice")
    assert (withdrawn.standing, withdrawn.decision and withdrawn.decision.by) == ("withdrawn", by)
    paper = town.office.desk.get(case)
    assert paper.content is None
    assert paper.case.decision is not None
    assert paper.case.decision.reason == "entered twice"
    with pytest.raises(Refused, match="withdrawn already"):
        town.office.decide(case, SECOND, approved=True, reason="seen")
    with pytest.raises(Refused, match="withdrawn already"):
        town.office.withdraw(case, by, "again")


def test_an_approved_case_that_cannot_be_done_is_withdrawn(town: House) -> None:
    case = waiting(town, correction(town, sex="other"))
    town.taken(Change("person", "amend", {"names": name("Newname", "Mari")}, key=MARI, merge=True))
    with pytest.raises(Conflict):
        town.office.decide(case, SECOND, approved=True, reason="seen")
    assert [each.id for each in town.office.desk.approved()] == [case]
    town.office.withdraw(case, CLERK.officer, "overtaken")
    assert town.office.desk.approved() == []


def test_what_is_done_is_not_withdrawn(town: House) -> None:
    case = waiting(town, correction(town, sex="other"))
    town.office.decide(case, SECOND, approved=True, reason="seen")
    with pytest.raises(Refused, match="done already"):
        town.office.withdraw(case, CLERK.officer, "too late")


def test_a_case_is_not_withdrawn_without_a_reason(town: House) -> None:
    case = waiting(town, correction(town, sex="other"))
    with pytest.raises(Malformed, match="needs its reason"):
        town.office.withdraw(case, CLERK.officer, " ")
    assert town.office.case(case).standing == "waiting"


# ---- Documents ---------------------------------------------------------------------------------------


def test_what_is_attached_to_a_case_opens_for_who_decides_it(town: House) -> None:
    case = waiting(town, correction(town, sex="other"))
    before = town.node.store.head.size
    attachment = town.office.case_attachment(case, 0, SECOND)
    assert town.node.store.head.size > before
    assert b"".join(town.office.read_attachment(attachment)) == b"%PDF-1.7 a scan"
    with pytest.raises(NotFound, match="1 documents attached"):
        town.office.case_attachment(case, 1, SECOND)


def test_a_new_record_has_nothing_before(town: House) -> None:
    late = replace(birth("13/2026/9", "P-000020", "2020-01-01"), attachments=town.attached("evidence"))
    change = town.office.seen(waiting(town, late), SECOND).changes[0]
    assert (change.before, change.stands) == (None, {})
    assert FieldChange("date", None, "2020-01-01") in change.fields
