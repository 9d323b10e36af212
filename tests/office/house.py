"""An office to try things in: a node with a clock set by hand, the shipped registers, two officers and a court.

The home with the registers defined is made once for all tests, and copied.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import CounterfoilError, Violated
from counterfoil.identity.officers import OPERATOR_OFFICER
from counterfoil.ledger.command import Standing
from counterfoil.node import Node
from counterfoil.office.office import Office
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.proof.instant import instant_text
from counterfoil.registers import names, shipped
from counterfoil.registry.personal.attachments import seal_attachment
from counterfoil.registry.personal.change import Acting, Change, Filed
from counterfoil.registry.personal.disclosing import Ask, Shown
from counterfoil.registry.personal.registrar import Terms
from tests.ledger_fixture import DAY, Clock, key
from tests.office.changes import AGENCY, COURT, hyphened

CLERK, SECOND = Acting("person", "00000000000000aa"), Acting("person", "00000000000000bb")
OPERATOR = Acting(OPERATOR_OFFICER.kind, OPERATOR_OFFICER.id)
"""Whoever has the installation's files: imports are theirs."""


class House:
    """An office over a node of its own, and few words for what is done there."""

    def __init__(self, folder: Path, clock: Clock | None = None):
        self.folder = folder
        self.clock = clock or Clock()
        self.node = Node.open(folder, clock=self.clock)
        self.office = Office(self.node)
        self._crashed = False

    def close(self) -> None:
        """Close what is open."""
        if not self._crashed:
            self.office.close()
            self.node.close()

    def crash(self) -> None:
        """Let go of everything as if the process had been killed: nothing more is written."""
        self._crashed = True
        self.office.close()
        self.node.__exit__(RuntimeError, None, None)

    def file(self, *changes: Change, by: Acting = CLERK, **terms: Any) -> Filed:
        """File changes that take effect together."""
        return self.office.file(changes, by, Terms(**terms))

    @staticmethod
    def terms(**terms: Any) -> Terms:
        """What is asked of a transaction as a whole."""
        return Terms(**terms)

    def taken(self, *changes: Change, by: Acting = CLERK, **terms: Any) -> Receipt:
        """File changes that need nobody else; gives the receipt that they are in the log."""
        filed = self.file(*changes, by=by, **terms)
        assert filed.waiting is None, filed.waiting
        assert filed.receipt is not None
        assert filed.receipt.standing is Standing.TAKEN
        return filed.receipt

    def decided(self, *changes: Change, reason: str = "seen and found right", **terms: Any) -> Filed:
        """File changes that a second officer must decide, and have them approved."""
        filed = self.file(*changes, **terms)
        assert filed.waiting is not None
        done = self.office.decide(filed.waiting.case, SECOND, approved=True, reason=reason)
        assert isinstance(done, Filed)
        return done

    def refused(self, *changes: Change, by: Acting = CLERK, **terms: Any) -> Violated:
        """File changes that are illegal; gives the refusal. Nothing came into the log."""
        size = self.node.store.head.size
        with pytest.raises(Violated) as raised:
            self.file(*changes, by=by, **terms)
        assert self.node.store.head.size == size
        return raised.value

    def attached(self, *kinds: str, content: bytes = b"%PDF-1.7 a scan") -> tuple[Json, ...]:
        """Documents of these kinds, stored, as a change attaches them."""
        sealed = (
            seal_attachment([content], self.node.put_document, "application/pdf", kind) for kind in kinds
        )
        return tuple(msgspec.to_builtins(each) for each in sealed)

    def in_one_block(self, *filings: Sequence[Change]) -> list[Receipt | CounterfoilError]:
        """Prepare each on the state as it is now, then have all of them ordered in one block."""
        prepared = [self.office.registrar.prepare(changes, CLERK) for changes in filings]
        return self.node.submit_all([submission(each.submission) for each in prepared])

    def unchecked(self, *changes: Change, not_before: str | None = None) -> Submission:
        """Changes drafted and sealed by a node that skips all of its checks, and derives nothing."""
        registrar = self.office.registrar
        with registrar.reading() as store:
            drafter = registrar.drafter(store)
            sealed = registrar.proposer.seal([drafter.draft(each, CLERK, None) for each in changes])
        return Submission(sealed.proposals, not_before=not_before, items=sealed.items, drawn=sealed.drawn)

    def raw(self, submission: Submission) -> Receipt | CounterfoilError:
        """What the ledger says to what a node has submitted that checked nothing."""
        (answer,) = self.node.submit_all([submission])
        return answer

    def raw_refused(self, submission: Submission) -> Violated:
        """How every node refuses that."""
        answer = self.raw(submission)
        assert isinstance(answer, Violated), answer
        return answer

    def shown(self, register: str, key: str, purpose: str, *fields: str, **more: Any) -> Shown:
        """What an officer sees of a record."""
        ask = Ask(register, purpose, key=key, fields=fields or None, **more)
        (shown,) = self.office.disclose([ask], CLERK)
        return shown

    def record(self, register: str, key: str) -> str:
        """The name in the log of the record with a natural key."""
        registrar = self.office.registrar
        with registrar.reading() as store:
            return registrar.drafter(store).record_of(registrar.plan(register), key)

    def latest(self, register: str, key: str) -> Entry:
        """The latest entry of a record that there is."""
        entry = self.node.record(register, self.record(register, key))
        assert entry is not None
        return entry

    def later(self, days: float) -> str:
        """The instant that is so many days from now, as a header states it."""
        return instant_text(self.clock.now + int(days * DAY))


def submission(prepared: Submission | None) -> Submission:
    """What was prepared, which waits for nobody."""
    assert prepared is not None
    return prepared


def by_name(error: CounterfoilError) -> tuple[str | None, str | None, str | None]:
    """What a refusal names: constraint, field, citation."""
    assert isinstance(error, Violated), error
    return error.constraint, error.field, error.citation


def define(node: Node, register: str, **instead: Json) -> None:
    """Define a register as it is shipped, with some members of its definition instead of its own."""
    fields = {**shipped(register, AGENCY, COURT), **hyphened(instead)}
    node.submit([Proposal(".register", register, "create", 1, body={"fields": fields})])


def make_home(folder: Path, registers: Sequence[str] = names()) -> Path:
    """A home with shipped registers and a court."""
    with Node.open(
        folder, clock=Clock(), agency=AGENCY, title="The registry", origin="ledger.example/1"
    ) as node:
        court = {"name": "The court", "endorse": [key(COURT).public.text]}
        node.submit([Proposal(".agency", COURT, "create", 1, body={"fields": court})])
        for each in registers:
            define(node, each)
        node.keyring.secret("desk")
    return folder


Homes = Callable[[], Path]


def copies(template: Path, tmp_path: Path) -> Homes:
    """Gives homes of one's own, each a copy of a template."""

    def copy() -> Path:
        folder = tmp_path / f"home-{len(list(tmp_path.iterdir()))}"
        return Path(shutil.copytree(template, folder))

    return copy
