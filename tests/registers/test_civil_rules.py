"""What the civil registers refuse: by every node of a ledger, and by an agency that sees all fields."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec import structs

from counterfoil.errors import Violated
from counterfoil.ledger.constraints import UNKNOWN, Fields, Question, Standing, Unknown, Verdict, judge
from counterfoil.ledger.definition import Definition, parse_definition
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import canonical, digest
from counterfoil.proof.entry import Claim, Entry, Proposal, Reference
from counterfoil.registers import shipped
from tests.ledger_fixture import LAND, START, Ledgerhouse, MemoryState, change, claim, create, refused
from tests.registers.civil_examples import BIRTH, DEATH, LEGAL_HOLD, MARRIAGE, PERSON

REGISTERS = ("person", "birth", "marriage", "death", "criminal-record", "legal-hold")


def named(register: str, key: str) -> str:
    """A record's pseudonym, as far as nodes can tell."""
    return urlsafe_b64encode(sha256(canonical([register, key])).digest()).rstrip(b"=").decode()


def item(fields: Mapping[str, Any]) -> str:
    """An item's commitment, as far as nodes can tell."""
    return digest(canonical(dict(fields)))


def of_person(state: str, person: str) -> Claim:
    return claim(state, person, scope="births" if state in {"born", "birth-replaced"} else "civil-status")


# ---- Every node ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The store of a ledger that has the civil registers."""
    folder = tmp_path_factory.mktemp("civil")
    house = Ledgerhouse(folder, LAND)
    for name in REGISTERS:
        house.define(name, **shipped(name, LAND))
    house.close()
    return (folder / "store.db").read_bytes()


@pytest.fixture
def house(founded: bytes, tmp_path: Path) -> Iterator[Ledgerhouse]:
    (tmp_path / "store.db").write_bytes(founded)
    ledger = Ledgerhouse(tmp_path)
    yield ledger
    ledger.close()


def person(number: str, version: int = 1, status: str = "alive", operation: str | None = None) -> Proposal:
    operation = operation or ("create" if version == 1 else "amend")
    fields = PERSON | {"number": number, "version": version}
    return change("person", named("person", number), version, operation, status=status, item=item(fields))


def marriage(entry: str, *spouses: str, version: int = 1, **content: Any) -> Proposal:
    claims = tuple(of_person("married", each) for each in spouses)
    stated: dict[str, Any] = {"status": "married", "claims": claims, "item": item(MARRIAGE), **content}
    operation = stated.pop("operation", "create")
    return change("marriage", named("marriage", entry), version, operation, **stated)


def death(entry: str, deceased: str) -> Proposal:
    claims = (of_person("dead", deceased),)
    return create("death", named("death", entry), status="registered", claims=claims, item=item(DEATH))


def birth(entry: str, child: str, status: str = "registered") -> Proposal:
    claims = (of_person("born", child),) if status == "registered" else ()
    return create("birth", named("birth", entry), status=status, claims=claims, item=item(BIRTH))


def test_a_birth_creates_the_person(house: Ledgerhouse) -> None:
    house.taken(birth("349/2026/17", "P-1"), person("P-1"))
    refused(house.submit(birth("349/2026/18", "P-2")), Violated, "creates-person")


def test_a_late_birth_creates_nobody_until_it_is_decided(house: Ledgerhouse) -> None:
    house.taken(birth("349/2026/17", "P-1", "declared"))
    late: dict[str, Any] = {"status": "late", "claims": (of_person("born", "P-1"),), "item": item(BIRTH)}
    decided = change("birth", named("birth", "349/2026/17"), 2, **late)
    refused(house.submit(decided), Violated, "reaches-person")
    house.taken(decided, person("P-1"))


def test_a_birth_cannot_begin_as_late_or_recognised(house: Ledgerhouse) -> None:
    for status in ("late", "recognised", "replaced", "void"):
        refused(house.submit(birth("349/2026/17", "P-1", status)), Violated, "status")


def test_nobody_is_born_twice(house: Ledgerhouse) -> None:
    house.taken(birth("349/2026/17", "P-1"), person("P-1"))
    second = house.submit(birth("349/2026/18", "P-1"), person("P-1", 2))
    refused(second, Violated, "claims what another live record holds|creates-person")


