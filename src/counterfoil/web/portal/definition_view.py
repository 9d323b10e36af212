"""A register's rules with who enforces each, what else it asks, and why its items may be read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.ledger.constraints import enforcement
from counterfoil.ledger.definition import Constraint, Definition, DefinitionFields
from counterfoil.web.portal.sentences import ONE, asked_of, duration, listed, sentence
from counterfoil.web.portal.words import plural


class Rule(msgspec.Struct, frozen=True):
    """A rule by name, as a sentence, when it is asked, who enforces it, and the law behind it."""

    name: str
    said: str
    asked: str
    enforced: str
    remark: str
    citation: str | None


class PurposeLine(msgspec.Struct, frozen=True):
    """Why items may be read: the law, in which statuses, and which fields it opens."""

    name: str
    law: str
    statuses: str
    fields: str


def rules_of(definition: DefinitionFields) -> tuple[str, ...]:
    """A register's constraints, a sentence each."""
    return tuple(
        sentence(each) + (f" ({each.citation})" if each.citation else "") for each in definition.constraints
    )


def enforced_rules(register: str, definition: DefinitionFields) -> tuple[Rule, ...]:
    """The rules with who enforces each: every node, a second agency, or the submitting agency alone."""
    if not definition.constraints:
        return ()
    compiled = Definition(register, definition)
    return tuple(_rule(compiled, each) for each in definition.constraints)


def _rule(definition: Definition, constraint: Constraint) -> Rule:
    found = enforcement(definition, constraint)
    return Rule(
        constraint.name,
        sentence(constraint),
        asked_of(constraint),
        found.by.value,
        found.remark,
        constraint.citation,
    )


def purposes_of(definition: DefinitionFields) -> tuple[PurposeLine, ...]:
    """Why items may be read: the purpose, its law, in which statuses, and which fields it opens."""
    return tuple(
        PurposeLine(
            name,
            purpose.law,
            listed(purpose.when, "or") if purpose.when else "any",
            "all" if purpose.fields is None else ", ".join(purpose.fields),
        )
        for name, purpose in sorted(definition.purposes.items())
    )


def conditions_of(definition: DefinitionFields) -> tuple[str, ...]:
    """What a register asks beside its rules: a second officer, documents, time for objections; a sentence each."""
    return tuple(_conditions(definition))


def _conditions(definition: DefinitionFields) -> Iterator[str]:
    if definition.four_eyes:
        yield f"A second officer decides: {_changes(definition.four_eyes)}."
    for word, kinds in sorted(definition.attachments.items()):
        yield f"Documents are attached to {_changes([word])}: {', '.join(kinds)}."
    late = definition.late
    if late is not None:
        documents = f", with documents attached ({', '.join(late.attached)})" if late.attached else ""
        yield (
            f"What is entered more than {duration(late.after)} after its {late.field} is late: a second officer "
            f"decides{documents}."
        )
    objection = definition.objection
    if objection is not None:
        where = f", to {listed(objection.when, 'or')}" if objection.when else ""
        yield (
            f"There is time for objections of {plural(objection.days, 'day')} before {_changes(objection.operations)}"
            f"{where} takes effect."
        )
    if definition.authority_from is not None:
        yield f"The agency states what is valid from {definition.authority_from} on."


def _changes(words: tuple[str, ...] | list[str]) -> str:
    """Operations and statuses as what happens to a record."""
    return listed((ONE.get(each, f"what becomes {each}") for each in words), "or")
