"""Whom it is told that a second officer sees what a case would change, before the officer does."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.ledger.fields import CIRCUMSTANCES
from counterfoil.registry.personal.change import Acting, Change, Draft
from counterfoil.registry.personal.drafting import Drafter
from counterfoil.registry.personal.opening import Items
from counterfoil.registry.personal.plan import SHARED, Plan
from counterfoil.registry.personal.secrets import DISCLOSURE, Pseudonyms, raw_text
from counterfoil.registry.personal.telling import SECOND_OFFICER, Telling, disclosures


def case_disclosures(
    drafter: Drafter,
    items: Items,
    pseudonyms: Pseudonyms,
    changes: Sequence[Change],
    acting: Acting,
    case: str,
) -> list[Draft]:
    """A disclosure for each person whom a change in the case names, or whom its record is about.

    Nothing is decrypted for it, and nothing judged: a case can be looked at after it has become impossible. Raises
    `Refused` where there is no register of disclosures.
    """
    drafts: list[Draft] = []
    for change in changes:
        plan = drafter.plan(change.register)
        if plan.personal:
            key, record = drafter.name(plan, change)
            hidden = _shown(drafter, plan, change, record)
            law = plan.definition.fields.law or "what a second officer decides, the officer sees"
            telling = Telling(SECOND_OFFICER, law[:500], plan.name, record, hidden, case=case)
            subjects = _concerned(drafter, items, pseudonyms, plan, change, key, record)
            drafts += disclosures(drafter.plan(DISCLOSURE), telling, subjects, acting)
    return drafts


def _shown(drafter: Drafter, plan: Plan, change: Change, record: str) -> list[str]:
    """The names of what is shown: all hidden fields of a record that there is, beside those that would change."""
    exists = change.operation != "erase" and drafter.latest(plan.name, record) is not None
    names = [name for name in (sorted(plan.hidden) if exists else change.fields) if name in plan.hidden]
    return [*names, *([CIRCUMSTANCES] if change.circumstances else [])]


def _concerned(
    drafter: Drafter,
    items: Items,
    pseudonyms: Pseudonyms,
    plan: Plan,
    change: Change,
    key: str | None,
    record: str,
) -> list[str]:
    found: list[str] = []
    before = drafter.latest(plan.name, record)
    if before is not None:
        _, parts = items.parts(before)
        found += map(raw_text, items.subjects(before, parts))
    if key is not None and plan.is_the_person(SHARED):
        found.append(pseudonyms.subject(key))
    found += map(pseudonyms.subject, plan.numbers(SHARED, dict(change.fields)))
    return found or [pseudonyms.subject_of_record(plan.name, record)]
