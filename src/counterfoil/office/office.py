"""One agency's office: officers file changes, decide each other's, look at items, search, and have things erased.

It stands over an open node. Whatever is stored goes through the node's one write path, which is given as `submit`, so
that a serving process can share its blocks between many clients. Any thread may ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import CounterfoilError, Refused, Violated
from counterfoil.identity.officers import RULE
from counterfoil.node import Node
from counterfoil.office.notices import check_can_be_told, notice_terms, objection_notices, waiting_of
from counterfoil.office.papers import (
    CHANGE,
    ERASURE,
    ChangePaper,
    ErasurePaper,
    asked_by,
    decode_change,
    decode_erasure,
    encode,
    pinned,
)
from counterfoil.office.removing import Finished, entered_as, remove
from counterfoil.office.repeating import case_id, filed_before, laid_before
from counterfoil.office.showing import Showing, Submit
from counterfoil.office.undecided import check_nothing_waits
from counterfoil.office.withdrawing import withdraw
from counterfoil.proof.canonical import canonical
from counterfoil.registry.desk.budget import Budgets
from counterfoil.registry.desk.case import READING, Case
from counterfoil.registry.desk.desk import Desk
from counterfoil.registry.desk.limits import Limits, read_limits
from counterfoil.registry.desk.refusals import Refusals
from counterfoil.registry.desk.sealing import SEALED_UNDER
from counterfoil.registry.personal.attachments import Attachment, seal_attachment
from counterfoil.registry.personal.change import Acting, Change, Decision, Filed, Waiting
from counterfoil.registry.personal.erasing import Erased, Erasure
from counterfoil.registry.personal.registrar import Prepared, Registrar, Terms
from counterfoil.registry.personal.searching import Found, Query
from counterfoil.registry.personal.telltale import tells_of_others

DESK: Final = SEALED_UNDER
"""The keyring's secret under which the desk's papers are sealed."""


class Office(Showing):
    """The office over a node. Close it before the node."""

    def __init__(self, node: Node, submit: Submit | None = None, limits: Limits | None = None):
        desk = Desk(node.home.desk, lambda: node.keyring.secret(DESK), clock=node.clock)
        budgets = Budgets(desk, limits or read_limits(node.home.budgets))
        registrar = Registrar(node, node.keyring)
        super().__init__(node, registrar, desk, budgets, submit or node.take)
        self.refusals = Refusals(desk)
        if submit is None:
            # Whoever shares its blocks with others calls this once they are taken.
            self.finish_erasures()
            self.tell_of_waiting()

    def close(self) -> None:
        """Let go of the desk, with what was read counted as it was."""
        try:
            self.budgets.close()
        finally:
            self.desk.close()

    def __enter__(self) -> Office:
        return self

    def __exit__(self, *rest: object) -> None:
        self.close()

    # Changes

    def file(self, changes: Sequence[Change], acting: Acting, terms: Terms | None = None) -> Filed:
        """Have changes take effect together, or lay them on the desk where a second officer must decide.

        Raises `Violated` with constraint, field and citation for what is illegal, and as `Registrar.prepare`.
        """
        wanted = terms or Terms()
        if (filed := filed_before(self.node, wanted)) is not None:
            return self._told(filed, acting)
        case = self._case_id(wanted)
        laid = laid_before(self.desk, case)
        try:
            prepared = self.registrar.prepare(changes, acting, None, wanted, identify=True)
        except CounterfoilError as error:
            # What is sent again may have been stored, or decided, meanwhile.
            filed = Filed((), waiting=laid) if laid is not None else filed_before(self.node, wanted)
            if filed is None:
                self._note(error, changes, acting)
                raise
            return filed
        if laid is not None:
            return Filed(prepared.records, waiting=laid)
        if prepared.submission is not None:
            check_can_be_told(self.registrar, prepared.submission.proposals)
            receipt = self._ordered(prepared.submission, changes, acting)
            return self._told(Filed(prepared.records, receipt), acting)
        paper = ChangePaper(pinned(changes, prepared.versions), acting, wanted.not_before, wanted.deadline)
        return self._lay_down(prepared, paper, acting, case)

    def _ordered(self, submission: Submission, changes: Sequence[Change], acting: Acting) -> Receipt:
        try:
            return self._submit(submission)
        except CounterfoilError as error:
            self._note(error, changes, acting)
            raise

    def _note(self, error: CounterfoilError, changes: Sequence[Change], acting: Acting) -> None:
        """Note a refusal that may tell something of others' records. Raises `Unauthorised` where it may not be told."""
        if isinstance(error, Violated) and error.constraint is not None:
            plans = {change.register: self.registrar.plan(change.register) for change in changes}
            if tells_of_others(error.constraint, list(plans.values())):
                now = self.registrar.now()
                self.refusals.note(acting.officer, changes[0].register, error.constraint, now)

    def _lay_down(self, prepared: Prepared, paper: ChangePaper, acting: Acting, case: str | None) -> Filed:
        register = paper.changes[0].register
        case = self.desk.put(CHANGE, encode(paper), acting.officer, register, prepared.reasons, case)
        return Filed(prepared.records, waiting=Waiting(case, prepared.reasons))

    def _told(self, filed: Filed, acting: Acting) -> Filed:
        """Have those told who may object to what waits now; once each, however often it is asked for."""
        receipt = filed.receipt
        if receipt is not None and not receipt.count:
            self._tell(receipt.transaction, acting.officer)
        return filed

    def _tell(self, transaction: str, officer: str | None) -> None:
        terms = notice_terms(self.registrar, transaction)
        if terms is None or filed_before(self.node, terms) is not None:
            return
        notices = objection_notices(self.registrar, transaction, officer)
        if notices:
            prepared = self.registrar.prepare(notices, Acting(RULE.kind, RULE.id), None, terms, own=True)
            if prepared.submission is not None:
                self._submit(prepared.submission)

    def tell_of_waiting(self) -> dict[str, str]:
        """Have those told who may object to what waits and have not been told, since a crash came between.

        For the start. Gives why it could not be done, by transaction.
        """
        left: dict[str, str] = {}
        for transaction in waiting_of(self.registrar, self.node.agency):
            try:
                self._tell(transaction, None)
            except CounterfoilError as error:
                left[transaction] = str(error)
        return left

    def _case_id(self, terms: Terms) -> str | None:
        return case_id(self.node.keyring.secret(DESK), terms)

    # The desk

    def cases(self, registers: Sequence[str] | None = None, after: int = 0, limit: int = 100) -> list[Case]:
        """The cases that wait for a second officer."""
        return self.desk.waiting(registers, after, limit)

    def decide(self, case: str, acting: Acting, *, approved: bool, reason: str) -> Filed | Erased | None:
        """Decide a case as a second officer; approved, it is carried out at once. None: nothing follows from it.

        Raises `Refused` for the officer's own case, under whatever id, or one that is decided already, and what
        carrying it out raises; then it stays approved, and `carry_out` tries again.
        """
        self._check_another(case, acting)
        if approved:
            self._check_not_about(case, acting)
        self.desk.decide(case, acting.officer, approved, reason)
        return self.carry_out(case) if approved else None

    def carry_out(self, case: str) -> Filed | Erased | None:
        """Do what was approved, also after an interruption.

        What has become illegal meanwhile is refused, and what has become something else: a record that was changed
        since, or a reason for a second officer that the one who approved has not seen.
        """
        about, content = self.desk.get(case)
        if about.decision is None or not about.decision.approved or content is None:
            raise Refused("only what was approved, and not done yet, can be carried out")
        if about.kind == READING:
            self.budgets.allowance(case, self.registrar.now())
            return None
        decision = Decision(about.decision.by, about.decision.reason or "", about.reasons)
        if about.kind == ERASURE:
            done: Filed | Erased = self._erase(decode_erasure(content), decision, case)
        else:
            done = self._file_decided(decode_change(content), decision, case)
        self.desk.finish(case)
        return done

    def _file_decided(self, paper: ChangePaper, decision: Decision, case: str) -> Filed:
        terms = Terms(f"case:{case}", case.encode(), paper.not_before, paper.deadline)
        prepared = self.registrar.prepare(paper.changes, paper.acting, decision, terms, identify=True)
        if prepared.submission is None:
            raise Refused("the change cannot be filed; look at its reasons")
        check_can_be_told(self.registrar, prepared.submission.proposals)
        return self._told(Filed(prepared.records, self._submit(prepared.submission)), paper.acting)

    def _check_another(self, case: str, acting: Acting) -> None:
        """Raise `Refused` where the second officer is the person whose case it is, under another id."""
        about, content = self.desk.get(case)
        asker = asked_by(about.kind, content) if content is not None else None
        if asker is not None and asker == acting.subject:
            raise Refused(
                "an officer does not decide a case of their own, under whatever id; ask another person"
            )

    def _check_not_about(self, case: str, acting: Acting) -> None:
        """Raise `Refused` where the second officer is one of those whom a change or an erasure is about."""
        about, content = self.desk.get(case)
        if acting.subject is None or content is None:
            return
        if about.kind == CHANGE:
            second = Decision("", "asked whether it is about the second officer")
            self.registrar.prepare(decode_change(content).changes, acting, second)
        elif about.kind == ERASURE:
            self.registrar.draft_erasure(decode_erasure(content).erasure, acting, None)

    def withdraw(self, case: str, by: str, reason: str) -> Case:
        """Withdraw a case that is not carried out, as the officer whose it is or a second one. Raises as `withdraw`."""
        return withdraw(self.node, self.desk, case, by, reason)

    # Looking at items

    def attach(self, parts: Iterable[bytes], media_type: str, kind: str) -> Attachment:
        """Encrypt a document that is to be attached, and store it. Raises as `seal_attachment`."""
        return seal_attachment(parts, self.node.put_document, media_type, kind)

    def search(self, query: Query) -> Found:
        """Find records by what their fields hold, without showing any of it."""
        return self.registrar.search(query)

    # Erasing

    def ask_erasure(self, erasure: Erasure, acting: Acting, terms: Terms | None = None) -> Filed:
        """Lay an erasure on the desk.

        Raises `Violated` under a hold or within a retention period, `Refused` while a change of the record waits.
        """
        case = self._case_id(terms or Terms())
        if (laid := laid_before(self.desk, case)) is not None:
            return Filed((), waiting=laid)
        draft, reasons = self.registrar.draft_erasure(erasure, acting, None)
        check_nothing_waits(self.desk, self.registrar, draft.register, draft.record)
        paper = ErasurePaper(erasure, acting)
        case = self.desk.put(ERASURE, encode(paper), acting.officer, erasure.register, reasons, case)
        return Filed(((draft.register, draft.record),), waiting=Waiting(case, reasons))

    def _erase(self, paper: ErasurePaper, decision: Decision, case: str) -> Erased:
        """Write the entry, unless an interrupted attempt has, and remove what it says is gone."""
        key, erasure = f"case:{case}", paper.erasure
        number = entered_as(self.node, key)
        if number is None:
            draft, _ = self.registrar.draft_erasure(erasure, paper.acting, decision)
            check_nothing_waits(self.desk, self.registrar, draft.register, draft.record)
            receipt = self._submit(self.registrar.erasure(draft, key, canonical([case])))
            if not receipt.count:
                raise Refused(
                    "the erasure waits for the endorsements that its register asks for; carry it out once it has them"
                )
            number = receipt.first
        return remove(self.node, self.registrar, erasure, number)

    def finish_erasures(self) -> Finished:
        """Bring those to their end that were approved, and interrupted by a crash or a reader in the way.

        For the start, before anything else is asked. What cannot be done stays approved, and is told.
        """
        left: dict[str, str] = {}
        done: list[Erased] = []
        after = 0
        while cases := self.desk.approved(after):
            for case in cases:
                after = case.number
                if case.kind == ERASURE:
                    try:
                        erased = self.carry_out(case.id)
                    except CounterfoilError as error:
                        left[case.id] = str(error)
                    else:
                        done += [erased] if isinstance(erased, Erased) else []
        return Finished(tuple(done), left)
