"""Whatever an officer is shown of somebody, that person's log tells of it first, and of nothing that was not shown."""

from __future__ import annotations

from typing import Final, cast

import pytest

from counterfoil.errors import Damaged, Refused, Unauthorised
from counterfoil.proof.canonical import Json, unlabelled
from counterfoil.proof.disclosure import commitment, disclosure_digest
from counterfoil.proof.entry import Proposal
from counterfoil.proof.transaction import MAX_PROPOSALS
from counterfoil.registry.desk.budget import Budgets, Reading
from counterfoil.registry.desk.limits import Limit, Limits
from counterfoil.registry.personal import sealing
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.disclosing import Ask
from counterfoil.registry.personal.erasing import Erased, Erasure
from counterfoil.registry.personal.searching import Query, Term
from tests.office.changes import AGENCY, marriage, name, person
from tests.office.house import CLERK, SECOND, House

MARI, JAAN = "P-000001", "P-000002"
OLD = "P-000011"
"""Born so long ago that the retention period is over."""
BOOK = "13/2026/1"
CLUB: Final[dict[str, Json]] = {
    "title": "Clubs",
    "authority": AGENCY,
    "law": "the law on associations",
    "key": "number",
    "schema": {
        "type": "object",
        "properties": {
            "number": {"class": "public", "type": "string"},
            "seat": {"class": "public", "type": "string"},
            "members": {"class": "personal", "type": "array", "items": {"type": "object"}},
            "chair": {"class": "personal", "type": "string", "searchable": ["exact"]},
        },
    },
    "subjects": {"member": "members/*/person"},
    "purposes": {"inspection": {"law": "the law on associations"}, "court-order": {"law": "its order"}},
}


def club(house: House, **instead: Json) -> None:
    """Define the register of clubs."""
    fields = {**CLUB, **instead}
    house.node.submit([Proposal(".register", "club", "create", 1, body={"fields": fields})])


def founded(house: House, number: str, members: int) -> None:
    """A club with so many members, none of whom is registered."""
    stated: list[Json] = [{"person": f"P-{each:06}"} for each in range(members)]
    house.taken(Change("club", fields={"number": number, "seat": "Tartu", "members": stated}))


def log_of(house: House, number: str) -> list[dict[str, Json]]:
    """What a person's log tells, the first look first."""
    record = house.node.record("disclosure", house.record("disclosure", number))
    told = []
    for entry in house.node.history("disclosure", record.record) if record is not None else ():
        with house.office.registrar.reading() as store:
            told.append(house.office.registrar.items(store).open(entry).fields)
    return told


class TestOfSeveralPersons:
    """What is opened is what was asked for: the others' parts stay closed, and nobody is told of them."""

    @pytest.fixture
    def wed(self, town: House) -> House:
        town.taken(
            marriage(BOOK, MARI, JAAN, "2026-11-10", names_a=name("Tamm", "M."), names_b=name("Kask", "J."))
        )
        return town

    def test_only_the_one_whose_fields_are_shown_is_told(self, wed: House) -> None:
        size = wed.node.store.head.size
        shown = wed.shown("marriage", BOOK, "civil-registration", "names-a")
        assert shown.fields == {"names-a": name("Tamm", "M.")}
        assert shown.disclosed_by == (size, 1)
        assert [each["fields"] for each in log_of(wed, MARI)] == [["names-a"]]
        assert log_of(wed, JAAN) == []

    def test_and_what_is_shown_is_proved_with_the_digests_of_the_rest(self, wed: House) -> None:
        proof = wed.shown("marriage", BOOK, "civil-registration", "names-a").presentation
        assert proof is not None
        digests = [*map(disclosure_digest, proof.shown), *proof.hidden]
        item = wed.latest("marriage", BOOK).item
        assert item is not None
        assert len(proof.shown) == 1
        assert commitment(digests) == unlabelled(item)

    def test_the_others_part_is_opened_for_nobody(self, wed: House) -> None:
        registrar, entry = wed.office.registrar, wed.latest("marriage", BOOK)
        slot = registrar.plan("marriage").slot_of("names-a")
        with registrar.reading() as store:
            opened = registrar.items(store).open(entry, {slot})
        assert {"names-a", "spouse-a"} >= opened.values.keys() >= {"names-a"}
        assert opened.closed


