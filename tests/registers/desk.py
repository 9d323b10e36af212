"""A registrar's desk to try the shipped registers on: what each constraint answers to one who sees every field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.ledger.constraints import (
    Fields,
    Question,
    Standing,
    Unknown,
    Verdict,
    check_constraints,
    enforcement,
    judge,
)
from counterfoil.ledger.definition import Definition, parse_definition
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, Proposal, Reference
from counterfoil.registers import shipped
from tests.ledger_fixture import COURT, LAND, START, MemoryState
from tests.registers.form import form

World = Mapping[tuple[str, str], tuple[str, Mapping[str, Json]]]
"""The records that there are: by register and key, their status and fields."""


def declared(register: str) -> dict[str, Json]:
    """The fields of the record of `.register` for a shipped register."""
    return shipped(register, LAND, COURT)


def definition(register: str) -> Definition:
    """A shipped register, compiled and checked as the ledger does when it is created."""
    compiled = parse_definition(register, declared(register))
    check_constraints(compiled)
    return compiled


class Desk:
    """`Sight` for one who sees every field of every record."""

    def __init__(self, world: World, now: int):
        self._world = world
        self.now = now

    def fields(self, content: Entry | Proposal | None) -> Fields:
        return Fields({} if content is None or content.body is None else content.body["fields"])

    def circumstances(self, content: Entry | Proposal | None) -> Mapping[str, Json] | None:
        return {}

    def name(self, register: str, value: Json) -> str | Unknown | None:
        return str(value)

    def follow(self, register: str, value: Json) -> Fields | Unknown | None:
        found = self._world.get((register, value))
        return Fields(found[1]) if found else None

    def standing(self, register: str, value: Json) -> Standing | Unknown:
        found = self._world.get((register, value))
        return Standing(True, found[0]) if found else Standing(False)

    def was(self, register: str, record: str) -> Standing | Unknown:
        return self.standing(register, record)

    def holder(self, scope: str, claim: str, value: Json) -> tuple[str, str] | Unknown | None:
        return None


def proposal(register: str, operation: str, status: str, fields: Mapping[str, Json], **own: Any) -> Proposal:
    """A change with all its fields, which states in the clear the references that its definition asks for."""
    shown = definition(register)
    roles = [each for each in shown.constraints if each.kind == "reference" and each.role is not None]
    references = [
        Reference(each.role or "", each.register or "", fields[name])
        for each in roles
        for name in each.fields
        if name in fields
    ]
    key = fields[str(shown.key)]
    body = {"fields": dict(fields)}
    return Proposal(
        register, key, operation, 1, status=status, body=body, references=tuple(references), **own
    )


def answers(
    after: Proposal, before: Proposal | None = None, *, world: World, now: int = START
) -> dict[str, Verdict]:
    """What each constraint of the register answers, by its name; those that are true are left out."""
    shown = definition(after.register)
    question = Question(shown, before, after, View(MemoryState(), now), [after], Desk(world, now))
    found = {each.name: judge(each, question).verdict for each in shown.constraints}
    return {name: verdict for name, verdict in found.items() if verdict is not Verdict.TRUE}


def broken(after: Proposal, before: Proposal | None = None, *, world: World, now: int = START) -> list[str]:
    """The names of the constraints that a change breaks."""
    found = answers(after, before, world=world, now=now)
    return [name for name, verdict in found.items() if verdict is Verdict.FALSE]


def faults(register: str, fields: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
    """Where and why a schema refuses fields, sorted."""
    schema = definition(register).full_schema
    return sorted(schema.faults(dict(fields))) if schema is not None else []


def rows(shown: Definition) -> list[str]:
    """The rows of the tables on a register's page: its fields, its rules and who enforces them, its core items."""
    told = []
    for name, rule in shown.rules.rules.items():
        schema = shown.fields.schema or {}
        what = schema["properties"][name].get("description", "")
        bold = f"**{name}**" if name in shown.rules.required else name
        found = ", ".join(rule.searchable)
        told.append(f"| {bold} | {rule.class_} | {found} | {what} | {form(schema, name)} |")
    for each in shown.constraints:
        by, remark = enforcement(shown, each)
        told.append(
            f"| {each.name} | {each.kind} | {by.value}{f' ({remark})' if remark else ''} | {each.citation or ''} |"
        )
    for purpose, allowed in shown.fields.purposes.items():
        told.append(f"| {purpose} | {allowed.law} | {', '.join(allowed.fields or ('all',))} |")
    core = shown.fields.core
    return told + [
        f"| {each.item} | {each.source} | {each.field or f'left out: {each.left_out}'} |" for each in core
    ]
