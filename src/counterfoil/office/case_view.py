"""What a case on the desk would do, as a second officer reads it: each record before and after, and why it waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from counterfoil.errors import CounterfoilError
from counterfoil.ledger.declared import Constraint
from counterfoil.office.papers import CHANGE, decode_change
from counterfoil.proof.canonical import Json, canonical
from counterfoil.registry.desk.case import READING, Case, Paper
from counterfoil.registry.personal.change import AS_FOUND, Draft
from counterfoil.registry.personal.judging import FOUR_EYES, LATE
from counterfoil.registry.personal.registrar import ERASURE, Registrar

WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        FOUR_EYES: "its register has a second officer decide such a change",
        LATE: "it is entered so late that a second officer decides",
        AS_FOUND: "it is taken over as it stood in an older book, and a second officer compares it with that",
        ERASURE: "a second officer decides every erasure",
        "budget": "the officer asks for more than the budget allows",
    }
)
"""What the reasons mean that are no rules."""


class Reason(msgspec.Struct, frozen=True):
    """Why a case waits: a rule that could not be decided, or one of `WORDS`."""

    name: str
    says: str
    citation: str | None = None


class FieldChange(msgspec.Struct, frozen=True):
    """A field that a change alters; None where it is not there."""

    field: str
    before: Json | None
    after: Json | None


class RecordChange(msgspec.Struct, frozen=True):
    """What becomes of one record. `follows`: from another change; then `changed` names fields without their values.

    `stands` are the fields of the record as it is, where it is.
    """

    register: str
    record: str
    operation: str
    before: str | None
    """The status that it has."""
    after: str | None
    """The status that it gets."""
    follows: bool
    fields: tuple[FieldChange, ...] = ()
    changed: tuple[str, ...] = ()
    stands: dict[str, Json] = {}


class Seen(msgspec.Struct, frozen=True):
    """A case, its content, and what that would do now; `impossible` says why it could not be done."""

    case: Case
    content: bytes | None
    reasons: tuple[Reason, ...] = ()
    changes: tuple[RecordChange, ...] = ()
    impossible: str | None = None


def seen_case(registrar: Registrar, paper: Paper) -> Seen:
    """Work out what a case would do. That it is shown must be in the log before."""
    case, content = paper
    drafts: Sequence[Draft] = ()
    impossible = None
    if case.kind == CHANGE and content is not None and case.standing in {"waiting", "approved"}:
        asked = decode_change(content)
        try:
            drafts = registrar.drafted(asked.changes, asked.acting)
        except CounterfoilError as error:
            impossible = str(error)
    changes = tuple(_change(draft) for draft in drafts)
    return Seen(
        case, content, tuple(_reason(each, case, drafts) for each in case.reasons), changes, impossible
    )


def _reason(name: str, case: Case, drafts: Sequence[Draft]) -> Reason:
    if name in WORDS or case.kind == READING:
        return Reason(name, WORDS.get(name, name))
    for draft in drafts:
        for rule in draft.plan.definition.constraints:
            if rule.name == name:
                return Reason(name, _undecided(rule), rule.citation)
    return Reason(name, "this rule cannot be decided by what is known")


def _undecided(rule: Constraint) -> str:
    says = rule.says or f"a rule of the kind {rule.kind}"
    return f"by what is known it cannot be decided, or it does not hold of what was found: {says}"


def _change(draft: Draft) -> RecordChange:
    before, after = draft.before_fields, draft.fields
    names = [
        name
        for name in sorted(before.keys() | after.keys())
        if canonical([before.get(name)]) != canonical([after.get(name)])
    ]
    status = draft.before.status if draft.before is not None else None
    if draft.effect:
        # What else changes was told to nobody yet: its fields are named, and what they hold is not shown.
        return RecordChange(
            draft.register, draft.record, draft.operation, status, draft.status, True, changed=tuple(names)
        )
    changes = tuple(FieldChange(name, before.get(name), after.get(name)) for name in names)
    return RecordChange(
        draft.register, draft.record, draft.operation, status, draft.status, False, changes, (), dict(before)
    )
