"""Telling those concerned that something is announced about a record of theirs, while they can still object.

A notice is an entry in the register `notice`, under a pseudonym of the person's own; how it reaches them is the
agency's business. One notice goes to each person whom the record as it stands is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from counterfoil.errors import Refused
from counterfoil.ledger.definition import Definition
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Proposal
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.plan import SHARED
from counterfoil.registry.personal.registrar import NOTICE, Registrar, Terms

OBJECTION_WINDOW: Final = "objection-window"
"""The kind of notice that says until when somebody may object."""


def check_can_be_told(registrar: Registrar, proposals: Sequence[Proposal]) -> None:
    """Raise `Refused` where somebody may object to one of these changes, and there is no register of notices."""
    told = any(_may_be_objected_to(registrar.plan(each.register).definition, each) for each in proposals)
    if told and not _has_notices(registrar):
        raise Refused(
            "those concerned may object to this change, and nobody could tell them of it; define the register "
            f"{NOTICE} first (counterfoil register shipped {NOTICE})"
        )


def _has_notices(registrar: Registrar) -> bool:
    try:
        registrar.plan(NOTICE)
    except Refused:
        return False
    return True


def waiting_of(registrar: Registrar, agency: str) -> list[str]:
    """The transactions of an agency that wait for a time, in which somebody may object to them."""
    with registrar.reading() as store:
        return [
            pending.hash
            for pending in store.waiting()
            if pending.transaction.header.agency == agency
            and pending.transaction.header.not_before is not None
        ]


def notice_terms(registrar: Registrar, transaction: str) -> Terms | None:
    """How notices of a transaction are filed: once for as long as it may wait. None where it does not wait."""
    with registrar.reading() as store:
        waiting = store.pending(transaction)
    if waiting is None:
        return None
    deadline = waiting.transaction.header.deadline
    return Terms(f"notice:{transaction}", transaction.encode(), deadline=deadline)


def objection_notices(registrar: Registrar, transaction: str, officer: str | None) -> list[Change]:
    """What is told to whom, where a transaction that waits has changes to which somebody may object.

    `officer` asked for it, where that is known: the notices say on whose behalf they are made. Nobody is told of one
    that does not wait.
    """
    with registrar.reading() as store:
        waiting = store.pending(transaction)
    if waiting is None or waiting.transaction.header.not_before is None:
        return []
    until = waiting.transaction.header.not_before
    return [
        _notice(proposal, transaction, until, number, officer)
        for proposal in waiting.transaction.proposals
        if _may_be_objected_to(registrar.plan(proposal.register).definition, proposal)
        for number in _concerned(registrar, proposal)
    ]


def _notice(proposal: Proposal, transaction: str, until: str, number: str, officer: str | None) -> Change:
    fields: dict[str, Json] = {
        "kind": OBJECTION_WINDOW,
        "register": proposal.register,
        "record": proposal.record,
        "transaction": transaction,
        "object-until": until,
    }
    said: dict[str, Json] = {} if officer is None else {"on-behalf-of": officer}
    return Change(NOTICE, "amend", fields, key=number, circumstances=said)


def _may_be_objected_to(definition: Definition, proposal: Proposal) -> bool:
    objection = definition.fields.objection
    return (
        objection is not None
        and proposal.operation in objection.operations
        and (not objection.when or proposal.status in objection.when)
    )


def _concerned(registrar: Registrar, proposal: Proposal) -> tuple[str, ...]:
    """The numbers of the persons whom a record is about, as it stands before the change."""
    plan = registrar.plan(proposal.register)
    with registrar.reading() as store:
        before = registrar.drafter(store).latest(proposal.register, proposal.record)
        fields = registrar.items(store).open(before).fields if before is not None else {}
    numbers = plan.numbers(SHARED, fields)
    key = fields.get(plan.definition.key or "")
    if plan.is_the_person(SHARED) and isinstance(key, str):
        numbers = (*numbers, key)
    return tuple(dict.fromkeys(numbers))