def test_where_nobody_is_named_who_could_be_told_nothing_is_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    club(house)
    with monkeypatch.context() as patched:
        patched.setattr(sealing, "seal_subjects", lambda *_: b"")
        founded(house, "C-1", 2)
    size = house.node.store.head.size
    with pytest.raises(Damaged, match="nobody could be told"):
        house.shown("club", "C-1", "inspection", "members")
    assert house.node.store.head.size == size


def test_what_was_public_when_it_was_written_is_read_from_the_log_though_it_is_hidden_now(
    house: House,
) -> None:
    club(house)
    founded(house, "C-1", 1)
    schema = {
        **dict(CLUB["schema"]),
        "properties": {**CLUB["schema"]["properties"], "seat": {"class": "personal"}},
    }
    later = {**CLUB, "schema": schema}
    house.node.submit([Proposal(".register", "club", "amend", 2, body={"fields": later})])
    size = house.node.store.head.size
    shown = house.shown("club", "C-1", "inspection", "seat")
    assert (shown.fields, shown.disclosed_by, house.node.store.head.size) == ({"seat": "Tartu"}, (0, 0), size)
    founded(house, "C-2", 1)
    size = house.node.store.head.size
    assert house.shown("club", "C-2", "inspection", "seat").disclosed_by == (size, 1)


class TestOfMany:
    """A look at an item about many persons counts as many, and all of them are told."""

    MEMBERS = MAX_PROPOSALS + 100

    @pytest.fixture
    def full(self, house: House) -> House:
        club(house)
        founded(house, "C-1", self.MEMBERS)
        return house

    def test_it_counts_those_who_are_told(self, full: House) -> None:
        with pytest.raises(Unauthorised, match=f"{self.MEMBERS:,} items are asked for"):
            full.shown("club", "C-1", "inspection", "members")
        assert log_of(full, "P-000000") == []

    def test_they_are_told_in_several_transactions_before_anything_is_shown(self, full: House) -> None:
        full.office.budgets = Budgets(full.office.desk, Limits(Limit(2_000, 2_000)))
        size = full.node.store.head.size
        shown = full.shown("club", "C-1", "inspection", "members")
        assert shown.disclosed_by == (size, self.MEMBERS)
        assert full.node.store.head.size == size + self.MEMBERS
        assert len(shown.fields["members"]) == self.MEMBERS
        reading = Reading(CLERK.officer, "inspection", "club")
        assert full.office.budgets.left(reading, full.office.registrar.now()) == 2_000 - self.MEMBERS

    def test_not_before_the_last_is_in_the_log(self, full: House) -> None:
        look = full.office.registrar.look([Ask("club", "inspection", key="C-1", fields=("members",))], CLERK)
        assert [len(each.proposals) for each in (look.submission, *look.more)] == [MAX_PROPOSALS, 100]
        first = full.raw(look.submission)
        with pytest.raises(Refused, match="before its disclosure is in the log"):
            look.open(first)  # type: ignore[arg-type]  # taken, as nothing stands against it


@pytest.mark.parametrize("register", ["disclosure", "notice"])
def test_nobody_but_the_office_writes_what_a_person_is_told(house: House, register: str) -> None:
    forged = Change(register, "amend", {"officer": "00000000000000bb", "purpose": "certificate"}, key=MARI)
    size = house.node.store.head.size
    with pytest.raises(Refused, match=f"the register {register} is written by the office alone"):
        house.file(forged)
    assert house.node.store.head.size == size


