"""Lives in the civil registers, end to end: what an officer enters, what follows from it, and who may read it."""

from __future__ import annotations

import contextlib
import re

import pytest

from counterfoil.errors import NotFound, Refused
from counterfoil.ledger.command import Standing
from counterfoil.proof.canonical import Json
from counterfoil.registry.extract.page import page_of
from counterfoil.registry.personal.change import Change, Filed
from counterfoil.registry.personal.searching import Query, Term
from tests.office.changes import annulled, birth, death, marriage, name, person
from tests.office.house import CLERK, SECOND, House, by_name
from tests.office.tenancy import extracted

MARI, JAAN, LIIS, PEEP, OTT = "P-000001", "P-000002", "P-000003", "P-000004", "P-000009"
COURT: dict[str, Json] = {"authority": "Tartu County Court", "case": "2-26-17", "date": "2026-11-20"}


def amended(house: House, register: str, key: str, status: str, *kinds: str, **fields: Json) -> Change:
    """A further entry of a record: its new status, the fields that change, what is attached."""
    return Change(
        register,
        "amend",
        {each.replace("_", "-"): value for each, value in fields.items()},
        key=key,
        status=status,
        merge=True,
        attachments=house.attached(*kinds),
    )


def fields_of(house: House, register: str, key: str, purpose: str = "civil-registration") -> dict[str, Json]:
    return house.shown(register, key, purpose).fields


def statuses(house: House, register: str, key: str) -> list[str | None]:
    """The statuses that a record has had, the first one first."""
    return [entry.status for entry in house.node.history(register, house.record(register, key))][::-1]


# ---- Births -----------------------------------------------------------------------------------------


def test_a_birth_makes_a_person_with_parents(town: House) -> None:
    filed = town.file(birth("13/2026/1", "P-000020", "2026-11-01", mother=MARI, father=JAAN))
    assert [register for register, _ in filed.records] == ["birth", "person"]
    assert filed.receipt is not None
    assert filed.receipt.count == 2
    assert fields_of(town, "person", "P-000020") == {
        "number": "P-000020",
        "names": name("Tamm", "Child 0"),
        "sex": "female",
        "date-of-birth": "2026-11-01",
        "place-of-birth": {"country": "EST", "place": "Tartu"},
        "mother": MARI,
        "father": JAAN,
    }


def test_a_late_birth_is_declared_first_and_takes_effect_by_evidence_and_a_second_officer(
    town: House,
) -> None:
    town.taken(
        Change(
            "birth",
            "create",
            birth("13/2026/1", "P-000020", "1990-04-01", type="late").fields,
            status="declared",
        )
    )
    with pytest.raises(NotFound):
        fields_of(town, "person", "P-000020")
    assert town.refused(amended(town, "birth", "13/2026/1", "late")).constraint == "attachments"
    done = town.decided(
        amended(town, "birth", "13/2026/1", "late", "evidence"), reason="the school's book of 1997 has her"
    )
    assert [register for register, _ in done.records] == ["birth", "person"]
    assert statuses(town, "birth", "13/2026/1") == ["declared", "late"]
    said = town.shown("birth", "13/2026/1", "civil-registration").circumstances
    assert said["officer"] == CLERK.officer
    assert said["decided-by"] == SECOND.officer
    assert said["decision"] == "the school's book of 1997 has her"
    assert fields_of(town, "person", "P-000020")["date-of-birth"] == "1990-04-01"


def test_what_a_second_officer_turns_down_stores_nothing(town: House) -> None:
    town.taken(
        Change(
            "birth",
            "create",
            birth("13/2026/1", "P-000020", "1990-04-01", type="late").fields,
            status="declared",
        )
    )
    filed = town.file(amended(town, "birth", "13/2026/1", "late", "evidence"))
    assert filed.waiting is not None
    assert filed.waiting.reasons == ("four-eyes",)
    assert (
        town.office.decide(filed.waiting.case, SECOND, approved=False, reason="the seal is not genuine")
        is None
    )
    assert statuses(town, "birth", "13/2026/1") == ["declared"]
    with pytest.raises(Refused):
        town.office.carry_out(filed.waiting.case)


