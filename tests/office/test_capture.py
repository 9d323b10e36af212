"""Taking over an old book: as it stands there, transcribed by one and checked by another, and never made better."""

from __future__ import annotations

import pytest

from counterfoil.errors import Refused, Violated
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.attachments import open_attachment, parse_attachment
from counterfoil.registry.personal.change import Change, Filed
from tests.office.changes import birth, death, marriage, name, person
from tests.office.house import CLERK, SECOND, House, by_name

MARI, JAAN, LIIS, OTT = "P-000001", "P-000002", "P-000003", "P-000009"
BOOK: dict[str, Json] = {
    "recorded": "1931-06-14",
    "place": "Tartu, St John's, book 7, page 112",
    "number": "1931/88",
}
FOUND = "as found; earlier history not attested"


def found(change: Change, house: House, **circumstances: Json) -> Change:
    """An entry as it stands in an old book, with its scan."""
    return Change(
        change.register,
        "create",
        change.fields,
        status="as-found",
        circumstances=BOOK | circumstances,
        attachments=house.attached("scan", content=b"%PDF-1.7 page 112"),
    )


def taken_over(house: House, change: Change) -> dict[str, Json]:
    """Have one transcribe it and another check it; gives its circumstances."""
    filed = house.file(change)
    assert filed.waiting is not None
    assert "as-found" in filed.waiting.reasons
    done = house.office.decide(filed.waiting.case, SECOND, approved=True, reason="compared with the page")
    assert isinstance(done, Filed)
    return house.shown(
        change.register, str(change.fields[KEYS[change.register]]), "civil-registration"
    ).circumstances


KEYS = {"marriage": "entry-number", "birth": "entry-number", "death": "entry-number", "person": "number"}


def test_who_transcribed_it_who_checked_it_and_where_it_stands_are_part_of_the_item(town: House) -> None:
    said = taken_over(town, found(marriage("13/1931/88", MARI, OTT, "1999-06-14"), town))
    attached = said.pop("attachments")
    assert said == {
        **BOOK,
        "found": FOUND,
        "actor": "person",
        "officer": CLERK.officer,
        "decided-by": SECOND.officer,
        "decision": "compared with the page",
    }
    assert isinstance(attached, list)
    assert [each["kind"] for each in attached] == ["scan"]
    assert town.latest("marriage", "13/1931/88").status == "as-found"


def test_whoever_transcribed_it_does_not_check_it(town: House) -> None:
    filed = town.file(found(marriage("13/1931/88", MARI, OTT, "1999-06-14"), town))
    assert filed.waiting is not None
    with pytest.raises(Refused, match="does not decide a case of their own"):
        town.office.decide(filed.waiting.case, CLERK, approved=True, reason="I have looked twice")


@pytest.mark.parametrize("missing", sorted(BOOK))
def test_where_it_stands_must_be_said(town: House, missing: str) -> None:
    change = found(marriage("13/1931/88", MARI, OTT, "1999-06-14"), town)
    without = {each: value for each, value in change.circumstances.items() if each != missing}
    refused = town.refused(
        Change("marriage", "create", change.fields, status="as-found", circumstances=without)
    )
    assert by_name(refused)[0] == "as-found"
    assert missing in str(refused)


def test_what_breaks_todays_rules_is_listed_and_not_refused(town: House) -> None:
    wedding = marriage("13/1931/88", MARI, LIIS, "2016-06-14")
    assert town.refused(wedding).constraint == "age-of-spouse-b"
    said = taken_over(town, found(wedding, town))
    assert said["breaks"] == ["age-of-spouse-b"]


def test_what_cannot_be_decided_any_more_is_listed_as_such(town: House) -> None:
    said = taken_over(town, found(marriage("13/1931/88", MARI, "P-000004", "2026-11-03"), town))
    assert said["undecided"] == ["age-of-spouse-b"]
    assert "breaks" not in said