class TestACase:
    """What waits for a second officer is shown to that officer, and those whom it is about are told."""

    @pytest.fixture
    def case(self, town: House) -> str:
        changed = Change(
            "person",
            "correct",
            {"names": name("Tammsaar", "Mari")},
            key=MARI,
            merge=True,
            attachments=town.attached("evidence"),
        )
        waiting = town.file(changed).waiting
        assert waiting is not None
        return waiting.case

    def test_its_line_is_shown_without(self, town: House, case: str) -> None:
        assert town.office.case(case).register == "person"
        assert log_of(town, MARI) == []

    def test_its_content_is_told_to_whom_it_is_about(self, town: House, case: str) -> None:
        paper = town.office.paper(case, SECOND)
        assert paper.content is not None
        (told,) = log_of(town, MARI)
        assert (told["officer"], told["purpose"], told["case"]) == (SECOND.officer, "second-officer", case)
        assert told["record"] == town.record("person", MARI)
        assert "names" in cast("list[str]", told["fields"])

    def test_of_persons_who_are_named_in_it_too(self, town: House) -> None:
        wedding = marriage(BOOK, MARI, JAAN, "2026-11-10")
        town.taken(wedding)
        ended = Change("marriage", "annul", key=BOOK, status="void", attachments=town.attached("judgment"))
        waiting = town.file(ended).waiting
        assert waiting is not None
        town.office.paper(waiting.case, SECOND)
        assert [log_of(town, each)[0]["register"] for each in (MARI, JAAN)] == ["marriage", "marriage"]

    def test_while_it_waits_its_record_cannot_be_erased(self, town: House) -> None:
        town.taken(person(OLD, "1890-05-01", "Tammsaare", "Aleksandrine"))
        spelt = name("Tammsaar", "Aleksandrine")
        evidence = town.attached("evidence")
        change = Change("person", "correct", {"names": spelt}, key=OLD, merge=True, attachments=evidence)
        waiting = town.file(change).waiting
        assert waiting is not None
        wanted = Erasure("person", "no-longer-needed", "GDPR art. 17(1)(a)", key=OLD)
        with pytest.raises(Refused, match=f"waits on the desk as case {waiting.case}"):
            town.office.ask_erasure(wanted, CLERK)
        town.office.decide(waiting.case, SECOND, approved=False, reason="not shown")
        assert town.office.ask_erasure(wanted, CLERK).waiting is not None

    def test_nor_is_it_erased_where_one_came_in_after_it_was_asked_for(self, town: House) -> None:
        town.taken(person(OLD, "1890-05-01", "Tammsaare", "Aleksandrine"))
        wanted = Erasure("person", "no-longer-needed", "GDPR art. 17(1)(a)", key=OLD)
        asked = town.office.ask_erasure(wanted, CLERK).waiting
        spelt = name("Tammsaar", "Aleksandrine")
        evidence = town.attached("evidence")
        change = Change("person", "correct", {"names": spelt}, key=OLD, merge=True, attachments=evidence)
        waiting = town.file(change).waiting
        assert asked is not None
        assert waiting is not None
        with pytest.raises(Refused, match=f"as case {waiting.case}"):
            town.office.decide(asked.case, SECOND, approved=True, reason="the period is over")
        town.office.decide(waiting.case, SECOND, approved=False, reason="not shown")
        assert isinstance(town.office.carry_out(asked.case), Erased)


class TestSearch:
    """A status that only some purposes allow to be read is found for one of them alone."""

    @pytest.fixture
    def clubs(self, house: House) -> House:
        purposes = {
            "inspection": {"law": "the law on associations", "when": ["open"]},
            "court-order": {"law": "its order"},
        }
        club(house, purposes=purposes)
        for number, status in (("C-1", "open"), ("C-2", "banned")):
            house.taken(Change("club", fields={"number": number, "chair": "Mari Tamm"}, status=status))
        return house

    @pytest.mark.parametrize(
        ("purpose", "found"),
        [(None, {"C-1"}), ("inspection", {"C-1"}), ("court-order", {"C-1", "C-2"})],
    )
    def test_by_purpose(self, clubs: House, purpose: str | None, found: set[str]) -> None:
        query = Query("club", (Term("chair", "Mari Tamm"),), purpose)
        assert {each.record for each in clubs.office.search(query).matches} == found

    def test_a_purpose_that_the_register_does_not_name_finds_nothing(self, clubs: House) -> None:
        with pytest.raises(Refused, match="is no purpose"):
            clubs.office.search(Query("club", (Term("chair", "Mari Tamm"),), "curiosity"))