def test_a_foundling_has_parents_that_nobody_knows_and_where_it_was_found(town: House) -> None:
    found = birth(
        "13/2026/1",
        "P-000020",
        "2026-10~",
        type="foundling",
        mother_unknown="foundling",
        father_unknown="foundling",
        names=[{"script": "Latn", "use": "legal", "given": "Eva"}],
    )
    assert town.refused(found).constraint == "schema"
    where: dict[str, Json] = {"date": "2026-11-02", "place": "the steps of St John's"}
    filed = town.file(Change("birth", "create", {**found.fields, "finding": where}))
    assert filed.waiting is not None, "an estimated date of birth: is it before now?"
    done = town.office.decide(
        filed.waiting.case, SECOND, approved=True, reason="a month old, says the physician"
    )
    assert isinstance(done, Filed)
    shown = town.shown("birth", "13/2026/1", "civil-registration")
    assert shown.fields["finding"] == where
    assert shown.circumstances["undecided"] == ["born-already"]
    assert "mother" not in fields_of(town, "person", "P-000020")


def test_a_birth_abroad_is_registered_by_its_foreign_document(town: House) -> None:
    abroad = birth("13/2026/1", "P-000020", "2026-02-11", type="foreign-document", mother=MARI)
    assert by_name(town.refused(abroad))[:2] == ("schema", "foreign-document")
    document: dict[str, Json] = {"country": "FIN", "authority": "Digital Agency", "number": "A 1017/2026"}
    town.taken(Change("birth", "create", {**abroad.fields, "foreign-document": document}))
    assert fields_of(town, "birth", "13/2026/1")["foreign-document"] == document


def test_a_father_recognises_his_child_and_the_person_has_him_too(town: House) -> None:
    town.taken(birth("13/2026/1", "P-000020", "2026-11-01", mother=MARI))
    recognised = amended(
        town,
        "birth",
        "13/2026/1",
        "recognised",
        "evidence",
        father=JAAN,
        father_unknown=None,
        recognition={"kind": "declaration", "date": "2026-11-10", "by": JAAN},
    )
    town.decided(recognised, reason="he declared it before me")
    assert fields_of(town, "person", "P-000020")["father"] == JAAN
    assert fields_of(town, "birth", "13/2026/1")["father"] == JAAN
    assert statuses(town, "birth", "13/2026/1") == ["registered", "recognised"]


# ---- Adoption ---------------------------------------------------------------------------------------


@pytest.fixture
def adopted(town: House) -> House:
    """The town, where Liis's friend was born to Mari, and is adopted by Jaan and Ott: the new entry has 13/2026/2."""
    town.taken(birth("13/2026/1", "P-000020", "2026-11-01", mother=MARI, father=JAAN))
    new = birth(
        "13/2026/2",
        "P-000020",
        "2026-11-01",
        type="adoption",
        father=OTT,
        names=name("Mets", "Kai"),
        original="13/2026/1",
        adoption={"kind": "full", "instrument": COURT},
    )
    town.taken(Change("birth", "create", new.fields, status="declared"))
    town.decided(
        amended(town, "birth", "13/2026/2", "registered", "evidence"), reason="the judgment is final"
    )
    return town


def test_an_adoption_makes_a_new_entry_and_seals_the_original(adopted: House) -> None:
    assert statuses(adopted, "birth", "13/2026/1") == ["registered", "replaced"]
    assert statuses(adopted, "birth", "13/2026/2") == ["declared", "registered"]
    assert fields_of(adopted, "birth", "13/2026/2", "certificate")["father"] == OTT
    child = fields_of(adopted, "person", "P-000020")
    assert (child["father"], child["names"]) == (OTT, name("Mets", "Kai"))


@pytest.mark.parametrize(
    "purpose", ["civil-registration", "certificate", "subject-access", "official-statistics"]
)
@pytest.mark.parametrize("version", [None, 1])
def test_the_sealed_original_is_read_for_no_common_purpose(
    adopted: House, purpose: str, version: int | None
) -> None:
    with pytest.raises(Refused, match="that is replaced"):
        adopted.shown("birth", "13/2026/1", purpose, version=version)


@pytest.mark.parametrize("purpose", ["adoptee-access", "court-order"])
def test_the_sealed_original_is_read_by_the_adopted_and_by_order_of_a_court(
    adopted: House, purpose: str
) -> None:
    assert adopted.shown("birth", "13/2026/1", purpose, "mother", "father", case="2-26-18").fields == {
        "mother": MARI,
        "father": JAAN,
    }


