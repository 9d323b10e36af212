"""A register's definition as people read it: its rules by name, when they are asked, its fields and purposes."""

from __future__ import annotations

import msgspec
import pytest

from counterfoil.ledger.definition import (
    Constraint,
    DefinitionFields,
    Effect,
    Late,
    Objection,
    Purpose,
)
from counterfoil.registers import names, shipped
from counterfoil.web.portal.definition_view import conditions_of, enforced_rules, purposes_of
from counterfoil.web.portal.field_view import fields_of
from counterfoil.web.portal.sentences import asked_of, sentence


def definition_of(name: str) -> DefinitionFields:
    return msgspec.convert(shipped(name, "EX/GOV/CIV"), DefinitionFields)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            Constraint("order", "o", ("spouse>date-of-birth", "date"), apart="P18Y"),
            "From date-of-birth of spouse to date 18 years pass at least",
        ),
        (Constraint("order", "o", ("date", ":now")), "date is not after today"),
        (Constraint("order", "o", ("mother>born", "born"), strict=True), "born of mother is before born"),
        (Constraint("immutable", "i", ("number", "child")), "Number and child never change"),
        (
            Constraint("sum", "s", ("holdings/*/number",), group="class", equals="=1"),
            "number of each of holdings add up to 1, for each class by itself",
        ),
        (
            Constraint("exclusive", "x", ("a", "b"), scope="s", claim="married", against=("dead",)),
            "No other live record claims married or dead for what a and b names",
        ),
        (
            Constraint(
                "blocked-by", "b", register="charge", role="title", status=("in-force",), until="expires"
            ),
            "No record of charge that is in-force names this one as title, until the day that its expires says",
        ),
        (
            Constraint("effect", "e", effect=Effect("person", "child", "create", "alive")),
            "With it goes, in the same transaction, a new record: the record of person that child leads to, to alive",
        ),
        (Constraint("authorised-by", "c", control=True), "Each version says who must agree to the next"),
        (
            Constraint("order", "o", ("a", "b"), says="both are eighteen on the day"),
            "Both are eighteen on the day",
        ),
    ],
)
def test_a_rule_is_told_in_its_own_sentence_or_in_one_for_its_kind(rule: Constraint, said: str) -> None:
    assert sentence(rule) == said


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Constraint("order", "o", ("a", "b")), "new records, changes and corrections"),
        (Constraint("order", "o", ("a", "b"), operations=("erase",)), "erasures"),
        (
            Constraint("order", "o", ("a", "b"), operations=("create",), when=("late", "registered")),
            "new records; while late or registered",
        ),
        (Constraint("transition", "t", initial=("a",)), "every entry"),
    ],
)
def test_it_is_said_when_a_rule_is_asked(rule: Constraint, said: str) -> None:
    assert asked_of(rule) == said


@pytest.mark.parametrize("name", names())
def test_every_rule_of_a_shipped_register_says_in_a_sentence_what_must_hold(name: str) -> None:
    rules = definition_of(name).constraints
    assert [rule.name for rule in rules if not rule.says] == []
    assert all(len(rule.says or "") <= 160 and not (rule.says or "").endswith(".") for rule in rules)


def test_a_marriage_s_rule_has_its_name_its_sentence_and_who_enforces_it() -> None:
    (rule,) = [
        each
        for each in enforced_rules("marriage", definition_of("marriage"))
        if each.name == "age-of-spouse-b"
    ]
    assert (rule.said, rule.asked) == (
        "Both are eighteen on the day",
        "new records, changes and corrections; while married",
    )
    assert (rule.enforced, rule.citation) == (
        "the submitting agency only",
        "1962 Convention on Consent to Marriage, art. 2; Convention on the Rights of the Child art. 1",
    )


def test_a_field_is_told_by_what_its_schema_refers_to() -> None:
    fields = {field.name: field for field in fields_of(definition_of("birth"))}
    date, names_, sex = fields["date"], fields["names"], fields["sex"]
    assert (date.kind, date.required, date.class_) == ("text", True, "personal")
    assert date.description == "ISO 8601-2 (EDTF): a year, month or day; ~ estimated, ? uncertain, % both"
    assert date.form is not None
    assert date.form.startswith("^[0-9]{4}")
    assert names_.kind == "list, each: script, family, given, use"
    assert sex.kind == "one of female, male, other, unknown"
    assert fields["rank-in-delivery"].kind == "whole number, 1 to 12"
    # What a field says itself stands before what it refers to.
    assert fields["district"].description == "Where the birth is registered"


def test_a_purpose_says_in_which_statuses_it_opens_what() -> None:
    definition = DefinitionFields(
        "t", "a", purposes={"audit": Purpose("Act s. 3", ("names", "sex"), ("registered",))}
    )
    (line,) = purposes_of(definition)
    assert (line.name, line.law, line.statuses, line.fields) == (
        "audit",
        "Act s. 3",
        "registered",
        "names, sex",
    )


def test_what_a_change_needs_beside_the_rules_is_said() -> None:
    definition = DefinitionFields(
        "t",
        "a",
        four_eyes=("correct", "late"),
        attachments={"annul": ("judgment",)},
        late=Late("date", "P1Y", attached=("evidence",)),
        objection=Objection(("amend",), 14),
    )
    assert conditions_of(definition) == (
        "A second officer decides: a correction or what becomes late.",
        "Documents are attached to the annulment: judgment.",
        "What is entered more than 1 year after its date is late: a second officer decides, with documents attached "
        "(evidence).",
        "There is time for objections of 14 days before a change takes effect.",
    )


def test_what_every_record_has_stands_first_and_then_what_its_sources_ask_for() -> None:
    names_ = [field.name for field in fields_of(definition_of("birth"))]
    definition = definition_of("birth")
    assert isinstance(definition.schema, dict)
    required = definition.schema["required"]
    assert set(names_[: len(required)]) == set(required)
    assert names_[0] == "entry-number"
