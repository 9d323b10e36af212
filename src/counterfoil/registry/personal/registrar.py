"""The registrar's desk work: what officers ask for becomes transactions, or a case for a second officer, or a refusal.

Everything here prepares; nothing is stored. What comes out is a `Submission` for the one write path, or a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from counterfoil.engine.submission import Submission
from counterfoil.errors import Malformed, Refused
from counterfoil.keyring.keyring import Keyring
from counterfoil.ledger.declared import KeyForm
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.transaction import Expectation
from counterfoil.registry.personal.change import Acting, Change, Decision, Draft
from counterfoil.registry.personal.disclosing import Ask, Look
from counterfoil.registry.personal.drafting import Drafter
from counterfoil.registry.personal.erasing import Eraser, Erasure, Remains
from counterfoil.registry.personal.identifying import Identifier
from counterfoil.registry.personal.judging import (
    Findings,
    check_decided,
    check_own_record,
    second_officer_reasons,
)
from counterfoil.registry.personal.looking import Looker
from counterfoil.registry.personal.opening import Items
from counterfoil.registry.personal.plan import Plan, Slot
from counterfoil.registry.personal.proposing import Proposer, Sealed
from counterfoil.registry.personal.searching import Found, Query, search
from counterfoil.registry.personal.secrets import DISCLOSURE, Pseudonyms
from counterfoil.registry.personal.sight import PERSON
from counterfoil.registry.personal.working import Means, Work
from counterfoil.store.store import Store

NOTICE: Final = "notice"
"""The register of notices."""
OWN: Final = (DISCLOSURE, NOTICE)
"""The registers that only the office itself writes into."""
ERASURE: Final = "erasure"
"""The reason for which every erasure waits for a second officer."""


class Ledger(Protocol):
    """What is asked of the node: its store, held still, and its registers."""

    def reading(self) -> AbstractContextManager[Store]:
        """The store; no block is stored meanwhile."""
        ...

    def definition(self, register: str) -> Definition:
        """A register's definition. Raises `Refused` where there is none."""
        ...

    def clock(self) -> float:
        """Seconds since 1970."""
        ...


@dataclass(frozen=True)
class Terms:
    """What a submitter asks of the transaction as a whole; see `Submission`."""

    idempotency_key: str | None = None
    request: bytes | None = None
    not_before: str | None = None
    deadline: str | None = None
    receipt: bool = False


@dataclass(frozen=True)
class Prepared:
    """Changes that may be filed: their submission, or why they wait for a second officer.

    `records` are (register, record) of all that changes, effects included, and `versions` those on which each change is
    made (None: on none, or on whichever stands), what was asked for first. `reasons`: why a second officer decides.
    """

    records: tuple[tuple[str, str], ...]
    submission: Submission | None
    reasons: tuple[str, ...] = ()
    versions: tuple[int | None, ...] = ()


