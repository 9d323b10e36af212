"""Whether the ledger itself would take a change, asked before it is laid on the desk. Nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from counterfoil.ledger.judgement import place
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import WRITING, Proposal
from counterfoil.proof.transaction import Header, Idempotency, Transaction
from counterfoil.registry.personal.change import Draft

UNSEALED = digest(b"")
"""Stands for the commitment of an item that is not sealed yet."""


def rehearse(view: View, knowledge: Knowledge, drafts: Sequence[Draft], outlines: Sequence[Proposal]) -> None:
    """Ask every rule that the ledger asks, but who endorses it and whether there is time for objections.

    Raises `Refused` or `Malformed` as the ledger would; the view is as it was.
    """
    proposals = [_whole(draft, outline) for draft, outline in zip(drafts, outlines, strict=True)]
    header = Header("", "", len(proposals), "", view.time_text, Idempotency("", ""))
    with view.attempt() as undo:
        place(view, knowledge, Transaction(header, proposals))
        undo()


def _whole(draft: Draft, outline: Proposal) -> Proposal:
    """A proposal as it will be: one with hidden fields has an item."""
    hides = draft.plan.hidden and outline.operation in WRITING and outline.item is None
    return replace(outline, item=UNSEALED) if hides else outline