def test_an_entry_by_adoption_takes_the_place_of_the_original(house: Ledgerhouse) -> None:
    house.taken(birth("349/2026/17", "P-1"), person("P-1"))
    house.taken(birth("349/2026/20", "P-1", "declared"))
    claims = (of_person("born", "P-1"),)
    adopted = change(
        "birth", named("birth", "349/2026/20"), 2, status="registered", claims=claims, item=item(BIRTH)
    )
    sealed = change("birth", named("birth", "349/2026/17"), 2, "close", status="replaced")
    child = person("P-1", 2, operation="correct")
    refused(house.submit(adopted, child), Violated, "claims what another live record holds")
    house.taken(adopted, sealed, child)
    assert house.holds(of_person("born", "P-1")) == ("birth", named("birth", "349/2026/20"))


def test_who_is_married_is_not_married_again_by_two_transactions_in_one_block(house: Ledgerhouse) -> None:
    first = house.transaction(marriage("349/2026/1", "P-1", "P-2"))
    second = house.transaction(marriage("349/2026/2", "P-1", "P-3"))
    taken, refusal = house.send(first, second)
    assert taken.error is None
    refused(refusal, Violated, "claims what another live record holds")


def test_a_marriage_states_a_claim_for_each_spouse(house: Ledgerhouse) -> None:
    refused(house.submit(marriage("349/2026/1", "P-1")), Violated, "not-married-or-dead")
    refused(house.submit(marriage("349/2026/1", "P-1", "P-1")), Violated, "twice|married")


def test_the_dead_do_not_marry(house: Ledgerhouse) -> None:
    house.taken(person("P-1"))
    house.taken(death("349/2026/9", "P-1"), person("P-1", 2, "deceased"))
    refused(house.submit(marriage("349/2026/1", "P-1", "P-2")), Violated, "not-married-or-dead")


def test_nobody_dies_twice(house: Ledgerhouse) -> None:
    house.taken(person("P-1"))
    house.taken(death("349/2026/9", "P-1"), person("P-1", 2, "deceased"))
    second = house.submit(death("349/2026/10", "P-1"), person("P-1", 3, "deceased"))
    refused(second, Violated, "claims what another live record holds")


def test_a_death_ends_the_person_and_the_marriage_with_itself(house: Ledgerhouse) -> None:
    house.taken(person("P-1"), person("P-2"))
    house.taken(marriage("349/2026/1", "P-1", "P-2"))
    died, deceased = death("349/2026/9", "P-1"), person("P-1", 2, "deceased")
    widowed = marriage("349/2026/1", version=2, operation="amend", status="widowed", claims=())
    refused(house.submit(died, deceased), Violated, "dies-once")
    refused(house.submit(died, widowed), Violated, "ends-life")
    house.taken(died, deceased, widowed)
    assert house.holds(of_person("married", "P-2")) is None
    house.taken(marriage("349/2027/1", "P-2", "P-3"))


def test_the_divorced_may_marry_again(house: Ledgerhouse) -> None:
    house.taken(marriage("349/2026/1", "P-1", "P-2"))
    house.taken(marriage("349/2026/1", version=2, operation="close", status="divorced", claims=()))
    house.taken(marriage("349/2026/2", "P-1", "P-3"))


def test_a_marriage_of_an_old_book_is_in_the_way_of_another_until_its_end_is_entered(
    house: Ledgerhouse,
) -> None:
    unclaimed = marriage("12/1890/4", status="as-found", claims=())
    refused(house.submit(unclaimed), Violated, "not-married-by-an-old-book")
    house.taken(marriage("12/1890/4", "P-1", "P-2", status="as-found"))
    for status in ("married", "as-found"):
        again = marriage("12/1893/5", "P-1", "P-3", status=status)
        refused(house.submit(again), Violated, "claims what another live record holds")
    house.taken(marriage("12/1890/4", version=2, operation="amend", status="widowed", claims=()))
    house.taken(marriage("12/1893/5", "P-1", "P-3", status="as-found"))


def test_nobody_dies_a_second_time_who_died_in_an_old_book(house: Ledgerhouse) -> None:
    house.taken(structs.replace(death("12/1890/4", "P-1"), status="as-found"))
    second = house.submit(death("349/2026/9", "P-1"), person("P-1"), person("P-1", 2, "deceased"))
    refused(second, Violated, "claims what another live record holds")