def test_the_birth_parents_are_no_longer_the_persons(adopted: House) -> None:
    assert "mother" not in fields_of(adopted, "person", "P-000020")


def readable(house: House, register: str, key: str, version: int | None) -> dict[str, dict[str, Json]]:
    """What each purpose of a register shows of a record, where it shows anything."""
    found: dict[str, dict[str, Json]] = {}
    for purpose in house.office.registrar.plan(register).definition.fields.purposes:
        with contextlib.suppress(Refused):
            found[purpose] = house.shown(register, key, purpose, version=version, case="2-26-18").fields
    return found


@pytest.mark.parametrize(("register", "key"), [("birth", "13/2026/1"), ("person", "P-000020")])
@pytest.mark.parametrize("version", [None, 1, 2])
def test_no_other_purpose_gives_the_birth_parents_in_any_register_or_version(
    adopted: House, register: str, key: str, version: int | None
) -> None:
    telling = {
        purpose
        for purpose, fields in readable(adopted, register, key, version).items()
        if {MARI, JAAN} & {str(value) for value in fields.values()}
    }
    if register == "birth":
        assert telling == {"adoptee-access", "court-order"}
    else:
        assert telling == ({"adoptee-access", "court-order", "subject-access"} if version == 1 else set())


@pytest.mark.parametrize(
    ("purpose", "found"),
    [(None, 0), ("civil-registration", 0), ("identification", 0), ("adoptee-access", 1), ("court-order", 1)],
)
def test_who_searches_by_the_name_at_birth_does_not_find_the_adopted(
    adopted: House, purpose: str | None, found: int
) -> None:
    terms = (Term("names", "Tamm Child", "name"), Term("date-of-birth", "2026-11-01"))
    assert len(adopted.office.search(Query("person", terms, purpose)).matches) == found
    terms = (Term("names", "Mets Kai", "name"), Term("date-of-birth", "2026-11-01"))
    assert len(adopted.office.search(Query("person", terms, purpose)).matches) == 1


def test_what_is_refused_of_an_earlier_version_says_which_purposes_there_are(adopted: House) -> None:
    with pytest.raises(
        Refused,
        match="'identification' does not allow an earlier version of person to be read; "
        "for those there is adoptee-access, court-order, subject-access",
    ):
        adopted.shown("person", "P-000020", "identification", version=1)


@pytest.mark.parametrize("case", [None, "", "  "])
def test_an_order_of_a_court_is_named(town: House, case: str | None) -> None:
    size = town.node.store.head.size
    with pytest.raises(Refused, match="needs the case that person is read for"):
        town.shown("person", MARI, "court-order", case=case)
    assert town.node.store.head.size == size
    assert town.shown("person", MARI, "court-order", "sex", case="2-26-18").fields == {"sex": "female"}


def test_a_certificate_after_an_adoption_is_that_of_any_birth(adopted: House) -> None:
    made = extracted(adopted, "certificate", key="13/2026/2", register="birth")
    assert {MARI, JAAN, "13/2026/1"}.isdisjoint(map(str, made.fields.values()))
    page = page_of(made).decode()
    shown = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "registered" in shown
    assert not re.search("adopt|reissue|original", shown, re.IGNORECASE)


# ---- A wrong birth ----------------------------------------------------------------------------------


def test_a_wrong_birth_is_annulled_and_made_anew(town: House) -> None:
    town.taken(birth("13/2026/1", "P-000020", "2026-11-01", mother=MARI, father=JAAN))
    town.decided(annulled("birth", "13/2026/1", town))
    assert statuses(town, "person", "P-000020") == ["alive", "void"], "no birth of theirs is in force"
    town.taken(birth("13/2026/2", "P-000020", "2026-11-02", father=JAAN))
    assert statuses(town, "person", "P-000020") == ["alive", "void", "alive"]
    anew = fields_of(town, "person", "P-000020")
    assert (anew["date-of-birth"], anew["father"]) == ("2026-11-02", JAAN)
    assert "mother" not in anew
    assert town.latest("person", "P-000020").operation == "correct"


