"""The civil registers that come with the software: in form, complete by their sources, strict in what they take."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import NotFound
from counterfoil.ledger.constraints import check_constraints, enforcement
from counterfoil.ledger.declared import ClaimTarget, Constraint
from counterfoil.ledger.definition import Definition, parse_definition
from counterfoil.ledger.operands import parse_operand, parse_path
from counterfoil.registers import names, shipped
from tests.registers.civil_examples import BIRTH, CONVICTION, EXAMPLES
from tests.registers.form import form

AUTHORITY = "EX/GOV/70000001"
EVENTS = ("birth", "marriage", "death")
ABOUT_PERSONS = ("person", *EVENTS, "criminal-record")
LOGS = ("disclosure", "notice")
CIVIL = (*ABOUT_PERSONS, *LOGS, "legal-hold")
ERASURE = ("erase",)
PAGES = Path(__file__).parents[2] / "docs" / "registers"


def definition(name: str) -> Definition:
    return parse_definition(name, shipped(name, AUTHORITY))


def constraint(register: str, name: str) -> Constraint:
    return next(each for each in definition(register).constraints if each.name == name)


def test_each_is_listed_and_kept_by_the_agency_that_asks() -> None:
    assert set(CIVIL) <= set(names())
    assert {definition(name).fields.authority for name in CIVIL} == {AUTHORITY}


def test_a_register_that_is_not_shipped_is_named_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="no register 'passport' comes with the software; there are birth, "):
        shipped("passport", AUTHORITY)


def test_changing_what_was_read_changes_no_later_reading() -> None:
    shipped("birth", AUTHORITY)["schema"]["properties"].clear()
    assert "child" in shipped("birth", AUTHORITY)["schema"]["properties"]


@pytest.mark.parametrize("name", CIVIL)
def test_the_ledger_takes_each_with_its_rules(name: str) -> None:
    check_constraints(definition(name))


# What stands in the clear, and about whom


@pytest.mark.parametrize("name", [*ABOUT_PERSONS, *LOGS])
def test_nothing_about_a_person_stands_in_the_log(name: str) -> None:
    read = definition(name)
    assert read.hidden == set(shipped(name, AUTHORITY)["schema"]["properties"])
    assert read.pseudonymous
    assert read.bodiless
    assert not read.itemless


def test_of_a_legal_hold_only_its_number_stands_in_the_log() -> None:
    read = definition("legal-hold")
    assert set(read.rules.rules) - read.hidden == {"number"}
    assert not read.pseudonymous


SPECIAL = {
    "person": set(),
    "birth": {
        *("weight", "gestational-age", "children-born-alive", "foetal-deaths", "last-live-birth"),
        *("finding", "recognition", "adoption", "original"),
    },
    "marriage": {"ended-court"},
    "death": {
        *("cause", "cause-chain", "contributing-causes", "manner", "autopsy", "pregnancy", "declaration"),
    },
    "criminal-record": {"offender", "convictions", "spent-after", "aliases", "identity-documents"},
}


@pytest.mark.parametrize("name", ABOUT_PERSONS)
def test_fields_of_special_categories_are_said_to_be(name: str) -> None:
    rules = definition(name).rules.rules.values()
    assert {rule.name for rule in rules if rule.class_ == "special"} == SPECIAL[name]


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        ("person", {"person"}),
        ("birth", {"child", "mother", "father", "second-parent"}),
        ("marriage", {"spouse-a", "spouse-b"}),
        ("death", {"deceased"}),
        ("criminal-record", {"offender"}),
        ("disclosure", {"person"}),
        ("notice", {"person"}),
        ("legal-hold", {"person"}),
    ],
)
def test_every_subject_has_fields_of_their_own(name: str, subjects: set[str]) -> None:
    read = definition(name)
    assert set(read.fields.subjects) == subjects
    assert {rule.subject for rule in read.rules.rules.values()} - {None} == subjects


# The sources' core items

BIRTHS = (
    *("Date of occurrence", "Date of registration", "Place of occurrence", "Locality of occurrence"),
    *("Place of registration", "Type of birth", "Attendant at birth", "Type of place of occurrence"),
    *("Sex", "Weight at birth", "Gestational age"),
    *("Date of birth", "Age", "Marital status", "Educational attainment", "Place of usual residence"),
    *("Locality of residence", "Children born alive to mother during her entire lifetime"),
    *("Birth order or parity", "Foetal deaths to mother during her entire lifetime"),
    *("Date of last previous live birth", "Interval since last previous live birth", "Date of marriage"),
    *("Date of birth", "Age", "Marital status", "Educational attainment", "Place of usual residence"),
    *("Recognition: date, kind and who recognises", "Adoption: date, kind and authority"),
    *("Legitimation", "Foetal deaths"),
)
DEATHS = (
    *("Date of occurrence", "Date of registration", "Place of occurrence", "Locality of occurrence"),
    *("Place of registration", "Cause of death", "Manner of death"),
    *("Whether autopsy findings were used to establish the cause", "Certifier", "Type of certification"),
    *(
        "Attendant at death",
        "Type of place of occurrence",
        "Pregnancy (deaths of women of child-bearing age)",
    ),
    *("Date of birth", "Age", "Sex", "Marital status", "Educational attainment", "Usual occupation"),
    *("Place of usual residence", "Locality of residence"),
    "Place of usual residence of the mother (deaths under one year of age)",
)
MARRIAGES = (
    *("Date of occurrence", "Date of registration", "Place of occurrence", "Locality of occurrence"),
    *(
        "Place of registration",
        "Type of marriage",
        "Date of birth of one",
        "Date of birth of the other",
        "Age",
    ),
    *("Marital status (previous) of one", "Marital status (previous) of the other"),
    *("Educational attainment of one", "Educational attainment of the other"),
    *("Place of usual residence of one", "Place of usual residence of the other", "Locality of residence"),
    *("Date of occurrence", "Date of registration", "Place of occurrence", "Place of registration"),
    *("Date of birth of one", "Date of birth of the other", "Age", "Educational attainment"),
    *("Place of usual residence of one", "Place of usual residence of the other", "Date of marriage"),
    *("Duration of marriage", "Number of dependent children"),
    *("Annulment: date", "Annulment: authority and case", "Judicial separation"),
)
CONVICTIONS = (
    *("Full name", "Date of birth", "Place of birth (town and country)", "Gender", "Nationality"),
    *("Previous names", "Date of conviction", "Name of the court"),
    *("Date on which the decision became final", "Date of the offence"),
    *("Name or legal classification of the offence", "Reference to the applicable legal provisions"),
    *("Sentence", "Supplementary penalties", "Security measures"),
    "Subsequent decisions that modify the enforcement of the sentence",
    *("Parents' names", "Reference number of the conviction", "Place of the offence"),
    *("Disqualifications arising from the conviction", "Identity number"),
    *(
        "Type and number of identification document",
        "Fingerprints",
        "Pseudonym and alias names",
        "Facial image",
    ),
    *("Surname and first names", "Date of birth", "Place of birth (town and country)"),
    *("Nationality or nationalities", "Gender", "Previous names", "Code of the convicting Member State"),
)
PERSONS = (
    *("Primary identifier", "Secondary identifier", "Name in the national script"),
    *("Transliteration into Latin characters", "Date of birth", "Sex", "Place of birth", "Nationality"),
    *("Holder's signature and portrait", "Date of birth", "Age", "Sex", "Marital status"),
    *("Place of usual residence", "Locality of residence", "Educational attainment"),
)


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("person", PERSONS),
        ("birth", BIRTHS),
        ("death", DEATHS),
        ("marriage", MARRIAGES),
        ("criminal-record", CONVICTIONS),
    ],
)
def test_every_core_item_of_the_source_has_a_field_or_a_reason(name: str, items: tuple[str, ...]) -> None:
    core = definition(name).fields.core
    assert tuple(each.item for each in core) == items
    assert [each.item for each in core if (each.field is None) == (each.left_out is None)] == []


@pytest.mark.parametrize("name", CIVIL)
def test_every_field_that_a_core_item_names_is_there(name: str) -> None:
    read = definition(name)
    missing = [each.field for each in read.fields.core if each.field and not _resolves(read, each.field)]
    assert missing == []


def _resolves(read: Definition, text: str) -> bool:
    operand = parse_operand(text)
    if operand.path is None:
        return operand.clock is not None or operand.literal is not None
    if operand.into is None:
        return _has(shipped(read.name, AUTHORITY)["schema"], operand.path.steps)
    followed = read.reference(str(operand.path))
    return (
        followed is not None
        and followed.register is not None
        and _has(shipped(followed.register, AUTHORITY)["schema"], operand.into.steps)
    )


def _has(schema: dict[str, Any], steps: tuple[str, ...]) -> bool:
    here: dict[str, Any] = schema
    for step in steps:
        here = here["items"] if step == "*" else here.get("properties", {}).get(step, {})
        if "$ref" in here:
            here = schema["$defs"][here["$ref"].removeprefix("#/$defs/")]
    return here != {}


# The rules hold together


@pytest.mark.parametrize("name", CIVIL)
def test_every_operand_of_a_rule_names_a_field_that_is_there(name: str) -> None:
    read = definition(name)
    operands = [(rule.name, text) for rule in read.constraints for text in _operands(rule)]
    assert [each for each in operands if not _resolves(read, each[1])] == []


def _operands(rule: Constraint) -> Iterator[str]:
    yield from rule.fields
    if rule.effect is not None:
        target = rule.effect.record
        yield target.claim.field if isinstance(target, ClaimTarget) else target
        yield from (text for text in rule.effect.set.values() if text is not None)


@pytest.mark.parametrize("name", CIVIL)
def test_every_status_that_a_rule_waits_for_can_be_reached(name: str) -> None:
    rules = definition(name).constraints
    reached = {status for rule in rules for status in _statuses(rule)}
    assert {status for rule in rules for status in rule.when} <= reached


@pytest.mark.parametrize("name", CIVIL)
def test_every_status_asked_of_another_register_can_be_reached_there(name: str) -> None:
    asked = [
        (rule.register, status)
        for rule in definition(name).constraints
        if rule.register is not None
        for status in rule.status
    ]
    assert [each for each in asked if each[1] not in _all_statuses(each[0])] == []


def _statuses(rule: Constraint) -> Iterator[str]:
    yield from rule.initial
    for following in rule.transitions.values():
        yield from following


def _all_statuses(register: str) -> set[str]:
    return {status for rule in definition(register).constraints for status in _statuses(rule)}


@pytest.mark.parametrize("name", EVENTS)
def test_every_effect_sets_fields_that_its_target_has(name: str) -> None:
    effects = [rule.effect for rule in definition(name).constraints if rule.effect is not None]
    for effect in effects:
        assert effect.set.keys() <= definition(effect.register).rules.rules.keys()
        assert effect.status is None or effect.status in _all_statuses(effect.register)
    assert {effect.register for effect in effects} == {
        "birth": {"person", "birth"},
        "marriage": set(),
        "death": {"person", "marriage"},
    }[name]


def test_a_birth_gives_the_person_all_that_a_person_needs() -> None:
    effect = constraint("birth", "creates-person").effect
    assert effect is not None
    assert definition("person").rules.required <= effect.set.keys()


def test_a_death_stands_against_a_marriage_and_a_marriage_against_a_death() -> None:
    marriage, death = constraint("marriage", "not-married-or-dead"), constraint("death", "dies-once")
    assert (marriage.scope, marriage.claim, marriage.against) == (death.scope, "married", ("dead",))
    assert (death.scope, death.claim, death.against) == (marriage.scope, "dead", ("married",))


@pytest.mark.parametrize("name", ABOUT_PERSONS)
def test_erasure_waits_for_the_end_of_retention_and_of_every_legal_hold(name: str) -> None:
    asked = [rule for rule in definition(name).constraints if rule.operations == ERASURE]
    assert [(rule.kind, rule.name) for rule in asked] == [
        ("order", "retention"),
        ("blocked-by", "legal-hold"),
    ]
    assert [rule.fields[-1] for rule in asked if rule.kind == "order"] == [":now"]
    assert all(rule.citation for rule in asked)


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("person", "P110Y"),
        ("birth", "P110Y"),
        ("marriage", "P80Y"),
        ("death", "P30Y"),
        ("criminal-record", None),
    ],
)
def test_how_long_each_is_kept(name: str, period: str | None) -> None:
    assert constraint(name, "retention").apart == period


def test_a_legal_hold_can_name_a_record_of_every_other_register_that_erases() -> None:
    holds = {rule.register for rule in definition("legal-hold").constraints if rule.role == "record"}
    erasing = {
        name
        for name in names()
        if any(
            rule.kind == "blocked-by" and rule.register == "legal-hold"
            for rule in definition(name).constraints
        )
    }
    assert holds == erasing


@pytest.mark.parametrize("name", CIVIL)
def test_every_purpose_has_a_law_and_names_fields_that_are_there(name: str) -> None:
    read = definition(name)
    assert read.fields.purposes
    for purpose in read.fields.purposes.values():
        assert purpose.law
        assert set(purpose.fields or ()) <= read.rules.rules.keys()


def test_statistics_name_nobody() -> None:
    numbers = {
        rule.name
        for name in ABOUT_PERSONS
        for rule in definition(name).rules.rules.values()
        if rule.name in {"number", "entry-number", "names", "names-a", "names-b"}
    } | {path for name in ABOUT_PERSONS for path in definition(name).fields.subjects.values() if path}
    for name in ("person", *EVENTS):
        asked = definition(name).fields.purposes["official-statistics"].fields
        assert asked is not None
        assert numbers.isdisjoint(asked)


def test_what_two_officers_decide() -> None:
    assert {name: set(definition(name).fields.four_eyes) for name in CIVIL} == {
        "person": {"correct", "annul", "close", "deceased", "void"},
        "birth": {"amend", "correct", "annul"},
        "marriage": {"amend", "correct", "close", "annul"},
        "death": {"amend", "correct", "annul"},
        "criminal-record": {"create", "amend", "correct", "annul", "close"},
        "disclosure": set(),
        "notice": set(),
        "legal-hold": {"create", "amend", "correct", "annul", "close"},
    }


@pytest.mark.parametrize("name", ABOUT_PERSONS)
def test_the_page_says_of_each_field_rule_and_purpose_what_the_definition_says(name: str) -> None:
    read = definition(name)
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert _rows(page, "Fields") == [
        (f"**{rule.name}**" if rule.name in read.rules.required else rule.name, rule.class_)
        for rule in read.rules.rules.values()
    ]
    forms = [row[-1] for row in _rows(page, "Fields", 6)]
    assert forms == [form(read.fields.schema or {}, name) for name in read.rules.rules]
    enforced = [(rule, enforcement(read, rule)) for rule in read.constraints]
    assert _rows(page, "Rules", 3) == [
        (rule.name, rule.kind, "; ".join(filter(None, (by.by.value, by.remark)))) for rule, by in enforced
    ]
    assert _rows(page, "Purposes") == [(key, each.law) for key, each in read.fields.purposes.items()]
    assert _rows(page, "Core items") == [(each.item, each.source) for each in read.fields.core]


def _rows(page: str, heading: str, columns: int = 2) -> list[tuple[str, ...]]:
    section = page.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [tuple(cell.strip() for cell in line.split("|")[1 : columns + 1]) for line in lines[1:]]


# What the schemas take


@pytest.mark.parametrize(
    ("name", "fields"), [(name, fields) for name, examples in EXAMPLES.items() for fields in examples]
)
def test_a_full_example_conforms(name: str, fields: dict[str, Any]) -> None:
    schema = definition(name).full_schema
    assert schema is not None
    assert list(schema.faults(fields)) == []


@pytest.mark.parametrize("name", CIVIL)
def test_the_examples_show_every_field(name: str) -> None:
    shown = {field for fields in EXAMPLES[name] for field in fields}
    assert shown == definition(name).rules.rules.keys()


@pytest.mark.parametrize("name", CIVIL)
def test_each_required_field_is_missed(name: str) -> None:
    read = definition(name)
    assert read.full_schema is not None
    for field in read.rules.required:
        lacking = {key: value for key, value in EXAMPLES[name][0].items() if key != field}
        assert [(place, field in reason) for place, reason in read.full_schema.faults(lacking)] == [
            ("", True)
        ]


@pytest.mark.parametrize("name", CIVIL)
def test_a_field_that_is_not_declared_is_refused(name: str) -> None:
    schema = definition(name).full_schema
    assert schema is not None
    faults = list(schema.faults({**EXAMPLES[name][0], "religion": "x"}))
    assert [place for place, _ in faults] == [""]
    assert "'religion' was unexpected" in faults[0][1]


WRONG: list[tuple[str, str, Any, str]] = [
    ("person", "number", "a 1", "/number"),
    ("person", "names", [], "/names"),
    ("person", "names", [{"script": "latin", "use": "birth", "family": "Tamm"}], "/names/0/script"),
    ("person", "names", [{"script": "Latn", "use": "birth"}], "/names/0"),
    ("person", "names", [{"script": "Latn", "use": "nickname", "given": "Mari"}], "/names/0/use"),
    ("person", "sex", "F", "/sex"),
    ("person", "date-of-birth", "11.12.1990", "/date-of-birth"),
    ("person", "date-of-birth", "1990-13", "/date-of-birth"),
    ("person", "date-of-birth", "~1990", "/date-of-birth"),
    ("person", "nationality", ["EE"], "/nationality/0"),
    ("person", "nationality", ["EST", "EST"], "/nationality"),
    ("person", "place-of-birth", {"place": "Tartu"}, "/place-of-birth"),
    ("person", "address", {"lines": [], "country": "EST"}, "/address/lines"),
    ("person", "mother", {"number": "P-100"}, "/mother"),
    ("birth", "entry-number", "349-2026-17", "/entry-number"),
    ("birth", "type", "stillbirth", "/type"),
    ("birth", "time", "24:00", "/time"),
    ("birth", "weight", "3.4 kg", "/weight"),
    ("birth", "weight", 34, "/weight"),
    ("birth", "gestational-age", 60, "/gestational-age"),
    ("birth", "birth-type", "twins", "/birth-type"),
    ("birth", "mother-education", 9, "/mother-education"),
    ("birth", "informant", {"relation": "father"}, "/informant"),
    ("birth", "original", "17", "/original"),
    ("marriage", "spouse-a", ["P-100"], "/spouse-a"),
    ("marriage", "date", "next week", "/date"),
    ("marriage", "witnesses", [{"name": ""}], "/witnesses/0/name"),
    ("marriage", "ended-by", "desertion", "/ended-by"),
    ("marriage", "dependent-children", -1, "/dependent-children"),
    ("death", "cause", "heart failure", "/cause"),
    ("death", "cause", "I21.123", "/cause"),
    ("death", "manner", "natural", "/manner"),
    ("death", "cause-chain", [], "/cause-chain"),
    ("death", "autopsy", {"performed": "yes"}, "/autopsy/performed"),
    ("death", "certifier", {"name": "A. Saar", "capacity": "friend"}, "/certifier/capacity"),
    ("criminal-record", "convictions", [], "/convictions"),
    ("criminal-record", "spent-after", "2031", "/spent-after"),
    ("criminal-record", "convictions", [CONVICTION | {"final": "2020?"}], "/convictions/0/final"),
    ("criminal-record", "convictions", [CONVICTION | {"offences": []}], "/convictions/0/offences"),
    (
        *("criminal-record", "convictions"),
        [CONVICTION | {"sentences": [{"kind": "sentence", "duration": "3 years"}]}],
        "/convictions/0/sentences/0/duration",
    ),
    (
        *("criminal-record", "convictions"),
        [CONVICTION | {"offences": [{"name": "Theft", "provision": "§ 199", "category": "theft"}]}],
        "/convictions/0/offences/0/category",
    ),
    ("disclosure", "fields", "names", "/fields"),
    ("disclosure", "officer", "Mari Tamm", "/officer"),
    ("disclosure", "version", 0, "/version"),
    ("notice", "kind", "advertisement", "/kind"),
    ("notice", "object-until", "soon", "/object-until"),
    ("notice", "language", "Estonian language", "/language"),
    ("legal-hold", "ordered-on", "2026-11", "/ordered-on"),
    ("legal-hold", "person", "Mari Tamm", "/person"),
]


@pytest.mark.parametrize(("name", "field", "value", "place"), WRONG)
def test_a_wrong_value_is_refused_where_it_stands(name: str, field: str, value: Any, place: str) -> None:
    schema = definition(name).full_schema
    assert schema is not None
    faults = list(schema.faults({**EXAMPLES[name][0], field: value}))
    assert [found for found, _ in faults] == [place]


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("birth", {"mother": None}, "is not valid under any of the schemas"),
        ("birth", {"father": None}, "is not valid under any of the schemas"),
        ("birth", {"type": "foundling"}, '"finding" is a required property'),
        ("birth", {"type": "foreign-document"}, '"foreign-document" is a required property'),
        ("birth", {"type": "adoption"}, '"adoption" is a required property'),
        ("marriage", {"ended-on": None}, '"ended-on" is a required property'),
        ("death", {"type": "court-declared", "declaration": None}, '"declaration" is a required property'),
        ("legal-hold", {"person": None}, "is not valid under any of the schemas"),
        ("legal-hold", {"birth": "349/2026/17"}, "is valid under more than one of the schemas"),
    ],
)
def test_what_belongs_together_is_asked_together(name: str, change: dict[str, Any], reason: str) -> None:
    schema = definition(name).full_schema
    assert schema is not None
    changed = {key: value for key, value in (EXAMPLES[name][0] | change).items() if value is not None}
    assert reason in " ".join(said for _, said in schema.faults(changed))


def test_a_parent_may_be_unknown_for_a_reason() -> None:
    schema = definition("birth").full_schema
    assert schema is not None
    unknown = deepcopy(BIRTH)
    del unknown["father"], unknown["mother"]
    unknown |= {"mother-unknown": "anonymous-birth", "father-unknown": "not-established"}
    assert list(schema.faults(unknown)) == []


@pytest.mark.parametrize("date", ["1931", "1931-07", "1931-07-09", "1931~", "1931-07?", "1931-07-09%"])
def test_a_date_may_be_partial_estimated_or_uncertain(date: str) -> None:
    schema = definition("person").full_schema
    assert schema is not None
    assert schema.accepts(EXAMPLES["person"][0] | {"date-of-birth": date})


def test_a_path_of_the_definition_is_read_as_the_ledger_reads_it() -> None:
    slots = definition("birth").fields.subjects
    assert {slot: parse_path(path).field for slot, path in slots.items() if path} == {
        "child": "child",
        "father": "father",
        "mother": "mother",
        "second-parent": "second-parent",
    }
