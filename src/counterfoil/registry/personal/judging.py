"""The agency's own judgement of a change, with every field: what the ledger cannot see, it asks here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from counterfoil.errors import Refused, Violated
from counterfoil.ledger.constraints import Question, Verdict, judge
from counterfoil.ledger.dates import day_of, later, parse_date, parse_duration
from counterfoil.ledger.declared import Constraint
from counterfoil.ledger.settlement import broken
from counterfoil.ledger.view import View
from counterfoil.proof.entry import Proposal
from counterfoil.registry.personal.change import AS_FOUND, Decision, Draft
from counterfoil.registry.personal.sight import FullSight

ON_FIELDS: Final = ("order", "reference", "sum")
"""The kinds of constraints that ask what an entry's fields say, and nothing of what it claims or who agrees."""
FOUR_EYES: Final = "four-eyes"
"""The reason of a change that the register's definition leaves to two officers."""
LATE: Final = "late"
"""The reason of a new record that is entered long after its day."""
OPERATOR: Final = "operator"


@dataclass
class Findings:
    """What was found that does not refuse a change by itself: reasons why a second officer must look at it, as words.

    `undecided` and `broken` name constraints, by the index of the draft.
    """

    reasons: list[str] = field(default_factory=list)
    undecided: dict[int, list[str]] = field(default_factory=dict)
    broken: dict[int, list[str]] = field(default_factory=dict)


def judge_drafts(
    view: View, sight: FullSight, drafts: Sequence[Draft], proposals: Sequence[Proposal]
) -> Findings:
    """Ask every constraint of every draft that the ledger cannot answer by itself.

    Of an erasure every one, as it lies on the desk first, where the ledger has not seen it.

    Raises `Violated` for one that is broken, unless the entry is taken over as found: then it is listed. What stands in
    the way of an erasure does so whatever the record is.
    """
    findings = Findings()
    for number, (draft, proposal) in enumerate(zip(drafts, proposals, strict=True)):
        definition = draft.plan.definition
        question = Question(definition, draft.before, proposal, view, proposals, sight)
        for constraint in _asked_here(draft, proposal):
            answer = judge(constraint, question)
            if answer.verdict is Verdict.FALSE:
                if not draft.found or proposal.operation == "erase":
                    raise broken(constraint, proposal, answer)
                findings.broken.setdefault(number, []).append(constraint.name)
            elif answer.verdict is Verdict.UNDECIDABLE:
                findings.undecided.setdefault(number, []).append(constraint.name)
                findings.reasons.append(constraint.name)
    return findings


def _asked_here(draft: Draft, proposal: Proposal) -> Iterable[Constraint]:
    operation, status = proposal.operation, proposal.status
    if draft.found and operation != "erase":
        return [_as_today(each) for each in draft.plan.definition.constraints if each.concerns(operation)]
    asked = draft.plan.definition.constraints if operation == "erase" else draft.plan.judged_here
    return [each for each in asked if each.applies(operation, status)]


def _as_today(constraint: Constraint) -> Constraint:
    """A rule on fields as it is asked of an entry in force: what was found in an old book is measured by it too."""
    return replace(constraint, when=()) if constraint.kind in ON_FIELDS else constraint


def second_officer_reasons(draft: Draft, now: int) -> Iterable[str]:
    """Why a change needs a second officer whatever the constraints say: words, as a case of the desk has them.

    What one officer transcribed from an older book, another checks. `now` is in seconds since 1970.
    """
    if draft.effect:
        return
    words = draft.plan.definition.fields.four_eyes
    brought = draft.before is None or draft.before.status != draft.status
    if draft.operation in words or (brought and draft.status in words):
        yield FOUR_EYES
    if is_late(draft, now):
        yield LATE
    if draft.found:
        yield AS_FOUND


def is_late(draft: Draft, now: int) -> bool:
    """Whether a new record is entered so long after its day that a second officer decides (`definition.Late`).

    What an operator takes over from another system counts from when it was recorded there.
    """
    late, day = draft.plan.definition.fields.late, None
    if late is not None and draft.operation == "create" and not (draft.effect or draft.found):
        day = draft.fields.get(late.field)
    if late is None or not isinstance(day, str) or (late.when and draft.status not in late.when):
        return False
    recorded = draft.circumstances.get("recorded")
    taken_over = draft.circumstances["actor"] == OPERATOR and isinstance(recorded, str)
    since = parse_date(recorded) if taken_over and isinstance(recorded, str) else day_of(now)
    return later(parse_date(day), parse_duration(late.after)).first < since.last


def check_decided(decision: Decision | None, reasons: Sequence[str]) -> None:
    """Raise `Refused` where there are reasons for a second officer that the one who decided has not seen."""
    if decision is None or decision.of is None:
        return
    unseen = [each for each in reasons if each not in decision.of]
    if unseen:
        raise Refused(
            f"since this was laid on the desk another reason has come up for a second officer ({', '.join(unseen)}), "
            "and what was decided was decided without it; ask for the change anew"
        )


def check_recorded(draft: Draft, now: int) -> None:
    """Raise `Violated` where an older book is said to have recorded something that was still to come."""
    recorded = draft.circumstances.get("recorded")
    if isinstance(recorded, str) and parse_date(recorded).first > day_of(now).last:
        raise Violated(
            "an older book cannot have recorded it at a time that is still to come; give the day that the book has",
            constraint="recorded",
            field="recorded",
            citation=draft.plan.definition.fields.law,
        )


def check_own_record(draft: Draft, subject: str | None, subjects: Iterable[str]) -> None:
    """Raise `Violated` where an officer would act on a record about themselves."""
    if subject is not None and subject in subjects:
        raise Violated(
            f"an officer may not act on their own record, and this one of {draft.register} is about you; "
            "another officer must",
            constraint="own-record",
            field="officer",
            citation=draft.plan.definition.fields.law,
        )


def check_authority(draft: Draft) -> None:
    """Raise `Violated` where a validity is stated that starts before the agency had authority to state one."""
    since = draft.plan.definition.fields.authority_from
    stated = draft.circumstances.get("valid-from")
    if since is None or not isinstance(stated, str) or draft.found:
        return
    if parse_date(stated).first < parse_date(since).first:
        raise Violated(
            f"the validity starts before {since}, from which the agency has had authority over {draft.register}; "
            "take it over as found, with where it stands",
            constraint="authority-from",
            field="valid-from",
            citation=draft.plan.definition.fields.law,
        )


def check_attachments(draft: Draft, attached: Sequence[Mapping[str, object]], now: int) -> None:
    """Raise `Violated` where the register demands a document for this change that is not attached."""
    demanded = draft.plan.definition.fields.attachments
    kinds = {each.get("kind") for each in attached}
    for word in (draft.operation, draft.status or ""):
        for kind in demanded.get(word, ()):
            if kind not in kinds:
                raise _unattached(draft, kind, word)
    late = draft.plan.definition.fields.late
    for kind in late.attached if late is not None and is_late(draft, now) else ():
        if kind not in kinds:
            raise _unattached(draft, kind, "what is entered late")


def _unattached(draft: Draft, kind: str, what: str) -> Violated:
    return Violated(
        f"{draft.register} asks for a document ({kind}) to be attached to {what}, and none is",
        constraint="attachments",
        field="attachments",
        citation=draft.plan.definition.fields.law,
    )