class Registrar:
    """Prepares changes over one agency's registers and keyring. Any thread may ask."""

    def __init__(self, ledger: Ledger, keyring: Keyring):
        self.keyring = keyring
        self._ledger = ledger
        self.pseudonyms = Pseudonyms(lru_cache(maxsize=256)(keyring.secret), self._number_form)
        self._proposer = Proposer(keyring, self.pseudonyms, self.plan)
        self._plans: dict[str, Plan] = {}
        self.knowledge = Knowledge()

    def plan(self, register: str) -> Plan:
        """How a register's records are kept, by its definition in force. Raises `Refused` where there is none."""
        definition = self._ledger.definition(register)
        plan = self._plans.get(register)
        if plan is None or plan.definition is not definition:
            plan = self._plans[register] = Plan(definition)
        return plan

    def prepare(
        self,
        changes: Sequence[Change],
        acting: Acting,
        decision: Decision | None = None,
        terms: Terms | None = None,
        *,
        identify: bool = False,
        own: bool = False,
    ) -> Prepared:
        """Draft, judge and seal changes that take effect together.

        `identify`: refuse a new record of somebody who likely has one, unless it is said that it is not the same.
        `own`: what the office itself writes, into registers that nobody else writes into.

        Raises `Violated` with constraint, field and citation for what is illegal, `Refused` (`Conflict`) or
        `NotFound` or `Malformed` for what cannot be done.
        """
        if decision is not None and decision.officer == acting.officer:
            raise Refused("a second officer decides, and this is the officer whose change it is")
        if not changes:
            raise Malformed("there is nothing to change; state one change at least")
        if not own:
            _check_not_own(changes)
        with self._ledger.reading() as store:
            work = self._work(store, acting, decision)
            drafts = work.drafts(changes)
            records = tuple((draft.register, draft.record) for draft in drafts)
            if identify:
                work.identify(drafts)
            outlines = [work.proposer.outline(draft) for draft in drafts]
            findings, relied = work.judge(
                drafts, outlines, waits=terms is not None and terms.not_before is not None
            )
            own_reasons = (why for draft in drafts for why in second_officer_reasons(draft, work.now))
            reasons = tuple(dict.fromkeys((*findings.reasons, *own_reasons)))
            versions = tuple(_made_on(draft) for draft in drafts)
            if reasons and decision is None:
                work.rehearse(drafts, outlines)
                return Prepared(records, None, reasons, versions)
            check_decided(decision, reasons)
            _note(drafts, findings)
            return Prepared(
                records,
                self._submission(work.proposer.seal(drafts, outlines), relied, terms or Terms()),
                reasons,
                versions,
            )

    def drafted(self, changes: Sequence[Change], acting: Acting) -> Sequence[Draft]:
        """What changes would say in full, and what follows from them; nothing is judged. Raises as `prepare`."""
        with self._ledger.reading() as store:
            return self._work(store, acting, None).drafts(changes)

    def _submission(self, sealed: Sealed, relied: Sequence[Expectation], terms: Terms) -> Submission:
        return Submission(
            sealed.proposals,
            relied,
            terms.idempotency_key,
            terms.request,
            terms.not_before,
            terms.deadline,
            receipt=terms.receipt,
            items=sealed.items,
            drawn=sealed.drawn,
        )

    def look(self, asks: Sequence[Ask], acting: Acting) -> Look:
        """A disclosure on its way; nothing is decrypted yet. Raises as `Looker.look`."""
        with self._ledger.reading() as store:
            drafter = self.drafter(store)
            looker = Looker(store, self.keyring, drafter.plan, drafter, self._proposer.held())
            return looker.look(asks, acting)

    def identifier(self, store: Store, plan: Plan) -> Identifier:
        """What looks for duplicates in a register."""
        return Identifier(store, self.items(store), plan, self.pseudonyms.tokeniser(plan.name))

    def search(self, query: Query) -> Found:
        """The records for which every term of a query holds. Raises as `searching.search`."""
        plan = self.plan(query.register)
        with self._ledger.reading() as store:
            return search(store, plan, self.pseudonyms.tokeniser(plan.name), query)

    def draft_erasure(
        self, erasure: Erasure, acting: Acting, decision: Decision | None
    ) -> tuple[Draft, tuple[str, ...]]:
        """An `erase` entry in the making, and which rules cannot be decided: a second officer must.

        Raises `Violated` under a hold or within a retention period, `Refused` where a decision was of something else.
        """
        with self._ledger.reading() as store:
            eraser = self._eraser(store)
            draft = eraser.draft(erasure, acting, decision)
            work = self._work(store, acting, decision)
            if acting.subject is not None:
                check_own_record(draft, acting.subject, work.about(draft))
            findings, _ = work.judge([draft], [eraser.proposal(draft)])
            reasons = (ERASURE, *dict.fromkeys(findings.reasons))
            check_decided(decision, reasons)
            return draft, reasons

    def erasure(self, draft: Draft, key: str, request: bytes) -> Submission:
        """The transaction of a drafted erasure."""
        with self._ledger.reading() as store:
            return self._eraser(store).submission(draft, key=key, request=request)

    def remains(self, erasure: Erasure, number: int) -> tuple[Slot, Entry, Remains]:
        """What there still is of what an erasure is about, whose entry has this number."""
        with self._ledger.reading() as store:
            eraser = self._eraser(store)
            plan, slot = eraser.subject(erasure)
            entry = decode_entry(store.entry(number))
            tokeniser = self.pseudonyms.tokeniser(plan.name)
            return slot, entry, eraser.remains(plan, slot.number, entry, tokeniser)

    def _work(self, store: Store, acting: Acting, decision: Decision | None) -> Work:
        means = Means(
            store,
            self.items(store),
            self.drafter(store),
            self.pseudonyms.held(),
            self._proposer.held(),
            self.knowledge,
            lambda plan: self.identifier(store, plan),
        )
        return Work(means, acting, decision, self.now())

    def _eraser(self, store: Store) -> Eraser:
        return Eraser(store, self.keyring, self.plan, self.drafter(store))

    def items(self, store: Store) -> Items:
        """What opens the items of a store."""
        return Items(store, self.keyring)

    def drafter(self, store: Store) -> Drafter:
        """What drafts entries over a store."""
        return Drafter(store, self.items(store), self.plan, self.keyring.secret)

    @property
    def proposer(self) -> Proposer:
        """What makes proposals of drafts."""
        return self._proposer

    def now(self) -> int:
        """The time, in seconds since 1970."""
        return int(self._ledger.clock())

    def reading(self) -> AbstractContextManager[Store]:
        """The store, held still."""
        return self._ledger.reading()

    def _number_form(self) -> KeyForm:
        try:
            return self.plan(PERSON).definition.fields.key_form
        except Refused:
            return KeyForm()


def _made_on(draft: Draft) -> int | None:
    """The version on which a change is made; None where there is none, or none that must not have changed since."""
    return None if draft.before is None or draft.version is None else draft.before.version


def _note(drafts: Sequence[Draft], findings: Findings) -> None:
    """Write into each draft which constraints were not decided, or are broken by what was found."""
    for number, names in findings.undecided.items():
        drafts[number].circumstances["undecided"] = names
    for number, names in findings.broken.items():
        drafts[number].circumstances["breaks"] = names


def _check_not_own(changes: Sequence[Change]) -> None:
    for register in OWN:
        if any(change.register == register for change in changes):
            raise Refused(
                f"the register {register} is written by the office alone, when it shows or tells something; "
                "leave this change out"
            )