def test_a_person_comes_back_to_life_by_correction_alone(house: Ledgerhouse) -> None:
    house.taken(person("P-1"))
    house.taken(person("P-1", 2, "deceased"))
    refused(house.submit(person("P-1", 3, "alive")), Violated, "back-to-life-by-correction")
    house.taken(person("P-1", 3, "alive", "correct"))


def test_a_personal_field_in_the_clear_is_refused(house: Ledgerhouse) -> None:
    shown = create("person", named("person", "P-1"), status="alive", item=item(PERSON), sex="female")
    refused(house.submit(shown), Violated, "sex")


def test_what_is_under_a_legal_hold_is_not_erased(house: Ledgerhouse) -> None:
    house.taken(person("P-1"))
    held = named("person", "P-1")
    number = {"number": "LH/2026/4"}
    house.taken(
        create(
            "legal-hold",
            "LH/2026/4",
            status="in-force",
            body={"fields": number},
            item=item(LEGAL_HOLD),
            references=(Reference("record", "person", held),),
        )
    )
    erased = change("person", held, 2, "erase", status="alive")
    refused(house.submit(erased), Violated, "legal-hold")
    house.taken(change("legal-hold", "LH/2026/4", 2, "close", status="lifted", body={"fields": number}))
    house.taken(erased)


# ---- The agency, with all fields -------------------------------------------------------------------


class Known(NamedTuple):
    """A record as the agency knows it."""

    status: str
    fields: Mapping[str, Any] = {}


World = Mapping[tuple[str, str], Known]


class OpenEyes:
    """Sees every field: of the entry that is asked about, and of the records of a small world."""

    def __init__(self, world: World, fields: Mapping[str, Any], now: int):
        self._world, self._fields, self._now = world, fields, now

    @property
    def now(self) -> int:
        return self._now

    def fields(self, content: Entry | Proposal | None) -> Fields:
        return Fields(self._fields if content is not None else {})

    def circumstances(self, content: Entry | Proposal | None) -> Mapping[str, Any]:
        return {}

    def name(self, register: str, value: Any) -> str | None:
        return named(register, value)

    def follow(self, register: str, value: Any) -> Fields | None:
        known = self._world.get((register, value))
        return None if known is None else Fields(known.fields)

    def standing(self, register: str, value: Any) -> Standing:
        known = self._world.get((register, value))
        return Standing(False) if known is None else Standing(True, known.status)

    def was(self, register: str, record: str) -> Unknown:
        return UNKNOWN

    def holder(self, scope: str, name: str, value: Any) -> Unknown:
        return UNKNOWN


def asked(
    register: str,
    fields: Mapping[str, Any],
    world: World,
    status: str,
    operation: str = "create",
    kinds: Sequence[str] = ("order", "reference"),
    now: int = START,
) -> dict[str, str]:
    """What these kinds of constraints say of an entry; those that are true are left out."""
    definition: Definition = parse_definition(register, shipped(register, LAND))
    after = change(register, named(register, "1"), 1, operation, status=status, item=item(fields))
    view = View(MemoryState(), now)
    question = Question(definition, None, after, view, (after,), OpenEyes(world, fields, now))
    answers = {
        each.name: judge(each, question).verdict for each in definition.constraints if each.kind in kinds
    }
    return {name: verdict.value for name, verdict in answers.items() if verdict is not Verdict.TRUE}


def people(**born: str | None) -> dict[tuple[str, str], Known]:
    """Living persons with these dates of birth."""
    return {
        ("person", name): Known("alive", {} if date is None else {"date-of-birth": date})
        for name, date in born.items()
    }


WEDDING = {name: value for name, value in MARRIAGE.items() if not name.startswith("ended-")} | {
    "spouse-a": "A",
    "spouse-b": "B",
    "date": "2026-11-20",
}


@pytest.mark.parametrize(
    ("born", "answer"),
    [
        ("2008-11-20", {}),
        ("2008-11-21", {"age-of-spouse-a": "false"}),
        ("2009", {"age-of-spouse-a": "false"}),
        ("2008", {"age-of-spouse-a": "undecidable"}),
        ("2007", {}),
        ("1990~", {"age-of-spouse-a": "undecidable"}),
        (None, {"age-of-spouse-a": "undecidable"}),
    ],
)
def test_nobody_marries_before_eighteen(born: str | None, answer: dict[str, str]) -> None:
    assert asked("marriage", WEDDING, people(A=born, B="1990"), "married") == answer


