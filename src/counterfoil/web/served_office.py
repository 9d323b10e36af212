"""The office of an installation that another process serves, as a command sees it through the socket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from counterfoil.errors import Damaged
from counterfoil.office.case_view import Seen
from counterfoil.registry.desk.budget import Reading
from counterfoil.registry.desk.case import Case, Paper
from counterfoil.registry.desk.refusals import Refusal
from counterfoil.registry.personal.attachments import Attachment, seal_attachment
from counterfoil.registry.personal.change import Acting, Change, Filed
from counterfoil.registry.personal.disclosing import Ask, Shown
from counterfoil.registry.personal.erasing import Erased, Erasure
from counterfoil.registry.personal.registrar import Terms
from counterfoil.registry.personal.searching import Found, Query
from counterfoil.web.operator_office import (
    ROUTES,
    Decided,
    OfCase,
    OfCases,
    OfRefusals,
    ToDecide,
    ToDisclose,
    ToErase,
    ToFile,
    ToOpen,
    ToRead,
    ToSee,
    ToWithdraw,
)

AskOffice = Callable[[str, bytes], bytes | None]
"""Asks a route by its name, and gives its answer in MessagePack."""
PutDocument = Callable[[Iterable[bytes]], str]


class ServedOffice:
    """Has the methods of `Office` that commands use, and raises what they raise."""

    def __init__(self, ask: AskOffice, put_document: PutDocument):
        self._ask = ask
        self._put_document = put_document

    def file(self, changes: Sequence[Change], acting: Acting, terms: Terms | None = None) -> Filed:
        """As `Office.file`."""
        filed: Filed = self._asked("file", ToFile(tuple(changes), acting, terms or Terms()))
        return filed

    def cases(self, registers: Sequence[str] | None = None, after: int = 0, limit: int = 100) -> list[Case]:
        """As `Office.cases`."""
        named = None if registers is None else tuple(registers)
        cases: list[Case] = self._asked("cases", OfCases(named, after, limit))
        return cases

    def approved(self, after: int = 0, limit: int = 100) -> list[Case]:
        """As `Desk.approved`."""
        cases: list[Case] = self._asked("cases", OfCases(None, after, limit, approved=True))
        return cases

    def case(self, case: str) -> Case:
        """As `Office.case`."""
        line: Case = self._asked("case", OfCase(case))
        return line

    def paper(self, case: str, acting: Acting) -> Paper:
        """As `Office.paper`."""
        paper: Paper = self._asked("paper", ToSee(case, acting))
        return paper

    def seen(self, case: str, acting: Acting) -> Seen:
        """As `Office.seen`."""
        seen: Seen = self._asked("seen", ToSee(case, acting))
        return seen

    def case_attachment(self, case: str, number: int, acting: Acting) -> Attachment:
        """As `Office.case_attachment`."""
        attachment: Attachment = self._asked("case-attachment", ToOpen(case, number, acting))
        return attachment

    def withdraw(self, case: str, by: str, reason: str) -> Case:
        """As `Office.withdraw`."""
        line: Case = self._asked("withdraw", ToWithdraw(case, by, reason))
        return line

    def refusals(self, after: int = 0, limit: int = 100) -> list[Refusal]:
        """As `Refusals.listed`."""
        noted: list[Refusal] = self._asked("refusals", OfRefusals(after, limit))
        return noted

    def registers_of(self, case: str) -> frozenset[str]:
        """As `Office.registers_of`."""
        return frozenset(self._asked("registers-of", OfCase(case)))

    def decide(self, case: str, acting: Acting, *, approved: bool, reason: str) -> Filed | Erased | None:
        """As `Office.decide`."""
        decided: Decided = self._asked("decide", ToDecide(case, acting, approved, reason))
        return decided.outcome

    def carry_out(self, case: str) -> Filed | Erased | None:
        """As `Office.carry_out`."""
        decided: Decided = self._asked("carry-out", OfCase(case))
        return decided.outcome

    def disclose(
        self, asks: Sequence[Ask], acting: Acting, roles: Sequence[str] = (), *, count: int | None = None
    ) -> list[Shown]:
        """As `Office.disclose`."""
        shown: list[Shown] = self._asked("disclose", ToDisclose(tuple(asks), acting, tuple(roles), count))
        return shown

    def ask_reading(self, reading: Reading, count: int, why: str) -> str:
        """As `Budgets.ask`."""
        case: str = self._asked("ask-reading", ToRead(reading, count, why))
        return case

    def search(self, query: Query) -> Found:
        """As `Office.search`."""
        found: Found = self._asked("search", query)
        return found

    def ask_erasure(self, erasure: Erasure, acting: Acting) -> Filed:
        """As `Office.ask_erasure`."""
        filed: Filed = self._asked("ask-erasure", ToErase(erasure, acting))
        return filed

    def attach(self, parts: Iterable[bytes], media_type: str, kind: str) -> Attachment:
        """As `Office.attach`: it is encrypted here, and what the other process stores is the ciphertext."""
        return seal_attachment(parts, self._put_document, media_type, kind)

    def _asked(self, name: str, asked: object) -> Any:
        answer = self._ask(name, msgspec.msgpack.encode(asked))
        try:
            if answer is not None:
                return msgspec.msgpack.decode(answer, type=ROUTES[name].answered)
        except msgspec.DecodeError:
            pass
        raise Damaged(
            "what the serving process answered for its office is not in form; is it another version?"
        )
