"""One preparation of changes: their drafts with all that follows, what is judged of them, and what was relied on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from counterfoil.errors import Malformed, NotFound
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.operands import parse_path, values_at
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.proof.transaction import MAX_PROPOSALS, Expectation
from counterfoil.registry.personal.attachments import parse_attachment
from counterfoil.registry.personal.change import Acting, Change, Decision, Draft
from counterfoil.registry.personal.drafting import Drafter
from counterfoil.registry.personal.effects import MAX_EFFECTS, Effects
from counterfoil.registry.personal.identifying import Identifier, check_identified, is_asked
from counterfoil.registry.personal.judging import (
    Findings,
    check_attachments,
    check_authority,
    check_own_record,
    check_recorded,
    judge_drafts,
)
from counterfoil.registry.personal.opening import Items
from counterfoil.registry.personal.plan import SHARED, Plan
from counterfoil.registry.personal.proposing import Proposer
from counterfoil.registry.personal.rehearsing import rehearse
from counterfoil.registry.personal.secrets import Pseudonyms
from counterfoil.registry.personal.sight import PERSON, FullSight
from counterfoil.store.store import Store


class Means(NamedTuple):
    """What a preparation works with: a store that is held still, and what reads and names things in it."""

    store: Store
    items: Items
    drafter: Drafter
    pseudonyms: Pseudonyms
    proposer: Proposer
    knowledge: Knowledge
    identifier: Callable[[Plan], Identifier]


class Work:
    """One preparation, while the store is held still."""

    def __init__(self, means: Means, acting: Acting, decision: Decision | None, now: int):
        self._means = means
        self._store = means.store
        self._acting = acting
        self._decision = decision
        self.now = max(now, means.store.head.time)
        self._items = means.items
        self._drafter = means.drafter
        self._pseudonyms = means.pseudonyms
        self.proposer = means.proposer
        self._effects = Effects(
            self._pseudonyms.claim, self._holder, self._latest, lambda entry: self._items.open(entry).fields
        )

    def drafts(self, changes: Sequence[Change]) -> list[Draft]:
        """What is asked for, and all that follows from it."""
        drafts = [self._draft(change) for change in changes]
        known = {(draft.register, draft.record) for draft in drafts}
        at = 0
        while at < len(drafts):
            for change in self._effects.of(drafts[at]):
                draft = self._drafter.draft(change, self._acting, self._decision)
                self._check_own(draft)
                if (draft.register, draft.record) not in known:
                    draft.effect = True
                    draft.circumstances |= _inherited(drafts[at])
                    known.add((draft.register, draft.record))
                    drafts.append(draft)
            at += 1
            _check_number(len(changes), len(drafts))
        return drafts

    def identify(self, drafts: Sequence[Draft]) -> None:
        """Raise `Violated` where a new record is likely of somebody who has one."""
        for draft in drafts:
            if draft.operation == "create" and not draft.found and is_asked(draft.plan):
                found = self._means.identifier(draft.plan).candidates(dict(draft.fields))
                check_identified(draft, found)

    def judge(
        self, drafts: Sequence[Draft], proposals: Sequence[Proposal], *, waits: bool = False
    ) -> tuple[Findings, list[Expectation]]:
        """Ask the constraints; gives what was found, and what was relied on.

        `waits`: of a transaction that takes effect later, only what must still hold by then.
        """
        sight = FullSight(
            self._store,
            self._items,
            self._drafter,
            self._drafter.plan,
            self._pseudonyms.claim,
            self.now,
            drafts,
        )
        findings = judge_drafts(View(self._store, self.now), sight, drafts, proposals)
        if waits:
            return findings, sight.lasting()
        changed = {(draft.register, draft.record) for draft in drafts}
        return findings, [each for name, each in sight.relied.items() if name not in changed]

    def rehearse(self, drafts: Sequence[Draft], outlines: Sequence[Proposal]) -> None:
        """Ask the ledger's own rules of what is not stored now. Raises as the ledger would."""
        rehearse(View(self._store, self.now), self._means.knowledge, drafts, outlines)

    def _draft(self, change: Change) -> Draft:
        draft = self._drafter.draft(change, self._acting, self._decision)
        check_authority(draft)
        check_recorded(draft, self.now)
        check_attachments(draft, change.attachments, self.now)
        self._check_stored(change)
        self._check_own(draft)
        return draft

    def _check_stored(self, change: Change) -> None:
        """Raise `NotFound` for an attachment of which nothing is stored: its word alone is no document."""
        for attached in change.attachments:
            if self._store.document_size(parse_attachment(attached).document) is None:
                raise NotFound(
                    "a document that is to be attached is not stored here; attach it first, and file then"
                )

    def _check_own(self, draft: Draft) -> None:
        if self._acting.subject is not None:
            check_own_record(draft, self._acting.subject, self.about(draft))

    def about(self, draft: Draft) -> Iterator[str]:
        """The pseudonyms of everybody whom a draft is about or refers to, or the version before it did."""
        for slot in (0, *(each.number for each in draft.plan.slots)):
            yield from self.proposer.subjects(draft, slot)
        numbers = draft.plan.numbers(SHARED, dict(draft.before_fields))
        for number in (*numbers, *_referred(draft, draft.fields), *_referred(draft, draft.before_fields)):
            yield self._pseudonyms.subject(number)

    def _holder(self, claim: bytes) -> Entry | None:
        key = self._store.claim(claim)
        return self._drafter.entry_of(key) if key is not None else None

    def _latest(self, register: str, key: str) -> Entry | None:
        record = self._drafter.record_of(self._drafter.plan(register), key)
        return self._drafter.latest(register, record)


def _referred(draft: Draft, fields: Mapping[str, Json]) -> Iterator[str]:
    """The numbers of the persons to whom a record's fields refer, be they its subjects or not: a person's parents."""
    for constraint in draft.plan.definition.constraints:
        if constraint.kind == "reference" and constraint.register == PERSON:
            found = (values_at(dict(fields), parse_path(path).steps) for path in constraint.fields)
            for value in chain.from_iterable(found):
                named = value if isinstance(value, list) else [value]
                yield from (each for each in named if isinstance(each, str))


def _inherited(draft: Draft) -> dict[str, Json]:
    """The circumstances that an effect has from the change it follows from."""
    names = ("valid-from", "valid-to", "why", "law", "case", "on-behalf-of", "recorded", "not-same")
    return {name: draft.circumstances[name] for name in names if name in draft.circumstances}


def _check_number(asked: int, drafted: int) -> None:
    if drafted > MAX_PROPOSALS or drafted - asked > max(MAX_EFFECTS, asked * 4):
        raise Malformed(
            f"with all that follows the transaction has {drafted} entries, and may have {MAX_PROPOSALS}; divide it"
        )
