"""What commands on the same home ask of the office of the process that serves it: a route for each of its methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from counterfoil.errors import NotFound
from counterfoil.office.case_view import Seen
from counterfoil.office.office import Office
from counterfoil.registry.desk.budget import Reading
from counterfoil.registry.desk.case import Case, Paper
from counterfoil.registry.desk.refusals import Refusal
from counterfoil.registry.personal.attachments import Attachment
from counterfoil.registry.personal.change import Acting, Change, Filed
from counterfoil.registry.personal.disclosing import Ask, Shown
from counterfoil.registry.personal.erasing import Erased, Erasure
from counterfoil.registry.personal.registrar import Terms
from counterfoil.registry.personal.searching import Found, Query

OFFICE: Final = "office/"
"""What the routes begin with, behind the operator's own prefix."""

REMOVING: Final = frozenset({"decide", "carry-out"})
"""The routes by which something may be erased."""


class ToFile(msgspec.Struct, frozen=True):
    """Changes that are to take effect together."""

    changes: tuple[Change, ...]
    acting: Acting
    terms: Terms


class OfCases(msgspec.Struct, frozen=True):
    """Which cases are to be listed: those that wait, or those that were approved and are not carried out."""

    registers: tuple[str, ...] | None
    after: int
    limit: int
    approved: bool = False


class OfCase(msgspec.Struct, frozen=True):
    """A case, by its id."""

    case: str


class ToSee(msgspec.Struct, frozen=True):
    """A case that an officer is to see with what it holds."""

    case: str
    acting: Acting


class ToOpen(msgspec.Struct, frozen=True):
    """A document attached to a change that waits, for an officer."""

    case: str
    number: int
    acting: Acting


class ToWithdraw(msgspec.Struct, frozen=True):
    """A case that an officer withdraws, and why."""

    case: str
    by: str
    reason: str


class OfRefusals(msgspec.Struct, frozen=True):
    """Which refusals are to be listed."""

    after: int
    limit: int


class ToDecide(msgspec.Struct, frozen=True):
    """What a second officer decides of a case."""

    case: str
    acting: Acting
    approved: bool
    reason: str


class Decided(msgspec.Struct, frozen=True, omit_defaults=True):
    """What followed from a decision: one of these, or nothing."""

    filed: Filed | None = None
    erased: Erased | None = None

    @property
    def outcome(self) -> Filed | Erased | None:
        """The one that there is."""
        return self.filed or self.erased


class ToDisclose(msgspec.Struct, frozen=True):
    """Items that are to be shown to an officer."""

    asks: tuple[Ask, ...]
    acting: Acting
    roles: tuple[str, ...]
    count: int | None


class ToRead(msgspec.Struct, frozen=True):
    """A request to read more than the budget allows."""

    reading: Reading
    count: int
    why: str


class ToErase(msgspec.Struct, frozen=True):
    """An erasure that is asked for."""

    erasure: Erasure
    acting: Acting


class Route(NamedTuple):
    """A route: what is asked, what is answered, and how the office does it."""

    asked: Any
    answered: Any
    do: Callable[[Office, Any], Any]


def _decided(outcome: Filed | Erased | None) -> Decided:
    return Decided(outcome) if isinstance(outcome, Filed) else Decided(erased=outcome)


def _cases(office: Office, asked: OfCases) -> list[Case]:
    if asked.approved:
        return office.desk.approved(asked.after, asked.limit)
    return office.cases(asked.registers, asked.after, asked.limit)


def _decide(office: Office, asked: ToDecide) -> Decided:
    return _decided(office.decide(asked.case, asked.acting, approved=asked.approved, reason=asked.reason))


def _disclose(office: Office, asked: ToDisclose) -> list[Shown]:
    return office.disclose(asked.asks, asked.acting, asked.roles, count=asked.count)


ROUTES: Final[Mapping[str, Route]] = {
    "file": Route(ToFile, Filed, lambda office, it: office.file(it.changes, it.acting, it.terms)),
    "cases": Route(OfCases, list[Case], _cases),
    "case": Route(OfCase, Case, lambda office, it: office.case(it.case)),
    "paper": Route(ToSee, Paper, lambda office, it: office.paper(it.case, it.acting)),
    "seen": Route(ToSee, Seen, lambda office, it: office.seen(it.case, it.acting)),
    "case-attachment": Route(
        ToOpen, Attachment, lambda office, it: office.case_attachment(it.case, it.number, it.acting)
    ),
    "withdraw": Route(ToWithdraw, Case, lambda office, it: office.withdraw(it.case, it.by, it.reason)),
    "refusals": Route(
        OfRefusals, list[Refusal], lambda office, it: office.refusals.listed(it.after, it.limit)
    ),
    "registers-of": Route(OfCase, tuple[str, ...], lambda office, it: sorted(office.registers_of(it.case))),
    "decide": Route(ToDecide, Decided, _decide),
    "carry-out": Route(OfCase, Decided, lambda office, it: _decided(office.carry_out(it.case))),
    "disclose": Route(ToDisclose, list[Shown], _disclose),
    "ask-reading": Route(ToRead, str, lambda office, it: office.budgets.ask(it.reading, it.count, it.why)),
    "search": Route(Query, Found, lambda office, it: office.search(it)),
    "ask-erasure": Route(ToErase, Filed, lambda office, it: office.ask_erasure(it.erasure, it.acting)),
}


def asked_of_office(name: str, body: bytes) -> Callable[[Office], bytes]:
    """What a request has the office do; it gives the answer in MessagePack.

    Raises `NotFound` for a route that is none, and msgspec's own error for a body that is not in form.
    """
    route = ROUTES.get(name)
    if route is None:
        raise NotFound("there is nothing at this address")
    asked = msgspec.msgpack.decode(body, type=route.asked)
    return lambda office: msgspec.msgpack.encode(route.do(office, asked))