def test_what_was_only_declared_is_annulled_and_reaches_nobody(town: House) -> None:
    town.taken(birth("13/2026/1", "P-000020", "2026-11-01", mother=MARI))
    again = birth("13/2026/2", "P-000020", "2026-11-01", type="late")
    town.taken(Change("birth", "create", again.fields, status="declared"))
    filed = town.decided(annulled("birth", "13/2026/2", town))
    assert [register for register, _ in filed.records] == ["birth"]
    assert statuses(town, "person", "P-000020") == ["alive"]


def test_who_has_died_stays_so_when_their_birth_is_annulled(town: House) -> None:
    town.taken(birth("13/2026/1", "P-000020", "2026-11-01", mother=MARI))
    town.taken(death("13/2026/1", "P-000020", "2026-11-03"))
    town.decided(annulled("birth", "13/2026/1", town))
    assert statuses(town, "person", "P-000020") == ["alive", "deceased"]


def test_one_officer_gives_nobody_who_lives_another_birth(town: House) -> None:
    refused = town.refused(birth("13/2026/1", LIIS, "2026-11-01"))
    assert (refused.constraint, refused.field) == ("creates-person", "child")
    assert "exists already and is alive" in str(refused)


def test_two_officers_enter_the_birth_of_somebody_who_is_registered_already(town: House) -> None:
    late = birth("13/2026/1", LIIS, "2015-01-01", type="late", names=name("Kask", "Liis"), mother=MARI)
    town.taken(Change("birth", "create", late.fields, status="declared"))
    town.decided(amended(town, "birth", "13/2026/1", "late", "evidence"), reason="the hospital has her")
    assert statuses(town, "person", LIIS) == ["alive", "alive"]
    assert fields_of(town, "person", LIIS)["mother"] == MARI


def test_an_annulled_adoption_leaves_the_child_to_be_entered_anew(adopted: House) -> None:
    adopted.decided(annulled("birth", "13/2026/2", adopted))
    assert adopted.latest("person", "P-000020").status == "void"
    assert statuses(adopted, "birth", "13/2026/1") == ["registered", "replaced"]
    adopted.taken(birth("13/2026/3", "P-000020", "2026-11-01", mother=MARI, father=JAAN))
    child = adopted.shown("person", "P-000020", "civil-registration")
    assert (child.status, child.fields["mother"], child.fields["father"]) == ("alive", MARI, JAAN)


# ---- Marriage, divorce, widowhood -------------------------------------------------------------------


def test_who_is_divorced_marries_again(town: House) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    again = marriage("13/2026/2", MARI, OTT, "2026-11-20")
    assert town.refused(again).constraint == "not-married-or-dead"
    ended = {"ended-by": "divorce", "ended-on": "2026-11-15", "ended-court": COURT}
    divorce = Change(
        "marriage",
        "close",
        ended,
        key="13/2026/1",
        status="divorced",
        merge=True,
        attachments=town.attached("judgment"),
    )
    town.decided(divorce, reason="the judgment is final")
    assert fields_of(town, "marriage", "13/2026/1", "marital-status") == {
        "spouse-a": MARI,
        "spouse-b": JAAN,
        "date": "2026-11-03",
        "ended-by": "divorce",
        "ended-on": "2026-11-15",
    }
    town.taken(again)


def test_a_death_ends_the_marriage_and_the_widow_marries_again(town: House) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    filed = town.file(death("13/2026/1", JAAN, "2026-11-10"))
    assert [register for register, _ in filed.records] == ["death", "person", "marriage"]
    assert statuses(town, "marriage", "13/2026/1") == ["married", "widowed"]
    ended = fields_of(town, "marriage", "13/2026/1", "marital-status")
    assert (ended["ended-by"], ended["ended-on"]) == ("death", "2026-11-10")
    assert fields_of(town, "person", JAAN)["date-of-death"] == "2026-11-10"
    town.taken(marriage("13/2026/2", MARI, OTT, "2026-11-20"))


