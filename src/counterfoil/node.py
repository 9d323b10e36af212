"""The composition root: one installation is a home, a store, an engine and this agency's keys.

`Node.submit` is the one write path. Reading needs no keys and no lock; a node opened `read_only` writes nothing.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Final

from counterfoil.engine.ledger_machine import Carried, LedgerMachine, Settle
from counterfoil.engine.local import LocalEngine
from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import CounterfoilError, Damaged, Malformed, NotFound, Refused
from counterfoil.home import KEY_FILES, Home, write_whole
from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.opening import open_keyring
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.genesis import genesis
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.ledger import Endorse, Outcome, Withdraw
from counterfoil.ledger.system import AGENCY, AgencyFields
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import Proposal, decode_entry
from counterfoil.proof.instant import instant, instant_text
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import (
    WITHDRAWAL,
    Endorsement,
    Expectation,
    Header,
    Idempotency,
    Transaction,
    draft,
    endorse,
)
from counterfoil.reading import Reading
from counterfoil.registry.beginning import first_trust
from counterfoil.registry.personal.own_items import has_own_items
from counterfoil.signer import HomeSigner, begin_last_signed, signed_before
from counterfoil.store.documents import put_document
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store

LEDGER: Final = "ledger"
DEADLINE_SECONDS: Final = 30 * 86_400
"""How long a transaction may wait for endorsements where its submitter does not say, and its key is remembered."""


class Node(Reading):
    """One installation, open. Close it, or use it in a `with` statement."""

    def __init__(self, home: Home, clock: Callable[[], float], *, read_only: bool):
        self.home = home
        self.clock = clock
        self.read_only = read_only
        self._open = ExitStack()
        self._opening = Lock()
        self._keyring: Keyring | None = None
        self._knowledge = Knowledge()
        if not read_only:
            self._open.enter_context(home.writing())
        try:
            self.store = Store(Sqlite(home.store, read_only=read_only), read_only=read_only)
        except BaseException:
            self._open.close()
            raise

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
        origin: str | None = None,
        agency: str = "LOCAL/GOV/AGENCY",
        title: str = "Local agency",
    ) -> Node:
        """Open the installation in `folder`; for writing, an empty or missing folder is made into one first.

        `origin`, `agency` (`INSTANCE/CLASS/CODE`) and its `title` count only then. Raises `Busy` where another process
        writes, `NotFound` where there is nothing to read, `Damaged` or `Unavailable` where it cannot be used.
        """
        home = Home(folder)
        if read_only:
            if not home.store.exists():
                raise NotFound(
                    f"there is no installation in {folder}; make one with: counterfoil init --home {folder}"
                )
            return cls(home, clock, read_only=True)
        home.create()
        node = cls(home, clock, read_only=False)
        try:
            node._start(origin or f"ledger.local/{secrets.token_hex(8)}", agency, title)
        except BaseException:
            with node._open:
                node.store.database.close()
            raise
        return node

    def _start(self, origin: str, agency: str, title: str) -> None:
        fresh = self.store.head.size == 0
        keys = {use: self._key(use, fresh) for use in KEY_FILES}
        if fresh and not signed_before(self.home):
            begin_last_signed(self.home)
        self._endorsing = keys["endorse"]
        self.origin = origin if fresh else self._parameters().origin
        self._signer = HomeSigner(self.home, self.origin, self.clock)
        self._open.callback(self._signer.close)
        last = self._signer.last.size
        self._signer.check(
            self.store.head.size, self.store.root_at(last) if 0 < last <= self.store.head.size else None
        )
        machine = LedgerMachine(self.store, self._signer)
        self._engine = LocalEngine({LEDGER: machine}, self.clock, self.store.head.time)
        if fresh:
            self._begin(agency, title)
        if not self.home.trust.exists() or not self.home.trust.stat().st_size:
            write_whole(self.home.trust, first_trust(self.store.entries(), self.store.root_at).encode())
        self.agency = self._own_agency()

    def _key(self, use: str, fresh: bool) -> SigningKey:
        if fresh and not (self.home.keys / KEY_FILES[use][0]).exists():
            return self.home.create_key(use)
        return self.home.read_key(use)

    def _begin(self, agency: str, title: str) -> None:
        checkpoint_keys = tuple(key.text for key in self._signer.verifier_keys)
        fields = AgencyFields(title, (self._endorsing.public.text,), checkpoint_keys)
        first = genesis(self.origin, [(agency, fields)], f"agency:{agency}")
        begun = self._ordered([first], settle=True)[0]
        if begun.error is not None:
            raise begun.error

    # Writing

    def submit(
        self,
        proposals: Sequence[Proposal],
        *,
        expectations: Sequence[Expectation] = (),
        idempotency_key: str | None = None,
        request: bytes | None = None,
        not_before: str | None = None,
        deadline: str | None = None,
        keys: Sequence[SigningKey] = (),
        receipt: bool = False,
    ) -> Receipt:
        """Have proposals take effect together, or not at all; returns once they are stored for good.

        The arguments are those of `Submission`. Raises `NotFound` for a document that is not stored, `Refused`
        (`Conflict`, `Reused`, `Violated`, `Unauthorised`, `Lapsed`) or `Malformed`, and then nothing was stored.
        """
        submission = Submission(
            proposals, expectations, idempotency_key, request, not_before, deadline, keys, receipt
        )
        return self.take(submission)

    def take(self, submission: Submission) -> Receipt:
        """As `submit`, of a submission that is made already."""
        (answer,) = self.submit_all([submission])
        if isinstance(answer, CounterfoilError):
            raise answer
        return answer

    def submit_all(self, submissions: Sequence[Submission]) -> list[Receipt | CounterfoilError]:
        """Have each submission taken or refused by itself, all of them stored together where they fit in one block.

        An answer for each, in their order, once what was taken is stored for good. Raises `Unavailable` or `Damaged`
        where nothing could be stored.
        """
        answers: list[Receipt | CounterfoilError | None] = []
        commands: list[Any] = []
        for submission in submissions:
            try:
                transaction = self._draft(submission)
                if submission.drawn is not None:
                    deadline = instant(transaction.header.deadline)
                    self.keyring.keep(submission.drawn, transaction.hash, deadline)
                commands.append(Carried(transaction, submission.items) if submission.items else transaction)
                answers.append(None)
            except (NotFound, Malformed, Refused) as error:
                answers.append(error)
        if any(submission.drawn is not None for submission in submissions):
            self.keyring.commit()
        # Where more records change than may wait for the next index entry, this block brings it.
        crowded = sum(len(each.proposals) for each in submissions) > self.store.room
        settle = crowded or any(each.receipt for each in submissions)
        outcomes = iter(self._ordered(commands, settle=settle) if commands else ())
        return [each if each is not None else _answer_of(next(outcomes)) for each in answers]

    def _draft(self, submission: Submission) -> Transaction:
        submission.check_items()
        for proposal in submission.proposals:
            if proposal.document is not None and not self._has_document(proposal.document):
                raise NotFound(
                    f"the document {proposal.document} is not stored; store it before the entry that names it"
                )
        now = max(int(self.clock()), self.store.head.time)
        header = Header(
            origin=self.origin,
            agency=self.agency,
            count=0,
            root="",
            deadline=submission.deadline or instant_text(now + DEADLINE_SECONDS),
            idempotency=Idempotency(submission.idempotency_key or secrets.token_hex(16), ""),
            expectations=tuple(submission.expectations),
            not_before=submission.not_before,
        )
        digest = self._request_digest(submission.request)
        return draft(header, submission.proposals, digest, (self._endorsing, *submission.keys))

    def _has_document(self, name: str) -> bool:
        with self.reading() as store:
            return store.document_size(name) is not None

    def endorse(self, transaction: str, key: SigningKey | None = None) -> Receipt:
        """Add this agency's endorsement, or that of `key`, to a waiting transaction."""
        return self.add_endorsement(transaction, endorse(transaction, key or self._endorsing))

    def add_endorsement(self, transaction: str, endorsement: Endorsement) -> Receipt:
        """Add an endorsement that a key's holder made to a waiting transaction."""
        return self._answer([Endorse(transaction, endorsement)])

    def withdraw(self, transaction: str) -> Receipt:
        """Take back a waiting transaction that this agency submitted."""
        return self._answer([Withdraw(transaction, endorse(transaction, self._endorsing, WITHDRAWAL))])

    def settle(self) -> None:
        """See that the log ends with an index entry and a published checkpoint; an idle log gains nothing."""
        head = self.store.head
        if head.index is None or head.index.number != head.size - 1:
            self._ordered([], settle=True)

    def publish(self, size: int, note: bytes) -> None:
        """Keep a checkpoint that witnesses have cosigned, in place of the same one with fewer signatures."""
        with self.reading() as store:
            store.keep_published(size, note)

    def put_document(self, parts: Iterable[bytes]) -> str:
        """Store a document, for good before this returns; gives its labelled hash."""
        # By a connection of its own: on the store's, whoever reads would wait, or see what is not stored yet.
        database = Sqlite(self.home.store, second=True)
        try:
            return put_document(database, parts)
        finally:
            database.close()

    def _request_digest(self, request: bytes | None) -> Callable[[Transaction], str]:
        def digest(transaction: Transaction) -> str:
            return self.request_digest(request if request is not None else transaction.root.encode())

        return digest

    def request_digest(self, request: bytes) -> str:
        """The keyed digest by which a header says what its idempotency key stands for."""
        return labelled(hmac.new(self._endorsing.seed, b"request/v1\n" + request, sha256).digest())

    def _ordered(self, commands: Sequence[Any], *, settle: bool = False) -> Sequence[Outcome]:
        if not settle:
            return self._engine.submit(LEDGER, commands)
        return self._engine.submit(LEDGER, [*commands, Settle()])[:-1]

    def _answer(self, commands: Sequence[Any]) -> Receipt:
        answer = _answer_of(self._ordered(commands)[0])
        if isinstance(answer, CounterfoilError):
            raise answer
        return answer

    @property
    def keyring(self) -> Keyring:
        """This agency's keyring, made at first use. Raises as `open_keyring` does.

        Raises `NotFound` where it is gone, and there are items whose keys it has.
        """
        with self._opening:
            if self._keyring is None:
                self._check_keyring()
                self._keyring = open_keyring(self.home.folder, read_only=self.read_only, clock=self.clock)
                self._open.callback(self._keyring.close)
            return self._keyring

    def _check_keyring(self) -> None:
        if self.read_only or self.home.keyring.exists():
            return
        with self.reading() as store:
            if has_own_items(store, self.agency, self.definition):
                raise NotFound(
                    f"there is no keyring in {self.home.folder}, and the log names items whose keys it has; bring it "
                    "back from its newest backup: counterfoil keyring restore"
                )

    # Reading beside what `Reading` gives

    def definition(self, register: str) -> Definition:
        """A register's definition, compiled. Raises `Refused` where there is none."""
        with self.reading() as store:
            return self._knowledge.definition(View(store, store.head.time), register)

    def _parameters(self) -> Any:
        return self._knowledge.parameters(View(self.store, self.store.head.time))

    def _own_agency(self) -> str:
        """The member that lists this node's endorsement key now."""
        view, key = View(self.store, self.store.head.time), self._endorsing.public.text
        for data in self.store.entries():
            if b'"register":".agency"' in data and (entry := decode_entry(data)).register == AGENCY:
                member = self._knowledge.agency(view, entry.record)
                if member is not None and key in member.endorse:
                    return entry.record
        raise Damaged(
            f"no member of this ledger has the key in {self.home.keys}; restore the keys that belong to it"
        )

    # Life

    def close(self) -> None:
        """Settle what was written, and let go of store, keys and lock."""
        with self._open:
            try:
                if not self.read_only:
                    self.settle()
            finally:
                self.store.close()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.close()
        else:
            # What went wrong inside is what the caller must hear of; what was not settled is settled at the next start.
            with self._open:
                self.store.close()


def _answer_of(outcome: Outcome) -> Receipt | CounterfoilError:
    if outcome.error is not None:
        return outcome.error
    return Receipt(outcome.transaction, outcome.standing, outcome.first, outcome.count)