def test_spouses_are_alive_and_known() -> None:
    world = people(A="1990") | {("person", "B"): Known("deceased", {"date-of-birth": "1991"})}
    assert asked("marriage", WEDDING, world, "married") == {"spouses-alive": "false"}
    unknown = asked("marriage", WEDDING, people(A="1990"), "married")
    assert unknown["spouses-alive"] == "false"


def test_an_old_book_is_not_asked_what_is_asked_today() -> None:
    assert asked("marriage", WEDDING | {"date": "1890-05"}, {}, "as-found") == {}


def test_a_marriage_is_not_registered_before_its_day() -> None:
    tomorrow = WEDDING | {"date": "2026-11-24"}
    assert asked("marriage", tomorrow, people(A="1990", B="1990"), "married") == {
        "celebrated-already": "false"
    }


@pytest.mark.parametrize(
    ("born", "date", "answer"),
    [
        ("1931-07-09", "2026-11-20", {}),
        ("1931-07-09", "1931-07-09", {}),
        ("1931-07-09", "1931-07-08", {"after-birth": "false"}),
        ("1931", "1931-07-08", {"after-birth": "undecidable"}),
        ("1932", "1931", {"after-birth": "false"}),
        (None, "2026-11-20", {"after-birth": "undecidable"}),
        ("1931-07-09", "2026-11-24", {"died-already": "false"}),
    ],
)
def test_nobody_dies_before_birth_or_tomorrow(born: str | None, date: str, answer: dict[str, str]) -> None:
    fields = {} if born is None else {"date-of-birth": born}
    world = {("person", "D"): Known("deceased", fields)}
    assert asked("death", DEATH | {"deceased": "D", "date": date}, world, "registered") == answer


def test_a_death_that_leaves_its_person_alive_is_refused() -> None:
    world = people(D="1931")
    assert asked("death", DEATH | {"deceased": "D"}, world, "registered") == {"person-deceased": "false"}


CHILD = {key: value for key, value in BIRTH.items() if key not in {"mother", "father"}} | {"child": "C"}


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"mother": "M", "father": "F"}, {}),
        ({"mother": "M", "father-unknown": "not-established"}, {}),
        ({"mother": "Y", "father": "F"}, {"mother-older": "false"}),
        ({"mother": "M", "father": "Y"}, {"father-older": "false"}),
        ({"mother": "U", "father": "F"}, {"mother-older": "undecidable"}),
        (
            {"mother": "M", "father": "X"},
            {"parents-registered": "false", "parents-alive": "false", "father-older": "undecidable"},
        ),
        ({"mother": "M", "father": "F", "date": "2026-12"}, {"born-already": "false"}),
    ],
)
def test_parents_are_registered_and_older(fields: dict[str, str], answer: dict[str, str]) -> None:
    world = people(C="2026-02-03", M="1990", F="1988-04", Y="2026-02-03", U=None)
    assert asked("birth", CHILD | fields, world, "registered") == answer


@pytest.mark.parametrize(
    ("register", "fields", "answer"),
    [
        ("person", PERSON | {"date-of-birth": "1916-11-22"}, {}),
        ("person", PERSON | {"date-of-birth": "1916-11-24"}, {"retention": "false"}),
        ("person", PERSON | {"date-of-birth": "1916"}, {"retention": "undecidable"}),
        ("birth", BIRTH | {"date": "1916-11-22"}, {}),
        ("birth", BIRTH, {"retention": "false"}),
        ("marriage", MARRIAGE | {"date": "1946-11-23"}, {}),
        ("marriage", MARRIAGE, {"retention": "false"}),
        ("death", DEATH | {"date": "1996-11-23"}, {}),
        ("death", DEATH, {"retention": "false"}),
        ("criminal-record", {"spent-after": "2026-11-22"}, {}),
        ("criminal-record", {"spent-after": "2031-06-20"}, {"retention": "false"}),
    ],
)
def test_nothing_is_erased_before_its_time(
    register: str, fields: dict[str, Any], answer: dict[str, str]
) -> None:
    assert asked(register, fields, {}, "registered", "erase") == answer
