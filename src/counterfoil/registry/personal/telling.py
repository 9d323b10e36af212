"""What a person is told of a look at something about them: an entry of the register `disclosure` for each person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from counterfoil.engine.submission import Submission
from counterfoil.errors import Refused
from counterfoil.proof.canonical import Json
from counterfoil.proof.transaction import MAX_PROPOSALS
from counterfoil.registry.personal.change import Acting, Draft
from counterfoil.registry.personal.plan import Plan
from counterfoil.registry.personal.proposing import Proposer
from counterfoil.registry.personal.secrets import DISCLOSURE

SECOND_OFFICER: Final = "second-officer"
"""The purpose for which whoever decides a case sees what it would change."""


class Telling(NamedTuple):
    """What is seen, and why: the fields of a record, at a version where one is shown."""

    purpose: str
    law: str
    register: str
    record: str
    fields: Sequence[str]
    version: int | None = None
    case: str | None = None


def disclosures(register: Plan, telling: Telling, subjects: Iterable[str], acting: Acting) -> list[Draft]:
    """An entry for each of the subjects, by pseudonym; `register` is that of disclosures.

    Raises `Refused` where it keeps its records in another way than it is shipped with.
    """
    if not register.definition.append:
        raise Refused(f"the register {DISCLOSURE} must only append; define it as it is shipped")
    fields: dict[str, Json] = {
        "officer": acting.officer,
        "purpose": telling.purpose,
        "legal-basis": telling.law,
        "register": telling.register,
        "record": telling.record,
        "fields": sorted(telling.fields),
    }
    if telling.version is not None:
        fields["version"] = telling.version
    if telling.case is not None:
        fields["case"] = telling.case
    said: dict[str, Json] = {"actor": acting.actor, "officer": acting.officer}
    return [
        Draft(register, subject, "amend", None, None, fields, dict(said), None)
        for subject in dict.fromkeys(subjects)
    ]


def submissions(proposer: Proposer, drafts: Sequence[Draft]) -> Iterator[Submission]:
    """The transactions of disclosures, as many as their number takes: each is stored before anything is shown."""
    for start in range(0, len(drafts), MAX_PROPOSALS):
        sealed = proposer.seal(drafts[start : start + MAX_PROPOSALS])
        yield Submission(sealed.proposals, items=sealed.items, drawn=sealed.drawn)