def test_a_death_before_the_marriage_is_for_a_court_to_annul_it_first(town: House) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    refused = town.refused(death("13/2026/1", JAAN, "2025-01-01"))
    assert (refused.constraint, refused.field) == ("ends-after-it-began", "date")
    assert "is first annulled, by a court" in str(refused)
    void = Change("marriage", "annul", key="13/2026/1", status="void", attachments=town.attached("judgment"))
    town.decided(void, reason="he was dead")
    town.taken(death("13/2026/1", JAAN, "2025-01-01"))


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"ended-on": "2020-05-05", "ended-by": "divorce"}, ("ends-after-it-began", "date")),
        ({}, ("end-is-told", "ended-on")),
    ],
)
@pytest.mark.parametrize("merge", [True, False])
def test_a_divorce_says_when_and_not_before_the_marriage(
    town: House, fields: dict[str, Json], broken: tuple[str, str], merge: bool
) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    paper = town.attached("judgment")
    divorce = Change(
        "marriage", "close", fields, "13/2026/1", status="divorced", merge=merge, attachments=paper
    )
    refused = town.refused(divorce)
    assert (refused.constraint, refused.field) == broken


def test_an_annulled_marriage_is_void_from_the_beginning(town: House) -> None:
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-03"))
    void = Change("marriage", "annul", key="13/2026/1", status="void", attachments=town.attached("judgment"))
    town.decided(void, reason="one of them was married abroad")
    latest = town.latest("marriage", "13/2026/1")
    assert (latest.operation, latest.status) == ("annul", "void")
    town.taken(marriage("13/2026/2", MARI, JAAN, "2026-11-20"))


def test_a_death_entered_by_error_is_annulled_and_its_person_lives(town: House) -> None:
    town.taken(death("13/2026/1", JAAN, "2026-11-10"))
    town.decided(
        Change("death", "annul", key="13/2026/1", status="void", attachments=town.attached("order")),
        reason="he has come in himself",
    )
    assert statuses(town, "person", JAAN) == ["alive", "deceased", "alive"]
    assert "date-of-death" not in fields_of(town, "person", JAAN)
    town.taken(marriage("13/2026/1", MARI, JAAN, "2026-11-20"))


# ---- What nobody can decide by itself ---------------------------------------------------------------


def test_an_undecidable_age_is_decided_by_a_second_officer_whose_reason_stands_in_the_item(
    town: House,
) -> None:
    filed = town.file(marriage("13/2026/1", MARI, PEEP, "2026-11-03"))
    assert filed.waiting is not None
    assert filed.waiting.reasons == ("age-of-spouse-b",)
    assert town.node.record("marriage", town.record("marriage", "13/2026/1")) is None
    with pytest.raises(Refused, match="does not decide a case of their own"):
        town.office.decide(filed.waiting.case, CLERK, approved=True, reason="I know him")
    done = town.office.decide(
        filed.waiting.case, SECOND, approved=True, reason="his passport says 3 March 2008"
    )
    assert isinstance(done, Filed)
    assert done.receipt is not None
    assert done.receipt.standing is Standing.TAKEN
    said = town.shown("marriage", "13/2026/1", "civil-registration").circumstances
    assert said == {
        "actor": "person",
        "officer": CLERK.officer,
        "decided-by": SECOND.officer,
        "decision": "his passport says 3 March 2008",
        "undecided": ["age-of-spouse-b"],
    }


def test_what_has_become_illegal_while_it_waited_is_refused_however_it_was_decided(town: House) -> None:
    filed = town.file(marriage("13/2026/1", MARI, PEEP, "2026-11-03"))
    town.taken(marriage("13/2026/2", MARI, JAAN, "2026-11-04"))
    assert filed.waiting is not None
    with pytest.raises(Refused) as refused:
        town.office.decide(filed.waiting.case, SECOND, approved=True, reason="his passport says so")
    assert by_name(refused.value)[0] == "not-married-or-dead"


def test_somebody_whose_date_of_birth_nobody_knows_is_registered_without(town: House) -> None:
    town.taken(person("P-000010", None, "Saar", "Tiiu", parents_unknown="not-stated"))
    filed = town.file(marriage("13/2026/1", MARI, "P-000010", "2026-11-03"))
    assert filed.waiting is not None
    assert filed.waiting.reasons == ("age-of-spouse-b",)


def test_the_ledger_tells_nobody_anything_of_all_this(adopted: House) -> None:
    adopted.taken(marriage("13/2026/1", MARI, OTT, "2026-11-03"))
    ledger = b"\n".join(adopted.node.entries())
    for value in (b"Tamm", b"Kai", MARI.encode(), b"P-000020", b"13/2026/1", b"2026-11-03"):
        assert value not in ledger