def test_a_marriage_of_an_old_book_stands_until_its_end_is_entered(town: House) -> None:
    taken_over(town, found(marriage("13/1931/88", MARI, OTT, "1999-06-14"), town))
    again = marriage("13/2026/1", MARI, JAAN, "2026-11-03")
    assert town.refused(again).constraint == "not-married-or-dead"
    older = found(marriage("13/1931/89", MARI, JAAN, "1998-06-14"), town)
    with pytest.raises(Violated, match="another live record"):
        town.decided(older)
    ended = {"ended-by": "divorce", "ended-on": "2003-01-30"}
    papers = town.attached("evidence", "judgment")
    town.decided(
        Change("marriage", "amend", ended, "13/1931/88", merge=True, status="divorced", attachments=papers)
    )
    town.taken(again)


def test_a_death_of_an_old_book_ends_the_life_and_the_marriage_there_are(town: House) -> None:
    taken_over(town, found(marriage("13/1931/88", MARI, OTT, "1999-06-14"), town))
    taken_over(town, found(death("13/1931/89", OTT, "2003-01-30"), town))
    assert town.latest("death", "13/1931/89").status == "as-found"
    assert town.latest("person", OTT).status == "deceased"
    assert town.latest("marriage", "13/1931/88").status == "widowed"
    assert town.refused(death("13/2026/1", OTT, "2026-11-03")).constraint == "dies-once"
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))


def test_a_death_of_an_old_book_may_be_of_somebody_who_is_not_registered(town: House) -> None:
    taken_over(town, found(death("13/1931/89", "P-000777", "1931-01-30"), town))
    assert town.node.record("person", town.record("person", "P-000777")) is None


def test_a_later_correction_makes_it_one_of_todays(town: House) -> None:
    taken_over(town, found(marriage("13/1931/88", MARI, LIIS, "2016-06-14"), town))
    confirm = Change(
        "marriage",
        "correct",
        key="13/1931/88",
        merge=True,
        status="married",
        attachments=town.attached("evidence"),
    )
    assert town.refused(confirm).constraint == "age-of-spouse-b"
    with_its_date = Change(
        "marriage",
        "correct",
        {"spouse-b": LIIS, "date": "2033-06-14"},
        key="13/1931/88",
        merge=True,
        status="married",
        attachments=town.attached("evidence"),
    )
    assert town.refused(with_its_date).constraint == "celebrated-already"


def test_a_person_of_an_old_book_becomes_alive_under_todays_rules(town: House) -> None:
    taken_over(town, found(person("P-000030", "1931~", "Vanem", "Leena"), town))
    born: dict[str, Json] = {"date-of-birth": "1931-06-01"}
    by_one = Change("person", "amend", born, key="P-000030", merge=True, status="alive")
    assert town.refused(by_one).constraint == "facts-of-birth-by-correction"
    by_two = Change(
        *("person", "correct", born, "P-000030"),
        merge=True,
        status="alive",
        attachments=town.attached("evidence"),
    )
    town.decided(by_two)
    assert [each.status for each in town.node.history("person", town.record("person", "P-000030"))] == [
        "alive",
        "as-found",
    ]


def test_an_old_birth_makes_no_person_by_itself(town: House) -> None:
    taken_over(town, found(birth("13/1931/88", "P-000031", "1931-06-01", names=name("Vana", "Juhan")), town))
    assert town.node.record("person", town.record("person", "P-000031")) is None


def test_the_scan_is_encrypted_beside_and_opens_to_what_was_attached(town: House) -> None:
    taken_over(town, found(marriage("13/1931/88", MARI, OTT, "1999-06-14"), town))
    entry = town.latest("marriage", "13/1931/88")
    registrar = town.office.registrar
    with town.node.reading() as store:
        (attached,) = map(parse_attachment, registrar.items(store).open(entry).attachments)
        assert b"".join(open_attachment(attached, store.read_document)) == b"%PDF-1.7 page 112"
        assert b"page 112" not in b"".join(store.read_document(attached.document))
